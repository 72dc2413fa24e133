import { lex } from '@piste/gateway/dist/sql/lexer.js';
import { isSymbol, isWord, stringValue, type Token } from '@piste/gateway/dist/sql/tokens.js';

/** Names that differ only in case are one name to DuckDB: these get a mark. */
const CASE_VARIANTS: ReadonlySet<string> = new Set(['email', 'Mixed']);
const CASE_MARK = '~case';

/** Words Snowflake lets a column be called without quotes and DuckDB does not everywhere. */
const RESERVED_BY_DUCKDB: ReadonlySet<string> = new Set(['OFFSET', 'NAME', 'DATE', 'COUNT']);

const DUCKDB_WORDS: ReadonlyMap<string, string> = new Map([
  ['MINUS', 'EXCEPT'],
  ['NUMBER', 'BIGINT'],
]);

/** A Snowflake name between quotes, as DuckDB knows it. */
export function duckName(name: string): string {
  const marked = CASE_VARIANTS.has(name) ? `${name}${CASE_MARK}` : name;
  return `"${marked.replaceAll('"', '""')}"`;
}

/** The Snowflake name behind a column name of DuckDB's. */
export function snowflakeName(name: string): string {
  return name.endsWith(CASE_MARK) ? name.slice(0, -CASE_MARK.length) : name;
}

/**
 * A statement of the generator, or its canonical text, for DuckDB: the same tokens, with names that DuckDB would confuse
 * written apart and the database `APP` called `database`. Throws on a text the gateway's lexer refuses.
 */
export function toDuckDb(text: string, database: string): string {
  const lexed = lex(text);
  if (!lexed.ok) throw new Error(`not lexed: ${lexed.detail}`);
  const tokens = withoutSizes(withoutWithinGroup(lexed.tokens));
  const splits = splitCalls(tokens);
  return tokens.map((token, index) => splits.get(index) ?? translated(token, tokens[index + 1], database)).join(' ');
}

function translated(token: Token, next: Token | undefined, database: string): string {
  switch (token.kind) {
    case 'word':
      if (token.value === 'APP' && isSymbol(next, '.')) return duckName(database);
      if (RESERVED_BY_DUCKDB.has(token.value) && !isSymbol(next, '(')) return duckName(token.value);
      return DUCKDB_WORDS.get(token.value) ?? token.value;
    case 'quoted':
      return duckName(token.value === 'APP' && isSymbol(next, '.') ? database : token.value);
    case 'string':
    case 'dollar-string':
      return `'${stringValue(token).replaceAll("'", "''")}'`;
    case 'number':
    case 'variable':
    case 'stage':
    case 'file':
    case 'symbol':
      return token.raw;
    default:
      return token.kind satisfies never;
  }
}

/** `f(x) WITHIN GROUP (ORDER BY y)` is `f(x ORDER BY y)` in DuckDB. */
function withoutWithinGroup(tokens: readonly Token[]): readonly Token[] {
  const starts = tokens.flatMap((token, index) =>
    isSymbol(token, ')') && isWord(tokens[index + 1], 'WITHIN') && isWord(tokens[index + 2], 'GROUP') ? [index] : [],
  );
  return tokens.filter((_, index) => !starts.some((start) => index >= start && index < start + 4));
}

/** `NUMBER(38, 0)`, which masks are cast to, holds whole numbers here. */
function withoutSizes(tokens: readonly Token[]): readonly Token[] {
  const sized = tokens.flatMap((token, index) =>
    isWord(token, 'NUMBER') && isSymbol(tokens[index + 1], '(') && isSymbol(tokens[index + 5], ')') ? [index] : [],
  );
  return tokens.filter((_, index) => !sized.some((start) => index > start && index <= start + 5));
}

/** `LATERAL SPLIT_TO_TABLE(text, 'a')` by what DuckDB has instead; texts by the index of the token they stand for. */
function splitCalls(tokens: readonly Token[]): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  for (const [index, token] of tokens.entries()) {
    if (!isWord(token, 'SPLIT_TO_TABLE') || !isSymbol(tokens[index + 1], '(')) continue;
    const end = tokens.findIndex((other, at) => at > index && isSymbol(other, ')'));
    const text = tokens.slice(index + 2, end - 2);
    const piece = `string_split(${text.map((part) => translated(part, undefined, '')).join(' ')}, 'a')`;
    const made = `(SELECT 1 AS "SEQ", generate_subscripts(${piece}, 1) AS "INDEX", unnest(${piece}) AS "VALUE")`;
    for (let at = index; at <= end; at += 1) texts.set(at, at === index ? made : '');
  }
  return texts;
}
