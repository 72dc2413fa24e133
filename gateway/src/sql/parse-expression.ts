import { allowsDatePart, isAggregateFunction, isPureFunction, isTotalFunction } from './functions.js';
import { BARE_FUNCTIONS, DATE_PARTS, LITERAL_TYPES, RESERVED, TEXT_TYPES, TYPES } from './keywords.js';
import type { ParserState } from './parser-state.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import type { ColumnUse, Expression, Query, Star } from './syntax.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/**
 * Expressions: operands and operators in turn. Precedence is left out, because which operator binds which operand does
 * not change the columns a value can depend on; everything else is read strictly.
 */

interface Mentions {
  readonly columns: ColumnUse[];
  readonly stars: Star[];
  readonly queries: Query[];
  readonly windowKeys: Expression[];
  /** Set at everything that is not known to work for every value. */
  canFail: boolean;
}

/** What an operand was, as far as `Expression` asks. */
type Shape = 'column' | 'integer' | 'aggregate' | 'bracket' | 'other';

const ARITHMETIC = ['+', '-', '*', '/', '%', '||'] as const;
const COMPARISONS = ['=', '<>', '!=', '<', '>', '<=', '>='] as const;
const PATTERNS = ['LIKE', 'ILIKE', 'RLIKE', 'REGEXP'] as const;
const INTERVAL_UNITS = ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'] as const;
const MAX_NAME_PARTS = 4;

/** One expression, up to the first token that cannot continue it. */
export function parseExpression(state: ParserState): Expression {
  const mentions: Mentions = { columns: [], stars: [], queries: [], windowKeys: [], canFail: false };
  const start = state.at;
  const shape = state.nested(() => chain(state, mentions));
  const [column] = mentions.columns;
  return {
    ...mentions,
    exact: shape === 'column' ? column : undefined,
    ordinal: shape === 'integer' ? Number(state.tokens[start]?.value) : constantOrdinal(state, mentions, start),
    isBracketed: shape === 'bracket',
    isAggregate: shape === 'aggregate',
  };
}

/** A constant counts as a possible position, unless it begins with the call of a function. */
function constantOrdinal(state: ParserState, mentions: Mentions, start: number): 'unclear' | undefined {
  if (mentions.columns.length + mentions.stars.length + mentions.queries.length > 0) return undefined;
  const first = state.tokens[start];
  const calls = isSymbol(state.tokens[start + 1], '(') && !isWord(first, 'CAST', 'TRY_CAST');
  return first?.kind === 'word' && (calls || BARE_FUNCTIONS.has(first.value)) ? undefined : 'unclear';
}

/** Expressions separated by commas. */
export function parseExpressions(state: ParserState): readonly Expression[] {
  const expressions = [parseExpression(state)];
  while (state.takeSymbol(',')) expressions.push(parseExpression(state));
  return expressions;
}

/** `expression [ASC | DESC] [NULLS FIRST | LAST], …` */
export function parseOrdering(state: ParserState): readonly Expression[] {
  const expressions: Expression[] = [];
  do {
    expressions.push(parseExpression(state));
    state.takeOne('ASC', 'DESC');
    if (state.take('NULLS') && state.takeOne('FIRST', 'LAST') === undefined)
      unknownSyntax('FIRST or LAST was expected');
  } while (state.takeSymbol(','));
  return expressions;
}

function chain(state: ParserState, mentions: Mentions): Shape {
  let shape = operand(state, mentions);
  for (;;) {
    if (postfix(state, mentions)) shape = 'other';
    else if (infix(state, mentions)) {
      operand(state, mentions);
      shape = 'other';
    } else return shape;
  }
}

function nestedChain(state: ParserState, mentions: Mentions): void {
  state.nested(() => chain(state, mentions));
}

function nestedChains(state: ParserState, mentions: Mentions): void {
  do nestedChain(state, mentions);
  while (state.takeSymbol(','));
}

// ---------------------------------------------------------------------------------------------- operators

/** Steps over an operator that needs an operand behind it. Most may convert an operand, which may fail. */
function infix(state: ParserState, mentions: Mentions): boolean {
  if (state.takeSymbol('||')) return true;
  if ((state.sees('LIKE') || state.sees('ILIKE')) && state.peek(1)?.kind === 'string') {
    state.at += 1;
    return true;
  }
  const found = otherInfix(state, mentions);
  mentions.canFail ||= found;
  return found;
}

