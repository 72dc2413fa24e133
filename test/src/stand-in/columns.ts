/** The types of `rowtype` that the stand-in produces (protocol notes 5.1). */
export type ColumnType =
  | 'fixed'
  | 'real'
  | 'text'
  | 'boolean'
  | 'date'
  | 'time'
  | 'timestamp_ntz'
  | 'timestamp_ltz'
  | 'timestamp_tz'
  | 'binary'
  | 'variant'
  | 'object'
  | 'array'
  | 'geography';

/** One entry of `rowtype`, in the spelling of the wire. */
export type Column = {
  readonly name: string;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly nullable: boolean;
  readonly type: ColumnType;
  readonly byteLength: number | null;
  readonly length: number | null;
  readonly scale: number | null;
  readonly precision: number | null;
  readonly collation: null;
};

/** A moment with its own offset; only `timestamp_tz` has one. */
export type ZonedMoment = { readonly nanos: bigint; readonly offsetMinutes: number };

/**
 * A value between DuckDB and the encoders: fixed = unscaled integer, real = number, date = days, time and timestamps =
 * nanoseconds, binary = bytes, text and semi-structured = string.
 */
export type Cell = bigint | number | string | boolean | Uint8Array | ZonedMoment | null;

/** The text of a cell that is a plain value; bytes and zoned moments have encodings of their own. */
export function cellText(cell: Cell): string {
  if (cell === null || typeof cell === 'object') throw new TypeError('not a plain cell');
  return String(cell);
}

/** Columns and rows of one answer. */
export type Table = { readonly columns: readonly Column[]; readonly rows: readonly (readonly Cell[])[] };

/** Characters of a Snowflake VARCHAR without a declared length. */
export const maxTextLength = 16_777_216;
/** Bytes of a Snowflake BINARY without a declared length. */
export const maxBinaryLength = 8_388_608;

/** Builds a column; facts a type does not have are null, as on the wire. */
export function column(name: string, type: ColumnType, facts: Partial<Column> = {}): Column {
  const isText = type === 'text';
  return {
    name,
    database: '',
    schema: '',
    table: '',
    nullable: true,
    type,
    byteLength: isText ? maxTextLength : type === 'binary' ? maxBinaryLength : null,
    length: isText ? maxTextLength : type === 'binary' ? maxBinaryLength : null,
    scale: defaultScale(type),
    precision: type === 'fixed' ? 38 : isMoment(type) ? 0 : null,
    collation: null,
    ...facts,
  };
}

/** Is this a time of day or a timestamp, whose cell is nanoseconds? */
export function isMoment(type: ColumnType): boolean {
  return type === 'time' || type.startsWith('timestamp');
}

function defaultScale(type: ColumnType): number | null {
  if (type === 'fixed') return 0;
  return isMoment(type) ? 9 : null;
}

/** A table whose columns are all text, the shape of most SHOW answers. */
export function textTable(names: readonly string[], rows: readonly (readonly (string | null)[])[]): Table {
  return { columns: names.map((name) => column(name, 'text')), rows };
}

/** The one-row answer of DDL and session statements. */
export function statusTable(message = 'Statement executed successfully.'): Table {
  return textTable(['status'], [[message]]);
}

/** The one-row answer of DML: a column per counter. */
export function counterTable(counters: Readonly<Record<string, number>>): Table {
  const names = Object.keys(counters);
  return {
    columns: names.map((name) => column(name, 'fixed', { precision: 19, nullable: false })),
    rows: [names.map((name) => BigInt(counters[name] ?? 0))],
  };
}
