import { lex } from './lexer.js';
import { Refusal } from './refusal.js';
import { isSymbol, type Token } from './tokens.js';

/** Replaces tokens `from` up to (not including) `to` by `text`; `from` equal to `to` inserts before `from`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * The tokens re-emitted on one line: comments gone, each run of white space one space, `$$…$$` re-quoted as `'…'`.
 * Tokens that touched still touch, because stage paths and the names Snowflake derives for expressions depend on it.
 * The result is lexed again and must give the same tokens; otherwise the text is refused.
 */
export function canonicalText(tokens: readonly Token[], edits: readonly Edit[] = []): string {
  const text = emit(tokens, edits);
  if (edits.length === 0) checkSameTokens(tokens, text);
  return text;
}

function emit(tokens: readonly Token[], edits: readonly Edit[]): string {
  const byStart = new Map(edits.map((edit) => [edit.from, edit]));
  const pieces: string[] = [];
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    const edit = byStart.get(at);
    if (token === undefined) break;
    const inserts = edit !== undefined && edit.from === edit.to;
    if (at > 0 && (token.gap || inserts || needsSpace(tokens[at - 1], token))) pieces.push(' ');
    if (edit === undefined) {
      pieces.push(tokenText(token));
      at += 1;
    } else if (inserts) {
      pieces.push(edit.text, ' ', tokenText(token));
      at += 1;
    } else {
      pieces.push(edit.text);
      at = edit.to;
    }
  }
  return pieces.join('');
}

const isString = (token: Token | undefined): boolean => token?.kind === 'string' || token?.kind === 'dollar-string';

/** A string whose quotes were `$$` would melt with what it touches: another string, or a word or sign read as its prefix. */
function needsSpace(before: Token | undefined, token: Token): boolean {
  return isString(token) && (isString(before) || before?.kind === 'word' || isSymbol(before, '&'));
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
