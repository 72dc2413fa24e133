import type { NameParts } from './names.js';
import { Refusal, unknownSyntax } from './refusal.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/** A position in the tokens of one statement. */
export class Cursor {
  readonly tokens: readonly Token[];
  at = 0;

  constructor(tokens: readonly Token[], at = 0) {
    this.tokens = tokens;
    this.at = at;
  }

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  /** Do the next tokens spell these words? */
  sees(...words: readonly string[]): boolean {
    return words.every((word, index) => isWord(this.peek(index), word));
  }

  seesSymbol(...symbols: readonly string[]): boolean {
    return isSymbol(this.peek(), ...symbols);
  }

  /** Steps over the words if all of them come next. */
  take(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.at += words.length;
    return true;
  }

  /** Steps over the first of the words that comes next. */
  takeOne(...words: readonly string[]): string | undefined {
    const token = this.peek();
    if (token === undefined || !isWord(token, ...words)) return undefined;
    this.at += 1;
    return token.value;
  }

  takeSymbol(symbol: string): boolean {
    if (!this.seesSymbol(symbol)) return false;
    this.at += 1;
    return true;
  }

  expect(word: string): void {
    if (!this.take(word)) unknownSyntax(`${word} was expected`);
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) unknownSyntax(`'${symbol}' was expected`);
  }

  expectEnd(): void {
    if (!this.done) unknownSyntax('the statement goes on where its end was expected');
  }

  /** Any identifier, keyword or not. */
  identifier(): Token {
    const token = this.peek();
    if (!isIdentifier(token)) {
      if (token?.kind === 'variable' || isSymbol(token, '?', ':')) {
        throw new Refusal('dynamic', 'a name is given by a variable or placeholder');
      }
      unknownSyntax('a name was expected');
    }
    this.at += 1;
    return token;
  }

  /** A dotted name; `db..name` yields an empty middle part. */
  nameParts(maxParts: number): NameParts {
    const parts = [this.identifier().value];
    while (this.seesSymbol('.')) {
      this.at += 1;
      if (this.seesSymbol('.') && parts.length === 1) parts.push('');
      else parts.push(this.identifier().value);
    }
    if (parts.length > maxParts || parts.at(-1) === '') unknownSyntax('a name has too many parts');
    return parts;
  }

  /** Steps over a bracket and everything in it. The lexer has made sure that brackets match. */
  skipBracket(): void {
    let depth = 0;
    do {
      if (this.seesSymbol('(', '[', '{')) depth += 1;
      else if (this.seesSymbol(')', ']', '}')) depth -= 1;
      this.at += 1;
    } while (depth > 0 && !this.done);
  }
}
