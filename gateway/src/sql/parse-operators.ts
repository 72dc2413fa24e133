import type { Mentions, Shape } from './mentions.js';
import { operand } from './parse-operand.js';
import { isTextType, parseType } from './parse-type.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax } from './refusal.js';
import { isIdentifier, isSymbol } from './tokens.js';

/** Operators between operands and behind them. */

const ARITHMETIC = ['+', '-', '*', '/', '%', '||'] as const;
const COMPARISONS = ['=', '<>', '!=', '<', '>', '<=', '>='] as const;
const PATTERNS = ['LIKE', 'ILIKE', 'RLIKE', 'REGEXP'] as const;

/** Operands and operators in turn, up to the first token that cannot continue them. */
export function chain(state: ParserState, mentions: Mentions): Shape {
  let shape = operand(state, mentions);
  for (;;) {
    if (postfix(state, mentions)) shape = 'other';
    else if (infix(state, mentions)) {
      operand(state, mentions);
      shape = 'other';
    } else return shape;
  }
}

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
export function arithmetic(state: ParserState, mentions: Mentions): void {
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
    mentions.canFail ||= !isTextType(state);
    parseType(state);
    return true;
  }
  if (state.seesSymbol(':')) return path(state);
  if (state.takeSymbol('[')) {
    mentions.canFail ||= !['string', 'number'].includes(state.peek()?.kind ?? '') || !isSymbol(state.peek(1), ']');
    state.chain(mentions);
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
