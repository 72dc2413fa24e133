import type { TagNeeds } from '../../policy/index.js';
import { type CatalogColumn, type ColumnTag, type ObjectName, quoteIdentifier } from '../../sql/index.js';
import type { Rows } from './own-statements.js';

/** The texts by which the gateway asks for objects of one database, and what their answers say. */

const TABLES = ['TABLE_SCHEMA', 'TABLE_NAME', 'TABLE_TYPE'];
const COLUMNS = [
  'TABLE_SCHEMA',
  'TABLE_NAME',
  'COLUMN_NAME',
  'ORDINAL_POSITION',
  'DATA_TYPE',
  'CHARACTER_MAXIMUM_LENGTH',
  'CHARACTER_OCTET_LENGTH',
  'NUMERIC_PRECISION',
  'NUMERIC_SCALE',
  'DATETIME_PRECISION',
];
const VIEWS = ['TABLE_SCHEMA', 'TABLE_NAME', 'VIEW_DEFINITION', 'IS_SECURE'];
const TAGS = ['COLUMN_NAME', 'TAG_DATABASE', 'TAG_SCHEMA', 'TAG_NAME', 'TAG_VALUE'];

/** Snowflake's classification writes what it finds into this tag. */
const CATEGORY_TAG = 'SNOWFLAKE.CORE.SEMANTIC_CATEGORY';

export const tablesText = (names: readonly ObjectName[]): string => selection('TABLES', TABLES, names);

export const columnsText = (names: readonly ObjectName[]): string =>
  `${selection('COLUMNS', COLUMNS, names)} ORDER BY ${[...COLUMNS.slice(0, 2), 'ORDINAL_POSITION'].map(quoteIdentifier).join(', ')}`;

export const viewsText = (names: readonly ObjectName[]): string => selection('VIEWS', VIEWS, names);

/** Tags of all columns, inherited ones included; `OBJECT` counts the names from 0. */
export function tagsText(names: readonly ObjectName[], needs: TagNeeds): string {
  const parts = names.map((name, index) => {
    const path = [name.database, name.schema, name.name].map(quoteIdentifier).join('.');
    const call = `${quoteIdentifier(name.database)}."INFORMATION_SCHEMA".TAG_REFERENCES_ALL_COLUMNS(${quoteText(path)}, 'table')`;
    return `SELECT ${index} AS "OBJECT", ${TAGS.map(quoteIdentifier).join(', ')} FROM TABLE(${call})`;
  });
  // A role that may not see system tags is shown none of them, without a word. It may not read this view either.
  const proof = `SELECT 0, ${TAGS.map(() => 'NULL').join(', ')} FROM "SNOWFLAKE"."ACCOUNT_USAGE"."TAG_REFERENCES" WHERE FALSE`;
  return [...parts, ...(needs === 'categories' ? [proof] : [])].join(' UNION ALL ');
}

function selection(view: string, columns: readonly string[], names: readonly ObjectName[]): string {
  const database = names[0]?.database ?? '';
  const bySchema = Map.groupBy(names, (name) => name.schema);
  const wanted = [...bySchema].map(
    ([schema, inside]) =>
      `("TABLE_SCHEMA" = ${quoteText(schema)} AND "TABLE_NAME" IN (${inside.map(({ name }) => quoteText(name)).join(', ')}))`,
  );
  return `SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${quoteIdentifier(database)}."INFORMATION_SCHEMA".${quoteIdentifier(view)} WHERE ${wanted.join(' OR ')}`;
}

const quoteText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** The rows of one object; comparison is exact. */
export function rowsOf(rows: Rows, name: ObjectName): Rows {
  return rows.filter((row) => row.get('TABLE_SCHEMA') === name.schema && row.get('TABLE_NAME') === name.name);
}

/** Snowflake's kinds of table; a kind that is not among them is nothing the gateway can vouch for. */
const TABLE_TYPES = new Set(['BASE TABLE', 'TEMPORARY TABLE', 'LOCAL TEMPORARY', 'EXTERNAL TABLE', 'EVENT TABLE']);
const VIEW_TYPES = new Set(['VIEW', 'MATERIALIZED VIEW']);

/** Undefined for a kind of object that is unknown. */
export function kindOf(tableType: string | undefined): 'table' | 'view' | undefined {
  if (TABLE_TYPES.has(tableType ?? '')) return 'table';
  return VIEW_TYPES.has(tableType ?? '') ? 'view' : undefined;
}

