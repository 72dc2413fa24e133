import { LOOKALIKE, MATCH, NOTHING, type Outcome } from './categories.js';
import {
  byteAt,
  type Cell,
  codeOf,
  continuesNumber,
  digitsEnd,
  gapKind,
  gapWidth,
  isAsciiWord,
  isDigit,
  isInsideWord,
  NO_GAP,
  numberGoesOn,
} from './cell.js';

const PLUS = codeOf('+');
const OPEN = codeOf('(');
const CLOSE = codeOf(')');
const DOT = codeOf('.');
const DASH = codeOf('-');
const COLON = codeOf(':');
const SLASH = codeOf('/');
const ZERO = codeOf('0');

/** Digits of an international number with its country code (ITU-T E.164 allows 15; the shortest in use have 8). */
const FEWEST_INTERNATIONAL = 8;
const FEWEST_UNGROUPED = 9;
const MOST_INTERNATIONAL = 15;
/** Digits of a national number with its trunk prefix. */
const FEWEST_NATIONAL = 9;
const MOST_NATIONAL = 12;
const MOST_GROUPS = 5;
/** Such as ` (0) `. */
const WIDEST_GAP = 4;

const TWO_DIGIT_CODES = new Set(
  [20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58].concat([
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
  ]),
);
/** The first two digits of the country codes with three. */
const THREE_DIGIT_CODES = new Set([
  21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99,
]);

/** How many digits the country code at a place has (ITU-T E.164 list); 0 when there is none. */
function countryCodeLength(cell: Cell, at: number): number {
  const first = byteAt(cell, at);
  if (first === codeOf('1') || first === codeOf('7')) return 1;
  const two = (first - 0x30) * 10 + byteAt(cell, at + 1) - 0x30;
  if (TWO_DIGIT_CODES.has(two)) return 2;
  return THREE_DIGIT_CODES.has(two) && isDigit(byteAt(cell, at + 2)) ? 3 : 0;
}

/** `+49 171 1234567`, `+1 (415) 555-2671`, `+(44) 20…`: a plus sign, a country code and 8 to 15 digits in all. */
export function internationalPhoneAt(cell: Cell, at: number, groupEnd: number): Outcome {
  const plus = byteAt(cell, at - 1) === OPEN ? at - 2 : at - 1;
  if (byteAt(cell, plus) !== PLUS || isInsideWord(cell, plus) || countryCodeLength(cell, at) === 0) return NOTHING;
  let digits = groupEnd - at;
  let end = groupEnd;
  for (let groups = 1; digits <= MOST_INTERNATIONAL; groups += 1) {
    if (digits >= (groups === 1 ? FEWEST_UNGROUPED : FEWEST_INTERNATIONAL)) {
      return isAsciiWord(byteAt(cell, end)) ? NOTHING : matchTo(cell, end);
    }
    // `+1234.56` is a number with a sign.
    if (groups === 1 && digits > 3 && byteAt(cell, end) === DOT) return NOTHING;
    const next = behindLooseGap(cell, end);
    if (next === end || !isDigit(byteAt(cell, next))) return NOTHING;
    end = digitsEnd(cell, next, MOST_INTERNATIONAL + 1);
    digits += end - next;
  }
  return NOTHING;
}

/** Behind at most `WIDEST_GAP` bytes of spaces, dashes, dots, slashes and brackets. */
function behindLooseGap(cell: Cell, start: number): number {
  let at = start;
  while (at - start < WIDEST_GAP) {
    const byte = byteAt(cell, at);
    if (byte === DOT || byte === SLASH || byte === OPEN || byte === CLOSE) at += 1;
    else if (gapKind(cell, at) !== NO_GAP) at += gapWidth(cell, at);
    else break;
  }
  return at;
}

/**
 * A number as written within its country: `(415) 555-2671`, `415-555-2671`, `0171 1234567`, `01 23 45 67 89`,
 * `0049 171 1234567`. Digits without any gap say nothing: an order number looks the same. Groups of this shape that begin
 * otherwise are look-alikes.
 */
export function nationalPhoneAt(cell: Cell, at: number, groupEnd: number): Outcome {
  const length = groupEnd - at;
  if (length < 2 || length > 6 || isInsideWord(cell, at)) return NOTHING;
  // A number in groups goes on behind its first group.
  if (behindLooseGap(cell, groupEnd) === groupEnd) return NOTHING;
  const before = byteAt(cell, at - 1);
  if (before === PLUS || before === SLASH) return NOTHING;
  if (before === OPEN && byteAt(cell, groupEnd) === CLOSE) return bracketedPhone(cell, at, groupEnd);
  // The seconds of `12:30:08` begin no number.
  if (before === COLON && isDigit(byteAt(cell, at - 2))) return NOTHING;
  if (continuesName(cell, at) && !followsLoneOne(cell, at)) return NOTHING;
  const american = length === 3 ? northAmericanPhone(cell, at, groupEnd) : NOTHING;
  return american === NOTHING ? groupedPhone(cell, at, groupEnd) : american;
}

/** `ORD-`, `12-` or `3.` before: the number is a part of a longer name. */
const continuesName = (cell: Cell, at: number): boolean =>
  continuesNumber(cell, at) || (byteAt(cell, at - 1) === DASH && isAsciiWord(byteAt(cell, at - 2)));

