import { type Column, type ColumnSet, NO_COLUMNS, type Relation } from './columns.js';
import { createScope, type Scope } from './name-scope.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import { columnSet, joinConditions, renameColumns, resolveFrom } from './resolve-from.js';
import { Names } from './resolve-names.js';
import { setColumns } from './resolve-set.js';
import { starColumns } from './resolve-star.js';
import type { ResolveContext, Resolving } from './resolving.js';
import { visibleItem } from './scope.js';
import type { Arm, Cte, Expression, ExpressionItem, Query, Select, StarItem } from './syntax.js';

/** Rounds until the columns of a recursive query are found. Each adds some column's sources to another's. */
const MAX_ROUNDS = 100;

/** Work of looking at one expression, of one round of recursion: in the units of `ColumnTable.spend`. */
const COST_OF_EXPRESSION = 5;
const COST_OF_ROUND = 500;

/**
 * What each output of the query can depend on, and what decides about its rows. Throws `Refusal` for every name that is
 * not known exactly.
 */
export function resolveQuery(query: Query, context: ResolveContext): Relation {
  return new Resolver(context).query(query, undefined);
}

class Resolver implements Resolving {
  readonly context: ResolveContext;
  readonly #ctes = new Map<Cte, Relation>();
  readonly #names: Names;

  constructor(context: ResolveContext) {
    this.context = context;
    this.#names = new Names(this);
  }

  readonly union = (...sets: readonly ColumnSet[]): ColumnSet => this.context.columns.union(sets);

  note(worked: ColumnSet, reveals: boolean): void {
    const { columns, worked: notes } = this.context;
    columns.spend(worked.size);
    for (const id of worked) notes.computed.add(id);
    if (reveals) for (const id of worked) notes.revealing.add(id);
  }

  query(query: Query, outer: Scope | undefined): Relation {
    for (const cte of query.ctes) this.#resolveCte(cte, outer);
    const [first] = query.arms;
    if (query.arms.length === 1 && first?.kind === 'select') return this.#select(first, query.orderBy, outer);
    return this.#ordered(this.#setOperation(query, outer), query.orderBy, outer);
  }

  // -------------------------------------------------------------------------------------------- WITH

  cte(cte: Cte): Relation | undefined {
    return this.#ctes.get(cte);
  }

