import { Edits } from '@piste/gateway/dist/sql/canonical.js';
import { tableFunction } from '@piste/gateway/dist/sql/functions.js';
import type { ParsedQuery } from '@piste/gateway/dist/sql/parse-query.js';
import type {
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
import {
  aliasOf,
  checkCount,
  columnName,
  distinctMap,
  excluded,
  oneOrMore,
  onePart,
  optionalAlias,
  pivotName,
} from './adapt-parts.js';
import { branch, list, nameParts, notAdapted, only, storedName, type Tree, text, variant } from './tree.js';

const NOWHERE = { from: 0, to: 0 };

const SELECT_FIELDS = `distinct top projection from selection group_by having qualify named_window connect_by flavor
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

  /** `body`: the common table expression whose body it is. */
  query(tree: Tree, body?: Cte): Query {
    const fields = only(tree, 'with', 'body', 'order_by', 'limit_clause', 'fetch');
    const windows = this.#windows;
    const ctes: Cte[] = [];
    this.#ctes.push(ctes);
    if (fields['with'] !== undefined) this.#with(fields['with'], ctes);
    const arms: Arm[] = [];
    const { compares, byName } = this.#body(fields['body'], arms, body);
    if (body?.isRecursive === true && (compares || byName)) notAdapted('a recursive query of this form');
    // Windows of a single SELECT are visible in its ORDER BY.
    const orderBy = fields['order_by'] === undefined ? [] : this.#orderBy(fields['order_by']);
    this.#windows = windows;
    this.#ctes.pop();
    for (const bound of [fields['limit_clause'], fields['fetch']]) checkCount(bound);
    return { ctes, arms, compares, byName, orderBy };
  }

  #with(tree: Tree, ctes: Cte[]): void {
    const { cte_tables: tables } = only(tree, 'cte_tables', 'recursive');
    const declaredRecursive = branch(tree)['recursive'] === true;
    for (const entry of list(tables)) {
      const { alias, query } = only(entry, 'alias', 'query');
      const { name, columns } = aliasOf(alias);
      if (ctes.some((cte) => cte.name === name)) notAdapted('two common table expressions of one name');
      const cte: Cte = {
        name,
        columns,
        query: undefined,
        phase: 'anchor',
        declaredRecursive,
        isRecursive: false,
        hidesTable: false,
      };
      ctes.push(cte);
      cte.query = this.query(query, cte);
      cte.phase = 'closed';
    }
  }

  #orderBy(tree: Tree): readonly Expression[] {
    const [kind, entries] = variant(only(tree, 'kind')['kind']);
    if (kind !== 'Expressions') notAdapted(`ORDER BY of kind ${kind}`);
    return list(entries).map((entry) => this.#expression(only(entry, 'expr', 'options')['expr']));
  }

  /** Collects the sides of set operations. */
  #body(tree: Tree, arms: Arm[], body: Cte | undefined): { readonly compares: boolean; readonly byName: boolean } {
    const [kind, content] = variant(tree);
    if (kind === 'Select') {
      arms.push(this.#select(content));
      return { compares: false, byName: false };
    }
    if (kind === 'Query') {
      arms.push({ kind: 'nested', query: this.query(content) });
      return { compares: false, byName: false };
    }
    if (kind !== 'SetOperation') return notAdapted(`a query of kind ${kind}`);
    const { op, set_quantifier: quantifier, left, right } = only(content, 'op', 'set_quantifier', 'left', 'right');
    const [word] = variant(quantifier ?? 'None');
    const before = this.#body(left, arms, body);
    const isFirst = arms.length === 1;
    const byName = word.endsWith('ByName');
    if (byName && op !== 'Union') notAdapted('another set operation by name');
    const compares = before.compares || op !== 'Union' || !word.startsWith('All');
    if (body !== undefined) body.phase = compares || byName ? 'anchor' : 'step';
    const after = this.#body(right, arms, body);
    if (after.byName || (before.byName !== byName && !isFirst)) notAdapted('set operations by name and by place');
    return { compares: compares || after.compares, byName };
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
      hierarchy: this.#hierarchy(fields['connect_by']),
      groupBy: this.#groupBy(fields['group_by']),
      // The adapter has put what a named window holds where it is used.
      windows: new Map(),
    };
  }

  #hierarchy(tree: Tree): readonly Expression[] | undefined {
    const clauses = list(tree).map(variant);
    if (clauses.length === 0) return undefined;
    return clauses.flatMap(([kind, content]) =>
      kind === 'StartWith'
        ? [this.#expression(only(content, 'condition')['condition'])]
        : this.#expressions(only(content, 'relationships')['relationships']),
    );
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
    const known = only(options, 'opt_ilike', 'opt_exclude', 'opt_replace', 'opt_rename');
    const { opt_ilike: like, opt_exclude: exclude, opt_replace: replace, opt_rename: rename } = known;
    const replaced = replace === undefined ? [] : list(only(replace, 'items')['items']);
    const renamed = rename === undefined ? [] : oneOrMore(rename);
    return {
      kind: 'star',
      star,
      pattern: like === undefined ? undefined : text(only(like, 'pattern')['pattern']),
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
      case 'Function': {
        const { name, args, alias } = only(content, 'name', 'args', 'alias', 'lateral');
        return this.#function(name, args, alias);
      }
      case 'TableFunction': {
        const { expr, alias } = only(content, 'expr', 'alias');
        const [form, call] = variant(expr);
        if (form !== 'Function') return notAdapted('a table by its text');
        const { name, args } = only(call, 'name', 'args', 'parameters');
        return this.#function(name, only(variant(args)[1], 'args')['args'], alias);
      }
      case 'Pivot':
        return this.#pivot(content);
      case 'Unpivot':
        return this.#unpivot(content);
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
    return source;
  }

  /** As the dialect has it: its own name is recursion behind UNION ALL, and a table before. */
  #cte(name: string): Cte | undefined {
    const [cte, outer] = this.#ctes.toReversed().flatMap((ctes) => ctes.filter((entry) => entry.name === name));
    if (cte === undefined || cte.phase === 'closed') return cte;
    if (cte.phase === 'step' && !cte.hidesTable) {
      cte.isRecursive = true;
      return cte;
    }
    if (cte.phase === 'step' || cte.declaredRecursive || outer !== undefined) {
      notAdapted('a recursive query of this form');
    }
    cte.hidesTable = true;
    return undefined;
  }

  #function(name: Tree, args: Tree, alias: Tree): Source {
    const parts = nameParts(name);
    const found = parts.length === 1 ? tableFunction(parts[0] ?? '') : undefined;
    if (found === undefined) return notAdapted('a table function that is not on the list');
    const given = list(args).map((argument) => {
      const [kind, content] = variant(argument);
      const value = kind === 'Named' ? only(content, 'name', 'arg', 'operator')['arg'] : content;
      const [form, expression] = variant(value);
      if (form !== 'Expr') notAdapted(`an argument of form ${form}`);
      if (kind === 'Named' && !found.parameters.includes(storedName(branch(content)['name']))) {
        notAdapted('an argument of that name');
      }
      return this.#expression(expression);
    });
    return { kind: 'function', function: found, arguments: given, alias: optionalAlias(alias) };
  }

  #pivot(tree: Tree): Source {
    const fields = only(tree, 'table', 'aggregate_functions', 'value_column', 'value_source', 'alias');
    const [kind, constants] = variant(fields['value_source']);
    if (kind !== 'List') notAdapted('a PIVOT over values of rows');
    const aggregates = list(fields['aggregate_functions']).map((entry) => {
      const { expr, alias } = only(entry, 'expr', 'alias');
      const [value, second] = this.#expression(expr).columns;
      if (value?.parts.length !== 1 || second !== undefined) return notAdapted('an aggregate of an expression');
      return { value: value.parts[0] ?? '', isPlain: alias === undefined };
    });
    const names = list(constants).map(pivotName);
    const isPlain = aggregates.length === 1 && aggregates[0]?.isPlain === true;
    const [key, second] = list(fields['value_column']);
    if (second !== undefined) notAdapted('a PIVOT with several keys');
    return {
      kind: 'pivot',
      source: this.#source(fields['table']),
      values: aggregates.map(({ value }) => value),
      key: columnName(key),
      columns: aggregates.flatMap(() => names.map((name) => (isPlain ? name : undefined))),
      defaults: [],
      alias: optionalAlias(fields['alias']),
    };
  }

  #unpivot(tree: Tree): Source {
    const fields = only(tree, 'table', 'value', 'name', 'columns', 'null_inclusion', 'alias');
    return {
      kind: 'unpivot',
      source: this.#source(fields['table']),
      value: columnName(fields['value']),
      key: storedName(fields['name']),
      columns: list(fields['columns']).map((column) => columnName(only(column, 'expr', 'alias')['expr'])),
      alias: optionalAlias(fields['alias']),
    };
  }

  #derived(tree: Tree): Source {
    const { subquery, alias } = only(tree, 'subquery', 'alias', 'lateral');
    const lateral = branch(tree)['lateral'] === true;
    const [kind, content] = variant(branch(subquery)['body']);
    if (kind !== 'Values')
      return { kind: 'derived', query: this.query(subquery), lateral, alias: optionalAlias(alias) };
    only(subquery, 'body');
    const rows = list(branch(content)['rows']).map((row) => this.#expressions(branch(row)['content']));
    if (rows.some((row) => row.length !== rows[0]?.length)) notAdapted('rows that differ in length');
    return { kind: 'values', rows, alias: optionalAlias(alias) };
  }
}
