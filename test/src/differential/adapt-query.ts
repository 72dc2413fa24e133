import { Edits } from '@piste/gateway/dist/sql/canonical.js';
import type { ParsedQuery } from '@piste/gateway/dist/sql/parse-query.js';
import type {
  Alias,
  Arm,
  Cte,
  Expression,
  Join,
  JoinChain,
  Query,
  Select,
  SelectItem,
  Source,
  Star,
  TableSource,
} from '@piste/gateway/dist/sql/syntax.js';
import { adaptExpression, type Surroundings } from './adapt-expression.js';
import { branch, list, nameParts, notAdapted, only, storedName, type Tree, variant } from './tree.js';

const NOWHERE = { from: 0, to: 0 };

const SELECT_FIELDS = `distinct top projection from selection group_by having qualify named_window flavor
  window_before_qualify`.split(/\s+/);

/** The statement the other parser read. Throws `NotAdapted` for everything it does not know for certain. */
export function adaptStatement(statements: Tree): ParsedQuery {
  const [statement, second] = list(statements);
  if (second !== undefined) notAdapted('several statements');
  const [kind, query] = variant(statement);
  if (kind !== 'Query') notAdapted(`a statement of kind ${kind}`);
  const adapter = new Adapter();
  // Its text is never written: neither tokens nor places matter.
  return {
    query: adapter.query(query),
    tokens: [],
    first: 0,
    tables: adapter.tables,
    functions: [],
    edits: new Edits(),
  };
}

class Adapter {
  readonly tables: TableSource[] = [];
  readonly #ctes: Cte[][] = [];
  #windows: ReadonlyMap<string, Tree> = new Map();

