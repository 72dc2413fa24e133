import {
  allowsDatePart,
  isAggregateFunction,
  isPatternFunction,
  isPureFunction,
  isTotalFunction,
  takesLambda,
} from './functions.js';
import { DATE_PARTS, RESERVED } from './keywords.js';
import { type Mentions, mention, mentionOptional, type Shape } from './mentions.js';
import type { NameParts } from './names.js';
import { parseOrdering } from './parse-expression.js';
import { takeLambda } from './parse-lambda.js';
import { takeStarFilter } from './parse-star.js';
import { isTextType, parseType } from './parse-type.js';
import { parseOver } from './parse-window.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import { isSymbol, type Token } from './tokens.js';

/** Calls of built-in functions, and of those of a user that the catalogue says to be pure. */

export function parseCall(state: ParserState, mentions: Mentions, name: Token): Shape {
  if (name.value === 'CAST' || name.value === 'TRY_CAST') return cast(state, mentions);
  if (name.value === 'EXTRACT') return extract(state, mentions);
  if (name.value === 'POSITION') return position(state, mentions);
  const isKnown = isPureFunction(name.value) || takesLambda(name.value) || isPlaceBound(state, mentions, name.value);
  if (!isKnown) {
    if (RESERVED.has(name.value)) unknownSyntax(`${name.value} stands where an expression was expected`);
    return parseUserFunction(state, mentions, [name.value], state.at, state.at + 1);
  }
  mentions.canFail ||= !isTotalFunction(name.value);
  state.at += 2;
  if (name.value === 'COUNT' && state.seesSymbol('*') && isSymbol(state.peek(1), ')')) state.at += 2;
  else callArguments(state, mentions, name.value);
  const windowed = suffixes(state, mentions);
  return isAggregateFunction(name.value) && !windowed ? 'aggregate' : 'other';
}

/** Functions that exist only within CONNECT BY or MATCH_RECOGNIZE, and tell of rows besides their arguments. */
function isPlaceBound(state: ParserState, mentions: Mentions, name: string): boolean {
  if (state.isHierarchical && name === 'SYS_CONNECT_BY_PATH') {
    mentionOptional('LEVEL', state.at, mentions);
    return true;
  }
  return state.isInPattern && isPatternFunction(name);
}

/** Its name is looked up when the query's tables are; the canonical text names it in full. */
export function parseUserFunction(
  state: ParserState,
  mentions: Mentions,
  parts: NameParts,
  from: number,
  to = state.at,
): Shape {
  if (parts.length > 3) unknownSyntax('a name has too many parts');
  state.functions.push({ parts, from, to });
  mentions.canFail = true;
  state.at = to + 1;
  callArguments(state, mentions, '');
  if (state.sees('OVER') || state.sees('WITHIN')) unsupported('a window over a user-defined function');
  return 'other';
}

function callArguments(state: ParserState, mentions: Mentions, name: string): void {
  if (state.takeSymbol(')')) return;
  state.takeOne('DISTINCT', 'ALL');
  let place = 0;
  do {
    argument(state, mentions, name, place);
    place += 1;
  } while (state.takeSymbol(','));
  if (state.seesSymbol('->')) unsupported('a lambda outside the functions that take one');
  if (state.seesSymbol('=>')) unsupported('a named argument');
  ignoreNulls(state);
  if (state.take('ORDER', 'BY')) ordering(state, mentions);
  state.expectSymbol(')');
}

function argument(state: ParserState, mentions: Mentions, name: string, place: number): void {
  if (takeStarFilter(state, mentions)) return;
  const token = state.peek();
  if (token?.kind === 'word' && isDatePart(state, token, name, place)) {
    mentionOptional(token.value, state.at, mentions);
    state.at += 1;
    return;
  }
  if (state.sees('SELECT') || state.sees('WITH')) unsupported('a query as argument without its own brackets');
  if (!takesLambda(name) || !takeLambda(state, mentions)) state.chain(mentions);
}

function isDatePart(state: ParserState, token: Token, name: string, place: number): boolean {
  return allowsDatePart(name, place) && isSymbol(state.peek(1), ',', ')') && DATE_PARTS.has(token.value);
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
  parseOver(state, mentions);
  return true;
}

function ignoreNulls(state: ParserState): void {
  if (!state.take('IGNORE', 'NULLS')) state.take('RESPECT', 'NULLS');
}

function ordering(state: ParserState, mentions: Mentions): void {
  for (const expression of parseOrdering(state)) mention(expression, mentions);
}

function cast(state: ParserState, mentions: Mentions): Shape {
  const tries = state.sees('TRY_CAST');
  state.at += 2;
  state.chain(mentions);
  state.expect('AS');
  mentions.canFail ||= !tries && !isTextType(state);
  parseType(state);
  state.expectSymbol(')');
  return 'other';
}

/** `EXTRACT(part FROM value)` and `EXTRACT(part, value)`; the part may be quoted. */
function extract(state: ParserState, mentions: Mentions): Shape {
  mentions.canFail = true;
  state.at += 2;
  const part = state.peek();
  if (part?.kind === 'word' && DATE_PARTS.has(part.value)) mentionOptional(part.value, state.at, mentions);
  else if (part?.kind !== 'string') unknownSyntax('a date part was expected');
  state.at += 1;
  if (!state.take('FROM')) state.expectSymbol(',');
  state.chain(mentions);
  state.expectSymbol(')');
  return 'other';
}

/** `POSITION(part IN text)` and `POSITION(part, text [, start])` */
function position(state: ParserState, mentions: Mentions): Shape {
  mentions.canFail = true;
  state.at += 2;
  state.arithmetic(mentions);
  if (!state.take('IN')) state.expectSymbol(',');
  state.chains(mentions);
  state.expectSymbol(')');
  return 'other';
}
