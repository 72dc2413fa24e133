import type { Catalog, CatalogColumn, SessionContext } from '@piste/gateway/dist/sql/index.js';
import { printTpcQueries } from '../harness/python.js';
import type { Statement } from './statements.js';

/** The queries of one of the two benchmarks, and its tables as a catalogue tells them. */
export interface Benchmark {
  readonly name: 'tpch' | 'tpcds';
  readonly statements: readonly Statement[];
  readonly tables: ReadonlyMap<string, readonly CatalogColumn[]>;
}

interface Printed {
  readonly queries: readonly string[];
  readonly tables: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
}

/** TPC-H (22 queries) and TPC-DS (99). Needs the virtual environment that `make python` sets up. */
export async function loadBenchmarks(): Promise<readonly Benchmark[]> {
  const printed = JSON.parse(await printTpcQueries()) as Readonly<Record<Benchmark['name'], Printed>>;
  return (['tpch', 'tpcds'] as const).map((name) => benchmarkOf(name, printed[name]));
}

function benchmarkOf(name: Benchmark['name'], { queries, tables: printed }: Printed): Benchmark {
  const tables = new Map(
    Object.entries(printed).map(([table, columns]) => [
      table.toUpperCase(),
      columns.map((column) => ({ name: column.name.toUpperCase(), type: typeWord(column.type) })),
    ]),
  );
  const catalog: Catalog = {
    find(object) {
      const columns = tables.get(object.name);
      return columns === undefined ? 'absent' : { kind: 'table', columns };
    },
  };
  const session: SessionContext = { database: 'APP', schema: name.toUpperCase(), role: 'R', warehouse: 'W' };
  return { name, statements: queries.map((sqlText) => ({ sqlText, session, catalog })), tables };
}

/** Snowflake's word for a type. */
function typeWord(type: string): string {
  if (/CHAR|TEXT/.test(type)) return 'text';
  if (/INT|DECIMAL/.test(type)) return 'fixed';
  if (type === 'DATE') return 'date';
  return type === 'TIME' ? 'time' : 'real';
}
