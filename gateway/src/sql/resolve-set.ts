import type { Column, Relation } from './columns.js';
import { unknownSyntax, unsupported } from './refusal.js';

/** A column of a set operation: its name, and the columns of the arms that come together in it. */
export interface SetColumn {
  readonly name: Pick<Column, 'name' | 'anyName'>;
  readonly parts: readonly Column[];
}

export function setColumns(arms: readonly Relation[], byName: boolean): readonly SetColumn[] {
  return byName ? columnsByName(arms) : columnsByPlace(arms);
}

function columnsByPlace(arms: readonly Relation[]): readonly SetColumn[] {
  const first = arms[0]?.columns ?? [];
  if (arms.some((arm) => arm.columns.length !== first.length)) {
    unknownSyntax('the sides of a set operation differ in their number of columns');
  }
  return first.map((column, index) => {
    const parts = arms.flatMap((arm) => arm.columns[index] ?? []);
    return { name: nameOf(column), parts };
  });
}

function nameOf({ name, anyName }: Column): SetColumn['name'] {
  return anyName === undefined ? { name } : { name, anyName };
}

/** Columns in the order in which their names appear first; an arm without one of them gives NULL. */
function columnsByName(arms: readonly Relation[]): readonly SetColumn[] {
  const parts = new Map<string, Column[]>();
  for (const arm of arms) {
    const names = new Set<string>();
    for (const column of arm.columns) {
      const { name } = column;
      if (name === undefined) unsupported('a set operation by name over a column without a name of its own');
      if (names.has(name)) unsupported('a set operation by name over two columns of one name');
      names.add(name);
      const same = parts.get(name);
      if (same === undefined) parts.set(name, [column]);
      else same.push(column);
    }
  }
  // Whether names that differ in case only are one is not certain.
  const folded = new Set([...parts.keys()].map((name) => name.toUpperCase()));
  if (folded.size < parts.size) unsupported('a set operation by name over names that differ in case only');
  return [...parts].map(([name, columns]) => ({ name: { name }, parts: columns }));
}
