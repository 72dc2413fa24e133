import { type Column, NO_COLUMNS, type Relation } from './columns.js';
import { createScope, type Scope } from './name-scope.js';
import { Refusal, unsupported } from './refusal.js';
import type { Resolving } from './resolving.js';
import { type Visible, visibleItem } from './scope.js';
import type { Expression, MatchSource, PivotSource, UnpivotSource } from './syntax.js';

/** The columns that PIVOT, UNPIVOT and MATCH_RECOGNIZE make out of those of their source. */

/** What is neither aggregated nor the key groups the rows. Each new column depends on all that is aggregated, and on the key. */
export function resolvePivot(source: PivotSource, visible: Visible, resolving: Resolving): Relation {
  const from = certainColumns(visible);
  const key = one(from, source.key);
  const values = source.values.map((name) => one(from, name));
  const kept = from.filter((column) => column !== key && !values.includes(column));
  const scope = createScope(visible, undefined);
  const defaults = source.defaults.map((expression) => resolving.value(expression, scope));
  resolving.note(resolving.union(key.sources, ...values.map((column) => column.sources)), true);
  // In what order several aggregates come is not certain, so each of the new columns counts as all of them.
  const sources = resolving.union(key.sources, ...values.map((column) => column.sources), ...defaults);
  const made = source.columns.map((name): Column => {
    const column = { name, sources, direct: undefined };
    return name === undefined ? { ...column, anyName: true } : column;
  });
  const grouping = resolving.union(...kept.map((column) => column.sources));
  resolving.note(grouping, false);
  return { columns: [...kept, ...made], predicate: resolving.union(visible.predicate, grouping) };
}

/** Each row becomes several, without those that hold NULL; the values of different columns meet in one. */
export function resolveUnpivot(source: UnpivotSource, visible: Visible, resolving: Resolving): Relation {
  const from = certainColumns(visible);
  const turned = source.columns.map((name) => one(from, name));
  if (new Set(turned).size < turned.length) throw new Refusal('ambiguous-column', 'a column is turned twice');
  const kept = from.filter((column) => !turned.includes(column));
  const sources = resolving.union(...turned.map((column) => column.sources));
  resolving.note(sources, true);
  const made: readonly Column[] = [
    { name: source.key, sources: NO_COLUMNS, direct: undefined },
    { name: source.value, sources, direct: undefined },
  ];
  return { columns: [...kept, ...made], predicate: resolving.union(visible.predicate, sources) };
}

/** Which rows form a match depends on all conditions, and every measure on that. */
export function resolveMatch(
  source: MatchSource,
  visible: Visible,
  resolving: Resolving,
  outer: Scope | undefined,
): { readonly relation: Relation; readonly isPartial: boolean } {
  const from = certainColumns(visible);
  const scope = createScope(symbolsVisible(source.symbols, from), outer);
  const value = (expression: Expression) => resolving.value(expression, scope);
  const sorted = resolving.union(...source.partitionBy.map(value), ...source.orderBy.map(value));
  const defined = resolving.union(...source.defines.map(value));
  const measures = source.measures.map(({ name, expression }): Column => {
    return { name, sources: resolving.union(value(expression), defined), direct: undefined };
  });
  const predicate = resolving.union(visible.predicate, sorted, defined);
  resolving.note(resolving.union(sorted, defined), true);
  if (source.allRows) {
    return { relation: { columns: [...from, ...measures], predicate }, isPartial: !comesFirst(source, from) };
  }
  const partition = source.partitionBy.map((expression) => plainColumn(expression, from));
  return { relation: { columns: [...partition, ...measures], predicate }, isPartial: false };
}

/** Columns under their bare names and behind each symbol of the pattern. */
function symbolsVisible(symbols: readonly string[], columns: readonly Column[]): Visible {
  const bare = visibleItem({ name: undefined, object: undefined, columns }, NO_COLUMNS);
  const items = symbols.flatMap((name) => visibleItem({ name, object: undefined, columns }, NO_COLUMNS).items);
  return { ...bare, items };
}

/** With ALL ROWS the standard moves what is partitioned and sorted by to the front: the order is certain if it is there. */
function comesFirst(source: MatchSource, from: readonly Column[]): boolean {
  return [...source.partitionBy, ...source.orderBy].every(({ exact }, index) => {
    const isBare = exact?.parts.length === 1 && exact.position === undefined;
    return isBare && from[index]?.name === exact.parts[0];
  });
}

function plainColumn({ exact }: Expression, from: readonly Column[]): Column {
  if (exact?.parts.length !== 1 || exact.position !== undefined) unsupported('a pattern partitioned by an expression');
  return one(from, exact.parts[0] ?? '');
}

/** All columns of a source, each with a name of its own. */
function certainColumns(visible: Visible): readonly Column[] {
  const columns = visible.star;
  if (columns === undefined || visible.unnamed !== 'no') {
    unsupported('a reshaping clause over columns that are not certain');
  }
  return columns;
}

function one(columns: readonly Column[], name: string): Column {
  const [column, second] = columns.filter((candidate) => candidate.name === name);
  if (column === undefined) throw new Refusal('unknown-column', 'a column is not known');
  if (second !== undefined) throw new Refusal('ambiguous-column', 'a column name is ambiguous');
  return column;
}
