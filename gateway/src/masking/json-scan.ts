import { type MaskingFailed, malformedResult } from './masking-failed.js';

/** What a masked cell is. */
export const CELL_NULL = 0;
/** A string without a backslash: its bytes are its text. */
export const CELL_PLAIN = 1;
export const CELL_ESCAPED = 2;

/** Where the cells of the masked columns stand: cell `i` is masked column `i % columns` of row `floor(i / columns)`. */
export interface ScannedRows {
  readonly rows: number;
  readonly cells: number;
  /** With the quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly kinds: Uint8Array;
  /** Behind the last complete row; what follows is the beginning of another, or a comma. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const LETTER_N = 0x6e;
const LETTER_U = 0x75;
const FIRST_PRINTABLE = 0x20;
const NULL_LITERAL = Buffer.from('null', 'latin1');

/** Bytes that may follow a backslash, besides `u`. */
const SIMPLE_ESCAPES = new Set(Buffer.from('"\\/bfnrt', 'latin1'));

const malformed = (): MaskingFailed => malformedResult('a result part that is not rows of texts and nulls');

/** Spans that grow as rows come. */
export class CellSpans {
  starts: Int32Array;
  ends: Int32Array;
  kinds: Uint8Array;
  count = 0;

  constructor(capacity: number) {
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.kinds = new Uint8Array(capacity);
  }

  add(start: number, end: number, kind: number): void {
    if (this.count === this.starts.length) this.grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.kinds[this.count] = kind;
    this.count += 1;
  }

  private grow(): void {
    const capacity = Math.max(64, this.starts.length * 2);
    const grown = <T extends Int32Array | Uint8Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.starts = grown(this.starts, new Int32Array(capacity));
    this.ends = grown(this.ends, new Int32Array(capacity));
    this.kinds = grown(this.kinds, new Uint8Array(capacity));
  }
}

/**
 * Reads rows separated by commas, `[..],[..]`, each exactly as wide as `isMasked` and made of strings and nulls. Blanks
 * between tokens are allowed. `isContinued` says that rows came before: a comma then comes first. Reads up to the last complete row and
 * throws `MaskingFailed` as soon as something cannot be the beginning of rows.
 */
export function scanRows(bytes: Uint8Array, isMasked: readonly boolean[], isContinued = false): ScannedRows {
  const spans = new CellSpans(1024);
  const width = isMasked.length;
  const length = bytes.length;
  const maskedFlags = Uint8Array.from(isMasked, Number);
  let rows = 0;
  let end = 0;
  let at = 0;
  let complete = 0;
  for (;;) {
    at = skipBlanks(bytes, at);
    if (at >= length) break;
    if (rows > 0 || isContinued) {
      if (bytes[at] !== COMMA) throw malformed();
      at = skipBlanks(bytes, at + 1);
      if (at >= length) break;
    }
    if (bytes[at] !== OPEN || width === 0) throw malformed();
    at = scanRow(bytes, at + 1, maskedFlags, spans);
    if (at === CUT) break;
    rows += 1;
    end = at;
    complete = spans.count;
  }
  return { rows, cells: complete, starts: spans.starts, ends: spans.ends, kinds: spans.kinds, end };
}

/** The bytes end within the row. */
const CUT = -1;

function scanRow(bytes: Uint8Array, start: number, maskedFlags: Uint8Array, spans: CellSpans): number {
  const length = bytes.length;
  const last = maskedFlags.length - 1;
  let at = start;
  for (let column = 0; ; column += 1) {
    at = skipBlanks(bytes, at);
    if (at >= length) return CUT;
    const cellStart = at;
    let kind = CELL_PLAIN;
    if (bytes[at] === QUOTE) {
      at += 1;
      // Reading past the end, even once, would make every read slow.
      while (at < length) {
        const byte = bytes[at] as number;
        if (byte > QUOTE && byte !== BACKSLASH) at += 1;
        else if (byte === QUOTE) break;
        else if (byte === BACKSLASH) {
          kind = CELL_ESCAPED;
          at = skipEscape(bytes, at + 1);
          if (at === CUT) return CUT;
        } else if (byte < FIRST_PRINTABLE) throw malformed();
        else at += 1;
      }
      if (at >= length) return CUT;
      at += 1;
    } else {
      kind = CELL_NULL;
      at = skipNull(bytes, at);
      if (at === CUT) return CUT;
    }
    if (maskedFlags[column] === 1) spans.add(cellStart, at, kind);
    at = skipBlanks(bytes, at);
    if (at >= length) return CUT;
    const separator = bytes[at++];
    if (column === last) {
      if (separator !== CLOSE) throw malformedResult('a row has another length than its row type');
      return at;
    }
    if (separator === CLOSE) throw malformedResult('a row has another length than its row type');
    if (separator !== COMMA) throw malformed();
  }
}

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at += 1;
  }
  return at;
}

/** Behind the escape whose backslash stands before `at`. */
function skipEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) return CUT;
  if (SIMPLE_ESCAPES.has(byte)) return at + 1;
  if (byte !== LETTER_U) throw malformed();
  for (let index = at + 1; index < at + 5; index += 1) {
    const digit = bytes[index];
    if (digit === undefined) return CUT;
    const lower = digit | 0x20;
    if (!((digit >= 0x30 && digit <= 0x39) || (lower >= 0x61 && lower <= 0x66))) throw malformed();
  }
  return at + 5;
}

function skipNull(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== LETTER_N) throw malformedResult('a cell is neither a text nor null');
  for (let index = 1; index < NULL_LITERAL.length; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return CUT;
    if (byte !== NULL_LITERAL[index]) throw malformed();
  }
  return at + NULL_LITERAL.length;
}
