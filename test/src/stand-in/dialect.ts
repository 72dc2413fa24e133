import { Dialect, transpile } from '@polyglot-sql/sdk';
import { constructMacros, constructMarks, finishConstructs, rewriteConstructs } from './constructs.js';
import { geographyMember, zonedMembers } from './duck-values.js';
import { unsupported } from './failures.js';
import { isToken, made, render, type Token } from './lexer.js';

/** How DuckDB keeps a TIMESTAMP_TZ. */
const zonedType = `STRUCT(${zonedMembers.moment} TIMESTAMP, ${zonedMembers.offset} INTEGER)`;

/** Words that stand for types through the translation; DuckDB's text replaces them at the end. */
const marks: Readonly<Record<string, string>> = {
  ...constructMarks,
  STANDIN_JSON: 'JSON',
  STANDIN_VARIANT: 'JSON',
  STANDIN_TZ: zonedType,
  STANDIN_GEO: `STRUCT(${geographyMember} VARCHAR)`,
  STANDIN_MS: 'TIMESTAMP_MS',
  STANDIN_S: 'TIMESTAMP_S',
};

/** Snowflake functions that the temporary macros of a session provide. */
const ownFunctions = new Set([
  'TO_NUMBER',
  'TO_DECIMAL',
  'TO_NUMERIC',
  'TRY_TO_NUMBER',
  'TRY_TO_DECIMAL',
  'TO_VARCHAR',
  'TO_CHAR',
  'TO_DATE',
  'TRY_TO_DATE',
  'TO_TIMESTAMP',
  'TO_TIMESTAMP_NTZ',
  'TO_TIMESTAMP_LTZ',
  'TO_TIMESTAMP_TZ',
  'TRY_TO_TIMESTAMP',
  'TO_TIME',
  'TO_BOOLEAN',
  'TO_DOUBLE',
  'TO_BINARY',
  'SHA2',
  'SHA2_HEX',
  'SHA2_BINARY',
  'CONCAT',
  'TO_VARIANT',
  'ARRAY_SIZE',
  'REGEXP_LIKE',
  'OBJECT_KEYS',
  'OBJECT_AGG',
  'BITMAP_COUNT',
  'UPPER',
  'DAYOFWEEKISO',
]);

