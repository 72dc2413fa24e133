import { createHash } from 'node:crypto';
import { type LogDamage, type LogRecord, parseQueryTag } from '@piste/verifier';
import { changeFindings, doubts, elsewhereFindings, recordingFindings, unreadFindings } from './doubts.js';
import type { HistoryRow, RowResult } from './history-row.js';
import { isLate, judgeLate, type LateRow, placeOf as placeOfTag, type TagUse } from './judge-late.js';
import { planRow, type RowJudge, type RowPlan, type RowVerdict } from './judge-row.js';
import { judgeStatements, recordedIn } from './judge-statements.js';
import { type ReconcileOptions, settledUntil } from './reconcile-options.js';
import { createRecordIndex, type RecordIndex, type Statement } from './record-index.js';
import {
  createFindings,
  type Findings,
  type ReconcileFinding,
  type ReconcileReport,
  ROW_KINDS,
  ROW_WEIGHTS,
  zeroes,
} from './report.js';
import { isTagSigned, parseTagKey, type TagKey } from './tag-signature.js';

type Stream<T> = Iterable<T> | AsyncIterable<T>;

/** Rows whose signatures are checked side by side. */
const BATCH = 512;
const NOT_NEEDED = Promise.resolve(true);

/**
 * Compares Snowflake's query history with the records: what Snowflake ran for the service user, and what was let run. Pure but
 * for reading the two streams: records first, then rows, each once and in any order of logs and rows. Keeps some hundred bytes
 * for each recorded statement and nothing for a row. See docs/reconciliation.md.
 */
export async function reconcile(
  records: Stream<LogRecord> | AsyncGenerator<LogRecord, readonly LogDamage[]>,
  rows: Stream<HistoryRow | RowResult>,
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  const index = createRecordIndex();
  const damages = await addAll(records, index);
  return judgeRows({ index, damages }, rows, options);
}

/** Records that were read. */
export interface ReadRecords {
  readonly index: RecordIndex;
  /** Where logs stop making sense. */
  readonly damages: readonly LogDamage[];
  /** Logs that are not what they were. */
  readonly changed?: readonly string[];
}

/** Compares rows with records that were read before. Not two at a time: it marks the statements that rows stand for. */
export async function judgeRows(
  { index, damages, changed = [] }: ReadRecords,
  rows: Stream<HistoryRow | RowResult>,
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  index.begin();
  const run = createRun(index, damages, options);
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
  return run.finish(changed);
}

/** Adds the records; where logs stop making sense, if who reads them says so. */
async function addAll(records: Parameters<typeof reconcile>[0], index: RecordIndex): Promise<readonly LogDamage[]> {
  const iterator = Symbol.asyncIterator in records ? records[Symbol.asyncIterator]() : records[Symbol.iterator]();
  for (;;) {
    const step: IteratorResult<LogRecord, unknown> = await iterator.next();
    if (step.done !== true) index.add(step.value);
    else return Array.isArray(step.value) ? (step.value as readonly LogDamage[]) : [];
  }
}

interface Run {
  /** The row if it is one to judge. */
  take(row: HistoryRow | RowResult): HistoryRow | undefined;
  judge(rows: readonly HistoryRow[]): Promise<void>;
  finish(changed: readonly string[]): ReconcileReport;
}

/** A row that waits for the statement that may have run it. */
interface Waiting {
  readonly row: HistoryRow;
  readonly plan: RowPlan;
  readonly isSigned: boolean;
}

