import { LOOKALIKE, MATCH, NOTHING, type Outcome } from './categories.js';
import {
  byteAt,
  type Cell,
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

const FEWEST_DIGITS = 14;
const MOST_DIGITS = 19;

/**
 * Issuer ranges: first and last four leading digits, fewest and most digits of a number (ISO/IEC 7812 registrations).
 * Visa numbers of 13 digits are not issued any more and look like article numbers (EAN-13).
 */
const ISSUERS: readonly (readonly [first: number, last: number, fewest: number, most: number])[] = [
  [4000, 4999, 16, 16], // Visa
  [4000, 4999, 19, 19],
  [5100, 5599, 16, 16], // Mastercard
  [2221, 2720, 16, 16],
  [3400, 3499, 15, 15], // American Express
  [3700, 3799, 15, 15],
  [3000, 3059, 14, 14], // Diners Club
  [3095, 3095, 14, 14],
  [3600, 3699, 14, 14],
  [3800, 3999, 14, 14],
  [6011, 6011, 16, 19], // Discover
  [6440, 6599, 16, 19],
  [3528, 3589, 16, 19], // JCB
  [6200, 6299, 16, 19], // UnionPay
  [8100, 8171, 16, 19],
  [5018, 5018, 16, 19], // Maestro
  [5020, 5020, 16, 19],
  [5038, 5038, 16, 19],
  [5893, 5893, 16, 19],
  [6304, 6304, 16, 19],
  [6759, 6763, 16, 19],
  [2200, 2204, 16, 19], // Mir
  [6080, 6089, 16, 16], // RuPay
  [9792, 9792, 16, 16], // Troy
];

/** Sizes of the digit groups in which cards are printed. */
const GROUPINGS: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];

/** For each digit its share of the Luhn sum when doubled. */
const DOUBLED = Uint8Array.of(0, 2, 4, 6, 8, 1, 3, 5, 7, 9);

/** A payment card number whose first group of digits is `[at, groupEnd)`. */
export function cardAt(cell: Cell, at: number, groupEnd: number): Outcome {
  const length = groupEnd - at;
  if (length !== 4 && (length < FEWEST_DIGITS || length > MOST_DIGITS)) return NOTHING;
  if (isInsideWord(cell, at) || continuesNumber(cell, at)) return NOTHING;
  if (length !== 4) return endsNumber(cell, groupEnd) ? judge(cell, at, groupEnd) : NOTHING;
  const kind = gapKind(cell, groupEnd);
  if (kind === NO_GAP) return NOTHING;
  for (const grouping of GROUPINGS) {
    const end = groupedEnd(cell, groupEnd, kind, grouping);
    if (end !== -1) return judge(cell, at, end);
  }
  return NOTHING;
}

const endsNumber = (cell: Cell, at: number): boolean => !isAsciiWord(byteAt(cell, at)) && !numberGoesOn(cell, at);

/** End of the groups behind the first one, all with the same kind of gap, or -1. */
function groupedEnd(cell: Cell, firstEnd: number, kind: number, grouping: readonly number[]): number {
  let at = firstEnd;
  for (let index = 1; index < grouping.length; index += 1) {
    if (gapKind(cell, at) !== kind) return -1;
    at += gapWidth(cell, at);
    const size = grouping[index] as number;
    const end = digitsEnd(cell, at, size + 1);
    if (end - at !== size) return -1;
    at = end;
  }
  return endsNumber(cell, at) ? at : -1;
}

function judge(cell: Cell, start: number, end: number): Outcome {
  let digits = 0;
  let prefix = 0;
  // Which digits count double depends on how many there are: both sums are kept, one of them is right.
  let firstDoubled = 0;
  let secondDoubled = 0;
  for (let at = start; at < end; at += 1) {
    const byte = byteAt(cell, at);
    if (!isDigit(byte)) continue;
    const digit = byte - 0x30;
    const doubled = DOUBLED[digit] as number;
    firstDoubled += digits % 2 === 0 ? doubled : digit;
    secondDoubled += digits % 2 === 0 ? digit : doubled;
    if (digits < 4) prefix = prefix * 10 + digit;
    digits += 1;
  }
  if (!isIssued(prefix, digits)) return NOTHING;
  if ((digits % 2 === 0 ? firstDoubled : secondDoubled) % 10 !== 0) return LOOKALIKE;
  cell.matchedTo = end;
  return MATCH;
}

const isIssued = (prefix: number, digits: number): boolean =>
  ISSUERS.some(
    ([first, last, fewest, most]) => prefix >= first && prefix <= last && digits >= fewest && digits <= most,
  );
