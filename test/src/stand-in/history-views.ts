import { type Cell, type Column, type ColumnType, column, type Table } from './columns.js';
import { SnowflakeFailure, syntaxError } from './failures.js';
import type { HistoryEntry } from './history.js';
import { isToken, type Token } from './lexer.js';
import { readName } from './names.js';
import type { Session } from './sessions.js';

/** Snowflake shows this much of a text. */
const textCharacters = 100_000;
const rangeMilliseconds = 7 * 24 * 3600 * 1000;
const functions = ['QUERY_HISTORY', 'QUERY_HISTORY_BY_USER', 'QUERY_HISTORY_BY_SESSION'] as const;
type HistoryFunction = (typeof functions)[number];

/** A call of one of the table functions: `[database.]INFORMATION_SCHEMA.QUERY_HISTORY…(name => value, …)`. */
export type HistoryCall = {
  readonly name: HistoryFunction;
  readonly args: readonly Token[];
  /** First token behind the call. */
  readonly next: number;
};

/** The call that begins here; undefined if none does. */
export function readHistoryCall(tokens: readonly Token[], at: number): HistoryCall | undefined {
  const { parts, next } = readName(tokens, at);
  const name = functions.find((known) => known === parts.at(-1));
  if (name === undefined || parts.at(-2) !== 'INFORMATION_SCHEMA' || !isToken(tokens[next], '(')) return undefined;
  let depth = 0;
  for (let end = next; end < tokens.length; end += 1) {
    if (isToken(tokens[end], '(')) depth += 1;
    if (isToken(tokens[end], ')')) depth -= 1;
    if (depth === 0) return { name, args: tokens.slice(next + 1, end), next: end + 1 };
  }
  throw syntaxError(name);
}

type Filter = {
  readonly user: string | undefined;
  readonly session: number | undefined;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly limit: number;
  readonly clientGenerated: boolean;
};

/** What a history function answers: the newest statements first, as many as asked for. @throws SnowflakeFailure */
export function queryHistory(
  call: HistoryCall,
  history: readonly HistoryEntry[],
  session: Session,
  nowMs: number,
): Table {
  const filter = readFilter(call, session, nowMs);
  const oldestMs = nowMs - rangeMilliseconds;
  if ((filter.fromMs ?? nowMs) < oldestMs || (filter.toMs ?? nowMs) < oldestMs) {
    throw new SnowflakeFailure('001044', '22023', 'Cannot retrieve data from more than 7 days ago.');
  }
  const chosen = history.filter((entry) => isChosen(entry, filter, oldestMs)).toReversed();
  return toTable(chosen.slice(0, filter.limit), 'function');
}

function isChosen(entry: HistoryEntry, filter: Filter, oldestMs: number): boolean {
  const { user, session, fromMs, toMs, clientGenerated } = filter;
  const endMs = entry.endTime ?? Number.POSITIVE_INFINITY;
  return (
    (user === undefined || entry.user === user) &&
    (session === undefined || entry.sessionId === session) &&
    endMs >= (fromMs ?? oldestMs) &&
    endMs <= (toMs ?? Number.POSITIVE_INFINITY) &&
    (clientGenerated || !entry.isInternal)
  );
}

/** The rows of SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY: everything that ended. The stand-in's view does not lag. */
export function accountQueryHistory(history: readonly HistoryEntry[]): Table {
  return toTable(
    history.filter(({ endTime }) => endTime !== null),
    'view',
  );
}

function readFilter({ name, args }: HistoryCall, session: Session, nowMs: number): Filter {
  const values = new Map<string, readonly Token[]>();
  for (const arg of splitArgs(args)) {
    if (arg[0]?.kind !== 'word' || !isToken(arg[1], '=>')) throw syntaxError(arg[0]?.text ?? name);
    values.set(arg[0].value, arg.slice(2));
  }
  const user = values.get('USER_NAME');
  const time = (key: string) => {
    const value = values.get(key);
    return value === undefined ? undefined : readTime(value, nowMs);
  };
  const limit = Number(values.get('RESULT_LIMIT')?.[0]?.value ?? 100);
  if (!(limit >= 1 && limit <= 10_000))
    throw new SnowflakeFailure('001003', '22023', 'RESULT_LIMIT must be 1 to 10000.');
  return {
    user: name === 'QUERY_HISTORY_BY_USER' ? readUser(user, session) : undefined,
    session:
      name === 'QUERY_HISTORY_BY_SESSION' ? Number(values.get('SESSION_ID')?.[0]?.value ?? session.id) : undefined,
    fromMs: time('END_TIME_RANGE_START'),
    toMs: time('END_TIME_RANGE_END'),
    limit,
    clientGenerated: isToken(values.get('INCLUDE_CLIENT_GENERATED_STATEMENT')?.[0], 'TRUE'),
  };
}