/** Run on every new session's connection. */
export const sessionMacros: readonly string[] = [
  ...constructMacros,
  'SF_NOW() AS now()',
  'SF_TO_NUMBER(a) AS CAST(a AS DECIMAL(38, 0))',
  'SF_TO_DECIMAL(a) AS CAST(a AS DECIMAL(38, 0))',
  'SF_TO_NUMERIC(a) AS CAST(a AS DECIMAL(38, 0))',
  'SF_TRY_TO_NUMBER(a) AS TRY_CAST(a AS DECIMAL(38, 0))',
  'SF_TRY_TO_DECIMAL(a) AS TRY_CAST(a AS DECIMAL(38, 0))',
  'SF_TO_VARCHAR(a) AS CAST(a AS VARCHAR)',
  'SF_TO_CHAR(a) AS CAST(a AS VARCHAR)',
  'SF_TO_DATE(a) AS CAST(a AS DATE)',
  'SF_TRY_TO_DATE(a) AS TRY_CAST(a AS DATE)',
  'SF_TO_TIMESTAMP(a) AS CAST(a AS TIMESTAMP)',
  'SF_TO_TIMESTAMP_NTZ(a) AS CAST(a AS TIMESTAMP)',
  'SF_TO_TIMESTAMP_LTZ(a) AS CAST(a AS TIMESTAMPTZ)',
  'SF_TRY_TO_TIMESTAMP(a) AS TRY_CAST(a AS TIMESTAMP)',
  'SF_TO_TIME(a) AS CAST(a AS TIME)',
  'SF_TO_BOOLEAN(a) AS CAST(a AS BOOLEAN)',
  'SF_TO_DOUBLE(a) AS CAST(a AS DOUBLE)',
  "SF_TO_BINARY(a, f) AS CASE upper(f) WHEN 'HEX' THEN unhex(a) WHEN 'BASE64' THEN from_base64(a) ELSE encode(a) END",
  "SF_SHA2(a) AS sha256(a), (a, bits) AS CASE bits WHEN 256 THEN sha256(a) ELSE error('SHA2 knows 256 bits only') END",
  "SF_SHA2_HEX(a) AS sha256(a), (a, bits) AS CASE bits WHEN 256 THEN sha256(a) ELSE error('SHA2 knows 256 bits only') END",
  'SF_SHA2_BINARY(a, bits) AS unhex(SF_SHA2_HEX(a, bits))',
  // DuckDB's own steps over NULL.
  'SF_CONCAT(a) AS a, (a, b) AS a || b, (a, b, c) AS a || b || c, (a, b, c, d) AS a || b || c || d',
  'SF_TO_VARIANT(a) AS to_json(a)',
  'SF_ARRAY_SIZE(a) AS json_array_length(CAST(a AS JSON))',
  'SF_REGEXP_LIKE(a, b) AS regexp_full_match(a, b)',
  'SF_DAYOFWEEKISO(a) AS isodow(a)',
  // DuckDB has no beginning of a time of day, nor of a moment with an offset.
  `SF_DATE_TRUNC(u, a TIME) AS CAST(date_trunc(u, DATE '1970-01-01' + a) AS TIME),
    (u, a ${zonedType}) AS CASE WHEN a IS NULL THEN NULL ELSE struct_pack(
      ${zonedMembers.moment} := date_trunc(u, a.${zonedMembers.moment} + to_minutes(a.${zonedMembers.offset})) - to_minutes(a.${zonedMembers.offset}),
      ${zonedMembers.offset} := a.${zonedMembers.offset}) END,
    (u, a) AS date_trunc(u, a)`,
  // The text without blanks before its offset, which DuckDB does not read.
  `SF_ZONED_TEXT(a) AS regexp_replace(CAST(a AS VARCHAR), '\\s+([+-]\\d)', '\\1')`,
  `SF_OFFSET_PART(a, n) AS regexp_extract(SF_ZONED_TEXT(a), ':\\d\\d(?:\\.\\d+)?([+-])(\\d\\d):?(\\d\\d)?$', n)`,
  `SF_OFFSET(a) AS (CASE SF_OFFSET_PART(a, 1) WHEN '-' THEN -1 ELSE 1 END) *
    (coalesce(TRY_CAST(SF_OFFSET_PART(a, 2) AS INTEGER), 0) * 60 + coalesce(TRY_CAST(SF_OFFSET_PART(a, 3) AS INTEGER), 0))`,
  // The moment is kept in UTC; no offset in the text means zero.
  `SF_TO_TIMESTAMP_TZ(a ${zonedType}) AS a, (a) AS CASE WHEN a IS NULL THEN NULL ELSE struct_pack(
    ${zonedMembers.moment} := CAST(CAST(SF_ZONED_TEXT(a) AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP),
    ${zonedMembers.offset} := SF_OFFSET(a)) END`,
  'TRY_SF_TO_TIMESTAMP_TZ(a) AS CASE WHEN TRY_CAST(SF_ZONED_TEXT(a) AS TIMESTAMPTZ) IS NULL THEN NULL ELSE SF_TO_TIMESTAMP_TZ(a) END',
].map((macro) => `CREATE OR REPLACE TEMP MACRO ${macro}`);

const integerTypes = new Set(['INT', 'INTEGER', 'BIGINT', 'SMALLINT', 'TINYINT', 'BYTEINT']);
const jsonTypes = new Set(['VARIANT', 'OBJECT', 'ARRAY']);

/**
 * Translates one Snowflake statement, given as tokens, into DuckDB's dialect. Text that the translator cannot read goes
 * to DuckDB as it is, whose syntax error then becomes Snowflake's. @throws SnowflakeFailure 000002
 */
