import { isUtf8 } from 'node:buffer';
import { MaskingFailed } from './masking-failed.js';

/** Bytes of a value within the envelope. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface FoundRowset {
  /** The envelope as JSON text with `null` in place of what was cut out; every other check is `JSON.parse`'s. */
  readonly head: string;
  /** `data.rowset` with its brackets; undefined where the envelope has no array there. */
  readonly rowset: Span | undefined;
  /** The text of `data.rowsetBase64` without its quotes; undefined where the envelope has no text there. */
  readonly rowsetBase64: Span | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

const malformed = (): MaskingFailed => new MaskingFailed('an answer that is not the expected JSON');

/**
 * Finds the rows of a result envelope by its structure, never by searching for their name: texts of statements and columns
 * can contain anything. Throws `MaskingFailed` when an envelope names one of the places twice or brackets do not match.
 */
export function findRowset(envelope: Uint8Array): FoundRowset {
  if (!isUtf8(envelope)) throw malformed();
  const data = memberOf(envelope, { start: 0, end: envelope.length }, 'data');
  const isObject = data !== undefined && envelope[data.start] === OPEN_OBJECT;
  const place = (name: string, first: number): Span | undefined => {
    const span = isObject ? memberOf(envelope, data, name) : undefined;
    return span !== undefined && envelope[span.start] === first ? span : undefined;
  };
  const rowset = place('rowset', OPEN_ARRAY);
  const quoted = place('rowsetBase64', QUOTE);
  const cuts = [rowset, quoted].filter((span) => span !== undefined).toSorted((a, b) => a.start - b.start);
  return {
    head: withoutSpans(envelope, cuts),
    rowset,
    rowsetBase64: quoted && { start: quoted.start + 1, end: quoted.end - 1 },
  };
}

/** The Arrow stream in a `rowsetBase64`. Throws `MaskingFailed` for anything but canonical base64. */
export function decodeRowsetBase64(envelope: Uint8Array, { start, end }: Span): Uint8Array {
  const text = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength)
    .toString('latin1', start, end)
    .replaceAll('\\/', '/');
  const bytes = Buffer.from(text, 'base64');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  // The decoder skips what it does not know, which then shows in the length.
  if (text.length % 4 !== 0 || bytes.length !== (text.length / 4) * 3 - padding) throw malformed();
  return bytes;
}

function withoutSpans(envelope: Uint8Array, cuts: readonly Span[]): string {
  const source = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
  let head = '';
  let at = 0;
  for (const { start, end } of cuts) {
    head += `${source.toString('utf8', at, start)}null`;
    at = end;
  }
  return head + source.toString('utf8', at);
}

/** The value of `name` in the object that `object` spans; undefined when it has no such member. */
function memberOf(bytes: Uint8Array, object: Span, name: string): Span | undefined {
  let at = skipBlanks(bytes, object.start);
  if (bytes[at] !== OPEN_OBJECT) throw malformed();
  let found: Span | undefined;
  at = skipBlanks(bytes, at + 1);
  while (bytes[at] !== CLOSE_OBJECT) {
    if (bytes[at] !== QUOTE) throw malformed();
    const keyEnd = skipString(bytes, at);
    const key = Buffer.from(bytes.subarray(at, keyEnd)).toString();
    at = skipBlanks(bytes, keyEnd);
    if (bytes[at] !== COLON) throw malformed();
    const start = skipBlanks(bytes, at + 1);
    const end = skipValue(bytes, start);
    if (isKey(key, name)) {
      if (found !== undefined) throw new MaskingFailed('an answer that names its rows twice');
      found = { start, end };
    }
    at = skipBlanks(bytes, end);
    if (bytes[at] === 0x2c) at = skipBlanks(bytes, at + 1);
    else if (bytes[at] !== CLOSE_OBJECT) throw malformed();
  }
  return found;
}

function isKey(quoted: string, name: string): boolean {
  if (!quoted.includes('\\')) return quoted.slice(1, -1) === name;
  try {
    return JSON.parse(quoted) === name;
  } catch {
    throw malformed();
  }
}

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

/** Behind the string that opens at `at`. */
function skipString(bytes: Uint8Array, at: number): number {
  let index = at + 1;
  for (;;) {
    const byte = bytes[index];
    if (byte === undefined) throw malformed();
    if (byte === QUOTE) return index + 1;
    index += byte === BACKSLASH ? 2 : 1;
  }
}

/** Behind the value that begins at `at`: brackets are matched, strings are stepped over. */
function skipValue(bytes: Uint8Array, at: number): number {
  const open: number[] = [];
  let index = at;
  for (;;) {
    const byte = bytes[index];
    if (byte === undefined) throw malformed();
    if (byte === QUOTE) index = skipString(bytes, index);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      open.push(byte + 2);
      index += 1;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      if (open.length === 0) return index;
      if (open.pop() !== byte) throw malformed();
      index += 1;
    } else if (byte === 0x2c && open.length === 0) return index;
    else index += 1;
    if (open.length === 0 && (byte === QUOTE || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)) return index;
  }
}
