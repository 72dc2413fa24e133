import { parseExpression, parseExpressions, parseOrdering, takeStar } from './parse-expression.js';
import { parseFrom } from './parse-from.js';
import { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Arm, Cte, Expression, Query, Select, SelectItem, StarItem } from './syntax.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/** A query statement read whole, with what it names and how its text is made unambiguous. */
export type ParsedQuery = Pick<ParserState, 'tokens' | 'tables' | 'edits'> & {
  readonly query: Query;
  /** The query's first token. */
  readonly first: number;
};

/** Reads a whole statement as a query. Throws `Refusal` at the first token that does not fit. */
export function parseQueryStatement(tokens: readonly Token[], at = 0): ParsedQuery {
  const state = new ParserState(tokens, at, parseQuery);
  const query = state.query();
  state.expectEnd();
  return { query, tokens, first: at, tables: state.tables, edits: state.edits };
}

/** `[WITH …] arm [set-operation arm]… [ORDER BY …] [LIMIT …]` */
export function parseQuery(state: ParserState): Query {
  return state.withCtes((ctes) => {
    if (state.take('WITH')) parseCtes(state, ctes);
    const arms = [parseArm(state)];
    let compares = false;
    for (let operation = setOperation(state); operation !== undefined; operation = setOperation(state)) {
      compares ||= operation === 'compares';
      arms.push(parseArm(state));
    }
    const orderBy = state.take('ORDER') ? orderingAfterBy(state) : [];
    parseLimit(state);
    return { ctes, arms, compares, orderBy };
  });
}

function parseCtes(state: ParserState, ctes: Cte[]): void {
  if (state.sees('RECURSIVE') && !isWord(state.peek(1), 'AS')) unsupported('a recursive query');
  do {
    const name = state.name().value;
    if (ctes.some((cte) => cte.name === name)) unknownSyntax('two common table expressions have one name');
    const cte: Cte = { name, columns: state.seesSymbol('(') ? state.names() : undefined, query: undefined };
    ctes.push(cte);
    state.expect('AS');
    cte.query = state.bracketedQuery();
  } while (state.takeSymbol(','));
}

function setOperation(state: ParserState): 'compares' | 'appends' | undefined {
  const word = state.takeOne('UNION', 'INTERSECT', 'EXCEPT', 'MINUS');
  if (word === undefined) return undefined;
  const all = state.takeOne('ALL', 'DISTINCT') === 'ALL';
  if (state.sees('BY')) unsupported('a set operation by name');
  return word === 'UNION' && all ? 'appends' : 'compares';
}

function parseArm(state: ParserState): Arm {
  if (state.sees('SELECT')) return state.nested(() => parseSelect(state));
  if (state.seesSymbol('(')) return { kind: 'nested', query: state.bracketedQuery() };
  return unknownSyntax('a query was expected');
}

function orderingAfterBy(state: ParserState): readonly Expression[] {
  state.expect('BY');
  return parseOrdering(state);
}

/** Row counts decide nothing about columns, so only literals and placeholders may stand here. */
function parseLimit(state: ParserState): void {
  if (state.take('LIMIT')) rowCount(state);
  if (state.take('OFFSET')) {
    rowCount(state);
    state.takeOne('ROW', 'ROWS');
  }
  if (!state.take('FETCH')) return;
  state.takeOne('FIRST', 'NEXT');
  rowCount(state);
  state.takeOne('ROW', 'ROWS');
  state.take('ONLY');
}

function rowCount(state: ParserState): void {
  if (state.take('NULL') || state.takeSymbol('?')) return;
  state.takeSymbol(':');
  if (state.peek()?.kind !== 'number') unknownSyntax('a number of rows was expected');
  state.at += 1;
}

// ---------------------------------------------------------------------------------------------- SELECT