/** `1-` before an area code. */
const followsLoneOne = (cell: Cell, at: number): boolean =>
  byteAt(cell, at - 2) === codeOf('1') && !isInsideWord(cell, at - 2) && !continuesName(cell, at - 2);

function northAmericanPhone(cell: Cell, at: number, groupEnd: number): Outcome {
  const isDotted = byteAt(cell, groupEnd) === DOT;
  const kind = gapKind(cell, groupEnd);
  if (!isDotted && kind === NO_GAP) return NOTHING;
  const exchange = groupEnd + (isDotted ? 1 : gapWidth(cell, groupEnd));
  const exchangeEnd = digitsEnd(cell, exchange, 4);
  if (exchangeEnd - exchange !== 3) return NOTHING;
  if (isDotted ? byteAt(cell, exchangeEnd) !== DOT : gapKind(cell, exchangeEnd) === NO_GAP) return NOTHING;
  const line = exchangeEnd + (isDotted ? 1 : gapWidth(cell, exchangeEnd));
  const end = digitsEnd(cell, line, 5);
  if (end - line !== 4 || isAsciiWord(byteAt(cell, end)) || numberGoesOn(cell, end)) return NOTHING;
  if (byteAt(cell, at) === ZERO) return NOTHING;
  return byteAt(cell, at) >= codeOf('2') && byteAt(cell, exchange) >= codeOf('2') ? matchTo(cell, end) : LOOKALIKE;
}

function matchTo(cell: Cell, end: number): Outcome {
  cell.matchedTo = end;
  return MATCH;
}

function bracketedPhone(cell: Cell, at: number, groupEnd: number): Outcome {
  const length = groupEnd - at;
  if (length > 3 && byteAt(cell, at) !== ZERO) return NOTHING;
  let digits = length;
  let end = groupEnd;
  for (let groups = 1; groups < MOST_GROUPS; groups += 1) {
    const next = behindLooseGap(cell, end);
    const nextEnd = digitsEnd(cell, next, MOST_NATIONAL);
    if (next === end || nextEnd === next) return NOTHING;
    digits += nextEnd - next;
    end = nextEnd;
    if (digits > MOST_NATIONAL) return NOTHING;
    if (digits >= FEWEST_NATIONAL && !isAsciiWord(byteAt(cell, end)) && !numberGoesOn(cell, end))
      return matchTo(cell, end);
  }
  return NOTHING;
}

/** Groups with single gaps, 9 to 12 digits in all; `00` and a country code may take the place of the trunk prefix. */
function groupedPhone(cell: Cell, at: number, groupEnd: number): Outcome {
  const isDotted = byteAt(cell, groupEnd) === DOT;
  const prefix = prefixOf(cell, at, groupEnd);
  if (prefix === 'none' || (isDotted && prefix === 'other')) return NOTHING;
  const most = prefix === 'country' ? MOST_INTERNATIONAL + 2 : MOST_NATIONAL;
  // The sizes of the groups so far, one hexadecimal digit each.
  let sizes = groupEnd - at;
  let digits = groupEnd - at;
  let end = groupEnd;
  for (let groups = 1; groups < MOST_GROUPS; groups += 1) {
    const next = behindSingleGap(cell, end, isDotted);
    const nextEnd = digitsEnd(cell, next, most);
    const size = nextEnd - next;
    if (next === end || size < 2 || (isDotted && (groupEnd - at !== 2 || size !== 2))) return NOTHING;
    sizes = sizes * 16 + size;
    digits += size;
    end = nextEnd;
    if (digits > most || sizes === GERMAN_DATE || sizes === ISO_DATE) return NOTHING;
    if (digits >= FEWEST_NATIONAL && areGroupsComplete(cell, at, end, sizes)) {
      return prefix === 'other' ? LOOKALIKE : matchTo(cell, end);
    }
  }
  return NOTHING;
}

/** Sizes of the groups of `15-03-2024`, `2024-03-15` and `01 23 45 67 89`. */
const GERMAN_DATE = 0x224;
const ISO_DATE = 0x422;
const FIVE_PAIRS = 0x22222;

function prefixOf(cell: Cell, at: number, groupEnd: number): 'trunk' | 'country' | 'other' | 'none' {
  if (byteAt(cell, at) !== ZERO) return 'other';
  if (byteAt(cell, at + 1) !== ZERO) return 'trunk';
  return groupEnd - at > 2 && countryCodeLength(cell, at + 2) === groupEnd - at - 2 ? 'country' : 'none';
}

function behindSingleGap(cell: Cell, at: number, isDotted: boolean): number {
  const byte = byteAt(cell, at);
  if (isDotted) return byte === DOT ? at + 1 : at;
  if (byte === SLASH) return at + 1;
  return gapKind(cell, at) === NO_GAP ? at : at + gapWidth(cell, at);
}

/** Pairs are a telephone number only when there are exactly five; a longer row of pairs is a list. */
function areGroupsComplete(cell: Cell, start: number, end: number, sizes: number): boolean {
  if (isAsciiWord(byteAt(cell, end)) || numberGoesOn(cell, end)) return false;
  const isFollowed = gapKind(cell, end) !== NO_GAP && isDigit(byteAt(cell, end + gapWidth(cell, end)));
  const isPreceded = gapKind(cell, start - 1) !== NO_GAP && isDigit(byteAt(cell, start - 2));
  return sizes !== FIVE_PAIRS || (!isFollowed && !isPreceded);
}
