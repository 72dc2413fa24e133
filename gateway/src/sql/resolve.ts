import type { Edits } from './canonical.js';
import { type Column, type ColumnSet, type ColumnTable, NO_COLUMNS, type Relation } from './columns.js';
import type { ObjectName } from './facts.js';
import { type AliasMeaning, checkNotHidden, createScope, isHiddenByOutput, type Scope } from './name-scope.js';
import { quoteIdentifier } from './names.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import {
  columnOf,
  findItem,
  joinVisible,
  mayBeUnnamed,
  NOTHING_VISIBLE,
  pick,
  type ScopeItem,
  type Visible,
  visibleItem,
} from './scope.js';
import type {
  Alias,
  Arm,
  ColumnUse,
  Cte,
  Expression,
  ExpressionItem,
  Join,
  JoinChain,
  Query,
  Select,
  Source,
  Star,
  StarItem,
  TableSource,
  ValuesSource,
} from './syntax.js';
import type { Token } from './tokens.js';

/** Gets the columns that expressions work on, and those that may show by it: see `QueryFacts`. */
export interface WorkedColumns {
  readonly computed: Set<number>;
  readonly revealing: Set<number>;
}

/** How a text's table names are looked up, and where corrections of the text go. */
export interface ResolveContext {
  readonly columns: ColumnTable;
  readonly worked: WorkedColumns;
  /** The relation behind a table name. The tables have been found before: see `loadTables`. */
  readonly relationOf: (table: TableSource) => Relation & { readonly object: ObjectName };
  /** The text, and where its corrections go. */
  readonly tokens: readonly Token[];
  readonly edits: Edits;
  /** The caller wrote the text: what may fail in it can be aimed at a value. A view fails as its author wrote it. */
  readonly isAimed: boolean;
}

/** Longest chain of aliases that refer to each other. */
const MAX_ALIAS_CHAIN = 50;

/**
 * What each output of the query can depend on, and what decides about its rows. Throws `Refusal` for every name that is
 * not known exactly.
 */
export function resolveQuery(query: Query, context: ResolveContext): Relation {
  return new Resolver(context).query(query, undefined);
}

class Resolver {
  readonly #context: ResolveContext;
  readonly #ctes = new Map<Cte, Relation>();
  #aliasDepth = 0;

  constructor(context: ResolveContext) {
    this.#context = context;
  }