function otherInfix(state: ParserState, mentions: Mentions): boolean {
  if (state.seesSymbol(...COMPARISONS)) {
    state.at += 1;
    quantifier(state);
    return true;
  }
  if (state.seesSymbol(...ARITHMETIC)) {
    state.at += 1;
    return true;
  }
  if (state.takeOne('AND', 'OR') !== undefined) return true;
  if (state.sees('IS')) return isOperator(state);
  return negatable(state, mentions);
}

/** `= ANY (…)`: the bracket behind it is an operand like any other. */
function quantifier(state: ParserState): void {
  if (state.takeOne('ANY', 'ALL', 'SOME') !== undefined && !state.seesSymbol('(')) unknownSyntax("'(' was expected");
}

/** Only `IS [NOT] DISTINCT FROM` takes an operand; the other forms are suffixes, read by `postfix`. */
function isOperator(state: ParserState): boolean {
  return state.take('IS', 'DISTINCT', 'FROM') || state.take('IS', 'NOT', 'DISTINCT', 'FROM');
}

function negatable(state: ParserState, mentions: Mentions): boolean {
  const start = state.at;
  state.take('NOT');
  if (state.take('BETWEEN')) {
    arithmetic(state, mentions);
    state.expect('AND');
    return true;
  }
  if (state.take('IN')) {
    if (!state.seesSymbol('(')) unknownSyntax("'(' was expected");
    return true;
  }
  if (state.takeOne(...PATTERNS) !== undefined) {
    quantifier(state);
    return true;
  }
  state.at = start;
  return false;
}

/** Operands joined by arithmetic alone: what may stand between BETWEEN and AND, and before IN. */
function arithmetic(state: ParserState, mentions: Mentions): void {
  operand(state, mentions);
  for (;;) {
    if (postfix(state, mentions)) continue;
    if (!state.seesSymbol(...ARITHMETIC)) return;
    mentions.canFail = true;
    state.at += 1;
    operand(state, mentions);
  }
}

/** Steps over something that follows an operand and needs nothing behind it. */
function postfix(state: ParserState, mentions: Mentions): boolean {
  if (state.takeSymbol('::')) {
    converts(state, mentions);
    typeName(state);
    return true;
  }
  if (state.seesSymbol(':')) return path(state);
  if (state.takeSymbol('[')) {
    mentions.canFail ||= !['string', 'number'].includes(state.peek()?.kind ?? '') || !isSymbol(state.peek(1), ']');
    nestedChain(state, mentions);
    state.expectSymbol(']');
    while (state.takeSymbol('.')) pathKey(state);
    return true;
  }
  if (state.take('COLLATE')) {
    if (state.peek()?.kind !== 'string') unknownSyntax('a collation was expected');
    state.at += 1;
    return true;
  }
  if (state.take('AT', 'TIME', 'ZONE') || state.take('ESCAPE')) {
    mentions.canFail = true;
    operand(state, mentions);
    return true;
  }
  return isSuffix(state, mentions);
}

function isSuffix(state: ParserState, mentions: Mentions): boolean {
  const start = state.at;
  if (!state.take('IS')) return false;
  state.take('NOT');
  if (state.take('NULL')) return true;
  if (state.takeOne('TRUE', 'FALSE') !== undefined) {
    mentions.canFail = true;
    return true;
  }
  state.at = start;
  return false;
}

/** `:key.key…`: keys are no columns, whatever they are called. */
function path(state: ParserState): boolean {
  const before = state.tokens[state.at - 1];
  if (before?.kind === 'string' || before?.kind === 'number') unknownSyntax('a path after a literal');
  state.expectSymbol(':');
  pathKey(state);
  while (state.takeSymbol('.')) pathKey(state);
  return true;
}

function pathKey(state: ParserState): void {
  const token = state.peek();
  if (!isIdentifier(token)) unknownSyntax('a path key was expected');
  state.at += 1;
}

// ---------------------------------------------------------------------------------------------- operands

function operand(state: ParserState, mentions: Mentions): Shape {
  let prefixed = false;
  while (state.take('NOT') || state.takeSymbol('-') || state.takeSymbol('+')) prefixed = true;
  mentions.canFail ||= prefixed;
  const shape = primary(state, mentions);
  return prefixed ? 'other' : shape;
}

function primary(state: ParserState, mentions: Mentions): Shape {
  const token = state.peek();
  if (token === undefined) return unknownSyntax('an expression was expected');
  switch (token.kind) {
    case 'number':
      state.at += 1;
      return /^[0-9]+$/.test(token.value) ? 'integer' : 'other';
    case 'string':
    case 'dollar-string':
      state.at += 1;
      return 'other';
    case 'quoted':
      return named(state, mentions);
    case 'word':
      return word(state, mentions, token);
    case 'symbol':
      return bracketOrPlaceholder(state, mentions, token);
    case 'variable':
      return unsupported(/^[0-9]/.test(token.value) ? 'a column by position' : 'a session variable');
    case 'stage':
      return unsupported('a stage');
    case 'file':
      return unknownSyntax('an expression was expected');
    default:
      return token.kind satisfies never;
  }
}

