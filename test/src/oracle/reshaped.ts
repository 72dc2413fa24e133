import type { Random } from './random.js';
import { nameText } from './scopes.js';
import { type BaseTable, TABLES, type TypedColumn, type ValueType } from './world.js';

/** A source that makes other columns out of those of a table. */
export interface Reshaped {
  readonly sql: string;
  readonly columns: readonly TypedColumn[];
  /** May a list of columns follow its alias? UNPIVOT without INCLUDE NULLS then looks for NULL in another column (DuckDB 1.5). */
  readonly renamable: boolean;
}

const NEW_NAMES = ['X', 'Y', 'EMAIL', 'A', 'Z'] as const;

/** `table PIVOT (aggregate FOR key IN (values))` or `table UNPIVOT (value FOR key IN (columns))`, without an alias. */
export function reshapedTable(random: Random): Reshaped {
  const table = random.pick(TABLES);
  return random.chance(0.5) ? pivoted(table, random) : unpivoted(table, random);
}

function pathOf(table: BaseTable, random: Random): string {
  const [schema, name] = [nameText(table.schema, random), nameText(table.name, random)];
  return random.pick([`${schema}.${name}`, `app.${schema}.${name}`]);
}

function pivoted(table: BaseTable, random: Random): Reshaped {
  const [key, value, ...kept] = random.shuffled(table.columns);
  if (key === undefined || value === undefined) throw new Error('a table with too few columns');
  const aggregate =
    value.type === 'number' ? random.pick(['MAX', 'SUM', 'COUNT']) : random.pick(['MIN', 'MAX', 'COUNT']);
  const taken = new Set(kept.map((column) => column.name));
  const names = NEW_NAMES.filter((name) => !taken.has(name)).slice(0, 1 + random.below(2));
  const constants = key.type === 'number' ? ['1', '2', '-3'] : ["'a'", "'b'", "'ab'"];
  const list = names.map((name, index) => `${constants[index] ?? '0'} AS ${nameText(name, random)}`).join(', ');
  // Some columns are left out before: what is left groups the rows.
  const [left] = kept;
  const narrowed = left !== undefined && random.chance(0.4);
  const source = narrowed
    ? `(SELECT ${[key, left, value].map((column) => nameText(column.name, random)).join(', ')} FROM ${pathOf(table, random)})`
    : pathOf(table, random);
  const rest = narrowed ? [left] : table.columns.filter((column) => column !== key && column !== value);
  const made: ValueType = aggregate === 'COUNT' ? 'number' : value.type;
  const sql = `${source} PIVOT (${aggregate}(${nameText(value.name, random)}) FOR ${nameText(key.name, random)} IN (${list}))`;
  return { sql, columns: [...rest, ...names.map((name) => ({ name, type: made }))], renamable: true };
}

function unpivoted(table: BaseTable, random: Random): Reshaped {
  const type = random.pick<ValueType>(['number', 'text']);
  const turned = random.shuffled(table.columns.filter((column) => column.type === type)).slice(0, 2);
  const rest = table.columns.filter((column) => !turned.includes(column));
  const taken = new Set(rest.map((column) => column.name));
  const [value = 'V', key = 'K'] = random.shuffled(NEW_NAMES.filter((name) => !taken.has(name)));
  const nulls = random.pick(['', 'INCLUDE NULLS ', 'EXCLUDE NULLS ']);
  const list = turned.map((column) => nameText(column.name, random)).join(', ');
  const sql = `${pathOf(table, random)} UNPIVOT ${nulls}(${nameText(value, random)} FOR ${nameText(key, random)} IN (${list}))`;
  return {
    sql,
    columns: [...rest, { name: key, type: 'text' }, { name: value, type }],
    renamable: nulls === 'INCLUDE NULLS ',
  };
}
