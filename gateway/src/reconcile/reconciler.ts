import type { Entry, EntryValue } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Receipt } from '../recording/index.js';
import type { Log } from '../telemetry/index.js';
import type { Comparison } from './comparison.js';
import { type HistorySession, readHistory } from './history-query.js';
import type { TagUse } from './judge-late.js';
import type { ReconcileFinding, ReconcileReport } from './report.js';
import { checkServiceUser, type ServiceUser } from './service-user.js';

/** Who asked for a run. */
export type ReconcileActor = 'schedule' | { readonly issuer: string; readonly subject: string };

/** What one run found, and where it is recorded. */
export interface ReconcileRun {
  readonly connection: string;
  readonly report: ReconcileReport;
  readonly serviceUser: ServiceUser;
  /** Everything that ended up to here was compared. */
  readonly untilMs: number;
  readonly recorded: Receipt;
}

export interface ReconcileMetrics {
  /** Queries of the last week that are not recorded as they ran (`alarm`), or of which nothing could be said (`unproven`). */
  unreconciled(connection: string, weight: 'alarm' | 'unproven', count: number): void;
  reconciled(connection: string, untilMs: number): void;
}

/** Verifier keys (vkey) of registered writers. */
export interface KnownWriters {
  readonly writers: readonly string[];
  /** True: who is not among them is not registered. */
  readonly isWhole: boolean;
}

export interface ReconcilerDeps {
  readonly connections: () => readonly string[];
  /** Opens a recorded session of the gateway's own; rejects when the account does not let it in. */
  readonly openSession: <T>(
    connection: string,
    signal: AbortSignal,
    work: (session: HistorySession) => Promise<T>,
  ) => Promise<T>;
  readonly createComparison: () => Comparison;
  /** Keys of the writers of this deployment as the registry names them now. A failure is logged: then nobody is a stranger. */
  readonly knownWriters?: (() => Promise<KnownWriters>) | undefined;
  /** What the digests of the deployment's records stand under, as far as it is still known. */
  readonly blinds?: (() => Promise<ReadonlyMap<string, Uint8Array>>) | undefined;
  readonly record: (entry: Entry) => Promise<Receipt>;
  /** Offered each recorded result and its place, for the registry. A failure is logged and not told to the caller. */
  readonly announce?: ((fields: Entry['fields']) => Promise<unknown>) | undefined;
  readonly metrics: ReconcileMetrics;
  readonly clock: { nowMs(): number };
  readonly timers: { every(milliseconds: number, work: () => void): () => void };
  readonly log: Log;
  /** 0: only when asked. */
  readonly everySeconds: number;
}

export interface Reconciler {
  /**
   * Compares now. Runs of one connection do not overlap: who asks while one is under way gets its result. Rejects when the
   * history or the records cannot be read, or the result cannot be recorded; that is recorded too, where possible.
   */
  run(connection: string, by: ReconcileActor, sinceMs?: number): Promise<ReconcileRun>;
  /** Stops the schedule and ends runs that are under way. */
  close(): Promise<void>;
}

