import type { Token, TokenKind } from './tokens.js';

/** Longest text looked at; real statements of tools and agents stay far below. */
export const MAX_TEXT_CHARACTERS = 200_000;
/** Bounds the work of everything that walks the tokens. */
export const MAX_TOKENS = 100_000;
/** Deepest nesting of brackets; bounds the recursion of the parser. */
export const MAX_BRACKET_DEPTH = 200;

export type Lexed =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  | {
      readonly ok: false;
      readonly kind: 'lexical' | 'too-large';
      readonly detail: string;
      /** What was read before the refused place. */
      readonly tokens: readonly Token[];
      /** The refused character is no part of any Snowflake token, so what stands before it is no statement either. */
      readonly foreign: boolean;
    };

class LexicalRefusal extends Error {
  readonly kind: 'lexical' | 'too-large';
  readonly foreign: boolean;

  constructor(detail: string, options: { kind?: 'too-large'; foreign?: boolean } = {}) {
    super(detail);
    this.kind = options.kind ?? 'lexical';
    this.foreign = options.foreign ?? false;
  }
}

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const LONG_SYMBOLS = ['->>', '::', ':=', '=>', '->', '<=', '>=', '<>', '!=', '||'] as const;
const BEGINS_LONG: ReadonlySet<string> = new Set(LONG_SYMBOLS.map((symbol) => symbol.charAt(0)));
const SHORT_SYMBOLS = '()[]{},;.:=<>+-*/%|&^~?!';

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER = /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const VARIABLE = /\$(?:[0-9]+|[A-Za-z_][A-Za-z0-9_]*)/y;
const QUOTED = /"[^"]*(?:""[^"]*)*"/y;
const FILE_URL = /[fF][iI][lL][eE]:\/\/[\x21\x23-\x26\x28-\x3a\x3c-\x7e]*/y;
const STAGE_NAME = `(?:[A-Za-z_][A-Za-z0-9_$]*|"[^"]*(?:""[^"]*)*")`;
const STAGE = new RegExp(
  String.raw`@(?:~|%${STAGE_NAME}|${STAGE_NAME}(?:\.\.?${STAGE_NAME}){0,2}(?:\.%${STAGE_NAME})?)(?:/[A-Za-z0-9_$.~%/=+:@!*?&-]*)?`,
  'y',
);

const SLASH = '/'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);

const isDigit = (character: string): boolean => character >= '0' && character <= '9';
const beginsWord = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character === '_';

const describe = (character: string): string =>
  `the character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/**
 * Snowflake's tokens, read strictly: whatever another lexer might read differently is refused (ASCII only outside quotes,
 * four white space characters, no nested comments, no dialect strings). Never throws.
 */
export function lex(text: string): Lexed {
  if (text.length > MAX_TEXT_CHARACTERS) {
    const detail = `the text is longer than ${MAX_TEXT_CHARACTERS} characters`;
    return { ok: false, kind: 'too-large', detail, tokens: [], foreign: false };
  }
  const lexer = new Lexer(text);
  try {
    lexer.run();
    return { ok: true, tokens: lexer.tokens };
  } catch (error) {
    if (!(error instanceof LexicalRefusal)) throw error;
    return { ok: false, kind: error.kind, detail: error.message, tokens: lexer.tokens, foreign: error.foreign };
  }
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #text: string;
  readonly #closers: string[] = [];
  #at = 0;
  #gap = false;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    while (this.#at < this.#text.length) {
      if (this.#skipBlank() || this.#skipComment()) continue;
      this.#token();
      if (this.tokens.length > MAX_TOKENS) {
        throw new LexicalRefusal(`the text has more than ${MAX_TOKENS} tokens`, { kind: 'too-large' });
      }
    }
    if (this.#closers.length > 0) throw new LexicalRefusal('a bracket is not closed');
  }

  #skipBlank(): boolean {
    const character = this.#text[this.#at];
    if (character === '\r' && this.#text[this.#at + 1] !== '\n') {
      throw new LexicalRefusal('a carriage return without line feed');
    }
    if (character !== ' ' && character !== '\t' && character !== '\n' && character !== '\r') return false;
    this.#at += 1;
    this.#gap = true;
    return true;
  }

  #skipComment(): boolean {
    const first = this.#text.charCodeAt(this.#at);
    if (first !== SLASH && first !== MINUS) return false;
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (two === '/*') this.#skipBlockComment();
    else if (two === '--' || (two === '//' && !this.#atFileUrl())) this.#skipLineComment();
    else return false;
    this.#gap = true;
    return true;
  }

  #skipBlockComment(): void {
    const end = this.#text.indexOf('*/', this.#at + 2);
    if (end < 0) throw new LexicalRefusal('a comment is not closed');
    const inner = this.#text.slice(this.#at + 2, end);
    if (inner.includes('/*') || inner.endsWith('/')) throw new LexicalRefusal('a comment inside a comment');
    this.#at = end + 2;
  }

  #skipLineComment(): void {
    const newline = this.#text.indexOf('\n', this.#at);
    const end = newline < 0 ? this.#text.length : newline;
    const comment = this.#text.slice(this.#at, end).replace(/\r$/, newline < 0 ? '\r' : '');
    if (/[\r\v\f\u0085\u2028\u2029]/.test(comment)) {
      throw new LexicalRefusal('a line comment with an unusual line break');
    }
    this.#at = end;
  }

  #atFileUrl(): boolean {
    return this.#isTransfer() && /^file:$/i.test(this.#text.slice(Math.max(0, this.#at - 5), this.#at));
  }

  #isTransfer(): boolean {
    const first = this.tokens[0];
    return first?.kind === 'word' && (first.value === 'PUT' || first.value === 'GET');
  }

  #token(): void {
    const character = this.#text.charAt(this.#at);
    if (beginsWord(character)) this.#word();
    else if (character === '"') this.#quoted();
    else if (character === "'") this.#string();
    else if (character === '$') this.#dollar();
    else if (character === '@') this.#stage();
    else if (isDigit(character) || this.#atFraction()) this.#number();
    else this.#symbol(character);
  }

  #atFraction(): boolean {
    return this.#text.charAt(this.#at) === '.' && isDigit(this.#text.charAt(this.#at + 1));
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #push(kind: TokenKind, raw: string, value: string): void {
    const start = this.#at;
    this.#at += raw.length;
    this.tokens.push({ kind, value, raw, start, end: this.#at, gap: this.#gap && this.tokens.length > 0 });
    this.#gap = false;
  }

  #word(): void {
    if (this.#isTransfer()) {
      const url = this.#match(FILE_URL);
      if (url !== undefined) {
        this.#push('file', url, url);
        return;
      }
    }
    const raw = this.#match(WORD) ?? '';
    if (raw.includes('$$')) throw new LexicalRefusal('a name with two dollar signs');
    this.#push('word', raw, raw.toUpperCase());
    const next = this.#text.charAt(this.#at);
    if (next === '"') throw new LexicalRefusal('a quoted name joined to a word');
    if (next === "'" && raw.length <= 2) throw new LexicalRefusal('a prefixed string');
  }

  #quoted(): void {
    const raw = this.#match(QUOTED);
    if (raw === undefined) throw new LexicalRefusal('a quoted name is not closed');
    const value = raw.slice(1, -1).replaceAll('""', '"');
    if (value === '') throw new LexicalRefusal('an empty quoted name');
    if (/\p{Cc}|\p{Cs}|[\u2028\u2029]/u.test(value)) throw new LexicalRefusal('a control character in a quoted name');
    this.#push('quoted', raw, value);
  }

  #string(): void {
    const raw = this.#matchString();
    if (raw === undefined) throw new LexicalRefusal('a string is not closed');
    checkText(raw);
    this.#push('string', raw, raw.slice(1, -1));
  }

  /** By hand: a regular expression that knows both escapes would backtrack on every character. */
  #matchString(): string | undefined {
    let at = this.#at + 1;
    while (at < this.#text.length) {
      const character = this.#text.charAt(at);
      if (character === '\\') at += 2;
      else if (character !== "'") at += 1;
      else if (this.#text.charAt(at + 1) === "'") at += 2;
      else return this.#text.slice(this.#at, at + 1);
    }
    return undefined;
  }

  #dollar(): void {
    if (this.#text.startsWith('$$', this.#at)) this.#dollarString();
    else this.#variable();
  }

  #variable(): void {
    const raw = this.#match(VARIABLE);
    if (raw === undefined) throw new LexicalRefusal('a lone dollar sign');
    this.#push('variable', raw, raw.slice(1).toUpperCase());
    this.#refuseNext(/[A-Za-z0-9_$'"]/, 'a variable joined to another token');
  }

  #dollarString(): void {
    const end = this.#text.indexOf('$$', this.#at + 2);
    if (end < 0) throw new LexicalRefusal('a $$ string is not closed');
    const raw = this.#text.slice(this.#at, end + 2);
    checkText(raw);
    this.#push('dollar-string', raw, raw.slice(2, -2));
    this.#refuseNext(/[A-Za-z0-9_$'"]/, 'a $$ string joined to another token');
  }

  #stage(): void {
    const raw = this.#match(STAGE);
    if (raw === undefined) throw new LexicalRefusal('an @ that begins no stage');
    if (/--|\/\/|\/\*/.test(raw)) throw new LexicalRefusal('a comment mark in a stage path');
    checkText(raw);
    this.#push('stage', raw, raw);
    if (!/^(?:[\s,;()]|$)/.test(this.#text.charAt(this.#at))) {
      throw new LexicalRefusal('an unusual character in a stage path');
    }
  }

  #number(): void {
    const before = this.tokens.at(-1);
    const raw = this.#match(NUMBER) ?? '';
    if (raw.startsWith('.') && !this.#gap && before !== undefined && !isOpening(before)) {
      throw new LexicalRefusal('a number joined to another token');
    }
    if (before !== undefined && before.kind === 'symbol' && before.value === '.') {
      throw new LexicalRefusal('a number after a dot');
    }
    this.#push('number', raw, raw);
    this.#refuseNext(/[A-Za-z0-9_$'".]/, 'a number joined to another token');
  }

  #refuseNext(forbidden: RegExp, detail: string): void {
    if (forbidden.test(this.#text.charAt(this.#at))) throw new LexicalRefusal(detail);
  }

  #symbol(character: string): void {
    const long = BEGINS_LONG.has(character)
      ? LONG_SYMBOLS.find((one) => this.#text.startsWith(one, this.#at))
      : undefined;
    const symbol = long ?? (SHORT_SYMBOLS.includes(character) ? character : undefined);
    if (symbol === undefined) {
      const found = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
      throw new LexicalRefusal(`${describe(found)} outside quotes`, { foreign: /[\x21-\x7e]/.test(found) });
    }
    if (symbol === '.' && this.tokens.at(-1)?.kind === 'number') throw new LexicalRefusal('a dot after a number');
    this.#balance(symbol);
    this.#push('symbol', symbol, symbol);
    if (symbol === '&') this.#refuseNext(/['"]/, 'a prefixed string');
  }

  #balance(symbol: string): void {
    const closer = CLOSER[symbol];
    if (closer !== undefined) {
      this.#closers.push(closer);
      if (this.#closers.length > MAX_BRACKET_DEPTH) {
        throw new LexicalRefusal(`brackets nest deeper than ${MAX_BRACKET_DEPTH}`, { kind: 'too-large' });
      }
    } else if (symbol === ')' || symbol === ']' || symbol === '}') {
      if (this.#closers.pop() !== symbol) throw new LexicalRefusal('a closing bracket without its opening one');
    }
  }
}

function isOpening(token: Token): boolean {
  return token.kind === 'symbol' && ![')', ']', '}', '.', '?'].includes(token.value);
}

/** Text between quotes may be anything a JSON string can hold, save NUL and broken surrogate pairs. */
function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new LexicalRefusal('a broken character between quotes');
}