function parseSelect(state: ParserState): Select {
  state.expect('SELECT');
  const distinct = state.takeOne('DISTINCT', 'ALL') === 'DISTINCT';
  if (state.sees('TOP') && state.peek(1)?.kind === 'number') state.at += 2;
  const items = parseItems(state);
  if (state.sees('INTO')) unsupported('SELECT INTO');
  const from = state.take('FROM') ? parseFrom(state) : [];
  const filters: Expression[] = [];
  if (state.take('WHERE')) filters.push(parseExpression(state));
  if (isWord(state.peek(), 'START', 'CONNECT')) unsupported('CONNECT BY');
  const groupBy = state.take('GROUP') ? parseGroupBy(state) : [];
  if (state.take('HAVING')) filters.push(parseExpression(state));
  if (state.take('QUALIFY')) filters.push(parseExpression(state));
  if (state.sees('WINDOW')) unsupported('a named window');
  return { kind: 'select', distinct, items, from, filters, groupBy };
}

function parseItems(state: ParserState): readonly SelectItem[] {
  const items = [parseItem(state)];
  while (state.takeSymbol(',')) items.push(parseItem(state));
  return items;
}

function parseItem(state: ParserState): SelectItem {
  const star = takeStar(state);
  if (star !== undefined) return starItem(state, star);
  const expression = parseExpression(state);
  return { kind: 'expression', expression, alias: state.alias() };
}

/** `* [EXCLUDE …] [REPLACE …] [RENAME …]` */
function starItem(state: ParserState, star: StarItem['star']): StarItem {
  if (state.sees('ILIKE')) unsupported('a star with a name pattern');
  const exclude = state.take('EXCLUDE') ? nameOrNames(state) : [];
  const replace = state.take('REPLACE') ? parseReplace(state) : new Map<string, Expression>();
  const rename = state.take('RENAME') ? parseRename(state) : new Map<string, string>();
  return { kind: 'star', star, exclude, replace, rename };
}

function nameOrNames(state: ParserState): readonly string[] {
  return state.seesSymbol('(') ? state.names() : [state.name().value];
}

function parseReplace(state: ParserState): ReadonlyMap<string, Expression> {
  const replace = new Map<string, Expression>();
  state.expectSymbol('(');
  do {
    const expression = parseExpression(state);
    state.expect('AS');
    setOnce(replace, state.name().value, expression);
  } while (state.takeSymbol(','));
  state.expectSymbol(')');
  return replace;
}

function parseRename(state: ParserState): ReadonlyMap<string, string> {
  const rename = new Map<string, string>();
  const inBrackets = state.takeSymbol('(');
  do {
    const name = state.name().value;
    state.expect('AS');
    setOnce(rename, name, state.name().value);
  } while (inBrackets && state.takeSymbol(','));
  if (inBrackets) state.expectSymbol(')');
  return rename;
}

function setOnce<T>(map: Map<string, T>, name: string, value: T): void {
  if (map.has(name)) unknownSyntax('a column is changed twice');
  map.set(name, value);
}

/** Expressions, positions, ALL, and the grouping forms ROLLUP, CUBE and GROUPING SETS, which only combine expressions. */
function parseGroupBy(state: ParserState): readonly Expression[] | 'all' {
  state.expect('BY');
  if (state.take('ALL')) return 'all';
  const expressions: Expression[] = [];
  do {
    if (takeGroupingForm(state)) expressions.push(...groupingList(state));
    else expressions.push(parseExpression(state));
  } while (state.takeSymbol(','));
  return expressions;
}

function takeGroupingForm(state: ParserState): boolean {
  if (isSymbol(state.peek(1), '(') && state.takeOne('ROLLUP', 'CUBE') !== undefined) return true;
  return isSymbol(state.peek(2), '(') && state.take('GROUPING', 'SETS');
}

function groupingList(state: ParserState): readonly Expression[] {
  state.expectSymbol('(');
  const expressions: Expression[] = [];
  do {
    if (isSymbol(state.peek(), '(') && isSymbol(state.peek(1), ')')) state.at += 2;
    else if (state.seesSymbol('(')) expressions.push(...bracketedExpressions(state));
    else if (takeGroupingForm(state)) expressions.push(...state.nested(() => groupingList(state)));
    else expressions.push(parseExpression(state));
  } while (state.takeSymbol(','));
  state.expectSymbol(')');
  return expressions;
}

function bracketedExpressions(state: ParserState): readonly Expression[] {
  state.expectSymbol('(');
  const expressions = parseExpressions(state);
  state.expectSymbol(')');
  return expressions;
}