function createRun(index: RecordIndex, damages: readonly LogDamage[], options: ReconcileOptions): Run {
  const { nowMs, viewLagMs, user } = options;
  const sinceMs = options.sinceMs ?? index.firstMs;
  const findings = createFindings();
  const rowCounts = zeroes(ROW_KINDS);
  const digest = createRowDigest();
  const waiting: Waiting[] = [];
  const late: LateRow[] = [];
  const elsewhere = new Map<string, number>();
  const unread = new Map<string, number>();
  const broken = damages.filter(({ problem }) => problem.severity === 'tampered');
  const registered = options.registered ?? { writers: [], isWhole: true };
  const isRegistered = keysOf(registered.writers);
  const isTrusted = keysOf(options.writers ?? []);
  const users = new Set<string>();
  /** Ids of matched rows that no answer names, for what they ran. */
  const matchedIds = new Set<string>();
  let openMs = settledUntil(options);
  const judge: RowJudge = {
    index,
    nowMs,
    viewLagMs,
    connection: options.connection,
    keyOf: (origin) => isTrusted(origin) ?? isRegistered(origin),
    isRegistered: (origin) => isRegistered(origin) !== undefined,
    allRegisteredAreKnown: registered.isWhole,
    copies: options.copies ?? new Set(),
    cut: new Set(broken.filter(({ problem }) => problem.code === 'missing-segment').map(({ log }) => log)),
    blinds: options.blinds ?? new Map(),
    recordsAreNewer: options.recordsAreNewer ?? false,
    signatures: options.signatures ?? 'all',
  };

  /** Such rows are told once for each writer, with the time of the newest. */
  function tellOnce(told: Map<string, number>, writer: string, { startMs }: HistoryRow): void {
    told.set(writer, Math.max(told.get(writer) ?? 0, startMs));
  }

  function close(row: HistoryRow, { kind, message, statement, unseen, unreadIn }: RowVerdict): void {
    rowCounts[kind] += 1;
    if (kind === 'recorded-elsewhere' && unseen !== undefined) {
      tellOnce(elsewhere, unseen.writer, row);
      return;
    }
    if (kind === 'inside-lag') openMs = Math.min(openMs, row.startMs);
    if ((kind === 'matched' || kind === 'text-unread') && statement !== undefined) {
      compareRows(row, statement, findings);
      if (statement.upstreamId === undefined) matchedIds.add(row.id);
    }
    if (unreadIn !== undefined) {
      tellOnce(unread, unreadIn, row);
      return;
    }
    const weight = ROW_WEIGHTS[kind];
    if (weight !== undefined)
      findings.add({ weight, kind, message, ...placeOf(row), ...(statement && recordedIn(statement)) });
  }

  const isRecorded = (id: string): boolean => matchedIds.has(id) || index.answeredAs(id) !== undefined;

  function settle({ row, plan, isSigned }: Waiting, isLast: boolean): void {
    const isChild = plan.roots.some(isRecorded);
    const isOpen = plan.roots.length > 0 && !isChild;
    if (isChild) close(row, { kind: 'child', message: '' });
    else if (isOpen && !isLast) waiting.push({ row, plan, isSigned });
    else if (isOpen && row.startMs > nowMs - viewLagMs) close(row, { kind: 'inside-lag', message: '' });
    else {
      const verdict = plan.conclude(isSigned);
      if (isLate(verdict)) late.push({ row: { ...row, text: '' }, roots: plan.roots, verdict });
      else close(row, verdict);
    }
  }

  return {
    take(given) {
      if ('ok' in given && !given.ok) {
        rowCounts.unreadable += 1;
        findings.add({ weight: 'unproven', kind: 'unreadable', message: given.complaint });
        return undefined;
      }
      const row = 'ok' in given ? given.row : given;
      digest.add(row);
      const isJudged =
        (user === undefined || row.user === user) && (row.startMs >= (sinceMs ?? 0) || isOfLog(index, row));
      if (!isJudged) rowCounts['not-judged'] += 1;
      else if (users.size < 2) users.add(row.user);
      return isJudged ? row : undefined;
    },

    async judge(rows) {
      const plans = rows.map((row) => planRow(judge, row));
      const signed = await Promise.all(
        plans.map(({ check }) => (check === undefined ? NOT_NEEDED : isTagSigned(check.tag, check.key))),
      );
      // One after another: of two rows for one record the first stands for it.
      for (const [at, row] of rows.entries()) {
        const plan = plans[at];
        if (plan !== undefined) settle({ row, plan, isSigned: signed[at] ?? false }, false);
      }
    },

    finish(changed) {
      for (const row of waiting) settle(row, true);
      const context = { youngMs: nowMs - viewLagMs, earlier: options.earlierTags ?? new Map<string, TagUse>() };
      for (const { row, verdict } of judgeLate(late, context)) {
        close(row, verdict);
        const { id, sessionId, startMs, endMs } = row;
        if (verdict.unseen !== undefined)
          options.tellTag?.(placeOfTag(verdict.unseen), { id, sessionId, startMs, endMs });
      }
      const ofLogs = [
        ...elsewhereFindings(elsewhere),
        ...unreadFindings(unread),
        ...changeFindings(changed, nowMs),
        ...recordingFindings(options, broken),
      ];
      for (const finding of ofLogs) findings.add(finding);
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
        historyDigest: digest.hex(),
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

/** Keys are read when they are asked for: a deployment had many writers, and few of them are in a history. */
function keysOf(vkeys: readonly string[]): RowJudge['keyOf'] {
  const byOrigin = new Map(vkeys.map((vkey) => [vkey.slice(0, vkey.indexOf('+')), vkey]));
  const read = new Map<string, TagKey | undefined>();
  return (origin) => {
    const vkey = byOrigin.get(origin);
    if (vkey === undefined || read.has(origin)) return read.get(origin);
    const key = parseTagKey(vkey);
    read.set(origin, key?.writer === origin ? key : undefined);
    return read.get(origin);
  };
}

/** Texts hashed at once: a call costs as much as a row. */
const DIGEST_CHARACTERS = 8 * 1024;

/** SHA-256 over rows, each value behind its length so that none can be shifted into the next. */
function createRowDigest(): { add(row: HistoryRow): void; hex(): string } {
  const digest = createHash('sha256');
  let pending = '';
  return {
    add({ id, text, tag, user, sessionId = '-', startMs, endMs, failed, rootId = '-', parentId = '-' }) {
      const short = `${id} ${startMs} ${endMs ?? '-'} ${failed} ${sessionId} ${rootId} ${parentId}`;
      pending += `${short.length}:${short}${user.length}:${user}${tag.length}:${tag}${text.length}:${text}\n`;
      if (pending.length < DIGEST_CHARACTERS) return;
      digest.update(pending);
      pending = '';
    },
    hex: () => digest.update(pending).digest('hex'),
  };
}

/** Rows Snowflake gave out and rows the records hold, where the whole answer is recorded. */
function compareRows(row: HistoryRow, statement: Statement, findings: Findings): void {
  const isQuery = statement.statementClass === 'SELECT' && !statement.describe;
  const given = row.resultRows ?? row.rowsProduced;
  const isWhole = statement.answered && !statement.failed && (statement.delivered?.size ?? 0) === statement.parts;
  if (!isQuery || !isWhole || given === undefined || given === statement.rows) return;
  const message = `Snowflake counts ${given} rows, the records hold ${statement.rows}`;
  findings.add({ weight: 'note', kind: 'rows-differ', message, ...placeOf(row), ...recordedIn(statement) });
}
