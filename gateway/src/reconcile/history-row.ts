/** One row of Snowflake's query history, with what reconciling needs of it. Times in milliseconds since the epoch. */
export interface HistoryRow {
  readonly id: string;
  /** Cut at 100 000 characters by Snowflake. */
  readonly text: string;
  /** Empty when there is none. */
  readonly tag: string;
  readonly user: string;
  readonly sessionId: string | undefined;
  readonly startMs: number;
  /** Undefined while it runs. */
  readonly endMs: number | undefined;
  readonly failed: boolean;
  /** Rows of the result as the agent could get them; undefined where the history does not say. */
  readonly resultRows: number | undefined;
  /** Rows a query produced; of other statements it counts something else. */
  readonly rowsProduced: number | undefined;
  /** The statement that called this one, from ACCESS_HISTORY; undefined where the history does not say. */
  readonly rootId: string | undefined;
  readonly parentId: string | undefined;
}

export type RowResult =
  | { readonly ok: true; readonly row: HistoryRow }
  | { readonly ok: false; readonly complaint: string };

/** Columns of QUERY_HISTORY that every look reads. */
export const QUERY_HISTORY_COLUMNS = [
  'QUERY_ID',
  'QUERY_TEXT',
  'QUERY_TAG',
  'USER_NAME',
  'SESSION_ID',
  'START_TIME',
  'END_TIME',
  'EXECUTION_STATUS',
  'ROWS_PRODUCED',
] as const;

/** Without these nothing can be said of any row. */
export const NEEDED_COLUMNS = [
  'QUERY_ID',
  'QUERY_TEXT',
  'QUERY_TAG',
  'USER_NAME',
  'SESSION_ID',
  'START_TIME',
  'EXECUTION_STATUS',
] as const;

/** With one that only exports have, and two of ACCESS_HISTORY that may stand beside them. */
export const HISTORY_COLUMNS = [
  ...QUERY_HISTORY_COLUMNS,
  'ROWS_WRITTEN_TO_RESULT',
  'ROOT_QUERY_ID',
  'PARENT_QUERY_ID',
] as const;

type ColumnName = (typeof HISTORY_COLUMNS)[number];

/** Reads one row as an object of columns, whatever the case of their names. */
export function parseHistoryRow(columns: Readonly<Record<string, unknown>>): RowResult {
  const cell = createCells(columns);
  const text = (name: ColumnName): string | undefined => toText(cell(name));
  const id = text('QUERY_ID')?.toLowerCase();
  const user = text('USER_NAME');
  const queryText = toText(cell('QUERY_TEXT'), true);
  const startMs = parseTime(cell('START_TIME'));
  if (id === undefined) return { ok: false, complaint: 'no QUERY_ID' };
  if (user === undefined) return { ok: false, complaint: `query ${id}: no USER_NAME` };
  if (queryText === undefined) return { ok: false, complaint: `query ${id}: no QUERY_TEXT` };
  if (startMs === undefined)
    return { ok: false, complaint: `query ${id}: START_TIME is no moment with a time zone: ISO 8601 or epoch seconds` };
  return {
    ok: true,
    row: {
      id,
      text: queryText,
      tag: text('QUERY_TAG') ?? '',
      user,
      sessionId: text('SESSION_ID'),
      startMs,
      endMs: parseTime(cell('END_TIME')),
      failed: /^fail|error/i.test(text('EXECUTION_STATUS') ?? ''),
      resultRows: toCount(text('ROWS_WRITTEN_TO_RESULT')),
      rowsProduced: toCount(text('ROWS_PRODUCED')),
      rootId: text('ROOT_QUERY_ID')?.toLowerCase(),
      parentId: text('PARENT_QUERY_ID')?.toLowerCase(),
    },
  };
}

/** Cells by the upper-case names of their columns, which most exports use as they are. */
function createCells(columns: Readonly<Record<string, unknown>>): (name: ColumnName) => unknown {
  if (Object.hasOwn(columns, 'QUERY_ID')) return (name) => (Object.hasOwn(columns, name) ? columns[name] : undefined);
  const cells = new Map(Object.entries(columns).map(([name, value]) => [name.toUpperCase(), value]));
  return (name) => cells.get(name);
}

/** Exports write null as nothing or as `\N`. */
function toText(cell: unknown, emptyIsText = false): string | undefined {
  if (typeof cell === 'number' || typeof cell === 'bigint') return String(cell);
  if (typeof cell !== 'string' || cell === '\\N') return undefined;
  return cell === '' && !emptyIsText ? undefined : cell;
}

function toCount(text: string | undefined): number | undefined {
  const count = text === undefined ? Number.NaN : Number(text);
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(Z|[+-]\d\d:?\d\d)$/;
/** The form most exports use, which needs no rewriting. */
const UTC_MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Digits of an epoch above this are milliseconds, below it seconds; both are far from today. */
const SECONDS_BELOW = 100_000_000_000;

/** A moment as exports and the wire write it; undefined without a time zone. */
export function parseTime(cell: unknown): number | undefined {
  const text = toText(cell);
  if (text === undefined) return undefined;
  if (UTC_MOMENT.test(text)) return toMoment(text);
  if (/^\d+(\.\d+)?$/.test(text)) {
    const epoch = Number(text);
    return Math.trunc(epoch < SECONDS_BELOW ? epoch * 1000 : epoch);
  }
  const [, date, time, zone] = MOMENT.exec(text) ?? [];
  if (date === undefined || time === undefined || zone === undefined) return undefined;
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  // Nine digits of a second are more than every reader of dates knows.
  return toMoment(`${date}T${time.slice(0, 12)}${offset}`);
}

function toMoment(text: string): number | undefined {
  const millis = Date.parse(text);
  return Number.isNaN(millis) ? undefined : millis;
}
