import type { QueryTag } from '@piste/verifier';
import type { HistoryRow } from './history-row.js';
import type { RowVerdict } from './judge-row.js';

/** A row of which only all others together say what it is. */
export interface LateRow {
  /** Its text is not needed any more and not kept. */
  readonly row: HistoryRow;
  /** Queries that may have run it. */
  readonly roots: readonly string[];
  /** What it is unless another row says otherwise. */
  readonly verdict: RowVerdict;
}

/** The query that stands for a record which is not here. */
export type TagUse = Pick<HistoryRow, 'id' | 'sessionId' | 'startMs' | 'endMs'>;

/** True where others must be heard before this verdict stands. */
export function isLate({ untagged, unseen }: RowVerdict): boolean {
  return unseen !== undefined || untagged === true;
}

export interface LateContext {
  /** What started later than this, the history may not explain yet. */
  readonly youngMs: number;
  /** Queries that former comparisons found, by `placeOf` their tags. */
  readonly earlier: ReadonlyMap<string, TagUse>;
}

/**
 * Judges rows whose records are not here. A signed tag lets one query run: of several under one tag the oldest stands for the
 * record, as a tag is seen only after it was used. What ran in its session while it ran, it may have run itself, as procedures
 * do; everything else is an alarm.
 */
export function judgeLate(late: readonly LateRow[], { youngMs, earlier }: LateContext): readonly LateRow[] {
  const first = new Map<string, LateRow>();
  for (const one of late) {
    const { unseen } = one.verdict;
    if (unseen === undefined) continue;
    const before = first.get(placeOf(unseen));
    if (before === undefined || isBefore(one.row, before.row)) first.set(placeOf(unseen), one);
  }
  const inSession = Map.groupBy(first.values(), ({ row }) => row.sessionId);
  const ids = new Set([...first.values()].map(({ row }) => row.id));
  const possibleChild = ({ startMs }: HistoryRow): RowVerdict => (startMs > youngMs ? YOUNG : POSSIBLE_CHILD);

  function judgeFirst({ row, verdict }: LateRow, place: string): RowVerdict {
    const before = earlier.get(place);
    if (before === undefined || before.id === row.id) return verdict;
    const isNested = before.sessionId === row.sessionId && (isDuring(row, before) || isDuring(before, row));
    return isNested ? possibleChild(row) : REPEATED;
  }

  function judge(one: LateRow): RowVerdict {
    const { row, roots, verdict } = one;
    const place = verdict.unseen === undefined ? undefined : placeOf(verdict.unseen);
    if (place !== undefined && first.get(place) === one) return judgeFirst(one, place);
    if (roots.some((id) => ids.has(id))) return { kind: 'child', message: '' };
    const beside = row.sessionId === undefined ? [] : (inSession.get(row.sessionId) ?? []);
    if (beside.some((other) => isDuring(row, other.row))) return possibleChild(row);
    return place === undefined ? verdict : REPEATED;
  }

  return late.map((one) => ({ ...one, verdict: judge(one) }));
}

const YOUNG: RowVerdict = { kind: 'inside-lag', message: '' };
const POSSIBLE_CHILD: RowVerdict = {
  kind: 'possible-child',
  message: 'ran in the session and during a statement whose record is not here; that one may have run it',
};
const REPEATED: RowVerdict = {
  kind: 'repeated',
  message: 'ran under a tag under which another query ran: its record let one run',
};

/** A writer signs one record at each place. */
export const placeOf = ({ writer, index }: QueryTag): string => `${writer} ${index}`;
const endOf = ({ endMs }: TagUse): number => endMs ?? Number.POSITIVE_INFINITY;
const isBefore = (row: TagUse, other: TagUse): boolean =>
  row.startMs < other.startMs || (row.startMs === other.startMs && endOf(row) > endOf(other));
const isDuring = (row: TagUse, other: TagUse): boolean => other.startMs <= row.startMs && row.startMs <= endOf(other);