function bracketOrPlaceholder(state: ParserState, mentions: Mentions, token: Token): Shape {
  switch (token.value) {
    case '(':
      bracket(state, mentions);
      return 'bracket';
    case '[':
      state.at += 1;
      if (!state.seesSymbol(']')) nestedChains(state, mentions);
      state.expectSymbol(']');
      return 'other';
    case '{':
      object(state, mentions);
      return 'other';
    case '?':
      state.at += 1;
      return 'other';
    case ':':
      state.at += 1;
      if (state.peek()?.kind !== 'number') throw new Refusal('dynamic', 'a value is given by a script variable');
      state.at += 1;
      return 'other';
    default:
      return unknownSyntax('an expression was expected');
  }
}

/** `(query)` or `(expression, …)`. */
function bracket(state: ParserState, mentions: Mentions): void {
  if (state.bracketHoldsQuery()) {
    mentions.canFail = true;
    mentions.queries.push(state.bracketedQuery());
    return;
  }
  state.expectSymbol('(');
  nestedChains(state, mentions);
  if (state.seesSymbol('->')) unsupported('a lambda');
  state.expectSymbol(')');
}

/** `{'key': value, …}` */
function object(state: ParserState, mentions: Mentions): void {
  state.expectSymbol('{');
  if (state.takeSymbol('}')) return;
  do {
    if (state.seesSymbol('*')) unsupported('an object made of all columns');
    if (state.peek()?.kind !== 'string') unknownSyntax('a key was expected');
    state.at += 1;
    state.expectSymbol(':');
    nestedChain(state, mentions);
  } while (state.takeSymbol(','));
  state.expectSymbol('}');
}

function word(state: ParserState, mentions: Mentions, token: Token): Shape {
  const next = state.peek(1);
  if (token.value === 'CASE') return caseExpression(state, mentions);
  if (token.value === 'EXISTS') return exists(state, mentions);
  if (['NULL', 'TRUE', 'FALSE'].includes(token.value)) {
    state.at += 1;
    return 'other';
  }
  if (isSymbol(next, '(') && !isOuterJoinMark(state, 1)) return call(state, mentions, token);
  if (LITERAL_TYPES.has(token.value) && next?.kind === 'string') return typedLiteral(state, token);
  if (BARE_FUNCTIONS.has(token.value)) {
    state.at += 1;
    return 'other';
  }
  return named(state, mentions);
}

function isOuterJoinMark(state: ParserState, ahead: number): boolean {
  return ['(', '+', ')'].every((symbol, index) => isSymbol(state.peek(ahead + index), symbol));
}

/** A column, perhaps qualified; `(+)` behind it is the old mark of an outer join. */
function named(state: ParserState, mentions: Mentions): Shape {
  const from = state.at;
  const parts = [state.name().value];
  while (state.seesSymbol('.')) {
    state.at += 1;
    if (state.seesSymbol('.') && parts.length === 1) parts.push('');
    else if (state.seesSymbol('*')) unsupported('a star inside an expression');
    else parts.push(state.identifier().value);
  }
  if (parts.length > MAX_NAME_PARTS) unknownSyntax('a name has too many parts');
  if (parts.length > 1 && parts.at(-1) === 'NEXTVAL') unsupported('a sequence');
  mentions.columns.push({ parts, from, to: state.at, maybeDatePart: false });
  if (isOuterJoinMark(state, 0)) {
    state.at += 3;
    return 'other';
  }
  if (state.seesSymbol('(')) {
    throw new Refusal(
      'unknown-function',
      parts.length > 1 ? 'a function with a qualified name' : 'a function with a quoted name',
    );
  }
  if (state.seesSymbol('!')) unsupported('a method call');
  return 'column';
}

function typedLiteral(state: ParserState, type: Token): Shape {
  state.at += 2;
  if (type.value === 'INTERVAL' && state.takeOne(...INTERVAL_UNITS) !== undefined && state.take('TO')) {
    if (state.takeOne(...INTERVAL_UNITS) === undefined) unknownSyntax('a unit was expected');
  }
  return 'other';
}