export function toDuckDb(tokens: readonly Token[]): string {
  const rewritten = rewriteConstructs(tokens);
  refuseUntranslatable(rewritten);
  const prepared = rewritten.flatMap((token, index) => prepareToken(rewritten, token, index));
  const text = render(prepareValues(dropScales(prepared)));
  const result = transpile(text, Dialect.Snowflake, Dialect.DuckDB);
  const translated = result.success && result.sql?.length === 1 ? (result.sql[0] ?? text) : text;
  return finish(translated);
}

/** What the translator would drop in silence or turn into something that only looks alike. @throws SnowflakeFailure 000002 */
function refuseUntranslatable(tokens: readonly Token[]): void {
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || !isToken(tokens[index + 1], '(')) continue;
    if (token.value === 'MATCH_RECOGNIZE' || token.value === 'FLATTEN') throw unsupported(token.value);
    const isTimeTravel = ['OFFSET', 'TIMESTAMP', 'STATEMENT', 'STREAM'].includes(tokens[index + 2]?.value ?? '');
    if ((token.value === 'AT' || token.value === 'BEFORE') && isTimeTravel && isToken(tokens[index + 3], '=>'))
      throw unsupported(`${token.value} (time travel)`);
  }
}

function prepareToken(tokens: readonly Token[], token: Token, index: number): readonly Token[] {
  if (token.kind !== 'word') {
    // `$1` names a column of VALUES in Snowflake and a parameter in DuckDB.
    if (token.kind === 'variable' && /^\d+$/.test(token.value))
      return [made('word', `COLUMN${token.value}`, token.spaced)];
    return [token];
  }
  const word = (value: string): readonly Token[] => [made('word', value, token.spaced)];
  if (isToken(tokens[index + 1], '(') && ownFunctions.has(token.value)) return word(`SF_${token.value}`);
  if (/^TIMESTAMP_?NTZ$/.test(token.value)) return word(momentType(tokens, index));
  if (/^TIMESTAMP_?LTZ$/.test(token.value)) return word('TIMESTAMPTZ');
  if (/^TIMESTAMP_?TZ$/.test(token.value)) return word('STANDIN_TZ');
  if (token.value === 'GEOGRAPHY' && isTypePosition(tokens, index)) return word('STANDIN_GEO');
  if (integerTypes.has(token.value) && isTypePosition(tokens, index)) return word('NUMBER(38, 0)');
  // A text becomes a VARIANT that holds it; DuckDB would read it.
  if (
    token.value === 'VARIANT' &&
    (isToken(tokens[index - 1], '::') || isToken(tokens[index - 1], 'AS')) &&
    isTypePosition(tokens, index)
  )
    return word('STANDIN_VARIANT');
  // Below PIVOT and UNPIVOT the translator leaves types as they are.
  if (token.value === 'NUMBER' && isToken(tokens[index + 1], '(') && isTypePosition(tokens, index))
    return word('DECIMAL');
  if (jsonTypes.has(token.value) && isTypePosition(tokens, index)) return word('STANDIN_JSON');
  return [token];
}

const scaledTypes = new Set([
  'BINARY',
  'DATETIME',
  'STANDIN_MS',
  'STANDIN_S',
  'STANDIN_TZ',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMPTZ',
]);

/** `TIMESTAMP(9)` and `BINARY(8)` without their numbers: DuckDB has types instead, chosen before, or no limit. */
function dropScales(tokens: readonly Token[]): readonly Token[] {
  const isScale = (at: number) =>
    isToken(tokens[at], '(') && tokens[at + 1]?.kind === 'number' && isToken(tokens[at + 2], ')');
  const isType = (at: number) => tokens[at]?.kind === 'word' && scaledTypes.has(tokens[at]?.value ?? '');
  return tokens.filter((_, index) => ![1, 2, 3].some((back) => isType(index - back) && isScale(index - back + 1)));
}

function momentType(tokens: readonly Token[], index: number): string {
  if (!isToken(tokens[index + 1], '(')) return 'TIMESTAMP';
  const scale = tokens[index + 2]?.value;
  return scale === '3' ? 'STANDIN_MS' : scale === '0' ? 'STANDIN_S' : 'TIMESTAMP';
}

