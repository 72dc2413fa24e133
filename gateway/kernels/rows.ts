// Rows of the JSON result format: `["1",null],["2","x"]`. The same rules as in json-scan.ts.
import { writePartial } from './partial';

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const COMMA: u8 = 0x2c;
const OPEN: u8 = 0x5b;
const CLOSE: u8 = 0x5d;
const SPACE: u8 = 0x20;
/** `null`, little-endian. */
const NULL_LITERAL: u32 = 0x6c6c756e;
const NULL_BYTES: i32 = 4;

const KIND_NULL: u8 = 0;
const KIND_PLAIN: u8 = 1;
const KIND_ESCAPED: u8 = 2;

/** Results of `scanRows` besides a number of rows. */
const MALFORMED: i32 = -1;
const OTHER_WIDTH: i32 = -2;
const OTHER_CELL: i32 = -3;
/** Of one step: the bytes end here. */
const CUT: i32 = -4;

// @ts-expect-error: decorator
@inline
function skipBlanks(bytes: usize, from: i32): i32 {
  let at = from;
  while (true) {
    const byte = load<u8>(bytes + at);
    if (byte > SPACE || (byte != SPACE && byte != 0x0a && byte != 0x0d && byte != 0x09)) return at;
    at++;
  }
}

function skipEscape(bytes: usize, length: i32, at: i32): i32 {
  if (at >= length) return CUT;
  const byte = load<u8>(bytes + at);
  if (byte == QUOTE || byte == BACKSLASH || byte == 0x2f || byte == 0x62 || byte == 0x66 || byte == 0x6e || byte == 0x72 || byte == 0x74) {
    return at + 1;
  }
  if (byte != 0x75) return MALFORMED;
  for (let index = at + 1; index < at + 5; index++) {
    if (index >= length) return CUT;
    const digit = load<u8>(bytes + index);
    const lower = digit | 0x20;
    if (!((digit >= 0x30 && digit <= 0x39) || (lower >= 0x61 && lower <= 0x66))) return MALFORMED;
  }
  return at + 5;
}

function skipNull(bytes: usize, length: i32, at: i32): i32 {
  if (load<u8>(bytes + at) != 0x6e) return OTHER_CELL;
  if (at + NULL_BYTES <= length) return load<u32>(bytes + at) == NULL_LITERAL ? at + NULL_BYTES : MALFORMED;
  for (let index = 1; at + index < length; index++) {
    if (load<u8>(bytes + at + index) != <u8>(NULL_LITERAL >> (8 * index))) return MALFORMED;
  }
  return CUT;
}

/**
 * Reads rows of `width` cells up to the last complete one. At least 16 zeros follow the bytes. `found` takes the complete
 * rows, their masked cells, and where the last one ends; spans of masked cells go to `starts`, `ends` and `kinds`.
 */
export function scanRows(bytes: usize, length: i32, flags: usize, width: i32, isContinued: bool, starts: usize, ends: usize, kinds: usize, found: usize): i32 {
  const quotes = i8x16.splat(QUOTE);
  const backslashes = i8x16.splat(BACKSLASH);
  const spaces = i8x16.splat(SPACE);
  let rows: i32 = 0;
  let cells: usize = 0;
  let at: i32 = 0;
  store<u32>(found, 0);
  store<u32>(found, 0, 4);
  store<u32>(found, 0, 8);
  while (true) {
    at = skipBlanks(bytes, at);
    if (at >= length) return rows;
    if (rows > 0 || isContinued) {
      if (load<u8>(bytes + at) != COMMA) return MALFORMED;
      at = skipBlanks(bytes, at + 1);
      if (at >= length) return rows;
    }
    if (load<u8>(bytes + at) != OPEN || width == 0) return MALFORMED;
    at++;
    for (let column: i32 = 0; column < width; column++) {
      at = skipBlanks(bytes, at);
      if (at >= length) return rows;
      const start = at;
      let kind = KIND_PLAIN;
      if (load<u8>(bytes + at) == QUOTE) {
        at++;
        while (true) {
          const v = v128.load(bytes + at);
          const mask = i8x16.bitmask(v128.or(v128.or(i8x16.eq(v, quotes), i8x16.eq(v, backslashes)), i8x16.lt_u(v, spaces)));
          if (mask == 0) {
            at += 16;
            if (at >= length) return rows;
            continue;
          }
          at += ctz(mask);
          if (at >= length) return rows;
          const byte = load<u8>(bytes + at);
          if (byte == QUOTE) break;
          if (byte != BACKSLASH) return MALFORMED;
          kind = KIND_ESCAPED;
          at = skipEscape(bytes, length, at + 1);
          if (at == CUT) return rows;
          if (at < 0) return at;
        }
        at++;
      } else {
        kind = KIND_NULL;
        at = skipNull(bytes, length, at);
        if (at == CUT) return rows;
        if (at < 0) return at;
      }
      if (load<u8>(flags + column) != 0) {
        store<u32>(starts + (cells << 2), start);
        store<u32>(ends + (cells << 2), at);
        store<u8>(kinds + cells, kind);
        cells++;
      }
      at = skipBlanks(bytes, at);
      if (at >= length) return rows;
      const separator = load<u8>(bytes + at++);
      if (column == width - 1) {
        if (separator != CLOSE) return OTHER_WIDTH;
      } else if (separator == CLOSE) {
        return OTHER_WIDTH;
      } else if (separator != COMMA) {
        return MALFORMED;
      }
    }
    rows++;
    store<u32>(found, rows);
    store<u32>(found, <u32>cells, 4);
    store<u32>(found, at, 8);
  }
}

