import type { Mentions } from './mentions.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Star } from './syntax.js';
import { isIdentifier, isSymbol } from './tokens.js';

/** `*` or `name.*` at the cursor, stepped over. */
export function takeStar(state: ParserState): Star | undefined {
  const from = state.at;
  if (!state.seesSymbol('*') && !isSymbol(state.peek(1), '.')) return undefined;
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

/**
 * `*` or `t.*` as a value, perhaps with EXCLUDE or ILIKE behind it. It counts as all columns all the same: what is left of
 * them makes no difference to safety, and the whole is certain.
 */
export function takeStarFilter(state: ParserState, mentions: Mentions): boolean {
  const found = takeStar(state);
  if (found === undefined) return false;
  if (state.take('ILIKE')) {
    if (state.peek()?.kind !== 'string') unknownSyntax('a pattern was expected');
    state.at += 1;
  }
  if (state.take('EXCLUDE')) state.nameOrNames();
  if (!state.seesSymbol(',', ')', '}')) unsupported('a changed star as a value');
  mentions.stars.push(found);
  return true;
}