/** The text a view was created with; undefined where it is hidden from this role or must not be relied on. */
export function viewDefinition(rows: Rows): string | undefined {
  const [row] = rows;
  if (row === undefined || rows.length > 1 || row.get('IS_SECURE') !== 'NO') return undefined;
  return row.get('VIEW_DEFINITION') || undefined;
}

/** The wire's type word for each word of DATA_TYPE. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  TEXT: 'text',
  NUMBER: 'fixed',
  FLOAT: 'real',
  DECFLOAT: 'decfloat',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP_NTZ: 'timestamp_ntz',
  TIMESTAMP_LTZ: 'timestamp_ltz',
  TIMESTAMP_TZ: 'timestamp_tz',
  BINARY: 'binary',
  VARIANT: 'variant',
  OBJECT: 'object',
  ARRAY: 'array',
  MAP: 'map',
  GEOGRAPHY: 'geography',
  GEOMETRY: 'geometry',
  VECTOR: 'vector',
  FILE: 'file',
};

/** Columns of one object in their order; undefined when the rows are none or contradict each other. */
export function columnsOf(rows: Rows): readonly CatalogColumn[] | undefined {
  const columns = rows.map(toColumn);
  const names = new Set(columns.map((column) => column?.name));
  const known = columns.filter((column) => column !== undefined);
  return known.length === 0 || known.length < rows.length || names.size < rows.length ? undefined : known;
}

function toColumn(row: ReadonlyMap<string, string>): CatalogColumn | undefined {
  const name = row.get('COLUMN_NAME');
  if (name === undefined) return undefined;
  // Structured types carry their members: ARRAY(NUMBER).
  const word = /^[A-Z_]+/.exec(row.get('DATA_TYPE') ?? '')?.[0] ?? '';
  const type = Object.hasOwn(TYPE_WORDS, word) ? (TYPE_WORDS[word] ?? 'unknown') : 'unknown';
  return { name, type, ...sizesOf(type, row) };
}

function sizesOf(
  type: string,
  row: ReadonlyMap<string, string>,
): Pick<CatalogColumn, 'precision' | 'scale' | 'length'> {
  const count = (column: string): number | undefined => {
    const text = row.get(column);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const characters = count('CHARACTER_MAXIMUM_LENGTH');
  const precision = type === 'fixed' ? count('NUMERIC_PRECISION') : undefined;
  const isMoment = type === 'time' || type.startsWith('timestamp');
  const scale = type === 'fixed' ? count('NUMERIC_SCALE') : isMoment ? count('DATETIME_PRECISION') : undefined;
  const length =
    type === 'text' ? characters : type === 'binary' ? (count('CHARACTER_OCTET_LENGTH') ?? characters) : undefined;
  return {
    ...(precision !== undefined && { precision }),
    ...(scale !== undefined && { scale }),
    ...(length !== undefined && { length }),
  };
}

/**
 * The columns with their tags and category, from the rows of `tagsText` for this object. Undefined when a row speaks of a
 * column that is not there: something changed between the questions.
 */
export function withTags(columns: readonly CatalogColumn[], rows: Rows): readonly CatalogColumn[] | undefined {
  const names = new Set(columns.map((column) => column.name));
  const tags = rows.map((row) => ({ column: row.get('COLUMN_NAME'), tag: toTag(row) }));
  if (tags.some(({ column, tag }) => tag === undefined || (column !== undefined && !names.has(column))))
    return undefined;
  return columns.map((column) => {
    const own = tags.flatMap((row) =>
      row.tag !== undefined && (row.column === undefined || row.column === column.name) ? [row.tag] : [],
    );
    const sorted = own.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const category = sorted.find((tag) => tag.name === CATEGORY_TAG)?.value.toUpperCase();
    return { ...column, tags: sorted, ...(category !== undefined && { category }) };
  });
}

function toTag(row: ReadonlyMap<string, string>): ColumnTag | undefined {
  const [database, schema, name] = ['TAG_DATABASE', 'TAG_SCHEMA', 'TAG_NAME'].map((column) => row.get(column));
  if (database === undefined || schema === undefined || name === undefined) return undefined;
  return { name: `${database}.${schema}.${name}`, value: row.get('TAG_VALUE') ?? '' };
}