/** The spans of the plain texts of one masked column, without quotes; gives their count. */
export function plainTexts(cells: u32, place: u32, every: u32, starts: usize, ends: usize, kinds: usize, toStarts: usize, toEnds: usize): u32 {
  let count: usize = 0;
  for (let cell = place; cell < cells; cell += every) {
    if (load<u8>(kinds + cell) != KIND_PLAIN) continue;
    store<u32>(toStarts + (count << 2), load<u32>(starts + (<usize>cell << 2)) + 1);
    store<u32>(toEnds + (count << 2), load<u32>(ends + (<usize>cell << 2)) - 1);
    count++;
  }
  return <u32>count;
}

/** How a masked column writes its cells: four words each, a kind and what it needs. */
const MODE_BYTES: usize = 16;
/** Place and length of the encoded constant. */
const MODE_CONSTANT: u32 = 0;
/** Place of the partial's words. */
const MODE_PARTIAL: u32 = 1;
/** Places of data and offsets, and the next text. */
const MODE_TEXTS: u32 = 2;
/** Each cell was replaced beforehand, as cells with escapes are in every mode. */
const MODE_REPLACED: u32 = 3;

/**
 * Writes the rows with every masked cell replaced; gives the bytes written. `replaced` has three words: places of data and
 * offsets of cells encoded beforehand, and the next of them. `hidden` counts what was not NULL.
 */
export function writeRows(bytes: usize, end: u32, cells: u32, every: u32, starts: usize, ends: usize, kinds: usize, modes: usize, replaced: usize, hidden: usize, target: usize): u32 {
  let copied = bytes;
  let to = target;
  let place: u32 = 0;
  for (let cell: usize = 0; cell < <usize>cells; cell++) {
    const kind = load<u8>(kinds + cell);
    if (kind != KIND_NULL) {
      const start = bytes + load<u32>(starts + (cell << 2));
      const cellEnd = bytes + load<u32>(ends + (cell << 2));
      memory.copy(to, copied, start - copied);
      to += start - copied;
      copied = cellEnd;
      const mode = modes + <usize>place * MODE_BYTES;
      const count = hidden + (<usize>place << 2);
      store<u32>(count, load<u32>(count) + 1);
      to = kind == KIND_ESCAPED || load<u32>(mode) == MODE_REPLACED ? takeText(replaced, to) : writeCell(mode, start, cellEnd, to);
    }
    place = place + 1 == every ? 0 : place + 1;
  }
  const rest = bytes + end - copied;
  memory.copy(to, copied, rest);
  return <u32>(to + rest - target);
}

function writeCell(mode: usize, start: usize, end: usize, target: usize): usize {
  const kind = load<u32>(mode);
  if (kind == MODE_CONSTANT) {
    const length = <usize>load<u32>(mode, 8);
    const source = <usize>load<u32>(mode, 4);
    for (let index: usize = 0; index < length; index++) store<u8>(target + index, load<u8>(source + index));
    return target + length;
  }
  store<u8>(target, QUOTE);
  const to = kind == MODE_PARTIAL ? writePartial(load<u32>(mode, 4), start + 1, end - 1, target + 1) : takeText(mode + 4, target + 1);
  store<u8>(to, QUOTE);
  return to + 1;
}

/** Copies the next text of three words: data, offsets, next. */
function takeText(texts: usize, target: usize): usize {
  const next = <usize>load<u32>(texts, 8);
  store<u32>(texts, <u32>next + 1, 8);
  const offsets = <usize>load<u32>(texts, 4) + (next << 2);
  const from = load<u32>(offsets);
  const length = <usize>(load<u32>(offsets, 4) - from);
  memory.copy(target, <usize>load<u32>(texts) + from, length);
  return target + length;
}
