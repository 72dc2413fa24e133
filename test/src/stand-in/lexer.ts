/** A token of Snowflake SQL. `spaced` says that blanks or a comment stood before it. */
export type Token = {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'variable' | 'bind' | 'stage' | 'symbol';
  readonly text: string;
  /** Normalised: identifiers as the catalogue spells them, strings without quotes and escapes. */
  readonly value: string;
  readonly spaced: boolean;
  readonly start: number;
  readonly end: number;
};

const symbols = ['->>', '::', '||', '=>', '->', '<>', '<=', '>=', '!=', ':=', '**'];
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' };

/**
 * Splits text into tokens; comments (`--`, `//`, block) vanish. Unquoted words come in upper case, except the keys of a
 * semi-structured path (`col:Key.sub`), which Snowflake compares exactly.
 * @throws Error when a string, identifier or comment is not closed.
 */
export function lex(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let inPath = false;
  while (true) {
    const start = skipBlanks(sql, at);
    if (start >= sql.length) return tokens;
    const previous = tokens.at(-1);
    const raw = readToken(sql, start, previous);
    inPath = continuesPath(raw, previous, inPath);
    const value = raw.kind === 'word' && !inPath ? raw.value.toUpperCase() : raw.value;
    tokens.push({ ...raw, value, spaced: start > at, start });
    at = raw.end;
  }
}

function continuesPath(token: Raw, previous: Token | undefined, inPath: boolean): boolean {
  if (token.kind === 'symbol' && token.text === ':') return isOperand(previous);
  if (!inPath) return false;
  if (token.kind === 'symbol') return ['.', '[', ']'].includes(token.text);
  return previous !== undefined && [':', '.', '['].includes(previous.text);
}

type Raw = Omit<Token, 'spaced' | 'start'>;

function readToken(sql: string, start: number, previous: Token | undefined): Raw {
  const c = sql.charAt(start);
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = start;
    return pattern.exec(sql)?.[0];
  };
  const simple = (kind: Token['kind'], text: string, value = text): Raw => ({
    kind,
    text,
    value,
    end: start + text.length,
  });
  if (c === "'") return readString(sql, start);
  if (c === '"') return readQuoted(sql, start);
  if (sql.startsWith('$$', start)) return readDollar(sql, start);
  const word = match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y);
  if (word !== undefined) return simple('word', word);
  const number = match(/(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y);
  if (number !== undefined && !(number.startsWith('.') && isOperand(previous))) return simple('number', number);
  const variable = match(/\$\w+/y);
  if (variable !== undefined) return simple('variable', variable, variable.slice(1).toUpperCase());
  const stage = match(/@(?:"[^"]*"|[~%\w$./=-])*/y);
  if (stage !== undefined) return simple('stage', stage);
  if (c === '?') return simple('bind', '?', '');
  const bind = isOperand(previous) ? undefined : match(/:\w+/y);
  if (bind !== undefined) return simple('bind', bind, bind.slice(1));
  return simple('symbol', symbols.find((symbol) => sql.startsWith(symbol, start)) ?? c);
}

function isOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'symbol') return token.text === ')' || token.text === ']';
  if (token.kind !== 'word') return token.kind !== 'stage';
  return !['SELECT', 'VALUES', 'WHERE', 'AND', 'OR', 'NOT', 'LIMIT', 'OFFSET', 'IN', 'LIKE', 'BETWEEN'].includes(
    token.value,
  );
}

function skipBlanks(sql: string, from: number): number {
  let at = from;
  while (at < sql.length) {
    if (/\s/.test(sql.charAt(at))) at += 1;
    else if (sql.startsWith('--', at) || sql.startsWith('//', at)) at = endOf(sql, '\n', at, sql.length);
    else if (sql.startsWith('/*', at)) at = endOf(sql, '*/', at + 2, undefined);
    else return at;
  }
  return at;
}

function endOf(sql: string, mark: string, from: number, fallback: number | undefined): number {
  const at = sql.indexOf(mark, from);
  if (at >= 0) return at + mark.length;
  if (fallback === undefined) throw new Error(`parse error: ${mark} is missing`);
  return fallback;
}

function readString(sql: string, start: number): Raw {
  let value = '';
  for (let at = start + 1; at < sql.length; at += 1) {
    const c = sql.charAt(at);
    if (c === '\\') {
      at += 1;
      const escaped = sql.charAt(at);
      value += escapes[escaped] ?? escaped;
    } else if (c !== "'") value += c;
    else if (sql.charAt(at + 1) === "'") {
      at += 1;
      value += "'";
    } else return { kind: 'string', text: sql.slice(start, at + 1), value, end: at + 1 };
  }
  throw new Error("parse error: a string is not closed by '");
}

function readQuoted(sql: string, start: number): Raw {
  const found = /"((?:[^"]|"")*)"/y;
  found.lastIndex = start;
  const match = found.exec(sql);
  if (match === null) throw new Error('parse error: an identifier is not closed by "');
  return {
    kind: 'quoted',
    text: match[0],
    value: (match[1] ?? '').replaceAll('""', '"'),
    end: start + match[0].length,
  };
}

function readDollar(sql: string, start: number): Raw {
  const end = endOf(sql, '$$', start + 2, undefined);
  return { kind: 'string', text: sql.slice(start, end), value: sql.slice(start + 2, end - 2), end };
}

/** Cuts a token list at the semicolons of the top level; empty statements are dropped. BEGIN .. END blocks are not known. */
export function splitStatements(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.text === ';') statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

/** Writes tokens back as text in which every identifier has the catalogue's spelling. */
export function render(tokens: readonly Token[]): string {
  return tokens.map((token, index) => (token.spaced && index > 0 ? ' ' : '') + renderToken(token)).join('');
}

function renderToken(token: Token): string {
  if (token.kind === 'string') return quoteString(token.value);
  if (token.kind === 'word') return token.value;
  return token.text;
}

/** A SQL string literal, valid in Snowflake and DuckDB (backslashes doubled: Snowflake reads them as escapes). */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A quoted identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A token made by the translator instead of read from the client's text. */
export function made(kind: Token['kind'], value: string, spaced = true): Token {
  const text = kind === 'string' ? quoteString(value) : kind === 'quoted' ? quoteName(value) : value;
  return { kind, text, value, spaced, start: -1, end: -1 };
}

/** Is this token the given keyword or symbol? Quoted identifiers never are. */
export function isToken(token: Token | undefined, text: string): boolean {
  if (token === undefined) return false;
  if (token.kind === 'word') return token.value === text;
  return token.kind === 'symbol' && token.text === text;
}