function caseExpression(state: ParserState, mentions: Mentions): Shape {
  state.expect('CASE');
  mentions.canFail = true;
  if (!state.sees('WHEN')) nestedChain(state, mentions);
  do {
    state.expect('WHEN');
    nestedChain(state, mentions);
    state.expect('THEN');
    nestedChain(state, mentions);
  } while (state.sees('WHEN'));
  if (state.take('ELSE')) nestedChain(state, mentions);
  state.expect('END');
  return 'other';
}

function exists(state: ParserState, mentions: Mentions): Shape {
  state.expect('EXISTS');
  if (!state.bracketHoldsQuery()) unknownSyntax('a query was expected');
  mentions.queries.push(state.bracketedQuery());
  return 'other';
}

// ---------------------------------------------------------------------------------------------- calls

function call(state: ParserState, mentions: Mentions, name: Token): Shape {
  if (name.value === 'CAST' || name.value === 'TRY_CAST') return cast(state, mentions);
  if (name.value === 'EXTRACT') return extract(state, mentions);
  if (name.value === 'POSITION') return position(state, mentions);
  if (name.value === 'IDENTIFIER') throw new Refusal('dynamic', 'a name is computed by IDENTIFIER()');
  if (!isPureFunction(name.value)) {
    const known = RESERVED.has(name.value);
    if (known) unknownSyntax(`${name.value} stands where an expression was expected`);
    throw new Refusal('unknown-function', `the function ${name.value} is not on the list of pure functions`);
  }
  mentions.canFail ||= !isTotalFunction(name.value);
  state.at += 2;
  if (name.value === 'COUNT' && state.seesSymbol('*') && isSymbol(state.peek(1), ')')) state.at += 2;
  else callArguments(state, mentions, name.value);
  const windowed = suffixes(state, mentions);
  return isAggregateFunction(name.value) && !windowed ? 'aggregate' : 'other';
}

function callArguments(state: ParserState, mentions: Mentions, name: string): void {
  if (state.takeSymbol(')')) return;
  state.takeOne('DISTINCT', 'ALL');
  let position = 0;
  do {
    argument(state, mentions, name, position);
    position += 1;
  } while (state.takeSymbol(','));
  if (state.seesSymbol('->')) unsupported('a lambda');
  if (state.seesSymbol('=>')) unsupported('a named argument');
  ignoreNulls(state);
  if (state.take('ORDER', 'BY')) ordering(state, mentions);
  state.expectSymbol(')');
}

function argument(state: ParserState, mentions: Mentions, name: string, position: number): void {
  if (star(state, mentions)) return;
  const token = state.peek();
  const closes = isSymbol(state.peek(1), ',', ')');
  if (token?.kind === 'word' && closes && allowsDatePart(name, position) && DATE_PARTS.has(token.value)) {
    mentions.columns.push({ parts: [token.value], from: state.at, to: state.at + 1, maybeDatePart: true });
    state.at += 1;
    return;
  }
  if (state.sees('SELECT') || state.sees('WITH')) unsupported('a query as argument without its own brackets');
  nestedChain(state, mentions);
}

/** `*` or `t.*` as argument: all columns of the sources. */
function star(state: ParserState, mentions: Mentions): boolean {
  const found = takeStar(state);
  if (found === undefined) return false;
  if (!state.seesSymbol(',', ')')) unsupported('a changed star as argument');
  mentions.stars.push(found);
  return true;
}

/** `*` or `name.*` at the cursor, stepped over. */
export function takeStar(state: ParserState): Star | undefined {
  const from = state.at;
  const qualifier: string[] = [];
  while (isIdentifier(state.peek()) && isSymbol(state.peek(1), '.')) {
    qualifier.push(state.identifier().value);
    state.at += 1;
    if (state.seesSymbol('.') && qualifier.length === 1) {
      qualifier.push('');
      state.at += 1;
    }
  }
  if (state.takeSymbol('*')) return { qualifier, from, to: state.at };
  state.at = from;
  return undefined;
}

/** `WITHIN GROUP (…)`, `IGNORE NULLS`, `OVER (…)`; true where there is an OVER. */
function suffixes(state: ParserState, mentions: Mentions): boolean {
  if (state.take('WITHIN')) {
    state.expect('GROUP');
    state.expectSymbol('(');
    state.expect('ORDER');
    state.expect('BY');
    ordering(state, mentions);
    state.expectSymbol(')');
  }
  if (state.sees('FILTER') && isSymbol(state.peek(1), '(')) unsupported('FILTER');
  ignoreNulls(state);
  if (!state.take('OVER')) return false;
  window(state, mentions);
  return true;
}

