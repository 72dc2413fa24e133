import type { DuckDBType } from '@duckdb/node-api';
import type { Column } from './columns.js';
import { toColumn } from './duck-values.js';
import { quoteName, quoteString } from './lexer.js';
import type { ObjectName } from './names.js';
import type { Session } from './sessions.js';

/** A table or view as the session sees it. */
export type DatabaseObject = ObjectName & {
  readonly kind: 'TABLE' | 'VIEW';
  readonly isTemporary: boolean;
  /** Null for views. */
  readonly rows: bigint | null;
};

/** Tables and views of a schema, a database or the account, by name; temporary tables appear where they were created. */
export async function listObjects(
  session: Session,
  scope: { readonly database?: string; readonly schema?: string },
): Promise<readonly DatabaseObject[]> {
  const reader = await session.connection.runAndReadAll(`
    SELECT database_name, schema_name, table_name, 'TABLE', temporary, estimated_size FROM duckdb_tables() WHERE NOT internal
    UNION ALL SELECT database_name, schema_name, view_name, 'VIEW', false, NULL FROM duckdb_views() WHERE NOT internal`);
  const temporary = new Map([...session.temporaryTables].map(([key, name]) => [name, key.split('.')]));
  const objects = reader.getRows().flatMap((row): DatabaseObject[] => {
    const [database, schema, name] = row.slice(0, 3).map(String);
    if (database === undefined || schema === undefined || name === undefined || database === 'memory') return [];
    const home = row[4] === true ? temporary.get(name) : [database, schema];
    if (home === undefined) return [];
    return [
      {
        database: home[0] ?? '',
        schema: home[1] ?? '',
        name,
        kind: row[3] === 'VIEW' ? 'VIEW' : 'TABLE',
        isTemporary: row[4] === true,
        rows: typeof row[5] === 'bigint' ? row[5] : null,
      },
    ];
  });
  return objects
    .filter((object) => scope.database === undefined || object.database === scope.database)
    .filter((object) => scope.schema === undefined || object.schema === scope.schema)
    .sort((a, b) => `${a.database}.${a.schema}.${a.name}`.localeCompare(`${b.database}.${b.schema}.${b.name}`));
}

/** A column of a table or view with its Snowflake type. */
export type ObjectColumn = { readonly name: string; readonly sqlColumn: Column; readonly defaultText: string | null };

/** The columns of a table or view, in order. */
export async function describeColumns(session: Session, object: DatabaseObject): Promise<readonly ObjectColumn[]> {
  const path = object.isTemporary
    ? quoteName(object.name)
    : [object.database, object.schema, object.name].map(quoteName).join('.');
  const types = await session.connection.runAndReadAll(`SELECT * FROM ${path} LIMIT 0`);
  const database = object.isTemporary ? 'temp' : object.database;
  const facts = await session.connection.runAndReadAll(
    `SELECT column_name, is_nullable, column_default FROM duckdb_columns() WHERE table_name = ${quoteString(object.name)}
      AND database_name = ${quoteString(database)} ${object.isTemporary ? '' : `AND schema_name = ${quoteString(object.schema)}`}`,
  );
  const byName = new Map(facts.getRows().map((row) => [String(row[0]), row]));
  return types.columnNames().map((name, index) => {
    const type: DuckDBType = types.columnType(index);
    const row = byName.get(name);
    const nullable = object.kind === 'VIEW' || row?.[1] !== false;
    const defaultText = row?.[2] === null || row?.[2] === undefined ? null : String(row[2]);
    return { name, sqlColumn: { ...toColumn(name, type), nullable }, defaultText };
  });
}
