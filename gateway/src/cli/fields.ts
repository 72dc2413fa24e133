import type { EntryValue } from '../recording/index.js';

/** Fields of a record, or of an object in one. */
export type Fields = Readonly<Record<string, EntryValue>>;

/** The string in a field; undefined when it holds none. Records are shown as they are, so nothing here may throw. */
export function stringIn(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The number in a field. */
export function numberIn(fields: Fields | undefined, name: string): number | undefined {
  const value = fields?.[name];
  return typeof value === 'number' ? value : undefined;
}

/** The object in a field. */
export function objectIn(fields: Fields | undefined, name: string): Fields | undefined {
  const value = fields?.[name];
  return isObject(value) ? value : undefined;
}

/** The objects of a list in a field. */
export function listOf(fields: Fields | undefined, name: string): readonly Fields[] {
  const value = fields?.[name];
  return Array.isArray(value) ? (value as readonly EntryValue[]).filter(isObject) : [];
}

/** The items of a list in a field, as text: strings as they are, objects by `message`, `name` or as JSON. */
export function listIn(fields: Fields | undefined, name: string): readonly string[] {
  const value = fields?.[name];
  return Array.isArray(value) ? value.map((item: EntryValue) => toText(item)) : [];
}

function toText(value: EntryValue): string {
  if (typeof value === 'string') return value;
  if (!isObject(value)) return JSON.stringify(value);
  const rule = stringIn(value, 'rule');
  const message = stringIn(value, 'message') ?? stringIn(value, 'name') ?? stringIn(value, 'kind');
  if (message === undefined) return JSON.stringify(value);
  return rule === undefined ? message : `${message} (${rule})`;
}

function isObject(value: EntryValue | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