  readonly #around: Surroundings = {
    query: (tree) => this.query(tree),
    window: (name) => this.#windows.get(name) ?? notAdapted('a window that is not defined'),
  };

  #expression(tree: Tree): Expression {
    return adaptExpression(tree, this.#around);
  }

  #expressions(tree: Tree): readonly Expression[] {
    return list(tree).map((entry) => this.#expression(entry));
  }

  query(tree: Tree): Query {
    const fields = only(tree, 'with', 'body', 'order_by', 'limit_clause', 'fetch');
    const windows = this.#windows;
    const ctes: Cte[] = [];
    this.#ctes.push(ctes);
    if (fields['with'] !== undefined) this.#with(fields['with'], ctes);
    const arms: Arm[] = [];
    const compares = this.#body(fields['body'], arms);
    // Windows of a single SELECT are visible in its ORDER BY.
    const orderBy = fields['order_by'] === undefined ? [] : this.#orderBy(fields['order_by']);
    this.#windows = windows;
    this.#ctes.pop();
    for (const bound of [fields['limit_clause'], fields['fetch']]) checkCount(bound);
    return { ctes, arms, compares, byName: false, orderBy };
  }

  #with(tree: Tree, ctes: Cte[]): void {
    const { cte_tables: tables } = only(tree, 'cte_tables', 'recursive');
    if (branch(tree)['recursive'] === true) notAdapted('a recursive query');
    for (const entry of list(tables)) {
      const { alias, query } = only(entry, 'alias', 'query');
      const { name, columns } = aliasOf(alias);
      if (ctes.some((cte) => cte.name === name)) notAdapted('two common table expressions of one name');
      const cte: Cte = {
        name,
        columns,
        query: undefined,
        phase: 'anchor',
        declaredRecursive: false,
        isRecursive: false,
        hidesTable: false,
      };
      ctes.push(cte);
      cte.query = this.query(query);
      cte.phase = 'closed';
    }
  }

  #orderBy(tree: Tree): readonly Expression[] {
    const [kind, entries] = variant(only(tree, 'kind')['kind']);
    if (kind !== 'Expressions') notAdapted(`ORDER BY of kind ${kind}`);
    return list(entries).map((entry) => this.#expression(only(entry, 'expr', 'options')['expr']));
  }

  /** Collects the sides of set operations; true where rows are compared. */
  #body(tree: Tree, arms: Arm[]): boolean {
    const [kind, content] = variant(tree);
    if (kind === 'Select') {
      arms.push(this.#select(content));
      return false;
    }
    if (kind === 'Query') {
      arms.push({ kind: 'nested', query: this.query(content) });
      return false;
    }
    if (kind !== 'SetOperation') return notAdapted(`a query of kind ${kind}`);
    const { op, set_quantifier: quantifier, left, right } = only(content, 'op', 'set_quantifier', 'left', 'right');
    if (!['All', 'None', 'Distinct', undefined].includes(quantifier as string)) notAdapted('a set operation by name');
    const compared = [this.#body(left, arms), this.#body(right, arms)];
    return !(op === 'Union' && quantifier === 'All') || compared.includes(true);
  }

  #select(tree: Tree): Select {
    const fields = only(tree, ...SELECT_FIELDS);
    this.#windows = new Map(
      list(fields['named_window']).map((entry) => {
        const [name, window] = list(entry);
        return [storedName(name), window];
      }),
    );
    const from = list(fields['from']).map((chain) => this.#chain(chain));
    const items = list(fields['projection']).map((item) => this.#item(item));
    const { distinct, selection, having, qualify } = fields;
    if (distinct !== undefined && !['Distinct', 'All'].includes(distinct as string)) notAdapted('DISTINCT ON');
    const filters = [selection, having, qualify].filter((filter) => filter !== undefined);
    return {
      kind: 'select',
      distinct: distinct === 'Distinct',
      items,
      from,
      filters: filters.map((filter) => this.#expression(filter)),
      hierarchy: undefined,
      groupBy: this.#groupBy(fields['group_by']),
      // The adapter has put what a named window holds where it is used.
      windows: new Map(),
    };
  }

  #groupBy(tree: Tree): Select['groupBy'] {
    const [kind, content] = variant(tree);
    if (kind === 'All') return list(content).length === 0 ? 'all' : notAdapted('GROUP BY ALL with modifiers');
    if (kind !== 'Expressions') return notAdapted(`GROUP BY of kind ${kind}`);
    const [entries, modifiers] = list(content);
    if (list(modifiers).length > 0) notAdapted('GROUP BY with modifiers');
    return list(entries).flatMap((entry) => {
      const [form, sets] = variant(entry);
      const isGrouping = form === 'Rollup' || form === 'Cube' || form === 'GroupingSets';
      return isGrouping ? list(sets).flatMap((set) => this.#expressions(set)) : [this.#expression(entry)];
    });
  }

  #item(tree: Tree): SelectItem {
    const [kind, content] = variant(tree);
    switch (kind) {
      case 'UnnamedExpr':
        return { kind: 'expression', expression: this.#expression(content), alias: undefined };
      case 'ExprWithAlias': {
        const { expr, alias } = only(content, 'expr', 'alias');
        return { kind: 'expression', expression: this.#expression(expr), alias: storedName(alias) };
      }
      case 'Wildcard':
        return this.#star({ qualifier: [], ...NOWHERE }, content);
      case 'QualifiedWildcard': {
        const [name, options] = list(content);
        const [form, parts] = variant(name);
        if (form !== 'ObjectName') return notAdapted('a star behind an expression');
        return this.#star({ qualifier: nameParts(parts), ...NOWHERE }, options);
      }
      default:
        return notAdapted(`an output of kind ${kind}`);
    }
  }

  #star(star: Star, options: Tree): SelectItem {
    const {
      opt_exclude: exclude,
      opt_replace: replace,
      opt_rename: rename,
    } = only(options, 'opt_exclude', 'opt_replace', 'opt_rename');
    const replaced = replace === undefined ? [] : list(only(replace, 'items')['items']);
    const renamed = rename === undefined ? [] : oneOrMore(rename);
    return {
      kind: 'star',
      star,
      pattern: undefined,
      exclude: exclude === undefined ? [] : excluded(exclude),
      replace: distinctMap(
        replaced.map((entry) => {
          const { expr, column_name: name } = only(entry, 'expr', 'column_name', 'as_keyword');
          return [storedName(name), this.#expression(expr)];
        }),
      ),
      rename: distinctMap(
        renamed.map((entry) => {
          const { ident, alias } = only(entry, 'ident', 'alias');
          return [storedName(ident), storedName(alias)];
        }),
      ),
    };
  }

  // -------------------------------------------------------------------------------------------- FROM

  #chain(tree: Tree): JoinChain {
    const { relation, joins } = only(tree, 'relation', 'joins');
    return { first: this.#source(relation), joins: list(joins).map((join) => this.#join(join)) };
  }

  #join(tree: Tree): Join {
    const { relation, join_operator: operator } = only(tree, 'relation', 'join_operator');
    const source = this.#source(relation);
    const [kind, content] = variant(operator);
    const joins = ['Join', 'Inner', 'Left', 'LeftOuter', 'Right', 'RightOuter', 'FullOuter', 'CrossJoin', 'AsOf'];
    if (!joins.includes(kind)) notAdapted(`a join of kind ${kind}`);
    const asOf = kind === 'AsOf' ? only(content, 'match_condition', 'constraint') : undefined;
    const [form, condition] = variant(asOf?.['constraint'] ?? content);
    const on = asOf === undefined ? [] : [this.#expression(asOf['match_condition'])];
    if (form === 'On') on.push(this.#expression(condition));
    else if (!['Using', 'Natural', 'None'].includes(form)) notAdapted(`a join with ${form}`);
    // Without brackets it takes `a NATURAL JOIN b JOIN c` for `a NATURAL JOIN (b JOIN c)`, which the standard does not.
    if (form === 'Natural' && source.kind === 'joined') notAdapted('NATURAL before a join');
    const using = form === 'Using' ? list(condition).map((name) => onePart(name)) : [];
    return { source, on, using, natural: form === 'Natural' };
  }

  #source(tree: Tree): Source {
    const [kind, content] = variant(tree);
    switch (kind) {
      case 'Table':
        return this.#table(content);
      case 'Derived':
        return this.#derived(content);
      case 'NestedJoin':
        return { kind: 'joined', chain: this.#chain(only(content, 'table_with_joins')['table_with_joins']) };
      default:
        return notAdapted(`a source of kind ${kind}`);
    }
  }

  #table(tree: Tree): Source {
    const { name, alias } = only(tree, 'name', 'alias');
    const parts = nameParts(name);
    const cte = parts.length === 1 ? this.#cte(parts[0] ?? '') : undefined;
    const source: TableSource = {
      kind: 'table',
      parts,
      ...NOWHERE,
      end: 0,
      ownAlias: false,
      hasMoreColumns: false,
      unmaskable: undefined,
      cte,
      alias: optionalAlias(alias),
    };
    if (cte === undefined) this.tables.push(source);
    else if (cte.query === undefined) notAdapted('a recursive query');
    return source;
  }

  #cte(name: string): Cte | undefined {
    for (const ctes of this.#ctes.toReversed()) {
      const found = ctes.find((cte) => cte.name === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #derived(tree: Tree): Source {
    const { subquery, alias } = only(tree, 'subquery', 'alias');
    const [kind, content] = variant(branch(subquery)['body']);
    if (kind !== 'Values')
      return { kind: 'derived', query: this.query(subquery), lateral: false, alias: optionalAlias(alias) };
    only(subquery, 'body');
    const rows = list(branch(content)['rows']).map((row) => this.#expressions(branch(row)['content']));
    if (rows.some((row) => row.length !== rows[0]?.length)) notAdapted('rows that differ in length');
    return { kind: 'values', rows, alias: optionalAlias(alias) };
  }
}

function aliasOf(tree: Tree): Alias {
  const { name, columns } = only(tree, 'name', 'columns', 'explicit');
  const names = list(columns).map((column) => storedName(only(column, 'name')['name']));
  return { name: storedName(name), columns: names.length === 0 ? undefined : names };
}

function optionalAlias(tree: Tree): Alias | undefined {
  return tree === undefined ? undefined : aliasOf(tree);
}

function onePart(tree: Tree): string {
  const [name, second] = nameParts(tree);
  return name === undefined || second !== undefined ? notAdapted('a qualified name') : name;
}

function excluded(tree: Tree): readonly string[] {
  const [kind, content] = variant(tree);
  return kind === 'Single' ? [onePart(content)] : list(content).map(onePart);
}

function oneOrMore(tree: Tree): readonly Tree[] {
  const [kind, content] = variant(tree);
  return kind === 'Single' ? [content] : list(content);
}

function distinctMap<T>(entries: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const map = new Map(entries);
  return map.size === entries.length ? map : notAdapted('a column that is changed twice');
}

/** A number of rows is a constant. */
function checkCount(tree: Tree): void {
  if (JSON.stringify(tree ?? {}).match(/"(?:Identifier|CompoundIdentifier|Subquery|Function|limit_by":\[[^\]])"/)) {
    notAdapted('a computed number of rows');
  }
}
