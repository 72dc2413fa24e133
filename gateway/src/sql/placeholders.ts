import { lex } from './lexer.js';
import { isSymbol, type Token } from './tokens.js';

/** How a text leaves room for bind values. */
export interface Placeholders {
  /** Number of `?`: the first is value 1. */
  readonly positional: number;
  /** The highest n of `:n`; 0 where there is none. */
  readonly highest: number;
}

/** The placeholders of a canonical text. Throws for a text that is none. */
export function placeholdersOf(text: string): Placeholders {
  const tokens = tokensOf(text);
  const numbers = tokens.flatMap((token, index) => {
    const next = tokens[index + 1];
    return isSymbol(token, ':') && next?.kind === 'number' ? [Number(next.value)] : [];
  });
  return { positional: tokens.filter((token) => isSymbol(token, '?')).length, highest: Math.max(0, ...numbers) };
}

/** The text with the n-th `?` written as `:n`, so that further values can be named beside them. */
export function numberPlaceholders(text: string): string {
  const pieces: string[] = [];
  let at = 0;
  for (const [index, token] of tokensOf(text)
    .filter((candidate) => isSymbol(candidate, '?'))
    .entries()) {
    pieces.push(text.slice(at, token.start), `:${index + 1}`);
    at = token.end;
  }
  return [...pieces, text.slice(at)].join('');
}

function tokensOf(text: string): readonly Token[] {
  const lexed = lex(text);
  if (!lexed.ok) throw new Error('a canonical text cannot be read');
  return lexed.tokens;
}
