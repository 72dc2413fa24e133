import { codeOf } from './cell.js';

const BACKSLASH = codeOf('\\');
const SIMPLE_ESCAPES: readonly (readonly [string, string])[] = [
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
];
/** For the byte behind a backslash the byte it means; any other byte means itself. */
const MEANINGS = Uint8Array.from({ length: 256 }, (_, byte) => byte);
for (const [letter, meaning] of SIMPLE_ESCAPES) MEANINGS[codeOf(letter)] = codeOf(meaning);

const UNICODE = codeOf('u');
const UNICODE_ESCAPE = 6;

/** Place of the first backslash from `start` on; behind the end when there is none. */
export function nextBackslash(bytes: Uint8Array, start: number): number {
  const at = bytes.indexOf(BACKSLASH, start);
  return at === -1 ? bytes.length : at;
}

/**
 * Writes the text of a JSON string without its escapes to `target` and returns its length, which is never more than that of
 * the escaped text. Broken escapes are kept as they stand: here they are only looked at.
 */
export function unescapeJson(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let to = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    const next = at + 1 < end ? (bytes[at + 1] as number) : 0;
    if (byte !== BACKSLASH || next === 0) {
      target[to++] = byte;
      at += 1;
    } else if (next !== UNICODE) {
      target[to++] = MEANINGS[next] as number;
      at += 2;
    } else {
      const high = unitAt(bytes, at, end);
      const low = isHighSurrogate(high) ? unitAt(bytes, at + UNICODE_ESCAPE, end) : -1;
      const isPair = low >= 0xdc00 && low <= 0xdfff;
      if (high === -1) target[to++] = byte;
      else to = writeCharacter(isPair ? ((high - 0xd800) << 10) + low - 0xdc00 + 0x10000 : high, target, to);
      at += high === -1 ? 1 : isPair ? 2 * UNICODE_ESCAPE : UNICODE_ESCAPE;
    }
  }
  return to;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** The UTF-16 unit of a `\uXXXX` at a place, or -1. */
function unitAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + UNICODE_ESCAPE > end || bytes[at] !== BACKSLASH || bytes[at + 1] !== UNICODE) return -1;
  let unit = 0;
  for (let index = 2; index < UNICODE_ESCAPE; index += 1) {
    const digit = Number.parseInt(String.fromCharCode(bytes[at + index] as number), 16);
    if (Number.isNaN(digit)) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function writeCharacter(character: number, target: Uint8Array, start: number): number {
  let to = start;
  if (character < 0x80) target[to++] = character;
  else if (character < 0x800) target[to++] = 0xc0 | (character >> 6);
  else if (character < 0x10000) {
    target[to++] = 0xe0 | (character >> 12);
    target[to++] = 0x80 | ((character >> 6) & 0x3f);
  } else {
    target[to++] = 0xf0 | (character >> 18);
    target[to++] = 0x80 | ((character >> 12) & 0x3f);
    target[to++] = 0x80 | ((character >> 6) & 0x3f);
  }
  if (character >= 0x80) target[to++] = 0x80 | (character & 0x3f);
  return to;
}