function ignoreNulls(state: ParserState): void {
  if (!state.take('IGNORE', 'NULLS')) state.take('RESPECT', 'NULLS');
}

function ordering(state: ParserState, mentions: Mentions): void {
  for (const expression of parseOrdering(state)) mention(expression, mentions);
}

function mention(expression: Expression, mentions: Mentions): void {
  mentions.columns.push(...expression.columns);
  mentions.stars.push(...expression.stars);
  mentions.queries.push(...expression.queries);
  mentions.windowKeys.push(...expression.windowKeys);
  mentions.canFail ||= expression.canFail;
}

/** `([PARTITION BY …] [ORDER BY …] [frame])` */
function window(state: ParserState, mentions: Mentions): void {
  if (!state.seesSymbol('(')) unsupported('a named window');
  state.expectSymbol('(');
  const keys: Expression[] = [];
  if (state.take('PARTITION', 'BY')) keys.push(...parseExpressions(state));
  if (state.take('ORDER', 'BY')) keys.push(...parseOrdering(state));
  for (const key of keys) mention(key, mentions);
  mentions.windowKeys.push(...keys);
  if (state.takeOne('ROWS', 'RANGE') !== undefined) frame(state);
  state.expectSymbol(')');
}

function frame(state: ParserState): void {
  const isRange = state.take('BETWEEN');
  frameBound(state);
  if (!isRange) return;
  state.expect('AND');
  frameBound(state);
}

function frameBound(state: ParserState): void {
  if (state.take('CURRENT', 'ROW')) return;
  if (state.take('INTERVAL')) {
    if (state.peek()?.kind !== 'string') unknownSyntax('an interval was expected');
    state.at += 1;
  } else if (!state.take('UNBOUNDED')) {
    if (state.peek()?.kind !== 'number') unsupported('a window frame of this form');
    state.at += 1;
  }
  if (state.takeOne('PRECEDING', 'FOLLOWING') === undefined) unknownSyntax('PRECEDING or FOLLOWING was expected');
}

function cast(state: ParserState, mentions: Mentions): Shape {
  const tries = state.sees('TRY_CAST');
  state.at += 2;
  nestedChain(state, mentions);
  state.expect('AS');
  if (!tries) converts(state, mentions);
  typeName(state);
  state.expectSymbol(')');
  return 'other';
}

/** Everything has a text; a length may be too short for it. */
function converts(state: ParserState, mentions: Mentions): void {
  const isText = isWord(state.peek(), ...TEXT_TYPES) && !isSymbol(state.peek(1), '(');
  mentions.canFail ||= !isText;
}

/** `EXTRACT(part FROM value)` and `EXTRACT(part, value)`; the part may be quoted. */
function extract(state: ParserState, mentions: Mentions): Shape {
  mentions.canFail = true;
  state.at += 2;
  const part = state.peek();
  if (part?.kind === 'word' && DATE_PARTS.has(part.value)) {
    mentions.columns.push({ parts: [part.value], from: state.at, to: state.at + 1, maybeDatePart: true });
  } else if (part?.kind !== 'string') unknownSyntax('a date part was expected');
  state.at += 1;
  if (!state.take('FROM')) state.expectSymbol(',');
  nestedChain(state, mentions);
  state.expectSymbol(')');
  return 'other';
}

/** `POSITION(part IN text)` and `POSITION(part, text [, start])` */
function position(state: ParserState, mentions: Mentions): Shape {
  mentions.canFail = true;
  state.at += 2;
  arithmetic(state, mentions);
  if (!state.take('IN')) state.expectSymbol(',');
  nestedChains(state, mentions);
  state.expectSymbol(')');
  return 'other';
}

/** A type with its numbers: `NUMBER(10, 2)`, `ARRAY(VARCHAR)`, `DOUBLE PRECISION`. */
function typeName(state: ParserState): void {
  const token = state.peek();
  if (token?.kind !== 'word' || !TYPES.has(token.value)) unsupported('a cast to a type that is not built in');
  state.at += 1;
  if (token.value === 'DOUBLE') state.take('PRECISION');
  if (token.value === 'CHAR' || token.value === 'CHARACTER' || token.value === 'NCHAR') state.take('VARYING');
  if (!state.takeSymbol('(')) return;
  do {
    if (state.peek()?.kind === 'number') state.at += 1;
    else state.nested(() => typeName(state));
    if (isWord(state.peek(), 'NOT')) {
      state.expect('NOT');
      state.expect('NULL');
    }
  } while (state.takeSymbol(','));
  state.expectSymbol(')');
}
