import { parseExpression, parseExpressions, parseOrdering } from './parse-expression.js';
import { parseFrom } from './parse-from.js';
import { arithmetic, chain } from './parse-operators.js';
import { takeStar } from './parse-star.js';
import { parseWindows } from './parse-window.js';
import { type Grammar, ParserState } from './parser-state.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import type { Arm, Cte, Expression, Query, Select, SelectItem, StarItem } from './syntax.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/** A query statement read whole, with what it names and how its text is made unambiguous. */
export type ParsedQuery = Pick<ParserState, 'tokens' | 'tables' | 'functions' | 'edits'> & {
  readonly query: Query;
  /** The query's first token. */
  readonly first: number;
};

/** Reads a whole statement as a query. Throws `Refusal` at the first token that does not fit. */
export function parseQueryStatement(tokens: readonly Token[], at = 0): ParsedQuery {
  const state = new ParserState(tokens, at, GRAMMAR);
  try {
    const query = state.query();
    if (state.sees('FOR')) unsupported('FOR UPDATE, which takes locks,');
    state.expectEnd();
    const { tables, functions, edits } = state;
    return { query, tokens, first: at, tables, functions, edits };
  } catch (error) {
    if (error instanceof Refusal) error.span ??= state.peek() ?? tokens.at(-1);
    throw error;
  }
}

/** What a `ParserState` reads by. */
export const GRAMMAR: Grammar = { query: parseQuery, chain, arithmetic };

/** `[WITH …] arm [set-operation arm]… [ORDER BY …] [LIMIT …]` */
function parseQuery(state: ParserState): Query {
  const body = state.takeBody();
  return state.withCtes((ctes) => {
    if (state.take('WITH')) parseCtes(state, ctes);
    const arms = [parseArm(state)];
    const operations: SetOperation[] = [];
    for (let operation = setOperation(state); operation !== undefined; operation = setOperation(state)) {
      operations.push(operation);
      if (body !== undefined) body.phase = operations.every(appendsRows) ? 'step' : 'anchor';
      arms.push(parseArm(state));
    }
    const byName = operations.some((operation) => operation.byName);
    if (!operations.every((operation) => operation.byName === byName)) {
      unsupported('a set operation by name beside one by place');
    }
    if (body?.isRecursive === true && !operations.every(appendsRows)) unsupported('a recursive query of this form');
    const orderBy = state.take('ORDER') ? orderingAfterBy(state) : [];
    parseLimit(state);
    return { ctes, arms, compares: operations.some((operation) => operation.compares), byName, orderBy };
  });
}

const appendsRows = (operation: SetOperation): boolean => !operation.compares && !operation.byName;

function parseCtes(state: ParserState, ctes: Cte[]): void {
  const isRecursive = state.sees('RECURSIVE') && !isWord(state.peek(1), 'AS') && state.take('RECURSIVE');
  do {
    const name = state.name().value;
    if (ctes.some((cte) => cte.name === name)) unknownSyntax('two common table expressions have one name');
    const columns = state.seesSymbol('(') ? state.names() : undefined;
    const cte: Cte = {
      name,
      columns,
      query: undefined,
      phase: 'anchor',
      isRecursive: false,
      hidesTable: false,
      declaredRecursive: isRecursive,
    };
    ctes.push(cte);
    state.expect('AS');
    cte.query = state.bodyOf(cte);
    cte.phase = 'closed';
  } while (state.takeSymbol(','));
}

interface SetOperation {
  readonly compares: boolean;
  readonly byName: boolean;
}

function setOperation(state: ParserState): SetOperation | undefined {
  const word = state.takeOne('UNION', 'INTERSECT', 'EXCEPT', 'MINUS');
  if (word === undefined) return undefined;
  const all = state.takeOne('ALL', 'DISTINCT') === 'ALL';
  const byName = state.take('BY', 'NAME');
  if (byName && word !== 'UNION') unsupported(`${word} by name`);
  return { compares: word !== 'UNION' || !all, byName };
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
  const isHierarchical = hasConnectBy(state);
  return state.within({ isHierarchical, isInPattern: false }, () => selectItself(state));
}

