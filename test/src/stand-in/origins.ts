import type { Catalog } from './catalog.js';
import type { Column } from './columns.js';
import { isToken, quoteName, type Token } from './lexer.js';
import { completeName, nameKey, qualified, readName } from './names.js';
import type { Session } from './sessions.js';

type Origin = Pick<Column, 'database' | 'schema' | 'table'>;

const clauseEnds = new Set(['WHERE', 'GROUP', 'HAVING', 'QUALIFY', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH']);

/**
 * The `database`, `schema` and `table` of columns that come straight from one base table, as real answers have them.
 * Joins, views, subqueries and expressions stay empty: an absent origin means nothing, a present one is right.
 */
export async function columnOrigins(
  tokens: readonly Token[],
  columns: readonly Column[],
  session: Session,
  catalog: Catalog,
): Promise<readonly (Origin | undefined)[]> {
  const from = tokens.findIndex((token) => isToken(token, 'FROM'));
  if (from < 0 || !isToken(tokens[0], 'SELECT') || tokens.filter((token) => isToken(token, 'SELECT')).length > 1)
    return [];
  const found = readName(tokens, from + 1);
  const afterAlias =
    tokens[found.next]?.kind === 'word' && !clauseEnds.has(tokens[found.next]?.value ?? '')
      ? found.next + (isToken(tokens[found.next], 'AS') ? 2 : 1)
      : found.next;
  const behind = tokens[afterAlias];
  if (found.parts.length === 0 || (behind !== undefined && !clauseEnds.has(behind.value))) return [];
  if (session.database === undefined && found.parts.length < 3) return [];
  const name = completeName(session, found.parts);
  const key = nameKey(name);
  if (catalog.views.has(key)) return [];
  const known = await columnNames(session, session.temporaryTables.has(key) ? quoteName(name.name) : qualified(name));
  const plain = plainItems(tokens.slice(1, from));
  const origin = { database: name.database, schema: name.schema, table: name.name };
  return columns.map((column) =>
    (plain === 'star' ? known.has(column.name) : plain.has(column.name) && known.has(plain.get(column.name) ?? ''))
      ? origin
      : undefined,
  );
}

/** Names of a table's columns; none if there is no such table. Only prepared, as that reads nothing. */
async function columnNames(session: Session, table: string): Promise<ReadonlySet<string>> {
  try {
    const prepared = await session.connection.prepare(`SELECT * FROM ${table}`);
    const names = Array.from({ length: prepared.columnCount }, (_, index) => prepared.columnName(index));
    prepared.destroySync();
    return new Set(names);
  } catch {
    return new Set();
  }
}

/** Output name → column for items that are a bare column or `column AS alias`; `star` for a lone `*`. */
function plainItems(list: readonly Token[]): Map<string, string> | 'star' {
  if (list.length === 1 && isToken(list[0], '*')) return 'star';
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of list) {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth === 0 && isToken(token, ',')) items.push([]);
    else items.at(-1)?.push(token);
  }
  const plain = new Map<string, string>();
  for (const item of items) {
    const { parts, next } = readName(item, 0);
    const column = parts.at(-1);
    const alias = item[isToken(item[next], 'AS') ? next + 1 : next];
    const end = alias === undefined ? next : item.indexOf(alias) + 1;
    if (column !== undefined && end === item.length) plain.set(alias?.value ?? column, column);
  }
  return plain;
}
