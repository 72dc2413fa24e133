import type { Catalog } from './catalog.js';
import { type Column, type ColumnType, column, type Table } from './columns.js';
import { missingObject } from './failures.js';
import { nameKey, type ObjectName, qualified } from './names.js';
import { type DatabaseObject, describeColumns, listObjects } from './objects.js';
import type { Session } from './sessions.js';
import { tagsOfColumns } from './tags.js';

/** Views of INFORMATION_SCHEMA that show what only Snowflake knows: their rows are made anew for every statement. */
export const madeViews = ['TABLES', 'COLUMNS', 'VIEWS'] as const;
export type MadeView = (typeof madeViews)[number];

type Row = Readonly<Record<string, string | bigint | null>>;

const numbers = new Set([
  'ROW_COUNT',
  'BYTES',
  'RETENTION_TIME',
  'ORDINAL_POSITION',
  'CHARACTER_MAXIMUM_LENGTH',
  'CHARACTER_OCTET_LENGTH',
  'NUMERIC_PRECISION',
  'NUMERIC_PRECISION_RADIX',
  'NUMERIC_SCALE',
  'DATETIME_PRECISION',
]);

function toTable(names: readonly string[], rows: readonly Row[]): Table {
  const columns = names.map((name) => column(name, numbers.has(name) ? 'fixed' : 'text'));
  return { columns, rows: rows.map((row) => names.map((name) => row[name] ?? null)) };
}

const owner = 'SYSADMIN';

/** The rows of one view, as the session sees the database. */
export async function informationSchema(
  view: MadeView,
  database: string,
  session: Session,
  catalog: Catalog,
): Promise<Table> {
  catalog.checkDatabase(database);
  const objects = await listObjects(session, { database });
  switch (view) {
    case 'TABLES':
      return toTable(tableNames, objects.map(tableRow));
    case 'VIEWS':
      return toTable(
        viewNames,
        objects.filter((object) => object.kind === 'VIEW').map((object) => viewRow(object, catalog)),
      );
    case 'COLUMNS': {
      const rows: Row[] = [];
      for (const object of objects) rows.push(...(await columnRows(object, session)));
      return toTable(columnNames, rows);
    }
  }
}

const tableNames = [
  'TABLE_CATALOG',
  'TABLE_SCHEMA',
  'TABLE_NAME',
  'TABLE_OWNER',
  'TABLE_TYPE',
  'IS_TRANSIENT',
  'ROW_COUNT',
  'BYTES',
  'RETENTION_TIME',
  'COMMENT',
];
const viewNames = [
  'TABLE_CATALOG',
  'TABLE_SCHEMA',
  'TABLE_NAME',
  'TABLE_OWNER',
  'VIEW_DEFINITION',
  'CHECK_OPTION',
  'IS_UPDATABLE',
  'INSERTABLE_INTO',
  'IS_SECURE',
  'COMMENT',
];
const columnNames = [
  'TABLE_CATALOG',
  'TABLE_SCHEMA',
  'TABLE_NAME',
  'COLUMN_NAME',
  'ORDINAL_POSITION',
  'COLUMN_DEFAULT',
  'IS_NULLABLE',
  'DATA_TYPE',
  'CHARACTER_MAXIMUM_LENGTH',
  'CHARACTER_OCTET_LENGTH',
  'NUMERIC_PRECISION',
  'NUMERIC_PRECISION_RADIX',
  'NUMERIC_SCALE',
  'DATETIME_PRECISION',
  'COMMENT',
];

function place(object: DatabaseObject): Row {
  return { TABLE_CATALOG: object.database, TABLE_SCHEMA: object.schema, TABLE_NAME: object.name };
}

function tableRow(object: DatabaseObject): Row {
  return {
    ...place(object),
    TABLE_OWNER: owner,
    TABLE_TYPE: object.kind === 'VIEW' ? 'VIEW' : object.isTemporary ? 'TEMPORARY TABLE' : 'BASE TABLE',
    IS_TRANSIENT: 'NO',
    ROW_COUNT: object.rows,
    RETENTION_TIME: 1n,
  };
}

