/** What became of one history row. Closed vocabulary, docs/reconciliation.md says what each means. */
export const ROW_KINDS = [
  'matched',
  'child',
  'inside-lag',
  'not-judged',
  'unrecorded',
  'tag-differs',
  'text-differs',
  'session-differs',
  'repeated',
  'record-missing',
  'recorded-elsewhere',
  'log-not-here',
  'log-ends-earlier',
  'possible-child',
  'text-unread',
  'unreadable',
] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** What became of one recorded statement. */
export const STATEMENT_KINDS = [
  'in-history',
  'never-forwarded',
  'rejected',
  'inside-lag',
  'not-judged',
  'outcome-unknown',
  'not-in-history',
] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/** `alarm`: Snowflake ran what is not recorded so. `unproven`: stands in the way of "complete". `note` informs. */
export type Weight = 'alarm' | 'unproven' | 'note';

export const ROW_WEIGHTS: Readonly<Record<RowKind, Weight | undefined>> = {
  matched: undefined,
  child: undefined,
  'inside-lag': undefined,
  'not-judged': undefined,
  unrecorded: 'alarm',
  'tag-differs': 'alarm',
  'text-differs': 'alarm',
  'session-differs': 'alarm',
  repeated: 'alarm',
  'record-missing': 'alarm',
  'recorded-elsewhere': 'unproven',
  'log-not-here': 'unproven',
  'log-ends-earlier': 'unproven',
  'possible-child': 'unproven',
  'text-unread': 'unproven',
  unreadable: 'unproven',
};

export const STATEMENT_WEIGHTS: Readonly<Record<StatementKind, Weight | undefined>> = {
  'in-history': undefined,
  'never-forwarded': undefined,
  rejected: undefined,
  'inside-lag': undefined,
  'not-judged': undefined,
  'outcome-unknown': 'note',
  'not-in-history': 'unproven',
};

/** One thing worth telling. Holds no text of a statement. */
export interface ReconcileFinding {
  readonly weight: Weight;
  readonly kind:
    | RowKind
    | StatementKind
    | 'rows-differ'
    | 'several-users'
    | 'several-connections'
    | 'history-incomplete'
    | 'recording';
  readonly message: string;
  /** Snowflake's query id. */
  readonly queryId?: string;
  readonly user?: string;
  /** Digits of Snowflake's session number. */
  readonly session?: string;
  /** The recorded session of the statement it is about. */
  readonly recordedIn?: string;
  readonly atMs?: number;
}

/** What reconciling concludes. */
export interface ReconcileReport {
  /** `complete`: everything the history shows up to `completeUntilMs` is recorded as it ran. */
  readonly outcome: 'complete' | 'alarm' | 'cannot-conclude';
  readonly rows: Readonly<Record<RowKind, number>>;
  readonly statements: Readonly<Record<StatementKind, number>>;
  /** Alarms first; at most `MAX_FINDINGS` of each weight. `more` says how many are not listed. */
  readonly findings: readonly ReconcileFinding[];
  readonly counts: Readonly<Record<Weight, number>>;
  readonly sinceMs: number | undefined;
  /** Undefined unless complete. */
  readonly completeUntilMs: number | undefined;
  /** SHA-256 (hex) over the rows as they were read, in their order. */
  readonly historyDigest: string;
  readonly user: string | undefined;
  readonly connection: string | undefined;
  readonly nowMs: number;
  readonly viewLagMs: number;
}

export const MAX_FINDINGS = 1_000;

/** Collects findings, bounded however many there are. */
export interface Findings {
  add(finding: ReconcileFinding): void;
  list(): readonly ReconcileFinding[];
  readonly counts: Readonly<Record<Weight, number>>;
}

export function createFindings(): Findings {
  const counts = { alarm: 0, unproven: 0, note: 0 };
  const kept: Record<Weight, ReconcileFinding[]> = { alarm: [], unproven: [], note: [] };
  return {
    add(finding) {
      counts[finding.weight] += 1;
      if (kept[finding.weight].length < MAX_FINDINGS) kept[finding.weight].push(finding);
    },
    list: () => [...kept.alarm, ...kept.unproven, ...kept.note],
    counts,
  };
}

/** A count for each kind. */
export function zeroes<K extends string>(kinds: readonly K[]): Record<K, number> {
  return Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<K, number>;
}
