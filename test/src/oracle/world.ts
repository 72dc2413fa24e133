import type { DuckDBConnection } from '@duckdb/node-api';
import type { Catalog, CatalogColumn, ColumnRef, ObjectName } from '@piste/gateway/dist/sql/index.js';
import type { Random } from './random.js';
import { duckName } from './translate.js';

export type ValueType = 'number' | 'text';

export interface TypedColumn {
  /** Undefined where Snowflake derives the name. */
  readonly name: string | undefined;
  readonly type: ValueType;
}

export interface BaseColumn extends TypedColumn {
  readonly name: string;
}

export interface BaseTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly BaseColumn[];
}

const number = (name: string): BaseColumn => ({ name, type: 'number' });
const text = (name: string): BaseColumn => ({ name, type: 'text' });

/** Tables that share names of columns, and two that share a name: shadowing and ambiguity come from there. */
export const TABLES: readonly BaseTable[] = [
  { schema: 'PUBLIC', name: 'T1', columns: [number('ID'), number('A'), text('EMAIL'), text('Mixed')] },
  { schema: 'PUBLIC', name: 'T2', columns: [number('ID'), number('B'), text('NAME'), number('OFFSET')] },
  { schema: 'PUBLIC', name: 'T3', columns: [number('ID'), text('EMAIL'), text('email'), number('DATE')] },
  { schema: 'S2', name: 'T1', columns: [number('ID'), number('A'), text('NAME'), number('COUNT')] },
];

export interface View {
  readonly name: string;
  readonly columns: readonly BaseColumn[];
  /** What the catalogue says its text is. */
  readonly definition: string;
  /** The query with full names, to create it from. */
  readonly canonicalText: string;
}

const ROWS = 6;
const NUMBERS = [0, 1, 1, 2, 3, 4, 5] as const;
const TEXTS = ['a', 'b', 'c', 'ab', 'A', 'd', ''] as const;
const NULL_CHANCE = 0.15;

type Cell = number | string | null;
type Rows = readonly (readonly Cell[])[];
export type Data = ReadonlyMap<BaseTable, Rows>;

/** Rows with few values that meet each other, or with values that differ within a column, so that sorting leaves no ties. */
export function randomData(random: Random, distinct: boolean): Data {
  return new Map(
    TABLES.map((table) => {
      const columns = table.columns.map((column) => {
        if (distinct)
          return random.shuffled<Cell>(column.type === 'number' ? [0, 1, 2, 3, 4, 5] : ['a', 'b', 'c', 'ab', 'A', 'd']);
        return Array.from({ length: ROWS }, () => randomCell(column.type, random));
      });
      return [table, Array.from({ length: ROWS }, (_, row) => columns.map((cells) => cells[row] ?? null))];
    }),
  );
}

/** The same rows in another order. */
export function shuffledData(data: Data, random: Random): Data {
  return new Map([...data].map(([table, rows]) => [table, random.shuffled(rows)]));
}

function randomCell(type: ValueType, random: Random): Cell {
  if (random.chance(NULL_CHANCE)) return null;
  return type === 'number' ? random.pick(NUMBERS) : random.pick(TEXTS);
}

/** `values`: every value another one, NULL where it was. `anything`: NULLs come and go as well. `one`: one row only. */
export type Change = 'values' | 'anything' | 'one';

/** The same data with one column changed and nothing else. */
export function changedData(data: Data, table: BaseTable, column: number, change: Change, random: Random): Data {
  const only = random.below(ROWS);
  const type = table.columns[column]?.type ?? 'text';
  const rows = (data.get(table) ?? []).map((row, index) =>
    row.map((cell, at) => {
      if (at !== column || (change === 'one' && index !== only)) return cell;
      if (change === 'values' && cell === null) return null;
      if (change === 'anything' && random.chance(NULL_CHANCE)) return null;
      return otherCell(cell, type, random);
    }),
  );
  return new Map([...data, [table, rows]]);
}

function otherCell(cell: Cell, type: ValueType, random: Random): Cell {
  for (;;) {
    const other = type === 'number' ? random.pick([...NUMBERS, 7, -3, 9]) : random.pick([...TEXTS, 'zz', 'Q', '9']);
    if (other !== cell) return other;
  }
}

/** Creates a database of its own with all tables and views. */
export async function createWorld(
  connection: DuckDBConnection,
  database: string,
  data: Data,
  views: readonly { readonly name: string; readonly sql: string; readonly columns: readonly BaseColumn[] }[],
): Promise<void> {
  const inside = duckName(database);
  const statements = [`ATTACH ':memory:' AS ${inside}`];
  for (const schema of new Set(TABLES.map((table) => table.schema))) {
    statements.push(`CREATE SCHEMA IF NOT EXISTS ${inside}.${duckName(schema)}`);
  }
  for (const table of TABLES) {
    const path = `${inside}.${duckName(table.schema)}.${duckName(table.name)}`;
    const columns = table.columns.map(
      (column) => `${duckName(column.name)} ${column.type === 'number' ? 'BIGINT' : 'VARCHAR'}`,
    );
    statements.push(`CREATE TABLE ${path} (${columns.join(', ')})`);
    const rows = (data.get(table) ?? []).map((row) => `(${row.map(literal).join(', ')})`);
    statements.push(`INSERT INTO ${path} VALUES ${rows.join(', ')}`);
  }
  for (const view of views) {
    const columns = view.columns.map((column) => duckName(column.name)).join(', ');
    statements.push(`CREATE VIEW ${inside}."PUBLIC".${duckName(view.name)} (${columns}) AS ${view.sql}`);
  }
  for (const statement of statements) await connection.run(statement);
}

function literal(cell: Cell): string {
  if (cell === null) return 'NULL';
  return typeof cell === 'number' ? String(cell) : `'${cell.replaceAll("'", "''")}'`;
}

/** What the gateway is told about the tables and views. */
export function catalogOf(views: readonly View[]): Catalog {
  const columnsOf = (columns: readonly BaseColumn[]): readonly CatalogColumn[] =>
    columns.map((column) => ({ name: column.name, type: column.type === 'number' ? 'fixed' : 'text' }));
  return {
    find(name: ObjectName) {
      if (name.database !== 'APP') return 'absent';
      const table = TABLES.find((candidate) => candidate.schema === name.schema && candidate.name === name.name);
      if (table !== undefined) return { kind: 'table', columns: columnsOf(table.columns) };
      const view = name.schema === 'PUBLIC' ? views.find((candidate) => candidate.name === name.name) : undefined;
      if (view === undefined) return 'absent';
      return { kind: 'view', columns: columnsOf(view.columns), definition: view.definition };
    },
  };
}

/** Is the reference to this column of this base table? */
export function isColumn(ref: ColumnRef, table: BaseTable, column: number): boolean {
  return (
    ref.column === table.columns[column]?.name && ref.object.name === table.name && ref.object.schema === table.schema
  );
}