function splitArgs(args: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of args) {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth === 0 && isToken(token, ',')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

function readUser(value: readonly Token[] | undefined, session: Session): string {
  const text = value?.[0];
  if (text === undefined || isToken(text, 'CURRENT_USER')) return session.user;
  if (text.kind !== 'string') throw syntaxError(text.text);
  return /^".*"$/.test(text.value) ? text.value.slice(1, -1) : text.value.toUpperCase();
}

/** A text with a zone, `TO_TIMESTAMP_LTZ` of a text or of milliseconds (scale 3), or the present. */
function readTime(value: readonly Token[], nowMs: number): number {
  const [first, , inner, , scale] = value;
  if (isToken(first, 'CURRENT_TIMESTAMP')) return nowMs;
  if (first?.kind === 'string') return toTime(first.value);
  if (!isToken(first, 'TO_TIMESTAMP_LTZ')) throw syntaxError(first?.text ?? '<EOF>');
  if (inner?.kind === 'string') return toTime(inner.value);
  if (inner?.kind !== 'number' || scale?.value !== '3') throw syntaxError(inner?.text ?? '<EOF>');
  return Number(inner.value);
}

function toTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new SnowflakeFailure('100035', '22007', `Timestamp '${text}' is not recognized`);
  return time;
}

type Source = 'function' | 'view';

const statuses: Readonly<Record<Source, Readonly<Record<HistoryEntry['status'], string>>>> = {
  function: {
    RUNNING: 'RUNNING',
    SUCCESS: 'SUCCESS',
    FAILED_WITH_ERROR: 'FAILED_WITH_ERROR',
    ABORTED: 'FAILED_WITH_ERROR',
  },
  view: { RUNNING: 'RUNNING', SUCCESS: 'SUCCESS', FAILED_WITH_ERROR: 'FAIL', ABORTED: 'FAIL' },
};

const nanos = (milliseconds: number | null): Cell => (milliseconds === null ? null : BigInt(milliseconds) * 1_000_000n);
const count = (value: number | null): Cell => (value === null ? null : BigInt(value));

type Field = readonly [name: string, type: ColumnType, read: (entry: HistoryEntry, source: Source) => Cell];

const fields: readonly Field[] = [
  ['QUERY_ID', 'text', (entry) => entry.queryId],
  ['QUERY_TEXT', 'text', (entry) => Array.from(entry.sqlText).slice(0, textCharacters).join('')],
  ['DATABASE_NAME', 'text', (entry) => entry.database],
  ['SCHEMA_NAME', 'text', (entry) => entry.schema],
  ['QUERY_TYPE', 'text', (entry) => /^\s*(\w+)/.exec(entry.sqlText)?.[1]?.toUpperCase() ?? 'UNKNOWN'],
  ['SESSION_ID', 'fixed', (entry) => BigInt(entry.sessionId)],
  ['USER_NAME', 'text', (entry) => entry.user],
  ['ROLE_NAME', 'text', (entry) => entry.role],
  ['WAREHOUSE_NAME', 'text', (entry) => entry.warehouse],
  ['QUERY_TAG', 'text', (entry) => entry.queryTag],
  ['EXECUTION_STATUS', 'text', (entry, source) => statuses[source][entry.status]],
  ['ERROR_CODE', 'text', (entry) => entry.errorCode],
  ['ERROR_MESSAGE', 'text', (entry) => entry.errorMessage],
  ['START_TIME', 'timestamp_ltz', (entry) => nanos(entry.startTime)],
  ['END_TIME', 'timestamp_ltz', (entry) => nanos(entry.endTime)],
  ['TOTAL_ELAPSED_TIME', 'fixed', (entry) => count((entry.endTime ?? entry.startTime) - entry.startTime)],
  ['ROWS_PRODUCED', 'fixed', (entry) => count(entry.rowsProduced)],
  ['IS_CLIENT_GENERATED_STATEMENT', 'boolean', (entry) => entry.isInternal],
];

function toTable(history: readonly HistoryEntry[], source: Source): Table {
  const columns: readonly Column[] = fields.map(([name, type]) =>
    column(name, type, type === 'timestamp_ltz' ? { scale: 3 } : {}),
  );
  return { columns, rows: history.map((entry) => fields.map(([, , read]) => read(entry, source))) };
}
