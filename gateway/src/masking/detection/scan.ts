import { cardAt } from './card.js';
import {
  bitOf,
  CATEGORY_OF,
  type Category,
  LOOKALIKE,
  LOOKALIKE_SHIFT,
  MATCH,
  NOTHING,
  type Outcome,
  SIGNS,
} from './categories.js';
import { byteAt, type Cell, codeOf, gapKind, isDigit, isInsideWord, isLetter, SPACE_GAP } from './cell.js';
import { emailAt } from './email.js';
import { ibanAt } from './iban.js';
import { internationalPhoneAt, nationalPhoneAt } from './phone.js';
import { isSecretAt, SECRET_TRIGGERS } from './secret.js';
import { ssnAt } from './ssn.js';

const NUMBER_TRIGGER = 1;
const EMAIL_TRIGGER = 2;
const SECRET_TRIGGER = 4;

const SECRET = bitOf('secret');
const CARD = bitOf('card');
const DASHED_SSN = bitOf('ssn with dashes');
const SPACED_SSN = bitOf('ssn with spaces');
const IBAN = bitOf('iban');
const EMAIL = bitOf('email');
const INTERNATIONAL = bitOf('international phone');
const NATIONAL = bitOf('national phone');
const NUMBERS = CARD | DASHED_SSN | SPACED_SSN | IBAN | INTERNATIONAL | NATIONAL;

/** What to look for: the signs, and for each byte the matchers that it may concern. */
export interface ScanPlan {
  readonly wanted: number;
  readonly triggers: Uint8Array;
}

export function planScan(categories: readonly Category[]): ScanPlan {
  const wanted = SIGNS.filter((sign) => categories.includes(CATEGORY_OF[sign])).reduce(
    (set, sign) => set | bitOf(sign),
    0,
  );
  const triggers = Uint8Array.from({ length: 256 }, (_, byte) => {
    const isNumber = (wanted & NUMBERS) !== 0 && isDigit(byte);
    const isEmail = (wanted & EMAIL) !== 0 && (byte === codeOf('@') || byte === codeOf('%'));
    const isSecret = (wanted & SECRET) !== 0 && SECRET_TRIGGERS[byte] === 1;
    return (isNumber ? NUMBER_TRIGGER : 0) | (isEmail ? EMAIL_TRIGGER : 0) | (isSecret ? SECRET_TRIGGER : 0);
  });
  return { wanted, triggers };
}

/**
 * The signs that one cell shows, as a set of bits: `bitOf(sign)` for a match, the same bit `LOOKALIKE_SHIFT` higher for a
 * look-alike. One walk over the bytes; a run of digits is tried once, at its beginning, and every matcher reads a bounded
 * stretch around its trigger or stops at the next one, so time is linear whatever the bytes are.
 */
export function scanCell(cell: Cell, plan: ScanPlan): number {
  const { bytes, end } = cell;
  const { triggers } = plan;
  cell.matchedTo = cell.start;
  let signs = 0;
  let at = cell.start;
  while (at < end) {
    const byte = bytes[at] as number;
    const trigger = triggers[byte] as number;
    if (trigger === 0) {
      at += 1;
      continue;
    }
    if ((trigger & SECRET_TRIGGER) !== 0 && (signs & SECRET) === 0 && isSecretAt(cell, at, byte)) signs |= SECRET;
    if ((trigger & EMAIL_TRIGGER) !== 0 && (signs & EMAIL) === 0) signs |= emailSigns(cell, at, byte);
    if ((trigger & NUMBER_TRIGGER) === 0) {
      at += 1;
      continue;
    }
    let groupEnd = at + 1;
    while (groupEnd < end && isDigit(bytes[groupEnd] as number)) groupEnd += 1;
    signs |= numberSigns(cell, at, groupEnd, plan);
    at = Math.max(groupEnd, cell.matchedTo);
  }
  return signs;
}

function emailSigns(cell: Cell, at: number, byte: number): number {
  if (byte === codeOf('@')) return signOf(EMAIL, emailAt(cell, at, 1));
  const isEncoded = byteAt(cell, at + 1) === codeOf('4') && byteAt(cell, at + 2) === codeOf('0');
  return isEncoded ? signOf(EMAIL, emailAt(cell, at, 3)) : 0;
}

/** The shortest number that means something without any gap: an international telephone number. */
const FEWEST_SOLID_DIGITS = 9;

/** Whether anything that may stand between the groups of a number begins with this byte. */
const isGapStart = (byte: number): boolean => GAP_STARTS[byte] === 1;
const GAP_STARTS = new Uint8Array(256);
for (const byte of [...Array.from(' -./()', codeOf), 0xc2, 0xe2]) GAP_STARTS[byte] = 1;

/** Of what one place could be, the first match wins: the tail of a card is no telephone number. */
function numberSigns(cell: Cell, at: number, groupEnd: number, plan: ScanPlan): number {
  const { wanted } = plan;
  let signs = 0;
  if ((wanted & IBAN) !== 0 && isLetter(byteAt(cell, at - 1))) signs |= signOf(IBAN, ibanAt(cell, at));
  // Most numbers belong to a word or stand alone, too short for a card or a telephone; nothing else has no gap.
  if (isInsideWord(cell, at)) return signs;
  if (groupEnd - at < FEWEST_SOLID_DIGITS && !isGapStart(byteAt(cell, groupEnd))) return signs;
  if ((wanted & CARD) !== 0 && (signs & NUMBERS) === 0) signs |= signOf(CARD, cardAt(cell, at, groupEnd));
  if ((signs & NUMBERS) !== 0) return signs;
  const ssn = gapKind(cell, groupEnd) === SPACE_GAP ? SPACED_SSN : DASHED_SSN;
  if ((wanted & ssn) !== 0) signs |= signOf(ssn, ssnAt(cell, at, groupEnd));
  if ((signs & NUMBERS) !== 0) return signs;
  if ((wanted & INTERNATIONAL) !== 0) signs |= signOf(INTERNATIONAL, internationalPhoneAt(cell, at, groupEnd));
  if ((signs & NUMBERS) !== 0) return signs;
  if ((wanted & NATIONAL) !== 0) signs |= signOf(NATIONAL, nationalPhoneAt(cell, at, groupEnd));
  return signs;
}

function signOf(bit: number, outcome: Outcome): number {
  switch (outcome) {
    case NOTHING:
      return 0;
    case LOOKALIKE:
      return bit << LOOKALIKE_SHIFT;
    case MATCH:
      return bit;
  }
}
