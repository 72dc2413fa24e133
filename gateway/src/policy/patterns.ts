import type { ColumnRef, ObjectName } from '../sql/facts.js';
import type { ColumnPattern, ObjectPattern } from './compiled.js';

/**
 * Which side a doubt falls on. `wide` also matches names that differ in case only and objects of which only the outer
 * part is known (a statement on a whole database): right for rules that protect. `narrow` matches what is certain,
 * case-sensitive: right for rules that admit.
 */
export type Reach = 'wide' | 'narrow';

/** True when `glob`, in which each `*` stands for any run of characters, covers the whole of `text`. Linear; no regular expression. */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++;
      mark = t;
    } else if (g < glob.length && glob[g] === text[t]) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** One part of a name, as Snowflake stores it, against one glob. An empty name stands for everything inside the outer part. */
export function matchesPart(glob: string, name: string, reach: Reach): boolean {
  if (glob === '*') return true;
  if (name === '') return reach === 'wide';
  return matchesGlob(glob, name) || (reach === 'wide' && matchesGlob(glob.toUpperCase(), name.toUpperCase()));
}

/** An object without a database (a user, a warehouse, a name not resolved) is in no pattern's database for certain. */
export function matchesObject(pattern: ObjectPattern, object: ObjectName, reach: Reach): boolean {
  return (
    (reach === 'wide' || object.database !== '') &&
    matchesPart(pattern.database, object.database, reach) &&
    matchesPart(pattern.schema, object.schema, reach) &&
    matchesPart(pattern.object, object.name, reach)
  );
}

/** Column patterns protect, so doubts fall on their side, unless what is asked is whether a column is certain to be protected. */
export function matchesColumn(pattern: ColumnPattern, column: ColumnRef, reach: Reach = 'wide'): boolean {
  // The column's name is the rarest part, so most patterns end here.
  return matchesPart(pattern.column, column.column, reach) && matchesObject(pattern, column.object, reach);
}

const MAX_NAME_CHARACTERS = 96;

function showPart(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}"]/gu, '?');
  const shown = plain.length <= MAX_NAME_CHARACTERS ? plain : `${plain.slice(0, MAX_NAME_CHARACTERS - 1)}…`;
  return /^[A-Z_][A-Z0-9_$]*$/.test(shown) ? shown : `"${shown}"`;
}

/** An object's name for people: outer parts first, empty parts left out, control characters replaced. */
export function showObject(object: ObjectName): string {
  return [object.database, object.schema, object.name]
    .filter((part) => part !== '')
    .map(showPart)
    .join('.');
}

export function showColumn(column: ColumnRef): string {
  const object = showObject(column.object);
  return object === '' ? showPart(column.column) : `${object}.${showPart(column.column)}`;
}

/** A bare word (role, parameter) for people. */
export function showName(name: string): string {
  return showPart(name);
}
