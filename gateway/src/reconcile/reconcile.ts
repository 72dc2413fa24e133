import { createHash, type Hash } from 'node:crypto';
import { type LogRecord, parseQueryTag } from '@piste/verifier';
import type { HistoryRow, RowResult } from './history-row.js';
import { planRow, type RowJudge, type RowPlan, type RowVerdict } from './judge-row.js';
import { createRecordIndex, type RecordIndex, type Statement } from './record-index.js';
import {
  createFindings,
  type Findings,
  type ReconcileFinding,
  type ReconcileReport,
  ROW_KINDS,
  ROW_WEIGHTS,
  STATEMENT_KINDS,
  STATEMENT_WEIGHTS,
  type StatementKind,
} from './report.js';
import { isTagSigned, parseTagKey } from './tag-signature.js';

export interface ReconcileOptions {
  readonly nowMs: number;
  /** How late the history may be: what is younger is not missed yet. */
  readonly viewLagMs: number;
  /** The service user; rows of others are not judged. Undefined: every row is the service user's. */
  readonly user?: string | undefined;
  /** Rows and statements from here on are judged; by default from the oldest record on. */
  readonly sinceMs?: number | undefined;
  /** Statements from here on are missed where no row stands for them; by default the same. */
  readonly statementsSinceMs?: number | undefined;
  /** How far the history was read; by default up to now. */
  readonly untilMs?: number | undefined;
  /** The SnowflakeConnection the history is of; needed where the records are of several. */
  readonly connection?: string | undefined;
  /** Verifier keys (vkey) of writers that are known from elsewhere: a trust file, the registry. */
  readonly writers?: readonly string[] | undefined;
  /** The records were read after the history: a row without a record is then not a matter of an older copy. */
  readonly recordsAreNewer?: boolean | undefined;
  readonly signatures?: 'all' | 'needed' | undefined;
  /** The account has hybrid tables, whose short statements Snowflake does not list. */
  readonly hybridTables?: boolean | undefined;
  /** Why the history is known not to be whole. */
  readonly historyComplaint?: string | undefined;
}

type Stream<T> = Iterable<T> | AsyncIterable<T>;

/** Rows whose signatures are checked side by side. */
const BATCH = 512;

/**
 * Compares Snowflake's query history with the records: what Snowflake ran for the service user, and what was let run. Pure but
 * for reading the two streams: records first, then rows, each once and in any order of logs and rows. Keeps some hundred bytes
 * for each recorded statement and nothing for a row. See docs/reconciliation.md.
 */
export async function reconcile(
  records: Stream<LogRecord>,
  rows: Stream<HistoryRow | RowResult>,
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  const index = createRecordIndex();
  for await (const record of records) index.add(record);
  const run = createRun(index, options);
  let batch: HistoryRow[] = [];
  for await (const row of rows) {
    const read = run.take(row);
    if (read === undefined) continue;
    batch.push(read);
    if (batch.length < BATCH) continue;
    await run.judge(batch);
    batch = [];
  }
  await run.judge(batch);
  return run.finish();
}

interface Run {
  /** The row if it is one to judge. */
  take(row: HistoryRow | RowResult): HistoryRow | undefined;
  judge(rows: readonly HistoryRow[]): Promise<void>;
  finish(): ReconcileReport;
}

/** A row that waits for the statement that may have run it. */
interface Waiting {
  readonly row: HistoryRow;
  readonly plan: RowPlan;
  readonly isSigned: boolean;
}

