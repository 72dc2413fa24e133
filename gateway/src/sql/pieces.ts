import { canonicalText } from './canonical.js';
import type { QueryPiece } from './flow-plan.js';
import type { NameParts } from './names.js';
import { parseExpression } from './parse-expression.js';
import { parseFrom } from './parse-from.js';
import { GRAMMAR } from './parse-query.js';
import { ParserState } from './parser-state.js';
import { unknownSyntax } from './refusal.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/**
 * Parts of a statement that is not a query, each read by the query parser and given back as text. A piece ends where the
 * parser ends, so texts put together of pieces mean what the pieces mean. Throws `Refusal` where a piece is none.
 */
export class Pieces extends ParserState {
  constructor(tokens: readonly Token[], at = 0) {
    super(tokens, at, GRAMMAR);
  }

  #textFrom(start: number): string {
    return canonicalText(this.tokens.slice(start, this.at));
  }

  /** An expression; DEFAULT alone is a constant. */
  expression(): string {
    const start = this.at;
    const next = this.peek(1);
    if (this.sees('DEFAULT') && !isSymbol(next, '.', '(')) {
      this.at += 1;
      return 'NULL';
    }
    parseExpression(this);
    return this.#textFrom(start);
  }

  expressions(): readonly string[] {
    const all = [this.expression()];
    while (this.takeSymbol(',')) all.push(this.expression());
    return all;
  }

  /** `(expression, …)` */
  bracketed(): readonly string[] {
    this.expectSymbol('(');
    const all = this.expressions();
    this.expectSymbol(')');
    return all;
  }

  /** What may stand behind FROM. */
  sources(): string {
    const start = this.at;
    parseFrom(this);
    return this.#textFrom(start);
  }

  /** One table by its name, with or without alias. */
  table(): string {
    const start = this.at;
    this.nameParts(3);
    if (this.seesSymbol('(', '!')) unknownSyntax('a table was expected');
    this.sourceAlias();
    return this.#textFrom(start);
  }

  /** A table's name alone. */
  tableName(): string {
    const start = this.at;
    this.nameParts(3);
    return this.#textFrom(start);
  }

  /** A query, in brackets or not. */
  wholeQuery(): QueryPiece {
    const from = this.at;
    this.query();
    return { text: this.#textFrom(from), place: { from, to: this.at } };
  }

  /** A query in brackets, up to the closing one. */
  queryInBrackets(): QueryPiece {
    const from = this.at;
    this.bracketedQuery();
    return { text: this.#textFrom(from), place: { from, to: this.at } };
  }

  /** Does a query begin here, in brackets or not? */
  get seesQuery(): boolean {
    return isWord(this.peek(), 'SELECT', 'WITH') || this.bracketHoldsQuery();
  }

  /** The last part of a column's name, which may be qualified. */
  columnName(): string {
    const parts: NameParts = this.nameParts(4);
    return parts.at(-1) ?? '';
  }

  /** Any words on the way to one of these, brackets stepped over whole. */
  skipTo(...words: readonly string[]): boolean {
    while (!this.done) {
      if (isWord(this.peek(), ...words)) return true;
      if (this.seesSymbol('(', '[', '{')) this.skipBracket();
      else this.at += 1;
    }
    return false;
  }

  /** Does any of the words stand in the rest of the statement, brackets included? */
  restHas(...words: readonly string[]): boolean {
    return this.tokens.slice(this.at).some((token) => isWord(token, ...words));
  }
}
