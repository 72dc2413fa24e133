import { statusTable, type Table } from './columns.js';
import { missingObject, syntaxError } from './failures.js';
import { isToken, type Token } from './lexer.js';
import { completeName, nameKey, type ObjectName, readName } from './names.js';
import type { Session } from './sessions.js';

/** Tags of the account: which exist, and where they are set. */
export type Tags = {
  readonly known: Set<string>;
  /** By the place they are set on, as JSON of its parts (database, schema, table, column): tag key → value. */
  readonly set: Map<string, Map<string, string>>;
};

/** Tags that Snowflake's classification sets. */
const systemTags = ['SNOWFLAKE.CORE.SEMANTIC_CATEGORY', 'SNOWFLAKE.CORE.PRIVACY_CATEGORY'];

export function noTags(): Tags {
  return { known: new Set(systemTags), set: new Map() };
}

/** A tag as it shows on one column. */
export type ColumnTag = ObjectName & {
  readonly value: string;
  readonly column: string;
  readonly level: 'COLUMN' | 'TABLE' | 'SCHEMA' | 'DATABASE';
};

const levels = ['DATABASE', 'SCHEMA', 'TABLE', 'COLUMN'] as const;

/** The tags of the columns; the nearest place wins where a tag is set more than once. */
export function tagsOfColumns(tags: Tags, table: ObjectName, columns: readonly string[]): readonly ColumnTag[] {
  return columns.flatMap((column) => {
    const path = [table.database, table.schema, table.name, column];
    const found = new Map<string, ColumnTag>();
    for (const [index, level] of levels.entries()) {
      for (const [key, value] of tags.set.get(JSON.stringify(path.slice(0, index + 1))) ?? []) {
        const [database = '', schema = '', name = ''] = key.split('.');
        found.set(key, { database, schema, name, value, column, level });
      }
    }
    return [...found.values()];
  });
}

/** Forgets the tags of a place and of all below it. */
export function dropTags(tags: Tags, path: readonly string[]): void {
  const prefix = JSON.stringify(path).slice(0, -1);
  for (const key of tags.set.keys()) if (key === `${prefix}]` || key.startsWith(`${prefix},`)) tags.set.delete(key);
}

/** Does an ALTER go on, behind its object's name, with tags? */
export function altersTags(tokens: readonly Token[], behind: number): boolean {
  const isTag = (at: number) =>
    (isToken(tokens[at], 'SET') || isToken(tokens[at], 'UNSET')) && isToken(tokens[at + 1], 'TAG');
  if (isTag(behind)) return true;
  if (!isToken(tokens[behind], 'MODIFY') && !isToken(tokens[behind], 'ALTER')) return false;
  return isTag(readName(tokens, columnAt(tokens, behind)).next);
}

function columnAt(tokens: readonly Token[], behind: number): number {
  return isToken(tokens[behind + 1], 'COLUMN') ? behind + 2 : behind + 1;
}

/** `SET TAG a = 'x', b = 'y'` and `UNSET TAG a, b` on a place or, with MODIFY COLUMN, on a column of it. */
export function alterTags(
  tokens: readonly Token[],
  behind: number,
  path: readonly string[],
  session: Session,
  tags: Tags,
): Table {
  const isColumn = !isToken(tokens[behind], 'SET') && !isToken(tokens[behind], 'UNSET');
  const column = isColumn ? readName(tokens, columnAt(tokens, behind)) : undefined;
  const key = JSON.stringify([...path, ...(column?.parts ?? [])]);
  let at = column?.next ?? behind;
  const isSet = isToken(tokens[at], 'SET');
  const values = tags.set.get(key) ?? new Map<string, string>();
  for (at += 2; at < tokens.length; at += 1) {
    const { parts, next } = readName(tokens, at);
    const tag = nameKey(completeName(session, parts));
    if (!tags.known.has(tag)) throw missingObject('Tag', tag);
    const value = tokens[next + 1];
    if (isSet && (!isToken(tokens[next], '=') || value?.kind !== 'string')) throw syntaxError(tokens[next]?.text ?? '');
    if (isSet) values.set(tag, value?.value ?? '');
    else values.delete(tag);
    at = isSet ? next + 2 : next;
    if (at < tokens.length && !isToken(tokens[at], ',')) throw syntaxError(tokens[at]?.text ?? '');
  }
  tags.set.set(key, values);
  return statusTable();
}