function selectItself(state: ParserState): Select {
  state.expect('SELECT');
  const distinct = state.takeOne('DISTINCT', 'ALL') === 'DISTINCT';
  if (state.sees('TOP') && state.peek(1)?.kind === 'number') state.at += 2;
  const items = parseItems(state);
  if (state.sees('INTO')) unsupported('SELECT INTO');
  const from = state.take('FROM') ? parseFrom(state) : [];
  const filters: Expression[] = [];
  if (state.take('WHERE')) filters.push(parseExpression(state));
  const hierarchy = parseHierarchy(state);
  const groupBy = state.take('GROUP') ? parseGroupBy(state) : [];
  if (state.take('HAVING')) filters.push(parseExpression(state));
  if (state.take('QUALIFY')) filters.push(parseExpression(state));
  const windows = state.take('WINDOW') ? parseWindows(state) : NO_WINDOWS;
  if (windows !== NO_WINDOWS && state.take('QUALIFY')) filters.push(parseExpression(state));
  return { kind: 'select', distinct, items, from, filters, hierarchy, groupBy, windows };
}

const NO_WINDOWS: Select['windows'] = new Map();

/** `[START WITH …] CONNECT BY …` in either order; which of the rows come out depends on both. */
function parseHierarchy(state: ParserState): readonly Expression[] | undefined {
  if (!isWord(state.peek(), 'START', 'CONNECT')) return undefined;
  const conditions: Expression[] = [];
  if (state.take('START', 'WITH')) conditions.push(parseExpression(state));
  state.expect('CONNECT');
  state.expect('BY');
  if (state.sees('NOCYCLE')) unsupported('NOCYCLE');
  conditions.push(parseExpression(state));
  if (state.take('START', 'WITH')) conditions.push(parseExpression(state));
  return conditions;
}

/** Does the SELECT at the cursor have CONNECT BY? Its list is read before that, with words that mean something else then. */
function hasConnectBy(state: ParserState): boolean {
  if (!state.hasConnect) return false;
  for (let at = state.at + 1; at < state.tokens.length; at += 1) {
    const token = state.tokens[at];
    if (isSymbol(token, ')') || isWord(token, ...AFTER_SELECT)) return false;
    if (isSymbol(token, '(', '[', '{')) at = state.closerOf(at);
    else if (isWord(token, 'CONNECT') && isWord(state.tokens[at + 1], 'BY')) return true;
  }
  return false;
}

const AFTER_SELECT = ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS'] as const;

function parseItems(state: ParserState): readonly SelectItem[] {
  const items = [parseItem(state)];
  while (state.takeSymbol(',')) {
    if (state.sees('FROM')) {
      state.edits.drop(state.at - 1, state.at);
      break;
    }
    items.push(parseItem(state));
  }
  return items;
}

function parseItem(state: ParserState): SelectItem {
  const star = takeStar(state);
  if (star !== undefined) return starItem(state, star);
  const expression = parseExpression(state);
  return { kind: 'expression', expression, alias: state.alias() };
}

/** `* [ILIKE 'pattern'] [EXCLUDE …] [REPLACE …] [RENAME …]` */
function starItem(state: ParserState, star: StarItem['star']): StarItem {
  const pattern = state.take('ILIKE') ? namePattern(state) : undefined;
  const exclude = state.take('EXCLUDE') ? state.nameOrNames() : [];
  const replace = state.take('REPLACE') ? parseReplace(state) : new Map<string, Expression>();
  const rename = state.take('RENAME') ? parseRename(state) : new Map<string, string>();
  return { kind: 'star', star, pattern, exclude, replace, rename };
}

/** Names are compared without regard to case, and how escapes work here is not written down: plain characters only. */
function namePattern(state: ParserState): string {
  const token = state.peek();
  if (token?.kind !== 'string') unknownSyntax('a pattern was expected');
  if (!/^[\x20-\x7e]*$/.test(token.value) || /['\\]/.test(token.value)) unsupported('a name pattern of this form');
  state.at += 1;
  return token.value;
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
