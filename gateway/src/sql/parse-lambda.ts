import { TYPES } from './keywords.js';
import type { Mentions } from './mentions.js';
import { parseType } from './parse-type.js';
import type { ParserState } from './parser-state.js';
import { isIdentifier } from './tokens.js';

/** `x -> …`, `x INT -> …` or `(x, y INT) -> …` at the cursor, stepped over. */
export function takeLambda(state: ParserState, mentions: Mentions): boolean {
  const parameters = takeParameters(state);
  if (parameters === undefined) return false;
  // Which values meet in the body is not known where it is read.
  mentions.canFail = true;
  state.withLambda(parameters, () => state.chain(mentions));
  return true;
}

function takeParameters(state: ParserState): readonly string[] | undefined {
  const start = state.at;
  const inBrackets = state.takeSymbol('(');
  const names: string[] = [];
  do {
    const name = state.peek();
    if (!isIdentifier(name)) break;
    names.push(name.value);
    state.at += 1;
    const type = state.peek();
    if (type?.kind === 'word' && TYPES.has(type.value)) parseType(state);
  } while (inBrackets && state.takeSymbol(','));
  const isWhole = names.length > 0 && (!inBrackets || state.takeSymbol(')')) && state.takeSymbol('->');
  if (isWhole) return names;
  state.at = start;
  return undefined;
}
