import { TEXT_TYPES, TYPES } from './keywords.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import { isIdentifier, isSymbol, isWord } from './tokens.js';

/** Does a type stand at the cursor that every value can be converted to? A length may be too short for one. */
export function isTextType(state: ParserState): boolean {
  return isWord(state.peek(), ...TEXT_TYPES) && !isSymbol(state.peek(1), '(');
}

/** A type with its numbers: `NUMBER(10, 2)`, `ARRAY(VARCHAR)`, `OBJECT(city VARCHAR)`, `DOUBLE PRECISION`. */
export function parseType(state: ParserState): void {
  const token = state.peek();
  if (token?.kind !== 'word' || !TYPES.has(token.value)) unsupported('a cast to a type that is not built in');
  state.at += 1;
  if (token.value === 'DOUBLE') state.take('PRECISION');
  if (token.value === 'CHAR' || token.value === 'CHARACTER' || token.value === 'NCHAR') state.take('VARYING');
  if (!state.takeSymbol('(')) return;
  do {
    if (state.peek()?.kind === 'number') state.at += 1;
    else {
      if (token.value === 'OBJECT') key(state);
      state.nested(() => parseType(state));
    }
    if (state.take('NOT') && !state.take('NULL')) unknownSyntax('NULL was expected');
  } while (state.takeSymbol(','));
  state.expectSymbol(')');
}

function key(state: ParserState): void {
  if (!isIdentifier(state.peek())) unknownSyntax('a key was expected');
  state.at += 1;
}
