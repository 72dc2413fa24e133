/**
 * Cuts the rows out of an answer of Snowflake without parsing them: everything else is read as JSON, rows stay bytes. Found
 * by structure, never by searching for a text that a cell or a column name might hold.
 */
export type SplitAnswer =
  | {
      readonly ok: true;
      /** The answer with `data.rowset` as `[]` and `data.rowsetBase64` as `""`. */
      readonly head: string;
      /** The text of `data.rowset`, brackets and all. */
      readonly rowset: Buffer | undefined;
      /** The text of `data.rowsetBase64` between its quotes. */
      readonly rowsetBase64: Buffer | undefined;
    }
  | { readonly ok: false };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = { brace: 0x7b, bracket: 0x5b };
const CLOSE = { brace: 0x7d, bracket: 0x5d };

/** Thrown inside this file where the bytes are no JSON object of the expected shape. */
class Malformed extends Error {}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** `ok: false` for anything that is not one JSON object, or that names `data` or its rows twice. */
export function splitAnswer(bytes: Buffer): SplitAnswer {
  try {
    const data = memberOf(membersOf(bytes, 0), 'data');
    if (data === undefined || bytes[data.start] !== OPEN.brace) return whole(bytes);
    const members = membersOf(bytes, data.start);
    const rowset = ofKind(bytes, memberOf(members, 'rowset'), OPEN.bracket);
    const base64 = ofKind(bytes, memberOf(members, 'rowsetBase64'), QUOTE);
    const cuts = [
      ...(rowset === undefined ? [] : [{ ...rowset, text: '[]' }]),
      ...(base64 === undefined ? [] : [{ ...base64, text: '""' }]),
    ].sort((one, other) => one.start - other.start);
    let head = '';
    let at = 0;
    for (const cut of cuts) {
      head += bytes.toString('utf8', at, cut.start) + cut.text;
      at = cut.end;
    }
    return {
      ok: true,
      head: head + bytes.toString('utf8', at),
      rowset: rowset === undefined ? undefined : bytes.subarray(rowset.start, rowset.end),
      rowsetBase64: base64 === undefined ? undefined : bytes.subarray(base64.start + 1, base64.end - 1),
    };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false };
    throw error;
  }
}

const whole = (bytes: Buffer): SplitAnswer => ({
  ok: true,
  head: bytes.toString('utf8'),
  rowset: undefined,
  rowsetBase64: undefined,
});

function ofKind(bytes: Buffer, span: Span | undefined, opener: number): Span | undefined {
  return span !== undefined && bytes[span.start] === opener ? span : undefined;
}

function memberOf(members: readonly (readonly [string, Span])[], name: string): Span | undefined {
  const found = members.filter(([key]) => key === name);
  if (found.length > 1) throw new Malformed();
  return found[0]?.[1];
}

/** Keys and spans of the values of the object that starts at or after `from`. */
function membersOf(bytes: Buffer, from: number): readonly (readonly [string, Span])[] {
  const members: (readonly [string, Span])[] = [];
  let at = expect(bytes, skipBlank(bytes, from), OPEN.brace);
  if (bytes[skipBlank(bytes, at)] === CLOSE.brace) return members;
  for (;;) {
    const keyStart = skipBlank(bytes, at);
    if (bytes[keyStart] !== QUOTE) throw new Malformed();
    const keyEnd = endOfString(bytes, keyStart);
    const start = skipBlank(bytes, expect(bytes, skipBlank(bytes, keyEnd), COLON));
    const end = endOfValue(bytes, start);
    members.push([keyText(bytes, keyStart, keyEnd), { start, end }]);
    at = skipBlank(bytes, end);
    if (bytes[at] === CLOSE.brace) return members;
    at = expect(bytes, at, COMMA);
  }
}

/** A key may be written with escapes and is the same key then. */
function keyText(bytes: Buffer, start: number, end: number): string {
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string;
  } catch {
    throw new Malformed();
  }
}

function expect(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw new Malformed();
  return at + 1;
}

function skipBlank(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

/** One past the closing quote of the string at `start`. */
function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    at = bytes.indexOf(QUOTE, at);
    if (at === -1) throw new Malformed();
    let before = at - 1;
    while (bytes[before] === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at + 1;
    at += 1;
  }
}

/** One past the value at `start`; brackets are counted, strings stepped over. */
function endOfValue(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN.brace || byte === OPEN.bracket) {
      depth += 1;
      at += 1;
    } else if (byte === CLOSE.brace || byte === CLOSE.bracket) {
      if (depth === 0) break;
      depth -= 1;
      at += 1;
    } else if (byte === COMMA && depth === 0) break;
    else at += 1;
    if (depth === 0 && (byte === QUOTE || byte === CLOSE.brace || byte === CLOSE.bracket)) break;
  }
  if (depth > 0 || at === start) throw new Malformed();
  return at;
}
