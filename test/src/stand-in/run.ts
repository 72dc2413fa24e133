import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api';
import { type Binds, batchSize, bindExpression, toParameter, valueAt } from './binds.js';
import type { Table } from './columns.js';
import { toDuckDb } from './dialect.js';
import { toCell, toColumn } from './duck-values.js';
import { SnowflakeFailure } from './failures.js';
import type { Substituted } from './substitute.js';

/** A statement in DuckDB's dialect with the order of its parameters. */
export type Translated = { readonly sql: string; readonly bindNames: readonly string[] };

/** Translates a substituted statement; binds become typed parameters `$1`, `$2`. */
export function translate(statement: Substituted, binds: Binds): Translated {
  const sql = toDuckDb(statement.tokens).replaceAll(/STANDIN_BIND_(\d+)/g, (_, digits: string) =>
    bindExpression(binds[statement.bindNames[Number(digits) - 1] ?? ''], `$${digits}`),
  );
  return { sql, bindNames: statement.bindNames };
}

/** Runs a statement once per row of its binds and returns the last answer and the number of changed rows of all. */
export async function run(
  connection: DuckDBConnection,
  statement: Translated,
  binds: Binds,
): Promise<{ readonly reader: DuckDBResultReader; readonly rowsChanged: number }> {
  if (statement.bindNames.length === 0) {
    const reader = await connection.runAndReadAll(statement.sql);
    return { reader, rowsChanged: reader.rowsChanged };
  }
  for (const name of statement.bindNames) {
    if (binds[name] === undefined) {
      throw new SnowflakeFailure(
        '002049',
        '42601',
        `SQL compilation error: error line 1 at position 0\nBind variable ${/^\d+$/.test(name) ? '?' : `:${name}`} not set.`,
      );
    }
  }
  const prepared = await connection.prepare(statement.sql);
  try {
    let rowsChanged = 0;
    let reader: DuckDBResultReader | undefined;
    for (let row = 0; row < batchSize(binds); row += 1) {
      statement.bindNames.forEach((name, index) => {
        const bind = binds[name];
        const value = bind === undefined ? null : toParameter(bind.type, valueAt(bind, row));
        if (value === null) prepared.bindNull(index + 1);
        else prepared.bindVarchar(index + 1, value);
      });
      reader = await prepared.runAndReadAll();
      rowsChanged += reader.rowsChanged;
    }
    if (reader === undefined) throw new SnowflakeFailure('002128', '42601', 'Bind arrays are empty.');
    return { reader, rowsChanged };
  } finally {
    prepared.destroySync();
  }
}

/** The answer of DuckDB as columns and cells. */
export function toTable(reader: DuckDBResultReader): Table {
  const types = reader.columnTypes();
  const columns = reader.columnNames().map((name, index) => {
    const type = types[index];
    if (type === undefined) throw new Error(`no type for column ${name}`);
    return toColumn(name, type);
  });
  const rows = reader.getRows().map((row) => columns.map((target, index) => toCell(row[index] ?? null, target)));
  return { columns, rows };
}
