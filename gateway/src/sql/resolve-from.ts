import { type Column, NO_COLUMNS, type Relation } from './columns.js';
import type { ColumnRef, EarlierResult, ObjectName } from './facts.js';
import { createLateralScope, createScope, type Scope } from './name-scope.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import { resolveMatch, resolvePivot, resolveUnpivot } from './resolve-reshaping.js';
import type { Resolving } from './resolving.js';
import { joinVisible, NOTHING_VISIBLE, type Visible, visibleItem } from './scope.js';
import type {
  Alias,
  Expression,
  FunctionSource,
  Join,
  JoinChain,
  ResultSource,
  Select,
  Source,
  TableSource,
  ValuesSource,
} from './syntax.js';

/** Where a source stands: what it may see of the sources before it, if it is lateral. */
interface Place {
  readonly resolving: Resolving;
  readonly select: Select;
  readonly outer: Scope | undefined;
  readonly before: () => Visible;
}

/** Everything the FROM clause of a SELECT makes visible. */
export function resolveFrom(resolving: Resolving, select: Select, outer: Scope | undefined): Visible {
  const { columns } = resolving.context;
  let visible = NOTHING_VISIBLE;
  for (const chain of select.from) {
    const before = visible;
    const own = resolveChain(chain, { resolving, select, outer, before: () => before });
    visible = visible === NOTHING_VISIBLE ? own : joinVisible(visible, own, [], columns);
  }
  return visible;
}

function resolveChain(chain: JoinChain, place: Place): Visible {
  const { columns } = place.resolving.context;
  let left = resolveSource(chain.first, place);
  for (const join of chain.joins) {
    const sofar = left;
    const right = resolveSource(join.source, {
      ...place,
      before: () => joinVisible(place.before(), sofar, [], columns),
    });
    left = joinVisible(left, right, joinedNames(join, left, right), columns);
  }
  return left;
}

/** ON conditions see everything the whole FROM makes visible: at worst a name turns ambiguous and is refused. */
export function joinConditions(chain: JoinChain): readonly Expression[] {
  const sources = [chain.first, ...chain.joins.map((join) => join.source)];
  const inner = sources.flatMap((source) => (source.kind === 'joined' ? joinConditions(source.chain) : []));
  return [...inner, ...chain.joins.flatMap((join) => join.on)];
}

function joinedNames(join: Join, left: Visible, right: Visible): readonly string[] {
  if (!join.natural) return join.using;
  const isPartial = [...left.items, ...right.items].some((item) => item.isPartial);
  if (left.unnamed !== 'no' || right.unnamed !== 'no' || isPartial) {
    unsupported('NATURAL over columns whose names are not certain');
  }
  return [...left.byName.keys()].filter((name) => right.byName.has(name));
}

function resolveSource(source: Source, place: Place): Visible {
  const { resolving, outer } = place;
  switch (source.kind) {
    case 'joined':
      return resolveChain(source.chain, place);
    case 'table':
      return resolveTable(source, resolving);
    case 'derived':
      return aliased(resolving.query(source.query, source.lateral ? lateralScope(place) : outer), source.alias);
    case 'values':
      return aliased(resolveValues(source, resolving, outer), source.alias);
    case 'function':
      return aliased(resolveFunction(source, place), source.alias);
    case 'result':
      return aliased(resolveResult(source, resolving), source.alias);
    case 'pivot':
      return aliased(resolvePivot(source, resolveSource(source.source, place), resolving), source.alias);
    case 'unpivot':
      return aliased(resolveUnpivot(source, resolveSource(source.source, place), resolving), source.alias);
    case 'match': {
      const { relation, isPartial } = resolveMatch(source, resolveSource(source.source, place), resolving, outer);
      return aliased(relation, source.alias, { isPartial });
    }
    default:
      return source satisfies never;
  }
}

function lateralScope(place: Place): Scope {
  return createLateralScope(place.before(), place.outer, place.select);
}

