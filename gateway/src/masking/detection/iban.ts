import { LOOKALIKE, MATCH, NOTHING, type Outcome } from './categories.js';
import { byteAt, type Cell, gapKind, gapWidth, isAsciiWord, isDigit, isInsideWord, NO_GAP } from './cell.js';

/** Length of an IBAN in each country of the registry (ISO 13616, SWIFT's registry). */
export const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const LETTERS = 26;
const UPPER_A = 0x41;
const LOWER = 0x20;
const DASH = 0x2d;

/** Lengths by country as a table over two letters; 0 where no country is. */
const LENGTHS = new Uint8Array(LETTERS * LETTERS);
for (const [country, length] of Object.entries(IBAN_LENGTHS)) {
  LENGTHS[(country.charCodeAt(0) - UPPER_A) * LETTERS + country.charCodeAt(1) - UPPER_A] = length;
}

/** Digits in a printed group. */
const GROUP = 4;

/**
 * An IBAN whose two check digits begin at `at`, written together or in groups of four, all upper or all lower case. Of
 * texts with this shape one in 97 passes the checksum by chance.
 */
export function ibanAt(cell: Cell, at: number): Outcome {
  const second = byteAt(cell, at - 1);
  const first = byteAt(cell, at - 2);
  const letterCase = first & LOWER;
  const firstIndex = (first & ~LOWER) - UPPER_A;
  const secondIndex = (second & ~LOWER) - UPPER_A;
  if (firstIndex < 0 || firstIndex >= LETTERS || secondIndex < 0 || secondIndex >= LETTERS) return NOTHING;
  const length = LENGTHS[firstIndex * LETTERS + secondIndex] as number;
  if (length === 0 || (second & LOWER) !== letterCase || isInsideWord(cell, at - 2)) return NOTHING;
  // The last groups of a UUID.
  if (byteAt(cell, at - 3) === DASH && isAsciiWord(byteAt(cell, at - 4))) return NOTHING;
  if (!isDigit(byteAt(cell, at + 1))) return NOTHING;
  const end = accountEnd(cell, at + 2, length - GROUP, letterCase);
  if (end === -1) return NOTHING;
  const check = (byteAt(cell, at) - 0x30) * 10 + byteAt(cell, at + 1) - 0x30;
  const country = (firstIndex + 10) * 100 + secondIndex + 10;
  if ((remainderOf(cell, at + 2, end) * 1_000_000 + country * 100 + check) % 97 !== 1) return LOOKALIKE;
  cell.matchedTo = end;
  return MATCH;
}

/** End of the account part: exactly `count` digits and letters of one case, with the same gap between all groups or none; else -1. */
function accountEnd(cell: Cell, start: number, count: number, letterCase: number): number {
  const kind = gapKind(cell, start);
  let at = start;
  for (let seen = 0; seen < count; seen += 1) {
    if (seen % GROUP === 0 && kind !== NO_GAP) {
      if (gapKind(cell, at) !== kind) return -1;
      at += gapWidth(cell, at);
    }
    const byte = byteAt(cell, at);
    const letter = (byte & ~LOWER) - UPPER_A;
    const isAccountLetter = letter >= 0 && letter < LETTERS && (byte & LOWER) === letterCase;
    if (!isDigit(byte) && !isAccountLetter) return -1;
    at += 1;
  }
  return isAsciiWord(byteAt(cell, at)) ? -1 : at;
}

/** The account part modulo 97, letters as 10 to 35. */
function remainderOf(cell: Cell, start: number, end: number): number {
  let remainder = 0;
  for (let at = start; at < end; at += 1) {
    const byte = byteAt(cell, at);
    if (isDigit(byte)) remainder = (remainder * 10 + byte - 0x30) % 97;
    else if (isAsciiWord(byte)) remainder = (remainder * 100 + (byte & ~LOWER) - UPPER_A + 10) % 97;
  }
  return remainder;
}