function createRun(index: RecordIndex, options: ReconcileOptions): Run {
  const { nowMs, viewLagMs, user } = options;
  const sinceMs = options.sinceMs ?? index.firstMs;
  const findings = createFindings();
  const rowCounts = zeroes(ROW_KINDS);
  const digest = createHash('sha256');
  const waiting: Waiting[] = [];
  const users = new Set<string>();
  /** Ids of matched rows that no answer names, for what they ran. */
  const matchedIds = new Set<string>();
  let openMs = settledUntil(options);
  const judge: RowJudge = {
    index,
    nowMs,
    viewLagMs,
    connection: options.connection,
    keyOf: keysOf(options.writers ?? []),
    recordsAreNewer: options.recordsAreNewer ?? false,
    signatures: options.signatures ?? 'all',
  };

  function close(row: HistoryRow, { kind, message, statement }: RowVerdict): void {
    rowCounts[kind] += 1;
    if (kind === 'inside-lag') openMs = Math.min(openMs, row.startMs);
    if (kind === 'matched' && statement !== undefined) {
      compareRows(row, statement, findings);
      if (statement.upstreamId === undefined) matchedIds.add(row.id);
    }
    const weight = ROW_WEIGHTS[kind];
    if (weight !== undefined) findings.add({ weight, kind, message, ...placeOf(row) });
  }

  const isRecorded = (id: string): boolean => matchedIds.has(id) || index.answeredAs(id) !== undefined;

  function settle({ row, plan, isSigned }: Waiting, isLast: boolean): void {
    const isChild = plan.roots.some(isRecorded);
    const isOpen = plan.roots.length > 0 && !isChild;
    if (isChild) close(row, { kind: 'child', message: '' });
    else if (isOpen && !isLast) waiting.push({ row, plan, isSigned });
    else if (isOpen && row.startMs > nowMs - viewLagMs) close(row, { kind: 'inside-lag', message: '' });
    else close(row, plan.conclude(isSigned));
  }

  return {
    take(given) {
      if ('ok' in given && !given.ok) {
        rowCounts.unreadable += 1;
        findings.add({ weight: 'unproven', kind: 'unreadable', message: given.complaint });
        return undefined;
      }
      const row = 'ok' in given ? given.row : given;
      addToDigest(digest, row);
      const isJudged =
        (user === undefined || row.user === user) && (row.startMs >= (sinceMs ?? 0) || isOfLog(index, row));
      if (!isJudged) rowCounts['not-judged'] += 1;
      else if (users.size < 2) users.add(row.user);
      return isJudged ? row : undefined;
    },

    async judge(rows) {
      const plans = rows.map((row) => planRow(judge, row));
      const signed = await Promise.all(
        plans.map(async ({ check }) => check === undefined || (await isTagSigned(check.tag, check.key))),
      );
      // One after another: of two rows for one record the first stands for it.
      for (const [at, row] of rows.entries()) {
        const plan = plans[at];
        if (plan !== undefined) settle({ row, plan, isSigned: signed[at] ?? false }, false);
      }
    },

    finish() {
      for (const row of waiting) settle(row, true);
      const statements = judgeStatements(
        index,
        { ...options, sinceMs: options.statementsSinceMs ?? sinceMs },
        findings,
      );
      for (const finding of doubts(options, { users, others: rowCounts['not-judged'] }, index)) findings.add(finding);
      const { counts } = findings;
      const outcome = counts.alarm > 0 ? 'alarm' : counts.unproven > 0 ? 'cannot-conclude' : 'complete';
      return {
        outcome,
        rows: rowCounts,
        statements,
        findings: findings.list(),
        counts,
        sinceMs,
        completeUntilMs: outcome === 'complete' ? openMs : undefined,
        historyDigest: digest.digest('hex'),
        user,
        connection: options.connection,
        nowMs,
        viewLagMs,
      };
    },
  };
}

/** Clocks differ: a statement of a log that is here is judged even where Snowflake dates it before the log's beginning. */
function isOfLog(index: RecordIndex, row: HistoryRow): boolean {
  const tag = parseQueryTag(row.tag);
  return tag !== undefined && index.writer(tag.writer) !== undefined;
}

const placeOf = (row: HistoryRow): Pick<ReconcileFinding, 'queryId' | 'user' | 'atMs' | 'session'> => ({
  queryId: row.id,
  user: row.user,
  atMs: row.startMs,
  ...(row.sessionId === undefined ? {} : { session: row.sessionId }),
});

function keysOf(vkeys: readonly string[]): RowJudge['keyOf'] {
  const keys = new Map(vkeys.flatMap((vkey) => parseTagKey(vkey) ?? []).map((key) => [key.writer, key]));
  return (origin) => keys.get(origin);
}

