import { type Cell, type Column, cellText, type Table } from './columns.js';
import { zonedMembers } from './duck-values.js';
import { quoteName } from './lexer.js';
import { toJsonCell } from './results-json.js';
import type { Session } from './sessions.js';

/** Rows per INSERT; keeps the statement text well below DuckDB's parser limits. */
const rowsPerInsert = 500;

/** Makes rows a temporary table of the session and returns its name as SQL. */
export async function materialize(table: Table, tableName: string, session: Session): Promise<string> {
  const name = quoteName(tableName);
  const { connection } = session;
  const columns = table.columns.map((column) => `${quoteName(column.name)} ${duckType(column)}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} (${columns.join(', ')})`);
  for (let start = 0; start < table.rows.length; start += rowsPerInsert) {
    const rows = table.rows.slice(start, start + rowsPerInsert);
    const values = rows.map(
      (row) => `(${table.columns.map((column, index) => literal(row[index] ?? null, column)).join(', ')})`,
    );
    await connection.run(`INSERT INTO ${name} VALUES ${values.join(', ')}`);
  }
  return name;
}

function duckType(column: Column): string {
  switch (column.type) {
    case 'fixed':
      return `DECIMAL(${column.precision ?? 38}, ${column.scale ?? 0})`;
    case 'real':
      return 'DOUBLE';
    case 'text':
      return 'VARCHAR';
    case 'timestamp_ntz':
      return 'TIMESTAMP';
    case 'timestamp_ltz':
      return 'TIMESTAMPTZ';
    case 'timestamp_tz':
      return `STRUCT(${zonedMembers.moment} TIMESTAMP, ${zonedMembers.offset} INTEGER)`;
    case 'binary':
      return 'BLOB';
    case 'variant':
    case 'object':
    case 'array':
    case 'geography':
      return 'JSON';
    case 'boolean':
    case 'date':
    case 'time':
      return column.type.toUpperCase();
  }
}

function literal(cell: Cell, column: Column): string {
  if (cell === null) return 'NULL';
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  switch (column.type) {
    case 'fixed':
      return toJsonCell(cell, column) ?? 'NULL';
    case 'real':
      return `CAST(${text(cellText(cell))} AS DOUBLE)`;
    case 'date':
      return `DATE '1970-01-01' + ${Number(cell)}`;
    case 'time':
      return `TIME '00:00:00' + to_microseconds(${(cell as bigint) / 1000n})`;
    case 'timestamp_ntz':
      return `make_timestamp(${(cell as bigint) / 1000n})`;
    case 'timestamp_ltz':
      return `make_timestamptz(${(cell as bigint) / 1000n})`;
    case 'timestamp_tz':
      if (typeof cell !== 'object' || cell instanceof Uint8Array) return 'NULL';
      return `struct_pack(${zonedMembers.moment} := make_timestamp(${cell.nanos / 1000n}), ${zonedMembers.offset} := ${cell.offsetMinutes})`;
    case 'binary':
      return `unhex(${text(toJsonCell(cell, column) ?? '')})`;
    case 'boolean':
      return cellText(cell);
    case 'text':
    case 'variant':
    case 'object':
    case 'array':
    case 'geography':
      return text(cellText(cell));
  }
}
