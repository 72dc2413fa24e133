import { lex } from './lexer.js';
import { Refusal } from './refusal.js';
import { isSymbol, type Token } from './tokens.js';

/** Corrections of a text, by token. The same correction may be made more than once; the last one counts. */
export class Edits {
  readonly replacements = new Map<number, { readonly to: number; readonly text: string }>();
  readonly insertions = new Map<number, string>();

  /** Tokens `from` up to (not including) `to` become `text`. */
  replace(from: number, to: number, text: string): void {
    this.replacements.set(from, { to, text });
  }

  /** `text` comes to stand before the token `at`, or at the end. */
  insert(at: number, text: string): void {
    this.insertions.set(at, text);
  }

  /** Tokens `from` up to (not including) `to` go away. */
  drop(from: number, to: number): void {
    this.replacements.set(from, { to, text: '' });
  }
}

/** A text written from tokens, and where it holds them. */
export interface WrittenText {
  readonly text: string;
  /** The characters [start, end) that stand for the tokens [from, to), without what was inserted around them. */
  readonly spanOf: (from: number, to: number) => { readonly start: number; readonly end: number };
}

/**
 * The tokens re-emitted on one line: comments gone, each run of white space one space, `$$…$$` re-quoted as `'…'`.
 * Tokens that touched still touch, because stage paths and the names Snowflake derives for expressions depend on it.
 * The result is lexed again and must give the same tokens; otherwise the text is refused.
 */
export function canonicalText(tokens: readonly Token[]): string {
  const { text } = writeText(tokens, NO_EDITS);
  checkSameTokens(tokens, text);
  return text;
}

const NO_EDITS = new Edits();

/** The same with corrections, from the token `first` on. Nothing is checked: the text has to be read again. */
export function writeText(tokens: readonly Token[], edits: Edits, first = 0): WrittenText {
  const starts = new Int32Array(tokens.length + 1);
  const ends = new Int32Array(tokens.length + 1);
  let text = '';
  let at = first;
  let isBehindGap = false;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token === undefined) break;
    const inserted = edits.insertions.get(at);
    if (inserted !== undefined) text += text === '' ? inserted : ` ${inserted}`;
    const replacement = edits.replacements.get(at);
    const next = replacement?.to ?? at + 1;
    const own = replacement === undefined ? tokenText(token) : replacement.text;
    const isApart = isBehindGap || token.gap || needsSpace(tokens[at - 1], token) || parts(inserted, token);
    isBehindGap = own === '';
    if (isApart && text !== '' && !isBehindGap) text += ' ';
    starts[at] = text.length;
    text += own;
    ends[next - 1] = text.length;
    at = next;
  }
  const last = edits.insertions.get(tokens.length);
  if (last !== undefined) text += ` ${last}`;
  return { text, spanOf: (from, to) => ({ start: starts[from] ?? 0, end: ends[to - 1] ?? 0 }) };
}

const isString = (token: Token | undefined): boolean => token?.kind === 'string' || token?.kind === 'dollar-string';

/** A string whose quotes were `$$` would melt with what it touches: another string, or a word or sign read as its prefix. */
function needsSpace(before: Token | undefined, token: Token): boolean {
  return isString(token) && (isString(before) || before?.kind === 'word' || isSymbol(before, '&'));
}

function parts(inserted: string | undefined, token: Token): boolean {
  return inserted !== undefined && !isSymbol(token, ',', ')');
}

function tokenText(token: Token): string {
  if (token.kind !== 'dollar-string') return token.raw;
  return `'${token.value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function checkSameTokens(tokens: readonly Token[], text: string): void {
  const again = lex(text);
  const same =
    again.ok &&
    again.tokens.length === tokens.length &&
    again.tokens.every((token, index) => isSameToken(token, tokens[index]));
  if (!same) throw new Refusal('unknown-syntax', 'the statement cannot be written down unambiguously');
}

function isSameToken(one: Token, other: Token | undefined): boolean {
  if (other === undefined) return false;
  if (other.kind === 'dollar-string') return one.kind === 'string' && one.raw === tokenText(other);
  return one.kind === other.kind && one.value === other.value;
}