/** Behind `::`, behind AS inside CAST, or behind the column name of a table definition. */
function isTypePosition(tokens: readonly Token[], index: number): boolean {
  const previous = tokens[index - 1];
  if (isToken(previous, '::')) return true;
  if (isToken(previous, 'AS')) return isToken(tokens[index + 1], ')') || isToken(tokens[index + 1], '(');
  const definesTable =
    ['CREATE', 'ALTER'].includes(tokens[0]?.value ?? '') && tokens.slice(0, 6).some((t) => isToken(t, 'TABLE'));
  if (!definesTable || (previous?.kind !== 'word' && previous?.kind !== 'quoted')) return false;
  const before = tokens[index - 2];
  return isToken(before, '(') || isToken(before, ',') || isToken(before, 'COLUMN') || isToken(before, 'ADD');
}

/** `FROM VALUES (..), (..)` becomes a derived table whose columns are called COLUMN1, COLUMN2. */
function prepareValues(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex((token, index) => isToken(token, 'VALUES') && isToken(tokens[index - 1], 'FROM'));
  if (at < 0) return tokens;
  let end = at + 1;
  let depth = 0;
  let columns = 1;
  for (; end < tokens.length; end += 1) {
    if (isToken(tokens[end], '(')) depth += 1;
    if (isToken(tokens[end], ')')) depth -= 1;
    if (depth === 1 && isToken(tokens[end], ',')) columns += 1;
    if (depth === 0 && !isToken(tokens[end + 1], ',') && isToken(tokens[end], ')')) break;
    if (depth === 0 && isToken(tokens[end], ',')) columns = 1;
  }
  let next = end + 1;
  if (isToken(tokens[next], 'AS')) next += 1;
  const alias = tokens[next];
  const isAlias =
    alias?.kind === 'quoted' || (alias?.kind === 'word' && !/^(WHERE|GROUP|ORDER|LIMIT|UNION|JOIN)$/.test(alias.value));
  const name = isAlias ? [alias] : [made('word', 'STANDIN_VALUES')];
  const rest = tokens.slice(isAlias ? next + 1 : end + 1);
  const list = isToken(rest[0], '(')
    ? ''
    : `(${Array.from({ length: columns }, (_, n) => `COLUMN${n + 1}`).join(', ')})`;
  return [
    ...tokens.slice(0, at),
    made('word', '('),
    ...tokens.slice(at, end + 1),
    made('word', ') AS'),
    ...name,
    made('word', list),
    ...rest,
  ];
}

function finish(text: string): string {
  let result = finishConstructs(text);
  // CAST(x AS <struct>) would read DuckDB's struct notation; Snowflake reads a timestamp with an offset.
  result = callInsteadOfCast(result, 'STANDIN_TZ', 'SF_TO_TIMESTAMP_TZ');
  result = callInsteadOfCast(result, 'STANDIN_VARIANT', 'to_json');
  result = result.replaceAll(/\bDATE_TRUNC\(/g, 'SF_DATE_TRUNC(');
  // A path cast to text loses its JSON quotes in Snowflake.
  result = result.replaceAll(/ -> ('(?:[^']|'')*') AS TEXT\)/g, ' ->> $1 AS TEXT)');
  for (const [mark, type] of Object.entries(marks)) result = result.replaceAll(new RegExp(`\\b${mark}\\b`, 'g'), type);
  return result;
}

function callInsteadOfCast(text: string, mark: string, name: string): string {
  const tail = ` AS ${mark})`;
  let result = text;
  for (let end = result.indexOf(tail); end >= 0; end = result.indexOf(tail)) {
    const start = openingCast(result, end);
    if (start === undefined) break;
    result = `${result.slice(0, start)}${name}(${result.slice(start + 5, end)})${result.slice(end + tail.length)}`;
  }
  return result;
}

function openingCast(text: string, end: number): number | undefined {
  let depth = 1;
  for (let at = end - 1; at >= 0; at -= 1) {
    if (text.charAt(at) === ')') depth += 1;
    if (text.charAt(at) === '(') depth -= 1;
    if (depth === 0) return text.slice(at - 4, at) === 'CAST' ? at - 4 : undefined;
  }
  return undefined;
}