function resolveTable(source: TableSource, resolving: Resolving): Visible {
  if (source.cte !== undefined) {
    const relation = resolving.cte(source.cte);
    if (relation === undefined) unsupported('a recursive query of this form');
    return aliased(relation, source.alias, { name: source.cte.name });
  }
  const relation = resolving.context.relationOf(source);
  const { name } = relation.object;
  const object = source.alias === undefined ? relation.object : undefined;
  return aliased(relation, source.alias, { name, object, isPartial: source.hasMoreColumns });
}

function resolveValues(source: ValuesSource, resolving: Resolving, outer: Scope | undefined): Relation {
  const scope = createScope(NOTHING_VISIBLE, outer);
  const width = source.rows[0]?.length ?? 0;
  const cell = (expression: Expression | undefined) =>
    expression === undefined ? NO_COLUMNS : resolving.value(expression, scope);
  const columns = Array.from({ length: width }, (_, index) => ({
    name: `COLUMN${index + 1}`,
    sources: resolving.union(...source.rows.map((row) => cell(row[index]))),
    direct: undefined,
  }));
  return { columns, predicate: NO_COLUMNS };
}

/** Its rows are made out of the values of its arguments: how many there are tells of them too. */
function resolveFunction(source: FunctionSource, place: Place): Relation {
  const scope = lateralScope(place);
  const sources = place.resolving.union(...source.arguments.map((one) => place.resolving.value(one, scope)));
  place.resolving.note(sources, true);
  const columns = source.function.columns.map((name) => ({ name, sources, direct: undefined }));
  return { columns, predicate: sources };
}

// ---------------------------------------------------------------------------------------------- results

/** A result of this session, whose columns are known since it was given out. */
function resolveResult(source: ResultSource, resolving: Resolving): Relation {
  const { context } = resolving;
  const result = findResult(context.facts?.results ?? [], source.queryId);
  if (result === undefined) throw new Refusal('unknown-object', 'the result of an earlier query is not known');
  if (!/^[0-9A-Za-z-]+$/.test(result.upstreamQueryId)) unsupported('a result with a query id of this form');
  context.edits.replace(source.from, source.to, `'${result.upstreamQueryId}'`);
  const columns = result.columns.map(({ name, sources }) => ({
    name,
    sources: columnSet(sources, resolving),
    direct: undefined,
  }));
  return { columns, predicate: columnSet(result.predicate, resolving) };
}

/** The canonical text names a result as Snowflake does, and has to read again as itself. */
function findResult(results: readonly EarlierResult[], queryId: string | undefined): EarlierResult | undefined {
  if (queryId === undefined) return results.at(-1);
  return (
    results.find((result) => result.queryId === queryId) ?? results.find((result) => result.upstreamQueryId === queryId)
  );
}

export function columnSet(refs: readonly ColumnRef[], { context }: Resolving): ReadonlySet<number> {
  return new Set(
    refs.map(({ object, column, traits }) => {
      return context.columns.add(object, traits ?? { name: column, type: 'unknown' });
    }),
  );
}

// ---------------------------------------------------------------------------------------------- aliases

interface OwnName {
  readonly name?: string;
  readonly object?: ObjectName | undefined;
  readonly isPartial?: boolean;
}

function aliased(relation: Relation, alias: Alias | undefined, own: OwnName = {}): Visible {
  const isPartial = own.isPartial === true;
  if (isPartial && alias?.columns !== undefined) unsupported('names for columns that are not all known');
  const columns = renameColumns(relation.columns, alias?.columns);
  const item = { name: alias?.name ?? own.name, object: own.object, columns };
  return visibleItem(item, relation.predicate, isPartial);
}

export function renameColumns(columns: readonly Column[], names: readonly string[] | undefined): readonly Column[] {
  if (names === undefined) return columns;
  if (names.length !== columns.length) unknownSyntax('a column list does not have the length of its query');
  return columns.map((column, index) => ({ name: names[index], sources: column.sources, direct: column.direct }));
}
