import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { snowflakeName } from './translate.js';

/** A result as a driver would get it: every cell a text or NULL. */
export interface Table {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** How an execution ended. `slow` was stopped and says nothing. */
export type Outcome =
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'slow' };

const MACROS = [
  'IFF(c, a, b) AS CASE WHEN c THEN a ELSE b END',
  'NVL(a, b) AS COALESCE(a, b)',
  'COUNT_IF(c) AS COUNT(*) FILTER (WHERE c)',
  // Fail on values that only changed columns hold.
  "TO_NUMBER(a) AS CASE WHEN a = 'zz' THEN error('no number') ELSE LENGTH(a) END",
  "TO_DOUBLE(a) AS CASE WHEN a = 7 THEN error('no double') ELSE a END",
];
const MAX_ROWS = 3_000;
const MAX_MILLISECONDS = 1_000;

export interface Engine {
  readonly connection: DuckDBConnection;
  readonly run: (sql: string) => Promise<Outcome>;
  readonly close: () => void;
}

/** One engine, one thread: two runs of one plan over the same rows give the same order. */
export async function startEngine(): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  for (const macro of MACROS) await connection.run(`CREATE OR REPLACE TEMP MACRO ${macro}`);
  return {
    connection,
    run: async (sql) => await runOne(connection, sql),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function runOne(connection: DuckDBConnection, sql: string): Promise<Outcome> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.interrupt();
  }, MAX_MILLISECONDS);
  try {
    const reader = await connection.runAndReadUntil(sql, MAX_ROWS);
    if (!reader.done) return { kind: 'slow' };
    const rows = reader.getRows().map((row) => row.map((cell) => (cell === null ? null : String(cell))));
    const names = reader.columnNames().map(snowflakeName);
    const types = reader.columnTypes().map((type) => (String(type) === 'VARCHAR' ? 'text' : 'fixed'));
    return { kind: 'table', table: { names, types, rows } };
  } catch (error) {
    if (late) return { kind: 'slow' };
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
