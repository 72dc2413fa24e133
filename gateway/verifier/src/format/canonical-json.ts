import type { EntryValue } from './entry.js';

/** Deeper nesting than this is refused: leaves are shallow, and the reader must not run out of stack. */
const MAX_DEPTH = 32;

/**
 * Canonical JSON of a leaf (docs/recording-format.md, "Leaf"): UTF-8, keys sorted by UTF-16 code unit, no whitespace, integers
 * within ±(2^53−1) only, no lone surrogates. Throws `TypeError` for a value that has no canonical form.
 */
export function encodeCanonical(value: EntryValue): string {
  return encodeAtDepth(value, 0);
}

function encodeAtDepth(value: EntryValue, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply');
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new TypeError('only integers within 2^53−1');
      return String(value);
    case 'object':
      return isList(value) ? encodeList(value, depth) : encodeObject(value, depth);
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
      throw new TypeError(`${typeof value} has no canonical form`);
  }
}

/** Strings that stand in JSON as they are. */
const PLAIN = /^[ !#-[\]-~]*$/;

function encodeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('a string has a lone surrogate');
  return JSON.stringify(text);
}

function isList(value: readonly EntryValue[] | { readonly [key: string]: EntryValue }): value is readonly EntryValue[] {
  return Array.isArray(value);
}

function encodeList(list: readonly EntryValue[], depth: number): string {
  let text = '';
  for (const item of list) text += `${text === '' ? '' : ','}${encodeAtDepth(item, depth + 1)}`;
  return `[${text}]`;
}

function encodeObject(object: { readonly [key: string]: EntryValue }, depth: number): string {
  let text = '';
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    if (value === undefined) throw new TypeError('undefined has no canonical form');
    text += `${text === '' ? '' : ','}${encodeString(key)}:${encodeAtDepth(value, depth + 1)}`;
  }
  return `{${text}}`;
}

/** Making one costs more than decoding a leaf. */
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses bytes that must be the canonical JSON of an object; undefined for anything else. `JSON.parse` alone takes the last of
 * two equal keys without a word, so the value is encoded again and compared byte for byte.
 */
export function parseCanonicalObject(bytes: Uint8Array): { readonly [key: string]: EntryValue } | undefined {
  try {
    const text = STRICT_UTF8.decode(bytes);
    const value: EntryValue = JSON.parse(text);
    if (typeof value !== 'object' || value === null || isList(value)) return undefined;
    return encodeCanonical(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