  #union(...sets: readonly ColumnSet[]): ColumnSet {
    return this.#context.columns.union(sets);
  }

  query(query: Query, outer: Scope | undefined): Relation {
    for (const cte of query.ctes) this.#resolveCte(cte, outer);
    const [first] = query.arms;
    if (query.arms.length === 1 && first?.kind === 'select') return this.#select(first, query.orderBy, outer);
    return this.#ordered(this.#setOperation(query, outer), query.orderBy, outer);
  }

  #resolveCte(cte: Cte, outer: Scope | undefined): void {
    if (cte.query === undefined) unsupported('a recursive query');
    const relation = this.query(cte.query, outer);
    this.#ctes.set(cte, { ...relation, columns: renamed(relation.columns, cte.columns) });
  }

  #arm(arm: Arm, outer: Scope | undefined): Relation {
    return arm.kind === 'select' ? this.#select(arm, [], outer) : this.query(arm.query, outer);
  }

  /** A value may come from any arm; an operation that compares rows makes every column decide about them. */
  #setOperation(query: Query, outer: Scope | undefined): Relation {
    const arms = query.arms.map((arm) => this.#arm(arm, outer));
    const first = arms[0]?.columns ?? [];
    if (arms.some((arm) => arm.columns.length !== first.length)) {
      unknownSyntax('the sides of a set operation differ in their number of columns');
    }
    const columns = first.map((column, index) => {
      const same = arms.map((arm) => arm.columns[index]);
      const sources = this.#union(...same.map((other) => other?.sources ?? NO_COLUMNS));
      // Values of different types are converted to one.
      const converts = !this.#context.columns.haveOneType(same.map((other) => other?.direct));
      if (arms.length > 1) this.#note(sources, converts && this.#context.isAimed);
      return {
        ...column,
        sources,
        direct: same.every((other) => other?.direct === column.direct) ? column.direct : undefined,
      };
    });
    const compared = query.compares ? columns.map((column) => column.sources) : [];
    return { columns, predicate: this.#union(...arms.map((arm) => arm.predicate), ...compared) };
  }

  /** ORDER BY behind a set operation or a query in brackets sees the output columns only. */
  #ordered(relation: Relation, orderBy: readonly Expression[], outer: Scope | undefined): Relation {
    if (orderBy.length === 0) return relation;
    const visible = visibleItem({ name: undefined, object: undefined, columns: relation.columns }, NO_COLUMNS);
    const scope = createScope(visible, outer);
    const sets = orderBy.map((expression) => this.#key(expression, relation.columns, scope));
    return { ...relation, predicate: this.#union(relation.predicate, ...sets) };
  }

  // -------------------------------------------------------------------------------------------- SELECT

  #select(select: Select, orderBy: readonly Expression[], outer: Scope | undefined): Relation {
    const visible = this.#from(select.from, outer);
    const scope = createScope(visible, outer, select);
    const columns = select.items.flatMap((item) =>
      item.kind === 'star' ? this.#starColumns(item, scope) : [this.#itemColumn(item, scope)],
    );
    const conditionScope: Scope = { ...scope, aliasesAdd: true };
    const decisive = [
      visible.predicate,
      ...select.from.flatMap((chain) => this.#conditions(chain)).map((on) => this.#value(on, conditionScope)),
      ...select.filters.map((filter) => this.#value(filter, conditionScope)),
      ...this.#grouping(select, columns, conditionScope),
      ...orderBy.map((expression) => this.#key(expression, columns, conditionScope)),
      ...(select.distinct ? columns.map((column) => column.sources) : []),
    ];
    return { columns, predicate: this.#union(...decisive) };
  }

  #grouping(select: Select, columns: readonly Column[], scope: Scope): readonly ColumnSet[] {
    if (select.groupBy !== 'all') return select.groupBy.map((expression) => this.#key(expression, columns, scope));
    return select.items.flatMap((item) => {
      if (item.kind === 'star') return this.#starColumns(item, scope).map((column) => column.sources);
      return item.expression.isAggregate ? [] : [this.#value(item.expression, { ...scope, aliasesAdd: false })];
    });
  }

  /** An entry of GROUP BY or ORDER BY: an output by its position, or an expression. */
  #key(expression: Expression, columns: readonly Column[], scope: Scope): ColumnSet {
    if (expression.ordinal === undefined) return this.#value(expression, scope);
    if (expression.ordinal === 'unclear') unsupported('a constant that may be a position');
    const column = columns[expression.ordinal - 1];
    if (column === undefined) unknownSyntax('a position lies outside the output columns');
    return column.sources;
  }

  #itemColumn(item: ExpressionItem, scope: Scope): Column {
    const { exact } = item.expression;
    if (exact === undefined) {
      const column = { name: item.alias, sources: this.#value(item.expression, scope), direct: undefined };
      return item.expression.isBracketed ? { ...column, anyName: true } : column;
    }
    const column = this.#column(exact, scope);
    return { ...column, name: item.alias ?? column.name };
  }

  #starColumns(item: StarItem, scope: Scope): readonly Column[] {
    const columns = this.#star(item.star, scope.visible);
    this.#context.columns.spend(columns.length * (1 + item.exclude.length));
    const changed = [...item.exclude, ...item.replace.keys(), ...item.rename.keys()];
    const named = Map.groupBy(columns, (column) => column.name);
    if (!changed.every((name) => named.has(name))) {
      throw new Refusal('unknown-column', 'a column changed behind a star is not known');
    }
    if (changed.length > 0 && columns.some((column) => column.name === undefined && column.anyName === true)) {
      unsupported('a changed star over a column in brackets');
    }
    if (changed.some((name) => named.get(name)?.length !== 1)) {
      throw new Refusal('ambiguous-column', 'a column changed behind a star is ambiguous');
    }
    return columns
      .filter((column) => column.name === undefined || !item.exclude.includes(column.name))
      .map((column) => this.#changed(column, item, scope));
  }

  #changed(column: Column, item: StarItem, scope: Scope): Column {
    if (column.name === undefined) return column;
    const name = item.rename.get(column.name) ?? column.name;
    const replacement = item.replace.get(column.name);
    if (replacement === undefined) return { ...column, name };
    return { name, sources: this.#value(replacement, scope), direct: undefined };
  }

  #star(star: Star, visible: Visible): readonly Column[] {
    if (star.qualifier.length === 0) {
      if (visible.items.length === 0) unknownSyntax('a star without a source');
      return visible.star ?? unsupported('a star over columns merged by USING out of order');
    }
    const item = findItem(visible, star.qualifier);
    if (item === undefined) throw new Refusal('unknown-object', 'the source before a star is not known');
    if (item.columns.some((column) => column.name !== undefined && visible.merged.has(column.name))) {
      unsupported('a star over one side of USING');
    }
    this.#repoint(star.qualifier.length, item, star.from, star.to);
    return item.columns;
  }

  // -------------------------------------------------------------------------------------------- FROM

  #from(chains: readonly JoinChain[], outer: Scope | undefined): Visible {
    return chains
      .map((chain) => this.#chain(chain, outer))
      .reduce((left, right) => joinVisible(left, right, [], this.#context.columns), NOTHING_VISIBLE);
  }

  #chain(chain: JoinChain, outer: Scope | undefined): Visible {
    let left = this.#source(chain.first, outer);
    for (const join of chain.joins) {
      const right = this.#source(join.source, outer);
      left = joinVisible(left, right, joinedNames(join, left, right), this.#context.columns);
    }
    return left;
  }

  /** ON conditions see everything the whole FROM makes visible: at worst a name turns ambiguous and is refused. */
  #conditions(chain: JoinChain): readonly Expression[] {
    const sources = [chain.first, ...chain.joins.map((join) => join.source)];
    const inner = sources.flatMap((source) => (source.kind === 'joined' ? this.#conditions(source.chain) : []));
    return [...inner, ...chain.joins.flatMap((join) => join.on)];
  }

  #source(source: Source, outer: Scope | undefined): Visible {
    switch (source.kind) {
      case 'joined':
        return this.#chain(source.chain, outer);
      case 'table':
        return this.#table(source);
      case 'derived':
        return aliased(this.query(source.query, outer), source.alias, undefined, undefined);
      case 'values':
        return aliased(this.#values(source, outer), source.alias, undefined, undefined);
      default:
        return source satisfies never;
    }
  }

  #table(source: TableSource): Visible {
    if (source.cte !== undefined) {
      const relation = this.#ctes.get(source.cte);
      if (relation === undefined) unsupported('a recursive query');
      return aliased(relation, source.alias, source.cte.name, undefined);
    }
    const relation = this.#context.relationOf(source);
    const { object } = relation;
    return aliased(relation, source.alias, object.name, source.alias === undefined ? object : undefined);
  }

  #values(source: ValuesSource, outer: Scope | undefined): Relation {
    const scope = createScope(NOTHING_VISIBLE, outer);
    const width = source.rows[0]?.length ?? 0;
    const columns = Array.from({ length: width }, (_, index) => ({
      name: `COLUMN${index + 1}`,
      sources: this.#union(...source.rows.map((row) => this.#cell(row[index], scope))),
      direct: undefined,
    }));
    return { columns, predicate: NO_COLUMNS };
  }

  #cell(expression: Expression | undefined, scope: Scope): ColumnSet {
    return expression === undefined ? NO_COLUMNS : this.#value(expression, scope);
  }

  // -------------------------------------------------------------------------------------------- expressions

  /** Everything that can influence the value, the rows of its subqueries included. */
  #value(expression: Expression, scope: Scope): ColumnSet {
    const known = scope.values.get(expression);
    if (known !== undefined && known !== 'in progress') return known;
    scope.values.set(expression, 'in progress');
    const value = this.#computeValue(expression, scope);
    scope.values.set(expression, value);
    if (expression.exact === undefined) this.#note(value, expression.canFail && this.#context.isAimed);
    for (const key of expression.windowKeys) this.#note(this.#value(key, scope), true);
    return value;
  }

  #note(worked: ColumnSet, reveals: boolean): void {
    const { columns, worked: notes } = this.#context;
    columns.spend(worked.size);
    for (const id of worked) notes.computed.add(id);
    if (reveals) for (const id of worked) notes.revealing.add(id);
  }

  #computeValue(expression: Expression, scope: Scope): ColumnSet {
    const stars = expression.stars.flatMap((star) => this.#star(star, scope.visible));
    this.#context.columns.spend(stars.length);
    const relations = expression.queries.map((query) => this.query(query, scope));
    return this.#union(
      ...expression.columns.map((use) => this.#column(use, scope).sources),
      ...stars.map((column) => column.sources),
      ...relations.flatMap((relation) => [relation.predicate, ...relation.columns.map((column) => column.sources)]),
    );
  }

  #column(use: ColumnUse, scope: Scope): Column {
    const found = use.parts.length > 1 ? this.#qualified(use, scope) : this.#unqualified(use.parts[0] ?? '', scope);
    if (found !== undefined) return found;
    if (use.maybeDatePart) return { name: undefined, sources: NO_COLUMNS, direct: undefined };
    throw new Refusal('unknown-column', 'a column is not known');
  }

  #qualified(use: ColumnUse, scope: Scope): Column | undefined {
    const qualifier = use.parts.slice(0, -1);
    for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
      const item = findItem(at.visible, qualifier);
      if (item === undefined) continue;
      if (qualifier.length > 1) checkNotHidden(item, scope, at);
      this.#repoint(qualifier.length, item, use.from, use.to);
      return columnOf(item, use.parts.at(-1) ?? '');
    }
    return undefined;
  }

  /** The inner scope comes first, and there the column; see `Scope.aliasesAdd` for aliases beside it. */
  #unqualified(name: string, scope: Scope): Column | undefined {
    const columns = scope.visible.byName.get(name);
    const column = columns === undefined ? undefined : pick(columns);
    if (column !== undefined && !scope.aliasesAdd) return column;
    if (column === undefined && mayBeUnnamed(scope.visible, name)) return undefined;
    const alias = this.#alias(name, scope);
    if (column === undefined && alias === undefined && isHiddenByOutput(scope, name)) return undefined;
    if (column === undefined && alias === undefined) {
      return scope.outer === undefined ? undefined : this.#unqualified(name, scope.outer);
    }
    if (column === undefined) {
      const outer = scope.outer === undefined ? undefined : this.#unqualified(name, scope.outer);
      return { name, sources: this.#union(alias ?? NO_COLUMNS, outer?.sources ?? NO_COLUMNS), direct: undefined };
    }
    const adds = alias !== undefined && [...alias].some((id) => !column.sources.has(id));
    return adds ? { name, sources: this.#union(column.sources, alias), direct: undefined } : column;
  }

  #alias(name: string, scope: Scope): ColumnSet | undefined {
    const meanings = scope.aliases.get(name) ?? [];
    const values = meanings.map((meaning) => this.#aliasValue(meaning, scope)).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : this.#union(...values);
  }

  /** Undefined for an alias within its own expression: there only a column can be meant. */
  #aliasValue(meaning: AliasMeaning, scope: Scope): ColumnSet | undefined {
    if ('star' in meaning) {
      const columns = this.#star(meaning.star, scope.visible).filter((column) => column.name === meaning.column);
      return this.#union(...columns.map((column) => column.sources));
    }
    if (scope.values.get(meaning.expression) === 'in progress') return undefined;
    if (this.#aliasDepth >= MAX_ALIAS_CHAIN) unsupported('so long a chain of aliases');
    this.#aliasDepth += 1;
    const value = this.#value(meaning.expression, { ...scope, aliasesAdd: false });
    this.#aliasDepth -= 1;
    return value;
  }

  // -------------------------------------------------------------------------------------------- text

  /** A name with schema or database would not find the alias its table gets: it is pointed to the alias. */
  #repoint(qualifierLength: number, item: ScopeItem, from: number, to: number): void {
    const { tokens, edits } = this.#context;
    const last = tokens[to - 1];
    if (qualifierLength < 2 || item.name === undefined || last === undefined) return;
    edits.replace(from, to, `${quoteIdentifier(item.name)}.${last.raw}`);
  }
}

function aliased(
  relation: Relation,
  alias: Alias | undefined,
  ownName: string | undefined,
  object: ObjectName | undefined,
): Visible {
  const columns = renamed(relation.columns, alias?.columns);
  return visibleItem({ name: alias?.name ?? ownName, object, columns }, relation.predicate);
}

function renamed(columns: readonly Column[], names: readonly string[] | undefined): readonly Column[] {
  if (names === undefined) return columns;
  if (names.length !== columns.length) unknownSyntax('a column list does not have the length of its query');
  return columns.map((column, index) => ({ ...column, name: names[index] }));
}

function joinedNames(join: Join, left: Visible, right: Visible): readonly string[] {
  if (!join.natural) return join.using;
  if (left.unnamed !== 'no' || right.unnamed !== 'no') unsupported('NATURAL over a column without a name of its own');
  return [...left.byName.keys()].filter((name) => right.byName.has(name));
}
