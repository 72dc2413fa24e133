import { Cursor } from './cursor.js';
import { isSymbol, isWord, type Token } from './tokens.js';

export type Split =
  | { readonly kind: 'one'; readonly tokens: readonly Token[] }
  | { readonly kind: 'empty' | 'several-statements' | 'flow' | 'script'; readonly tokens: readonly Token[] };

/** Cuts a text at its semicolons. Only `one` is a statement; the others are refused by their kind. */
export function split(tokens: readonly Token[]): Split {
  const statements = cut(tokens);
  const [first] = statements;
  if (first === undefined) return { kind: 'empty', tokens: [] };
  if (tokens.some((token) => isSymbol(token, '->>'))) return { kind: 'flow', tokens };
  if (isScript(first)) return { kind: 'script', tokens };
  if (statements.length > 1) return { kind: 'several-statements', tokens };
  return { kind: 'one', tokens: first };
}

function cut(tokens: readonly Token[]): readonly (readonly Token[])[] {
  if (tokens.length > 0 && !tokens.some((token) => isSymbol(token, ';'))) return [tokens];
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (isSymbol(token, ';')) statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

/** `BEGIN` opens a block unless it is written as the start of a transaction (Snowflake: BEGIN). */
function isScript(statement: readonly Token[]): boolean {
  if (isWord(statement[0], 'DECLARE')) return true;
  if (!isWord(statement[0], 'BEGIN')) return false;
  const cursor = new Cursor(statement, 1);
  cursor.takeOne('WORK', 'TRANSACTION');
  if (cursor.take('NAME')) return cursor.peek() === undefined || cursor.peek(1) !== undefined;
  return !cursor.done;
}
