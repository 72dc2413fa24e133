import type { Column, ColumnSet } from './columns.js';
import { Refusal, unsupported } from './refusal.js';
import type { Expression, StarItem } from './syntax.js';

/** The columns of a star in a SELECT list, with what its ILIKE, EXCLUDE, REPLACE and RENAME do to them. */
export function starColumns(
  item: StarItem,
  columns: readonly Column[],
  replaced: (expression: Expression) => ColumnSet,
): readonly Column[] {
  const { pattern } = item;
  const changed = [...item.exclude, ...item.replace.keys(), ...item.rename.keys()];
  if (pattern === undefined && changed.length === 0) return columns;
  checkCertain(columns, changed, pattern);
  return columns
    .filter((column) => pattern === undefined || matches(column.name ?? '', pattern))
    .filter((column) => column.name === undefined || !item.exclude.includes(column.name))
    .map((column) => changedColumn(column, item, replaced));
}

function checkCertain(columns: readonly Column[], changed: readonly string[], pattern: string | undefined): void {
  const named = Map.groupBy(columns, (column) => column.name);
  if (!changed.every((name) => named.has(name))) {
    throw new Refusal('unknown-column', 'a column changed behind a star is not known');
  }
  if (columns.some((column) => column.name === undefined && (column.anyName === true || pattern !== undefined))) {
    unsupported('a changed star over a column whose name is not certain');
  }
  if (changed.some((name) => named.get(name)?.length !== 1)) {
    throw new Refusal('ambiguous-column', 'a column changed behind a star is ambiguous');
  }
  if (pattern !== undefined && columns.some((column) => !/^[\x20-\x7e]*$/.test(column.name ?? ''))) {
    unsupported('a name pattern over names with other than plain characters');
  }
}

function changedColumn(column: Column, item: StarItem, replaced: (expression: Expression) => ColumnSet): Column {
  if (column.name === undefined) return column;
  const name = item.rename.get(column.name) ?? column.name;
  const replacement = item.replace.get(column.name);
  if (replacement === undefined) return { ...column, name };
  return { name, sources: replaced(replacement), direct: undefined };
}

/** `%` any characters, `_` one, case left out. Names are short, and so is the table of what is reached. */
function matches(name: string, pattern: string): boolean {
  const wanted = pattern.toUpperCase();
  let reached = [true, ...Array<boolean>(name.length).fill(false)];
  for (const sign of wanted) {
    const next = reached.map(() => false);
    for (let at = 0; at <= name.length; at += 1) {
      if (sign === '%') next[at] = reached[at] === true || (at > 0 && next[at - 1] === true);
      else if (at > 0 && reached[at - 1] === true) next[at] = sign === '_' || sign === name[at - 1]?.toUpperCase();
    }
    reached = next;
  }
  return reached[name.length] === true;
}