  #resolveCte(cte: Cte, outer: Scope | undefined): void {
    if (cte.query === undefined) unsupported('a recursive query of this form');
    if (cte.isRecursive) this.#resolveRecursive(cte, cte.query, outer);
    else {
      const relation = this.query(cte.query, outer);
      this.#ctes.set(cte, { ...relation, columns: renameColumns(relation.columns, cte.columns) });
    }
  }

  /** Round after round, because a column's sources may reach another one only through several of them. */
  #resolveRecursive(cte: Cte, body: Query, outer: Scope | undefined): void {
    let known = this.#anchor(cte, body, outer);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      this.context.columns.spend(COST_OF_ROUND);
      this.#ctes.set(cte, known);
      const found = this.query(body, outer);
      const columns = known.columns.map((column, index): Column => {
        return { ...column, sources: this.union(column.sources, found.columns[index]?.sources ?? NO_COLUMNS) };
      });
      const predicate = this.union(known.predicate, found.predicate);
      const grows =
        predicate.size > known.predicate.size ||
        columns.some((column, index) => column.sources.size > (known.columns[index]?.sources.size ?? 0));
      known = { columns, predicate };
      if (!grows) return;
    }
    throw new Refusal('too-large', 'a recursive query passes its columns on too often');
  }

  /** The rows a recursive query begins with. Later rows may be made of anything, so no column is a plain copy. */
  #anchor(cte: Cte, body: Query, outer: Scope | undefined): Relation {
    for (const inner of body.ctes) this.#resolveCte(inner, outer);
    const [first] = body.arms;
    if (first === undefined) unsupported('a recursive query of this form');
    const relation = this.#arm(first, outer);
    const columns = renameColumns(relation.columns, cte.columns).map((column) => ({ ...column, direct: undefined }));
    return { columns, predicate: relation.predicate };
  }

  // -------------------------------------------------------------------------------------------- set operations

  #arm(arm: Arm, outer: Scope | undefined): Relation {
    return arm.kind === 'select' ? this.#select(arm, [], outer) : this.query(arm.query, outer);
  }

  /** A value may come from any arm; an operation that compares rows makes every column decide about them. */
  #setOperation(query: Query, outer: Scope | undefined): Relation {
    const arms = query.arms.map((arm) => this.#arm(arm, outer));
    const columns = setColumns(arms, query.byName).map(({ name, parts }): Column => {
      const sources = this.union(...parts.map((part) => part.sources));
      // Values of different types are converted to one.
      const converts = !this.context.columns.haveOneType(parts.map((part) => part.direct));
      if (arms.length > 1) this.note(sources, converts && this.context.isAimed);
      const [first] = parts;
      const isCopy = parts.length === arms.length && parts.every((part) => part.direct === first?.direct);
      return { ...name, sources, direct: isCopy ? first?.direct : undefined };
    });
    const compared = query.compares ? columns.map((column) => column.sources) : [];
    return { columns, predicate: this.union(...arms.map((arm) => arm.predicate), ...compared) };
  }

  /** ORDER BY behind a set operation or a query in brackets sees the output columns only. */
  #ordered(relation: Relation, orderBy: readonly Expression[], outer: Scope | undefined): Relation {
    if (orderBy.length === 0) return relation;
    const visible = visibleItem({ name: undefined, object: undefined, columns: relation.columns }, NO_COLUMNS);
    const scope = createScope(visible, outer);
    const sets = orderBy.map((expression) => this.#key(expression, relation.columns, scope));
    return { ...relation, predicate: this.union(relation.predicate, ...sets) };
  }

  // -------------------------------------------------------------------------------------------- SELECT

  #select(select: Select, orderBy: readonly Expression[], outer: Scope | undefined): Relation {
    const visible = resolveFrom(this, select, outer);
    const level = this.#hierarchy(select, visible, outer);
    const scope = createScope(visible, outer, select, level);
    const columns = select.items.flatMap((item) =>
      item.kind === 'star' ? this.#starColumns(item, scope) : [this.#itemColumn(item, scope)],
    );
    if (columns.length === 0) unknownSyntax('a query without columns');
    const conditionScope: Scope = { ...scope, aliasesAdd: true };
    const decisive = [
      visible.predicate,
      ...select.from.flatMap((chain) => joinConditions(chain)).map((on) => this.value(on, conditionScope)),
      ...select.filters.map((filter) => this.value(filter, conditionScope)),
      ...this.#grouping(select, columns, conditionScope),
      ...orderBy.map((expression) => this.#key(expression, columns, conditionScope)),
      ...(select.distinct ? columns.map((column) => column.sources) : []),
    ];
    return { columns, predicate: this.union(...decisive, level ?? NO_COLUMNS) };
  }

  /** What CONNECT BY depends on. LEVEL within its own conditions adds nothing to that. */
  #hierarchy(select: Select, visible: Parameters<typeof createScope>[0], outer: Scope | undefined) {
    if (select.hierarchy === undefined) return undefined;
    const scope: Scope = { ...createScope(visible, outer, select, NO_COLUMNS), aliasesAdd: true };
    const level = this.union(...select.hierarchy.map((condition) => this.value(condition, scope)));
    this.note(level, true);
    return level;
  }

  #grouping(select: Select, columns: readonly Column[], scope: Scope): readonly ColumnSet[] {
    if (select.groupBy !== 'all') return select.groupBy.map((expression) => this.#key(expression, columns, scope));
    return select.items.flatMap((item) => {
      if (item.kind === 'star') return this.#starColumns(item, scope).map((column) => column.sources);
      return item.expression.isAggregate ? [] : [this.value(item.expression, { ...scope, aliasesAdd: false })];
    });
  }

  /** An entry of GROUP BY or ORDER BY: an output by its position, or an expression. */
  #key(expression: Expression, columns: readonly Column[], scope: Scope): ColumnSet {
    if (expression.ordinal === undefined) return this.value(expression, scope);
    if (expression.ordinal === 'unclear') unsupported('a constant that may be a position');
    const column = columns[expression.ordinal - 1];
    if (column === undefined) unknownSyntax('a position lies outside the output columns');
    return column.sources;
  }

  #itemColumn(item: ExpressionItem, scope: Scope): Column {
    const { exact } = item.expression;
    if (exact === undefined) {
      const column = { name: item.alias, sources: this.value(item.expression, scope), direct: undefined };
      const isUncertain = item.expression.isBracketed || item.expression.variables.length > 0;
      return isUncertain ? { ...column, anyName: true } : column;
    }
    const column = this.#names.column(exact, scope);
    return item.alias === undefined ? column : { name: item.alias, sources: column.sources, direct: column.direct };
  }

  #starColumns(item: StarItem, scope: Scope): readonly Column[] {
    const columns = this.#names.star(item.star, scope.visible);
    this.context.columns.spend(columns.length * (1 + item.exclude.length));
    return starColumns(item, columns, (expression) => this.value(expression, scope));
  }

  // -------------------------------------------------------------------------------------------- expressions

  value(expression: Expression, scope: Scope): ColumnSet {
    const known = scope.values.get(expression);
    if (known !== undefined && known !== 'in progress') return known;
    scope.values.set(expression, 'in progress');
    const value = this.#computeValue(expression, scope);
    scope.values.set(expression, value);
    if (expression.exact === undefined) this.note(value, expression.canFail && this.context.isAimed);
    for (const key of expression.windowKeys) this.note(this.value(key, scope), true);
    return value;
  }

  #computeValue(expression: Expression, scope: Scope): ColumnSet {
    this.context.columns.spend(COST_OF_EXPRESSION + expression.columns.length);
    const sets: ColumnSet[] = expression.columns.map((use) => this.#names.column(use, scope).sources);
    for (const star of expression.stars) {
      const columns = this.#names.star(star, scope.visible);
      this.context.columns.spend(columns.length);
      for (const column of columns) sets.push(column.sources);
    }
    for (const query of expression.queries) {
      const relation = this.query(query, scope);
      sets.push(relation.predicate, ...relation.columns.map((column) => column.sources));
    }
    for (const name of expression.windows) sets.push(this.#window(name, scope));
    for (const name of expression.variables) sets.push(this.#variable(name));
    return this.union(...sets);
  }

  #window(name: string, scope: Scope): ColumnSet {
    const keys = scope.windows.get(name);
    if (keys === undefined) unknownSyntax('a named window is not known');
    const sorted = this.union(...keys.map((key) => this.value(key, scope)));
    this.note(sorted, true);
    return sorted;
  }

  /** A variable of the session holds what an earlier statement put there. */
  #variable(name: string): ColumnSet {
    const variables = this.context.facts?.variables;
    const sources = variables !== undefined && Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (sources === undefined) throw new Refusal('dynamic', 'the value of a session variable is not known');
    return columnSet(sources, this);
  }
}
