import { BARE_FUNCTIONS, LITERAL_TYPES } from './keywords.js';
import { isIdentifierCall, takeLiteralName } from './literal-name.js';
import { type Mentions, mentionOptional, type Shape } from './mentions.js';
import { parseCall, parseUserFunction } from './parse-call.js';
import { takeStarFilter } from './parse-star.js';
import type { ParserState } from './parser-state.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import { isSymbol, type Token } from './tokens.js';

/** Operands: literals, columns, brackets, CASE, and through `parse-call` everything with arguments. */

const INTERVAL_UNITS = ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'] as const;
const MAX_NAME_PARTS = 4;

export function operand(state: ParserState, mentions: Mentions): Shape {
  let prefixed = false;
  while (prefix(state, mentions)) prefixed = true;
  mentions.canFail ||= prefixed;
  const shape = primary(state, mentions);
  return prefixed ? 'other' : shape;
}

/** NOT and signs; with CONNECT BY also the words that look at another row, in MATCH_RECOGNIZE those for the rows so far. */
function prefix(state: ParserState, mentions: Mentions): boolean {
  if (state.take('NOT') || state.takeSymbol('-') || state.takeSymbol('+')) return true;
  const words = state.isHierarchical ? (['PRIOR', 'CONNECT_BY_ROOT'] as const) : (['FINAL', 'RUNNING'] as const);
  const word = state.isHierarchical || state.isInPattern ? state.takeOne(...words) : undefined;
  if (word === undefined) return false;
  // It could be a column all the same, whose alias comes next. Which row is looked at depends on the hierarchy.
  mentionOptional(word, state.at - 1, mentions);
  if (state.isHierarchical) mentionOptional('LEVEL', state.at - 1, mentions);
  return true;
}

function primary(state: ParserState, mentions: Mentions): Shape {
  const token = state.peek();
  if (token === undefined) return unknownSyntax('an expression was expected');
  switch (token.kind) {
    case 'number':
      state.at += 1;
      return isWhole(token.value) ? 'integer' : 'other';
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
      return variable(state, mentions, token);
    case 'stage':
      return unsupported('a stage');
    case 'file':
      return unknownSyntax('an expression was expected');
    default:
      return token.kind satisfies never;
  }
}

const isWhole = (number: string): boolean => /^[0-9]+$/.test(number);

/** `$2`, a column by its position, or `$name`, a session variable. */
function variable(state: ParserState, mentions: Mentions, token: Token): Shape {
  if (isWhole(token.value)) return positional(state, mentions, [], state.at);
  state.at += 1;
  mentions.variables.push(token.value);
  if (state.seesSymbol('(')) throw new Refusal('dynamic', 'a function is given by a variable');
  return 'other';
}

function positional(state: ParserState, mentions: Mentions, parts: readonly string[], from: number): Shape {
  const position = Number(state.peek()?.value);
  state.at += 1;
  mentions.columns.push({ parts, position, from, to: state.at, isOptional: false });
  return 'column';
}

function bracketOrPlaceholder(state: ParserState, mentions: Mentions, token: Token): Shape {
  switch (token.value) {
    case '(':
      bracket(state, mentions);
      return 'bracket';
    case '[':
      state.at += 1;
      if (!state.seesSymbol(']')) state.chains(mentions);
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
  state.chains(mentions);
  if (state.seesSymbol('->')) unsupported('a lambda outside the functions that take one');
  state.expectSymbol(')');
}

/** `{'key': value, …}` or `{*}` */
function object(state: ParserState, mentions: Mentions): void {
  state.expectSymbol('{');
  if (state.takeSymbol('}')) return;
  do {
    if (takeStarFilter(state, mentions)) continue;
    if (state.peek()?.kind !== 'string') unknownSyntax('a key was expected');
    state.at += 1;
    state.expectSymbol(':');
    state.chain(mentions);
  } while (state.takeSymbol(','));
  state.expectSymbol('}');
}

function word(state: ParserState, mentions: Mentions, token: Token): Shape {
  const next = state.peek(1);
  if (token.value === 'CASE') return caseExpression(state, mentions);
  if (token.value === 'EXISTS') return exists(state, mentions);
  if (token.value === 'NULL' || token.value === 'TRUE' || token.value === 'FALSE') {
    state.at += 1;
    return 'other';
  }
  if (isIdentifierCall(state)) return literalColumn(state, mentions);
  if (isSymbol(next, '(') && !isOuterJoinMark(state, 1)) return parseCall(state, mentions, token);
  if (next?.kind === 'string' && LITERAL_TYPES.has(token.value)) return typedLiteral(state, token);
  if (BARE_FUNCTIONS.has(token.value)) {
    state.at += 1;
    return 'other';
  }
  return named(state, mentions);
}

function isOuterJoinMark(state: ParserState, ahead: number): boolean {
  return (
    isSymbol(state.peek(ahead), '(') && isSymbol(state.peek(ahead + 1), '+') && isSymbol(state.peek(ahead + 2), ')')
  );
}

/** `IDENTIFIER('name')` is the column of that name. */
function literalColumn(state: ParserState, mentions: Mentions): Shape {
  const from = state.at;
  const parts = takeLiteralName(state, MAX_NAME_PARTS);
  if (state.seesSymbol('.', '(', '!')) unsupported('a name that goes on behind IDENTIFIER()');
  mentions.columns.push({ parts, position: undefined, from, to: state.at, isOptional: false });
  return 'column';
}

/** A column, perhaps qualified; `(+)` behind it is the old mark of an outer join. */
function named(state: ParserState, mentions: Mentions): Shape {
  const from = state.at;
  const parts = [state.name().value];
  while (state.seesSymbol('.')) {
    state.at += 1;
    if (state.seesSymbol('.') && parts.length === 1) parts.push('');
    else if (state.seesSymbol('*')) unsupported('a star inside an expression');
    else if (isPosition(state.peek())) return positional(state, mentions, parts, from);
    else parts.push(state.identifier().value);
  }
  if (parts.length > MAX_NAME_PARTS) unknownSyntax('a name has too many parts');
  if (parts.length > 1 && parts.at(-1) === 'NEXTVAL') unsupported('a sequence');
  if (state.seesSymbol('(') && !isOuterJoinMark(state, 0)) return parseUserFunction(state, mentions, parts, from);
  if (state.seesSymbol('!')) unsupported('a method call');
  // A parameter of a lambda hides bare names only.
  const isOptional = parts.length === 1 && state.isLambdaParameter(parts[0] ?? '');
  mentions.columns.push({ parts, position: undefined, from, to: state.at, isOptional });
  if (!isOuterJoinMark(state, 0)) return isOptional ? 'other' : 'column';
  state.at += 3;
  return 'other';
}

function isPosition(token: Token | undefined): boolean {
  return token?.kind === 'variable' && isWhole(token.value);
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
  if (!state.sees('WHEN')) state.chain(mentions);
  do {
    state.expect('WHEN');
    state.chain(mentions);
    state.expect('THEN');
    state.chain(mentions);
  } while (state.sees('WHEN'));
  if (state.take('ELSE')) state.chain(mentions);
  state.expect('END');
  return 'other';
}

function exists(state: ParserState, mentions: Mentions): Shape {
  state.expect('EXISTS');
  if (!state.bracketHoldsQuery()) unknownSyntax('a query was expected');
  mentions.queries.push(state.bracketedQuery());
  return 'other';
}
