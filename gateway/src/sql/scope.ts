import type { Column, ColumnSet, ColumnTable } from './columns.js';
import { NO_COLUMNS } from './columns.js';
import type { ObjectName } from './facts.js';
import type { NameParts } from './names.js';
import { Refusal, unsupported } from './refusal.js';

/** One source of a FROM clause under the name its columns are reached by. */
export interface ScopeItem {
  /** Undefined for a derived table without alias. */
  readonly name: string | undefined;
  /** Present for a table without alias: its columns may be written with schema and database. */
  readonly object: ObjectName | undefined;
  readonly columns: readonly Column[];
  /** There may be more columns, or their order is not certain. */
  readonly isPartial: boolean;
  readonly byName: ReadonlyMap<string, readonly Column[]>;
}

/** Everything a FROM clause, or a part of it, makes visible. */
export interface Visible {
  readonly items: readonly ScopeItem[];
  /** Unqualified names; more than one column under a name makes it ambiguous. */
  readonly byName: ReadonlyMap<string, readonly Column[]>;
  /** Columns of `*`; undefined where their order is not certain. */
  readonly star: readonly Column[] | undefined;
  /** Names joined by USING or NATURAL. */
  readonly merged: ReadonlySet<string>;
  /** Some column has a name that only Snowflake knows: one derived from an expression's text, or any name at all. */
  readonly unnamed: 'no' | 'derived' | 'any';
  readonly predicate: ColumnSet;
}

export const NOTHING_VISIBLE: Visible = {
  items: [],
  byName: new Map(),
  star: [],
  merged: new Set<string>(),
  unnamed: 'no',
  predicate: NO_COLUMNS,
};

export function visibleItem(
  item: Omit<ScopeItem, 'byName' | 'isPartial'>,
  predicate: ColumnSet,
  isPartial = false,
): Visible {
  const byName = columnsByName(item.columns);
  const unnamed = unnamedIn(item.columns);
  const star = isPartial ? undefined : item.columns;
  return { items: [{ ...item, byName, isPartial }], byName, star, merged: NO_NAMES, unnamed, predicate };
}

const NO_NAMES: ReadonlySet<string> = new Set();

const knownByName = new WeakMap<readonly Column[], ReadonlyMap<string, readonly Column[]>>();

/** Looked up for every mention of a table, whose columns are the same each time. */
function columnsByName(columns: readonly Column[]): ReadonlyMap<string, readonly Column[]> {
  const known = knownByName.get(columns);
  if (known !== undefined) return known;
  const byName = new Map<string, Column[]>();
  for (const column of columns) {
    if (column.name === undefined) continue;
    const same = byName.get(column.name);
    if (same === undefined) byName.set(column.name, [column]);
    else same.push(column);
  }
  knownByName.set(columns, byName);
  return byName;
}

function unnamedIn(columns: readonly Column[]): Visible['unnamed'] {
  if (columns.some((column) => column.name === undefined && column.anyName === true)) return 'any';
  return columns.some((column) => column.name === undefined) ? 'derived' : 'no';
}

const SIMPLE_NAME = /^[A-Z_][A-Z0-9_$]*$/;

/** May a name that is not found among the columns be the derived name of one of them all the same? */
export function mayBeUnnamed(visible: Pick<Visible, 'unnamed'>, name: string): boolean {
  return visible.unnamed === 'any' || (visible.unnamed === 'derived' && !SIMPLE_NAME.test(name));
}

/** Both sides beside each other; columns in `using` become one that takes its value from either side. */
export function joinVisible(left: Visible, right: Visible, using: readonly string[], table: ColumnTable): Visible {
  const items = [...left.items, ...right.items];
  table.spend(items.length + (left.star?.length ?? 0) + left.merged.size + (right.star?.length ?? 0));
  checkDistinct(items);
  const byName = new Map(left.byName);
  for (const [name, columns] of right.byName) byName.set(name, [...(byName.get(name) ?? []), ...columns]);
  const mergedColumns = using.map((name) => mergeColumn(name, left, right, table));
  for (const column of mergedColumns) byName.set(column.name, [column]);
  return {
    items,
    byName,
    star: joinStars(left, right, mergedColumns),
    merged: new Set([...left.merged, ...right.merged, ...using]),
    unnamed: widest(left.unnamed, right.unnamed),
    predicate: table.union([left.predicate, right.predicate, ...mergedColumns.map((column) => column.sources)]),
  };
}

function widest(one: Visible['unnamed'], other: Visible['unnamed']): Visible['unnamed'] {
  return one === 'any' || other === 'any' ? 'any' : one === 'derived' || other === 'derived' ? 'derived' : 'no';
}

function checkDistinct(items: readonly ScopeItem[]): void {
  const names = items.flatMap((item) => item.name ?? []);
  if (new Set(names).size < names.length) unsupported('a FROM clause in which two sources have one name');
}

function mergeColumn(name: string, left: Visible, right: Visible, table: ColumnTable): Column & { name: string } {
  const sides = [pick(left.byName.get(name)), pick(right.byName.get(name))];
  return { name, sources: table.union(sides.map((column) => column.sources)), direct: undefined };
}

/**
 * The standard puts merged columns first; others leave them at their place on the left. Where both give the same order
 * it is certain, otherwise `*` is refused.
 */
function joinStars(left: Visible, right: Visible, merged: readonly Column[]): readonly Column[] | undefined {
  if (left.star === undefined || right.star === undefined) return undefined;
  const names = new Set(merged.map((column) => column.name));
  const leading = left.star.slice(0, merged.length).map((column) => column.name);
  if (merged.some((column, index) => column.name !== leading[index])) return undefined;
  const rest = right.star.filter((column) => !names.has(column.name));
  return [...merged, ...left.star.slice(merged.length), ...rest];
}

/** The one column of a list. */
export function pick(columns: readonly Column[] | undefined): Column {
  const [first, second] = columns ?? [];
  if (first === undefined) throw new Refusal('unknown-column', 'a column is not known');
  if (second !== undefined) throw new Refusal('ambiguous-column', 'a column name is ambiguous');
  return first;
}

/** The source a qualifier of one to three parts names. */
export function findItem(visible: Visible, qualifier: NameParts): ScopeItem | undefined {
  if (qualifier.length === 1) return visible.items.find((item) => item.name === qualifier[0]);
  const [name, schema, database] = [...qualifier].reverse();
  return visible.items.find(
    ({ object }) =>
      object !== undefined &&
      object.name === name &&
      object.schema === (schema === '' ? 'PUBLIC' : schema) &&
      (database === undefined || object.database === database),
  );
}

/** Columns of a source by name. */
export function columnOf(item: ScopeItem, name: string): Column {
  return pick(item.byName.get(name));
}
