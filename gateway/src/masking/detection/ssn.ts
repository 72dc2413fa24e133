import { LOOKALIKE, MATCH, NOTHING, type Outcome } from './categories.js';
import {
  byteAt,
  type Cell,
  continuesNumber,
  digitsEnd,
  gapKind,
  gapWidth,
  isAsciiWord,
  isInsideWord,
  NO_GAP,
  numberGoesOn,
} from './cell.js';

/**
 * A social security number of the United States, `123-45-6789` or with spaces, whose first group is `[at, groupEnd)`. Never
 * issued are the areas 000, 666 and 900 to 999, the group 00 and the serial 0000: such a number is a look-alike.
 */
export function ssnAt(cell: Cell, at: number, groupEnd: number): Outcome {
  if (groupEnd - at !== 3) return NOTHING;
  const kind = gapKind(cell, groupEnd);
  if (kind === NO_GAP || isInsideWord(cell, at) || continuesNumber(cell, at)) return NOTHING;
  const group = groupEnd + gapWidth(cell, groupEnd);
  const secondGap = digitsEnd(cell, group, 3);
  if (secondGap - group !== 2 || gapKind(cell, secondGap) !== kind) return NOTHING;
  const serial = secondGap + gapWidth(cell, secondGap);
  const end = digitsEnd(cell, serial, 5);
  if (end - serial !== 4 || isAsciiWord(byteAt(cell, end)) || numberGoesOn(cell, end)) return NOTHING;
  const area = numberIn(cell, at, groupEnd);
  const isIssued = area !== 0 && area !== 666 && area < 900;
  if (!isIssued || numberIn(cell, group, secondGap) === 0 || numberIn(cell, serial, end) === 0) return LOOKALIKE;
  cell.matchedTo = end;
  return MATCH;
}

function numberIn(cell: Cell, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + byteAt(cell, at) - 0x30;
  return value;
}