/** Each value behind its length, so that none can be shifted into the next. */
function addToDigest(digest: Hash, row: HistoryRow): void {
  const { id, text, tag, user, sessionId = '-', startMs, endMs, failed, rootId = '-', parentId = '-' } = row;
  const short = `${id} ${startMs} ${endMs ?? '-'} ${failed} ${sessionId} ${rootId} ${parentId}`;
  digest.update(`${short.length}:${short}${user.length}:${user}${tag.length}:${tag}${text.length}:${text}\n`);
}

/** Rows Snowflake gave out and rows the records hold, where the whole answer is recorded. */
function compareRows(row: HistoryRow, statement: Statement, findings: Findings): void {
  const isQuery = statement.statementClass === 'SELECT' && !statement.describe;
  const given = row.resultRows ?? row.rowsProduced;
  const isWhole = statement.answered && !statement.failed && (statement.delivered?.size ?? 0) === statement.parts;
  if (!isQuery || !isWhole || given === undefined || given === statement.rows) return;
  const message = `Snowflake counts ${given} rows, the records hold ${statement.rows}`;
  findings.add({ weight: 'note', kind: 'rows-differ', message, ...placeOf(row) });
}

/** Up to here the history shows everything. */
const settledUntil = ({ nowMs, viewLagMs, untilMs }: ReconcileOptions): number =>
  Math.min(nowMs - viewLagMs, untilMs ?? nowMs);

function judgeStatements(
  index: RecordIndex,
  options: ReconcileOptions,
  findings: Findings,
): Readonly<Record<StatementKind, number>> {
  const counts = zeroes(STATEMENT_KINDS);
  for (const statement of index.statements()) {
    const kind = statementKind(index, options, statement);
    counts[kind] += 1;
    const weight = kind === 'not-in-history' && options.hybridTables === true ? 'note' : STATEMENT_WEIGHTS[kind];
    if (weight === undefined) continue;
    const { upstreamId, timeMs } = statement;
    findings.add({
      weight,
      kind,
      message:
        kind === 'not-in-history'
          ? 'Snowflake answered it, and the history does not show it: not whole, of another user, or a short statement on hybrid tables'
          : 'was let run, and neither an answer nor the history says what became of it',
      atMs: timeMs,
      ...(upstreamId === undefined ? {} : { queryId: upstreamId }),
    });
  }
  return counts;
}

function statementKind(index: RecordIndex, options: ReconcileOptions, statement: Statement): StatementKind {
  const { sinceMs, connection } = options;
  if (statement.leaves === 0) return 'never-forwarded';
  if (statement.seen) return 'in-history';
  const recordedAt = index.session(statement.sessionId)?.connection;
  const isElsewhere = connection !== undefined && recordedAt !== undefined && recordedAt !== connection;
  if (isElsewhere || statement.timeMs < (sinceMs ?? 0)) return 'not-judged';
  if (Math.max(statement.timeMs, statement.answeredMs ?? 0) > settledUntil(options)) return 'inside-lag';
  // Whether Snowflake lists a statement that was only described, it does not say.
  if (statement.upstreamId !== undefined) return statement.describe ? 'rejected' : 'not-in-history';
  return statement.answered && statement.failed ? 'rejected' : 'outcome-unknown';
}

function doubts(
  { user, connection, historyComplaint }: ReconcileOptions,
  { users, others }: { readonly users: ReadonlySet<string>; readonly others: number },
  index: RecordIndex,
): readonly ReconcileFinding[] {
  const found: ReconcileFinding[] = [];
  const doubt = (kind: ReconcileFinding['kind'], message: string): void => {
    found.push({ weight: 'unproven', kind, message });
  };
  if (user === undefined && users.size > 1)
    doubt('several-users', 'the history is of several users; name the service user');
  if (connection === undefined && index.connections.size > 1)
    doubt('several-connections', 'the records are of several connections; name the one the history is of');
  if (user !== undefined && users.size === 0 && others > 0)
    doubt('several-users', 'no row is of the user that is named; user names count case and all');
  if (historyComplaint !== undefined) doubt('history-incomplete', historyComplaint);
  return found;
}

function zeroes<K extends string>(kinds: readonly K[]): Record<K, number> {
  return Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<K, number>;
}
