import { isToken, made, render, type Token } from './lexer.js';

const clauseStarts = new Set([
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'QUALIFY',
  'ORDER',
  'LIMIT',
  'OFFSET',
  'FETCH',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'MINUS',
  'INTO',
]);
/** Words that end an expression without being an alias. */
const closingWords = new Set(['END', 'NULL', 'TRUE', 'FALSE', 'DAY', 'HOUR', 'MINUTE', 'SECOND', 'MONTH', 'YEAR']);
/** Functions that may be called without brackets; their text names the column like any expression. */
const bareFunctions = new Set(['CURRENT_USER', 'CURRENT_DATE', 'CURRENT_TIME', 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP']);
/** Words after which an identifier belongs to the expression. */
const openWords = new Set([
  'AND',
  'OR',
  'NOT',
  'LIKE',
  'ILIKE',
  'RLIKE',
  'REGEXP',
  'IN',
  'IS',
  'BETWEEN',
  'THEN',
  'ELSE',
  'WHEN',
  'CASE',
  'SELECT',
  'DISTINCT',
  'COLLATE',
  'INTERVAL',
]);

/**
 * Names the columns of the outermost SELECT as Snowflake does: an expression without alias is called like its own text
 * in upper case (`COUNT(*)`, `CURRENT_DATABASE()`). DuckDB would choose other names.
 */
export function nameColumns(tokens: readonly Token[]): readonly Token[] {
  const start = findSelect(tokens);
  if (start === undefined) return tokens;
  const result: Token[] = tokens.slice(0, start);
  let item: Token[] = [];
  let depth = 0;
  let at = start;
  for (; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (isToken(token, '(') || isToken(token, '[') || isToken(token, '{')) depth += 1;
    if (isToken(token, ')') || isToken(token, ']') || isToken(token, '}')) depth -= 1;
    if (depth < 0 || (depth === 0 && token.kind === 'word' && clauseStarts.has(token.value) && item.length > 0)) break;
    if (depth === 0 && isToken(token, ',')) {
      result.push(...withAlias(item), token);
      item = [];
    } else item.push(token);
  }
  return [...result, ...withAlias(item), ...tokens.slice(at)];
}

/** Index behind the first SELECT outside CTE brackets, past DISTINCT, ALL and TOP n. */
function findSelect(tokens: readonly Token[]): number | undefined {
  const opening = tokens.findIndex((token) => !isToken(token, '('));
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    if (at >= opening && isToken(tokens[at], '(')) depth += 1;
    if (isToken(tokens[at], ')')) depth -= 1;
    if (depth <= 0 && isToken(tokens[at], 'SELECT')) {
      let next = at + 1;
      if (isToken(tokens[next], 'DISTINCT') || isToken(tokens[next], 'ALL')) next += 1;
      if (isToken(tokens[next], 'TOP')) next += 2;
      return next;
    }
  }
  return undefined;
}

function withAlias(item: readonly Token[]): readonly Token[] {
  if (item.length === 0 || isPlain(item) || hasAlias(item)) return item;
  return [...item, made('word', 'AS'), made('quoted', textOf(item).toUpperCase())];
}

/** A column reference, possibly qualified, or a star with its modifiers. */
function isPlain(item: readonly Token[]): boolean {
  if (item.some((token, index) => isToken(token, '*') && (index === 0 || isToken(item[index - 1], '.')))) return true;
  const first = item[0];
  if (
    item.length === 1 &&
    first?.kind === 'word' &&
    (closingWords.has(first.value) || bareFunctions.has(first.value))
  ) {
    return false;
  }
  return item.every((token, index) =>
    index % 2 === 0 ? token.kind === 'word' || token.kind === 'quoted' : isToken(token, '.'),
  );
}

function hasAlias(item: readonly Token[]): boolean {
  const last = item.at(-1);
  const before = item.at(-2);
  if (last === undefined || before === undefined) return false;
  if (last.kind !== 'word' && last.kind !== 'quoted') return false;
  if (isToken(before, 'AS')) return true;
  if (last.kind === 'word' && closingWords.has(last.value)) return false;
  if (before.kind === 'word') return !openWords.has(before.value);
  if (before.kind === 'symbol') return [')', ']'].includes(before.text);
  return true;
}

function textOf(item: readonly Token[]): string {
  const first = item[0];
  const rest = first === undefined ? [] : [{ ...first, spaced: false }, ...item.slice(1)];
  return render(rest);
}
