import { BARE_FUNCTIONS } from './keywords.js';
import { type Mentions, noMentions } from './mentions.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax } from './refusal.js';
import type { Expression } from './syntax.js';
import { isSymbol, isWord } from './tokens.js';

/**
 * Whole expressions. What they are made of is read by `parse-operators`; precedence is left out, because which operator
 * binds which operand does not change the columns a value can depend on. Everything else is read strictly.
 */

/** One expression, up to the first token that cannot continue it. */
export function parseExpression(state: ParserState): Expression {
  const mentions = noMentions();
  const start = state.at;
  const shape = state.chain(mentions);
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
