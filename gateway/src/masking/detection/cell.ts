/** One cell's text as UTF-8 bytes. Matchers read through `byteAt`, so nothing beyond a cell's border is ever seen. */
export interface Cell {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Where the last match among numbers ended; its groups are not looked at again as the beginnings of others. */
  matchedTo: number;
}

export const cellOf = (bytes: Uint8Array, start = 0, end = bytes.length): Cell => ({
  bytes,
  start,
  end,
  matchedTo: start,
});

/** The byte at a place, or 0 outside the cell; a NUL inside is part of no pattern either. */
export function byteAt(cell: Cell, at: number): number {
  return at >= cell.start && at < cell.end ? (cell.bytes[at] as number) : 0;
}

export const codeOf = (character: string): number => character.charCodeAt(0);

const DIGIT = 1;
const LETTER = 2;
const UNDERSCORE = 4;
const HIGH = 8;
const LOCAL_PART = 16;
const HOST = 32;
const TOKEN = 64;

const LOCAL_PART_MARKS = new Set(Array.from("!#$%&'*+/=?^_`{|}~-.", codeOf));

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const isDigitByte = byte >= 0x30 && byte <= 0x39;
  const isLetterByte = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  const isHigh = byte >= 0x80;
  const isDash = byte === codeOf('-');
  const isUnderscore = byte === codeOf('_');
  return (
    (isDigitByte ? DIGIT : 0) |
    (isLetterByte ? LETTER : 0) |
    (isUnderscore ? UNDERSCORE : 0) |
    (isHigh ? HIGH : 0) |
    (isDigitByte || isLetterByte || isHigh || LOCAL_PART_MARKS.has(byte) ? LOCAL_PART : 0) |
    (isDigitByte || isLetterByte || isHigh || isDash ? HOST : 0) |
    (isDigitByte || isLetterByte || isDash || isUnderscore ? TOKEN : 0)
  );
});

const hasClass = (byte: number, classes: number): boolean => ((CLASSES[byte] as number) & classes) !== 0;

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
/** An ASCII letter or any byte of a character beyond ASCII. */
export const isLetter = (byte: number): boolean => hasClass(byte, LETTER | HIGH);
export const isLetterOrDigit = (byte: number): boolean => hasClass(byte, LETTER | DIGIT | HIGH);
export const isAsciiWord = (byte: number): boolean => hasClass(byte, LETTER | DIGIT | UNDERSCORE);
/** What may stand unquoted before the @ of an address (RFC 5321 atext, RFC 6531), dots included. */
export const isLocalPart = (byte: number): boolean => hasClass(byte, LOCAL_PART);
export const isHost = (byte: number): boolean => hasClass(byte, HOST);
/** The alphabet of base64url, in which most tokens are written. */
export const isToken = (byte: number): boolean => hasClass(byte, TOKEN);
export const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

const BACKSLASH = codeOf('\\');
const ESCAPE_LETTERS = new Set(Array.from('nrtbf', codeOf));

/**
 * Whether a word runs up to this place, so that what begins here is only the tail of something. Characters beyond ASCII end
 * a word: scripts without spaces write numbers directly behind their text. So do the escapes of JSON text within a cell.
 */
export function isInsideWord(cell: Cell, at: number): boolean {
  const before = byteAt(cell, at - 1);
  if (!isAsciiWord(before)) return false;
  return !(ESCAPE_LETTERS.has(before) && byteAt(cell, at - 2) === BACKSLASH);
}

/** Whether `12-` or `1.` stands directly before this place: then a number begun earlier goes on here. */
export function continuesNumber(cell: Cell, at: number): boolean {
  const before = byteAt(cell, at - 1);
  return (before === 0x2d || before === 0x2e || before === 0x2c) && isDigit(byteAt(cell, at - 2));
}

/** The same behind a place: `-12`, `.50`. */
export function numberGoesOn(cell: Cell, at: number): boolean {
  const next = byteAt(cell, at);
  return (next === 0x2d || next === 0x2e || next === 0x2c) && isDigit(byteAt(cell, at + 1));
}

/** End of the digits that begin at a place, looking at no more than `most` of them. */
export function digitsEnd(cell: Cell, at: number, most: number): number {
  let end = at;
  while (end - at < most && isDigit(byteAt(cell, end))) end += 1;
  return end;
}

/** A gap between groups of digits: width in bytes and what it stands for. */
export const NO_GAP = 0;
export const SPACE_GAP = 1;
export const DASH_GAP = 2;

/** Kind of the gap character at a place: space, no-break space and thin spaces, or dash, no-break dash and en dash. */
export function gapKind(cell: Cell, at: number): number {
  const byte = byteAt(cell, at);
  if (byte === 0x20) return SPACE_GAP;
  if (byte === 0x2d) return DASH_GAP;
  if (byte === 0xc2) return byteAt(cell, at + 1) === 0xa0 ? SPACE_GAP : NO_GAP;
  if (byte !== 0xe2 || byteAt(cell, at + 1) !== 0x80) return NO_GAP;
  const last = byteAt(cell, at + 2);
  if (last >= 0x90 && last <= 0x94) return DASH_GAP;
  return (last >= 0x80 && last <= 0x8a) || last === 0xaf ? SPACE_GAP : NO_GAP;
}

/** Width in bytes of the gap character at a place where `gapKind` found one. */
export function gapWidth(cell: Cell, at: number): number {
  const byte = byteAt(cell, at);
  if (byte < 0x80) return 1;
  return byte === 0xc2 ? 2 : 3;
}