function viewRow(object: DatabaseObject, catalog: Catalog): Row {
  const facts = catalog.views.get(nameKey(object));
  return {
    ...place(object),
    TABLE_OWNER: owner,
    VIEW_DEFINITION: facts?.text ?? null,
    CHECK_OPTION: 'NONE',
    IS_UPDATABLE: 'NO',
    INSERTABLE_INTO: 'NO',
    IS_SECURE: facts?.isSecure === true ? 'YES' : 'NO',
    COMMENT: facts?.comment ?? null,
  };
}

/** Snowflake's word for a type in this schema, where it is not the wire's word in capitals. */
const dataTypes: Readonly<Partial<Record<ColumnType, string>>> = { fixed: 'NUMBER', real: 'FLOAT' };

async function columnRows(object: DatabaseObject, session: Session): Promise<readonly Row[]> {
  const columns = await describeColumns(session, object);
  return columns.map(({ name, sqlColumn, defaultText }, index) => ({
    ...place(object),
    COLUMN_NAME: name,
    ORDINAL_POSITION: BigInt(index + 1),
    COLUMN_DEFAULT: defaultText,
    IS_NULLABLE: sqlColumn.nullable ? 'YES' : 'NO',
    DATA_TYPE: dataTypes[sqlColumn.type] ?? sqlColumn.type.toUpperCase(),
    ...sizes(sqlColumn),
  }));
}

function sizes(from: Column): Row {
  const count = (value: number | null) => (value === null ? null : BigInt(value));
  if (from.type === 'fixed')
    return {
      NUMERIC_PRECISION: count(from.precision),
      NUMERIC_PRECISION_RADIX: 10n,
      NUMERIC_SCALE: count(from.scale),
    };
  if (from.type === 'text' || from.type === 'binary')
    return { CHARACTER_MAXIMUM_LENGTH: count(from.length), CHARACTER_OCTET_LENGTH: count(from.byteLength) };
  return { DATETIME_PRECISION: count(from.scale) };
}

const tagNames = [
  'TAG_DATABASE',
  'TAG_SCHEMA',
  'TAG_NAME',
  'TAG_VALUE',
  'LEVEL',
  'OBJECT_DATABASE',
  'OBJECT_SCHEMA',
  'OBJECT_NAME',
  'DOMAIN',
  'COLUMN_NAME',
];

/**
 * TAG_REFERENCES_ALL_COLUMNS: the tags of a table's columns, set on them or inherited. System tags are left out for a role
 * without rights on the SNOWFLAKE database, as Snowflake does. @throws SnowflakeFailure 002003
 */
export async function tagReferences(name: ObjectName, session: Session, catalog: Catalog): Promise<Table> {
  const object = (await listObjects(session, name)).find((found) => found.name === name.name);
  if (object === undefined) throw missingObject('Table', qualified(name).replaceAll('"', ''));
  const columns = (await describeColumns(session, object)).map((found) => found.name);
  const rows = tagsOfColumns(catalog.tags, name, columns)
    .filter((tag) => tag.database !== 'SNOWFLAKE' || maySeeSystemTags(session))
    .map((tag) => ({
      TAG_DATABASE: tag.database,
      TAG_SCHEMA: tag.schema,
      TAG_NAME: tag.name,
      TAG_VALUE: tag.value,
      LEVEL: tag.level,
      OBJECT_DATABASE: name.database,
      OBJECT_SCHEMA: name.schema,
      OBJECT_NAME: name.name,
      DOMAIN: 'COLUMN',
      COLUMN_NAME: tag.column,
    }));
  return toTable(tagNames, rows);
}

/** ACCOUNT_USAGE.TAG_REFERENCES without rows: all that its readers here want to know is whether they may read it. */
export function accountTagReferences(session: Session): Table {
  if (!maySeeSystemTags(session)) throw missingObject('Object', 'SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES');
  return toTable(tagNames, []);
}

/** Every role of the stand-in but SUPPORT has imported privileges on the SNOWFLAKE database. */
function maySeeSystemTags(session: Session): boolean {
  return session.role !== 'SUPPORT';
}