/** Snowflake's functions reach back seven days; an hour is left for clocks and for the run itself. */
const REACH_MS = (7 * 24 - 1) * 3_600_000;
/** The functions show statements at once; a minute is left for clocks that differ. */
export const LIVE_LAG_MS = 60_000;
const LISTED_FINDINGS = 50;
/** Queries of other gateways that are remembered, to find their tags again: some 200 bytes each. */
const MAX_REMEMBERED_TAGS = 100_000;

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const running = new Map<string, Promise<ReconcileRun>>();
  const doneUntil = new Map<string, number>();
  const open = new Map<string, Map<string, ReconcileFinding>>();
  const tagUses = new Map<string, TagUse>();
  const stopping = new AbortController();

  async function runOnce(connection: string, by: ReconcileActor, sinceMs: number | undefined): Promise<ReconcileRun> {
    const nowMs = deps.clock.nowMs();
    const fromMs = Math.max(nowMs - REACH_MS, sinceMs ?? doneUntil.get(connection) ?? 0);
    try {
      const found = await compare(connection, fromMs, nowMs);
      const entry = resultEntry(connection, fromMs, by, found);
      const recorded = await deps.record(entry);
      keep(connection, found, sinceMs === undefined);
      const { writer: w, index: i, leafHash: r } = recorded;
      // Anybody may read the registry, and the digest is of texts.
      const { digest: _, ...told } = entry.fields;
      deps.announce?.({ ...told, record: { w, i, r } }).catch((error: unknown) => {
        deps.log.warn('a comparison is not in the registry', { connection, error: errorMessage(error) });
      });
      return { connection, ...found, recorded };
    } catch (error) {
      const why = errorMessage(error);
      deps.log.error('the query history is not compared', { connection, error: why });
      await deps.record(failureEntry(connection, fromMs, by, why));
      throw error;
    }
  }

  async function compare(connection: string, fromMs: number, nowMs: number): Promise<Found> {
    const comparison = deps.createComparison();
    try {
      const { read, serviceUser } = await deps.openSession(connection, stopping.signal, async (session) => ({
        serviceUser: await checkServiceUser(session),
        read: await readHistory(session, { fromMs, nowMs }, (rows) => comparison.add(rows)),
      }));
      // Later than the history: who let something run was registered before it.
      const registered = await readRegistered();
      const { report, tags } = await comparison.finish({
        nowMs,
        viewLagMs: LIVE_LAG_MS,
        statementsSinceMs: fromMs,
        untilMs: read.untilMs,
        connection,
        registered,
        earlierTags: tagUses,
        blinds: await deps.blinds?.(),
        // The history was read before the records are: what ran was recorded before it ran.
        recordsAreNewer: true,
      });
      remember(tags, nowMs);
      return { report, serviceUser, untilMs: Math.min(read.untilMs, nowMs - LIVE_LAG_MS) };
    } finally {
      await comparison.close();
    }
  }

  function remember(tags: ReadonlyMap<string, TagUse>, nowMs: number): void {
    for (const [place, use] of tags) tagUses.set(place, use);
    for (const [place, { endMs = nowMs }] of tagUses)
      if (endMs < nowMs - REACH_MS || tagUses.size > MAX_REMEMBERED_TAGS) tagUses.delete(place);
  }

  async function readRegistered(): Promise<KnownWriters | undefined> {
    try {
      return await deps.knownWriters?.();
    } catch (error) {
      deps.log.warn('the registry was not read for a comparison', { error: errorMessage(error) });
      return { writers: [], isWhole: false };
    }
  }

  function keep(connection: string, { report, untilMs }: Found, isSchedule: boolean): void {
    const findings = open.get(connection) ?? new Map<string, ReconcileFinding>();
    open.set(connection, findings);
    for (const finding of report.findings) {
      if (finding.weight !== 'note') findings.set(`${finding.queryId ?? finding.message} ${finding.kind}`, finding);
    }
    const oldestMs = report.nowMs - REACH_MS;
    for (const [key, { atMs }] of findings) if (atMs !== undefined && atMs < oldestMs) findings.delete(key);
    const count = (weight: 'alarm' | 'unproven'): number =>
      [...findings.values()].filter((finding) => finding.weight === weight).length;
    deps.metrics.unreconciled(connection, 'alarm', count('alarm'));
    deps.metrics.unreconciled(connection, 'unproven', count('unproven'));
    if (!isSchedule) return;
    doneUntil.set(connection, untilMs);
    deps.metrics.reconciled(connection, untilMs);
  }

  const run: Reconciler['run'] = (connection, by, sinceMs) => {
    const under = running.get(connection);
    if (under !== undefined) return under;
    const started = runOnce(connection, by, sinceMs).finally(() => running.delete(connection));
    running.set(connection, started);
    return started;
  };

  const stopTimer =
    deps.everySeconds === 0
      ? () => undefined
      : deps.timers.every(deps.everySeconds * 1000, () => {
          for (const connection of deps.connections()) run(connection, 'schedule').catch(() => undefined);
        });

  return {
    run,
    async close() {
      stopTimer();
      stopping.abort(new Error('the gateway stops'));
      await Promise.allSettled(running.values());
    },
  };
}

type Found = Pick<ReconcileRun, 'report' | 'serviceUser' | 'untilMs'>;
type Fields = Record<string, EntryValue>;

const actorField = (by: ReconcileActor): EntryValue => (by === 'schedule' ? by : { iss: by.issuer, sub: by.subject });

function resultEntry(connection: string, fromMs: number, by: ReconcileActor, found: Found): Entry {
  const { report, serviceUser, untilMs } = found;
  const { counts } = report;
  const fields: Fields = {
    connection,
    by: actorField(by),
    outcome: report.outcome,
    from: fromMs,
    until: untilMs,
    now: report.nowMs,
    lag: report.viewLagMs,
    digest: report.historyDigest,
    rows: above0(report.rows),
    statements: above0(report.statements),
    alarms: counts.alarm,
    unproven: counts.unproven,
    notes: counts.note,
    findings: report.findings.slice(0, LISTED_FINDINGS).map(findingFields),
    service: {
      name: serviceUser.name ?? null,
      type: serviceUser.type ?? null,
      net: serviceUser.networkPolicy ?? null,
      v: serviceUser.verdict,
    },
  };
  return { kind: 'reconcile', sessionId: undefined, fields, bodies: [] };
}

function failureEntry(connection: string, fromMs: number, by: ReconcileActor, why: string): Entry {
  const fields = { connection, by: actorField(by), outcome: 'failed', from: fromMs, why: why.slice(0, 500) };
  return { kind: 'reconcile', sessionId: undefined, fields, bodies: [] };
}

const findingFields = ({ weight, kind, queryId, session, atMs }: ReconcileFinding): EntryValue => ({
  w: weight,
  k: kind,
  id: queryId ?? null,
  sess: session ?? null,
  t: atMs ?? null,
});

const above0 = (counts: Readonly<Record<string, number>>): Fields =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
