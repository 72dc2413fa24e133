import { noCurrentDatabase, syntaxError } from './failures.js';
import { isToken, quoteName, type Token } from './lexer.js';
import type { Session } from './sessions.js';

/** The full name of an object. */
export type ObjectName = { readonly database: string; readonly schema: string; readonly name: string };

/** A dotted name found in a statement and the index of the token behind it. */
export type FoundName = { readonly parts: readonly string[]; readonly next: number };

/** Reads `a`, `a.b`, `a.b.c` or `a..c` at a position; `parts` is empty if there is no name. An empty part means PUBLIC. */
export function readName(tokens: readonly Token[], at: number): FoundName {
  const parts: string[] = [];
  let next = at;
  while (true) {
    const token = tokens[next];
    if (token !== undefined && (token.kind === 'word' || token.kind === 'quoted')) {
      parts.push(token.value);
      next += 1;
    } else if (parts.length > 0 && isToken(token, '.')) parts.push('');
    else return { parts, next };
    if (!isToken(tokens[next], '.')) return { parts, next };
    next += 1;
  }
}

/** Completes a table, view or stage name from the session. @throws SnowflakeFailure 090105 without current database. */
export function completeName(session: Session, parts: readonly string[]): ObjectName {
  const name = parts.at(-1);
  if (name === undefined || parts.length > 3) throw syntaxError(parts.join('.'));
  const database = parts.length === 3 ? parts[0] : session.database;
  if (database === undefined) throw noCurrentDatabase();
  const schema = parts.length >= 2 ? parts.at(-2) : session.schema;
  return { database, schema: schema || 'PUBLIC', name };
}

/** Completes a schema name. @throws SnowflakeFailure 090105 without current database. */
export function completeSchema(session: Session, parts: readonly string[]): { database: string; schema: string } {
  const schema = parts.at(-1);
  if (schema === undefined || parts.length > 2) throw syntaxError(parts.join('.'));
  const database = parts.length === 2 ? parts[0] : session.database;
  if (database === undefined) throw noCurrentDatabase();
  return { database, schema };
}

/** The key under which the catalogue keeps an object. */
export function nameKey(name: ObjectName): string {
  return `${name.database}.${name.schema}.${name.name}`;
}

/** The name as SQL text. */
export function qualified(name: ObjectName): string {
  return [name.database, name.schema, name.name].map(quoteName).join('.');
}

/** Skips `IF EXISTS` and `IF NOT EXISTS`. */
export function skipIfExists(
  tokens: readonly Token[],
  at: number,
): { readonly next: number; readonly lenient: boolean } {
  if (!isToken(tokens[at], 'IF')) return { next: at, lenient: false };
  return { next: isToken(tokens[at + 1], 'NOT') ? at + 3 : at + 2, lenient: true };
}
