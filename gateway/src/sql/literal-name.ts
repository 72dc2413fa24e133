import { Cursor } from './cursor.js';
import { lex } from './lexer.js';
import { type NameParts, quoteIdentifier } from './names.js';
import type { ParserState } from './parser-state.js';
import { Refusal, unknownSyntax } from './refusal.js';
import { isSymbol, isWord, stringValue, type Token } from './tokens.js';

/** Names that are written as a string: `IDENTIFIER('t')`, `TABLE('t')`. */

/** Does a call of IDENTIFIER stand at the cursor? */
export function isIdentifierCall(state: ParserState): boolean {
  return isWord(state.peek(), 'IDENTIFIER') && isSymbol(state.peek(1), '(');
}

/** The name in a call of one string, stepped over; in the canonical text it stands as the name it is. */
export function takeLiteralName(state: ParserState, maxParts: number): NameParts {
  const from = state.at;
  const word = state.identifier().value;
  state.expectSymbol('(');
  const argument = state.peek();
  if (!isString(argument)) throw new Refusal('dynamic', `a name is computed by ${word}()`);
  state.at += 1;
  state.expectSymbol(')');
  const parts = nameIn(stringValue(argument), maxParts);
  state.edits.replace(from, state.at, parts.map((part) => (part === '' ? '' : quoteIdentifier(part))).join('.'));
  return parts;
}

function isString(token: Token | undefined): token is Token {
  return token?.kind === 'string' || token?.kind === 'dollar-string';
}

function nameIn(text: string, maxParts: number): NameParts {
  const lexed = lex(text);
  if (!lexed.ok) unknownSyntax('a string does not hold a name');
  const cursor = new Cursor(lexed.tokens);
  const parts = cursor.nameParts(maxParts);
  cursor.expectEnd();
  return parts;
}
