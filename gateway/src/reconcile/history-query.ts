import { type HistoryRow, parseHistoryRow, QUERY_HISTORY_COLUMNS } from './history-row.js';

/** The rows of an answer, by column name. */
export type AnswerRows = readonly ReadonlyMap<string, string>[];

/** A recorded session of the gateway's own. */
export interface HistorySession {
  /** The database it starts in: history functions belong to one. */
  readonly database: string | undefined;
  /** Undefined when Snowflake refuses the statement or its answer is not whole. */
  ask(text: string, statementClass: 'SELECT' | 'SHOW' | 'DESCRIBE'): Promise<AnswerRows | undefined>;
}

/** The history could not be read; the message says why, without anything of its content. */
export class HistoryUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HistoryUnavailable';
  }
}

/** Rows asked for at once. Snowflake gives up to 10 000, each with up to 100 000 characters. */
const PAGE_ROWS = 2_000;
/** A span is not cut further; Snowflake's times have milliseconds. */
const SHORTEST_SPAN_MS = 1;
/** More is left to the next run. */
export const MAX_RUN_ROWS = 100_000;
const MAX_RUN_CHARACTERS = 128 * 1024 * 1024;

/** Statements of the session's own user that ended in a span, or that ended since or still run. Texts of the gateway's own. */
function historyText(database: string, fromMs: number, toMs: number | undefined): string {
  const time = (ms: number): string => `TO_TIMESTAMP_LTZ(${Math.trunc(ms)}, 3)`;
  const end = toMs === undefined ? '' : `END_TIME_RANGE_END => ${time(toMs)}, `;
  const call = `END_TIME_RANGE_START => ${time(fromMs)}, ${end}RESULT_LIMIT => ${PAGE_ROWS}, INCLUDE_CLIENT_GENERATED_STATEMENT => TRUE`;
  const quoted = `"${database.replaceAll('"', '""')}"`;
  return `SELECT ${QUERY_HISTORY_COLUMNS.join(', ')} FROM TABLE(${quoted}.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(${call}))`;
}

export interface HistoryRead {
  /** Everything that ended up to here was given out. */
  readonly untilMs: number;
  readonly rows: number;
}

/**
 * Reads the history of the session's own user from `fromMs` on, oldest first, and gives each row to `take` once. A function
 * gives only the newest rows of what it found, so a span that fills a page is cut in two. Stops early, and says where, when
 * a run would grow too large. Throws `HistoryUnavailable` when Snowflake does not answer, or answers what cannot be read.
 */
export async function readHistory(
  session: HistorySession,
  span: { readonly fromMs: number; readonly nowMs: number },
  take: (rows: readonly HistoryRow[]) => void,
): Promise<HistoryRead> {
  const { database } = session;
  if (database === undefined) throw new HistoryUnavailable('the connection has no default database to ask through');
  const spans: { readonly fromMs: number; readonly toMs: number | undefined }[] = [
    { fromMs: span.fromMs, toMs: undefined },
  ];
  let edge: ReadonlySet<string> = new Set();
  let rows = 0;
  let characters = 0;
  for (let next = spans.shift(); next !== undefined; next = spans.shift()) {
    const { fromMs, toMs } = next;
    if (rows >= MAX_RUN_ROWS || characters >= MAX_RUN_CHARACTERS) return { untilMs: fromMs, rows };
    const page = await ask(session, historyText(database, fromMs, toMs));
    if (page.length >= PAGE_ROWS) {
      spans.unshift(...cut(fromMs, toMs, span.nowMs));
      continue;
    }
    const fresh = page.filter(({ id }) => !edge.has(id));
    take(fresh);
    rows += fresh.length;
    characters += fresh.reduce((sum, { text, tag }) => sum + text.length + tag.length, 0);
    // Both halves of a span hold its middle.
    edge = new Set(page.filter(({ endMs }) => endMs !== undefined && endMs >= (toMs ?? endMs) - 1).map(({ id }) => id));
  }
  return { untilMs: span.nowMs, rows };
}

function cut(fromMs: number, toMs: number | undefined, nowMs: number) {
  const endMs = toMs ?? Math.max(nowMs, fromMs);
  if (endMs - fromMs <= SHORTEST_SPAN_MS) {
    throw new HistoryUnavailable(`${PAGE_ROWS} or more statements in one moment: the history cannot be read whole`);
  }
  const middleMs = fromMs + Math.floor((endMs - fromMs) / 2);
  return [
    { fromMs, toMs: middleMs },
    { fromMs: middleMs, toMs },
  ];
}

async function ask(session: HistorySession, text: string): Promise<readonly HistoryRow[]> {
  const answer = await session.ask(text, 'SELECT');
  if (answer === undefined) throw new HistoryUnavailable('Snowflake did not give out the query history');
  return answer.map((cells) => {
    const result = parseHistoryRow(Object.fromEntries(cells));
    if (!result.ok) throw new HistoryUnavailable(`a row of the history cannot be read: ${result.complaint}`);
    return result.row;
  });
}
