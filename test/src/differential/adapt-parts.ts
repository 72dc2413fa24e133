import type { Alias } from '@piste/gateway/dist/sql/syntax.js';
import { branch, list, nameParts, notAdapted, only, storedName, type Tree, text, variant } from './tree.js';

/** Small parts of a query in the other parser's tree. */

export function aliasOf(tree: Tree): Alias {
  const { name, columns } = only(tree, 'name', 'columns', 'explicit');
  const names = list(columns).map((column) => storedName(only(column, 'name')['name']));
  return { name: storedName(name), columns: names.length === 0 ? undefined : names };
}

export function optionalAlias(tree: Tree): Alias | undefined {
  return tree === undefined ? undefined : aliasOf(tree);
}

/** A column that stands alone. */
export function columnName(tree: Tree): string {
  const [kind, name] = variant(tree);
  return kind === 'Identifier' ? storedName(name) : notAdapted('no plain column');
}

/** The name a constant gives its column; undefined where it is the other side's to derive. */
export function pivotName(tree: Tree): string | undefined {
  const { expr, alias } = only(tree, 'expr', 'alias');
  if (alias !== undefined) return storedName(alias);
  const [kind, value] = variant(expr);
  const [type, constant] = kind === 'Value' ? variant(branch(value)['value']) : [];
  if (type === 'Number') return undefined;
  if (type !== 'SingleQuotedString') return notAdapted('a PIVOT over something that is not constant');
  return /['\\]/.test(text(constant)) ? undefined : `'${text(constant)}'`;
}

export function onePart(tree: Tree): string {
  const [name, second] = nameParts(tree);
  return name === undefined || second !== undefined ? notAdapted('a qualified name') : name;
}

export function excluded(tree: Tree): readonly string[] {
  const [kind, content] = variant(tree);
  return kind === 'Single' ? [onePart(content)] : list(content).map(onePart);
}

export function oneOrMore(tree: Tree): readonly Tree[] {
  const [kind, content] = variant(tree);
  return kind === 'Single' ? [content] : list(content);
}

export function distinctMap<T>(entries: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const map = new Map(entries);
  return map.size === entries.length ? map : notAdapted('a column that is changed twice');
}

/** A number of rows is a constant. */
export function checkCount(tree: Tree): void {
  if (JSON.stringify(tree ?? {}).match(/"(?:Identifier|CompoundIdentifier|Subquery|Function|limit_by":\[[^\]])"/)) {
    notAdapted('a computed number of rows');
  }
}
