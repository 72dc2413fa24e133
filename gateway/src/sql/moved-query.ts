import { canonicalText } from './canonical.js';
import type { StatementHead } from './classify.js';
import { UNREADABLE, updatedQuery } from './moved-update.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/**
 * The query whose rows a statement puts somewhere else, as a text of its own: where masks by name no longer reach them.
 * `UNREADABLE` where rows may move by a form that is not taken apart; undefined where none do. A view moves nothing: what
 * reads it is traced through it.
 */
export function movedQuery(
  head: StatementHead,
  tokens: readonly Token[],
  carriesQuery: boolean,
): string | typeof UNREADABLE | undefined {
  switch (head.verb) {
    case 'UNLOAD':
      return unloaded(tokens);
    case 'INSERT':
    case 'INSERT_OVERWRITE':
      return carriesQuery ? fromWord(tokens, indexOfWord(tokens, ['SELECT', 'WITH'])) : undefined;
    case 'UPDATE':
      return carriesQuery ? UNREADABLE : updatedQuery(tokens);
    case 'DELETE':
    case 'MERGE':
      return carriesQuery ? UNREADABLE : undefined;
    case 'ALTER':
      return altered(head, tokens);
    case 'CTAS':
    case 'CREATE':
    case 'CREATE_OR_REPLACE':
      return created(head, tokens, carriesQuery);
    default:
      return undefined;
  }
}

/** Objects that keep rows of their own, so that a query in their definition copies. */
const KEEPS_ROWS = new Set([
  'TABLE',
  'DYNAMIC_TABLE',
  'TRANSIENT_TABLE',
  'TEMPORARY_TABLE',
  'HYBRID_TABLE',
  'ICEBERG_TABLE',
  'INTERACTIVE_TABLE',
]);

function created(
  head: StatementHead,
  tokens: readonly Token[],
  carriesQuery: boolean,
): string | typeof UNREADABLE | undefined {
  const type = head.objectType ?? '';
  const clone = indexOfWord(tokens, ['CLONE']);
  if (clone !== -1) {
    if (type === 'DATABASE' || type === 'SCHEMA') return UNREADABLE;
    return KEEPS_ROWS.has(type) || head.verb === 'CTAS' ? wholeTable(tokens, clone + 1) : undefined;
  }
  if (head.verb !== 'CTAS' && !KEEPS_ROWS.has(type)) return undefined;
  return carriesQuery ? fromWord(tokens, indexOfWord(tokens, ['AS']) + 1) : undefined;
}

/** `COPY INTO @stage FROM t` and `FROM ( query )`. */
function unloaded(tokens: readonly Token[]): string | typeof UNREADABLE {
  const from = indexOfWord(tokens, ['FROM']);
  if (from === -1) return UNREADABLE;
  if (!isSymbol(tokens[from + 1], '(')) return wholeTable(tokens, from + 1);
  const end = closingOf(tokens, from + 1);
  return end === undefined ? UNREADABLE : queryText(tokens.slice(from + 2, end));
}

/** A container or view under another name is not the one a mask speaks about, nor is what stands in it. */
function altered(head: StatementHead, tokens: readonly Token[]): string | typeof UNREADABLE | undefined {
  if (head.objectType === 'TABLE') return renamed(head, tokens);
  const holdsColumns = /(?:^|_)(?:DATABASE|SCHEMA|TABLE|VIEW)$/.test(head.objectType ?? '');
  return holdsColumns && indexOfWord(tokens, ['RENAME', 'SWAP']) !== -1 ? UNREADABLE : undefined;
}

/** A table under another name, or with columns of other names, is no longer the one a mask speaks about. A swap is two renames. */
function renamed(head: StatementHead, tokens: readonly Token[]): string | typeof UNREADABLE | undefined {
  // `ADD COLUMN c AS (…)` computes from the other columns.
  if (indexOfWord(tokens, ['SWAP', 'AS']) !== -1) return UNREADABLE;
  if (indexOfWord(tokens, ['RENAME']) === -1) return undefined;
  const start = isWord(tokens[head.next], 'IF') ? head.next + 2 : head.next;
  return wholeTable(tokens, start);
}

function wholeTable(tokens: readonly Token[], start: number): string | typeof UNREADABLE {
  let end = start;
  while (isIdentifier(tokens[end]) && end - start < 9) {
    end += 1;
    if (!isSymbol(tokens[end], '.')) break;
    while (isSymbol(tokens[end], '.')) end += 1;
  }
  return end === start ? UNREADABLE : `SELECT * FROM ${canonicalText(tokens.slice(start, end))}`;
}

/** From a token to the statement's end; unreadable unless a query begins there. */
function fromWord(tokens: readonly Token[], start: number): string | typeof UNREADABLE {
  return start <= 0 ? UNREADABLE : queryText(tokens.slice(start));
}

function queryText(tokens: readonly Token[]): string | typeof UNREADABLE {
  const first = tokens.find((token) => !isSymbol(token, '('));
  return isWord(first, 'SELECT', 'WITH') ? canonicalText(tokens) : UNREADABLE;
}

/** The first of the words outside brackets, after the statement's verb; -1 when there is none. */
function indexOfWord(tokens: readonly Token[], words: readonly string[]): number {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (isSymbol(token, '(', '[', '{')) depth += 1;
    else if (isSymbol(token, ')', ']', '}')) depth -= 1;
    else if (depth === 0 && index > 0 && isWord(token, ...words)) return index;
  }
  return -1;
}

function closingOf(tokens: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (isSymbol(tokens[index], '(', '[', '{')) depth += 1;
    else if (isSymbol(tokens[index], ')', ']', '}')) depth -= 1;
    if (depth === 0) return index;
  }
  return undefined;
}
