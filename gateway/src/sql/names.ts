import type { ObjectName, SessionContext } from './facts.js';
import { Refusal } from './refusal.js';

/** A name written out of one to three parts; an empty schema part stands for `db..name`, which means PUBLIC. */
export type NameParts = readonly string[];

/** `name` between double quotes, ready to stand in SQL text. */
export function quoteIdentifier(name: string): string {
  return name.includes('"') ? `"${name.replaceAll('"', '""')}"` : `"${name}"`;
}

/** The name for people and logs: parts joined by dots, quoted only where Snowflake would need it; empty parts left out. */
export function formatObjectName(name: ObjectName): string {
  return [name.database, name.schema, name.name]
    .filter((part) => part !== '')
    .map((part) => (/^[A-Z_][A-Z0-9_$]*$/.test(part) ? part : quoteIdentifier(part)))
    .join('.');
}

/** The name as it stands in canonical text: every part quoted. */
export function quoteObjectName(name: ObjectName): string {
  return `${quoteIdentifier(name.database)}.${quoteIdentifier(name.schema)}.${quoteIdentifier(name.name)}`;
}

/** One string per name, for maps and sets. */
export function objectKey(name: ObjectName): string {
  return quoteObjectName(name);
}

export function isSameObject(one: ObjectName, other: ObjectName): boolean {
  return one.name === other.name && one.schema === other.schema && one.database === other.database;
}

/** Names in the order of first appearance, each once. */
export function distinctNames(names: Iterable<ObjectName>): readonly ObjectName[] {
  return [...new Map([...names].map((name) => [objectKey(name), name])).values()];
}

/** Where a container's parts are filled in from. */
export interface CurrentSchema {
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

/** Fills in database and schema of a schema-level object (Snowflake: object name resolution). */
export function qualify(parts: NameParts, current: CurrentSchema): ObjectName {
  const [first = '', second, third] = parts;
  if (third !== undefined && second !== undefined) {
    return { database: first, schema: second === '' ? 'PUBLIC' : second, name: third };
  }
  const database = currentPart(current.database, 'database');
  if (second !== undefined) return { database, schema: first, name: second };
  return { database, schema: currentPart(current.schema, 'schema'), name: first };
}

/** A schema's own name: database and schema filled, `name` empty. */
export function qualifySchema(parts: NameParts, current: SessionContext): ObjectName {
  const [first = '', second] = parts;
  if (parts.length > 2) throw new Refusal('unknown-syntax', 'a schema name has too many parts');
  if (second !== undefined) return { database: first, schema: second, name: '' };
  return { database: currentPart(current.database, 'database'), schema: first, name: '' };
}

function currentPart(part: string | undefined, what: string): string {
  if (part === undefined || part === '') {
    throw new Refusal('unknown-object', `a name is not qualified and the session has no current ${what}`);
  }
  return part;
}
