import type { Catalog } from './catalog.js';
import type { Table } from './columns.js';
import { syntaxError } from './failures.js';
import { isToken, type Token } from './lexer.js';
import { completeName, readName } from './names.js';
import type { Session } from './sessions.js';
import { type ShowRequest, type ShowScope, showTable } from './show-tables.js';

/** SHOW with LIKE, IN, STARTS WITH and LIMIT; the columns are Snowflake's. */
export async function show(tokens: readonly Token[], session: Session, catalog: Catalog): Promise<Table> {
  const { limit, ...request } = readRequest(tokens, session, catalog);
  const table = await showTable(request, session, catalog);
  return { ...table, rows: table.rows.slice(0, limit) };
}

function readRequest(
  tokens: readonly Token[],
  session: Session,
  catalog: Catalog,
): ShowRequest & { readonly limit: number } {
  let at = isToken(tokens[1], 'TERSE') ? 2 : 1;
  let what = tokens[at]?.value ?? '';
  at += 1;
  if (isToken(tokens[at], 'KEYS')) {
    what = `${what} KEYS`;
    at += 1;
  }
  if (isToken(tokens[at], 'HISTORY')) at += 1;
  let matches = (_name: string) => true;
  let scope: ShowScope = defaultScope(session);
  let limit = Number.POSITIVE_INFINITY;
  while (at < tokens.length) {
    const pattern = tokens[at + 1];
    if (isToken(tokens[at], 'LIKE') && pattern?.kind === 'string') {
      matches = likePattern(pattern.value);
      at += 2;
    } else if (isToken(tokens[at], 'STARTS') && tokens[at + 2]?.kind === 'string') {
      const prefix = tokens[at + 2]?.value ?? '';
      matches = (name) => name.startsWith(prefix);
      at += 3;
    } else if (isToken(tokens[at], 'IN') || isToken(tokens[at], 'FOR')) {
      const found = readScope(tokens, at + 1, what, session, catalog);
      scope = found.scope;
      at = found.next;
    } else if (isToken(tokens[at], 'LIMIT')) {
      limit = Number(pattern?.value);
      at = isToken(tokens[at + 2], 'FROM') ? at + 4 : at + 2;
    } else throw syntaxError(tokens[at]?.text ?? '<EOF>');
  }
  return { what, matches, scope, limit };
}

function defaultScope(session: Session): ShowScope {
  return {
    ...(session.database !== undefined && { database: session.database }),
    ...(session.schema !== undefined && { schema: session.schema }),
  };
}

function readScope(
  tokens: readonly Token[],
  at: number,
  what: string,
  session: Session,
  catalog: Catalog,
): { scope: ShowScope; next: number } {
  const word = tokens[at]?.kind === 'word' ? (tokens[at]?.value ?? '') : '';
  if (word === 'ACCOUNT' || word === 'SESSION') return { scope: {}, next: at + 1 };
  const keyword = ['DATABASE', 'SCHEMA', 'TABLE', 'VIEW'].includes(word) ? word : undefined;
  const { parts, next } = readName(tokens, keyword === undefined ? at : at + 1);
  const form = keyword ?? (what === 'SCHEMAS' ? 'DATABASE' : what === 'COLUMNS' ? 'TABLE' : 'SCHEMA');
  if (parts.length === 0)
    return {
      scope:
        form === 'DATABASE'
          ? { ...(session.database !== undefined && { database: session.database }) }
          : defaultScope(session),
      next,
    };
  if (form === 'DATABASE') {
    catalog.checkDatabase(parts[0] ?? '');
    return { scope: { database: parts[0] ?? '' }, next };
  }
  if (form === 'TABLE' || form === 'VIEW') return { scope: { object: parts }, next };
  const { database, schema } = completeName(session, [...parts, '*']);
  catalog.checkSchema(database, schema);
  return { scope: { database, schema }, next };
}

/** LIKE of SHOW: any case, `%` and `_`, backslash escapes. */
export function likePattern(pattern: string): (name: string) => boolean {
  const source = pattern.replaceAll(/\\?[\s\S]/g, (part) => {
    if (part === '%') return '.*';
    if (part === '_') return '.';
    return part.slice(-1).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  const expression = new RegExp(`^${source}$`, 'is');
  return (name) => expression.test(name);
}
