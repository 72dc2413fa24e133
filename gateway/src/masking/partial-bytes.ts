import { emptyTexts, type MaskedTexts, type Texts } from './texts.js';

/** A Partial ready for bytes. `hidden` is the middle as it stands in the output. */
export interface PartialBytes {
  readonly keepFirst: number;
  readonly keepLast: number;
  readonly hidden: Uint8Array;
  /** A value that is the hidden middle and nothing else stays as it is. */
  readonly keepsHidden: boolean;
}

const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;

/** Writes the masked form of `bytes[start .. end)` (UTF-8) at `at`; gives where it ends. */
export function writePartial(
  { keepFirst, keepLast, hidden, keepsHidden }: PartialBytes,
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const firstEnd = skipCharacters(bytes, start, end, keepFirst);
  const lastStart = skipBackwards(bytes, firstEnd, end, keepLast);
  let to = at;
  // Both ends must leave at least one character between them; else everything is hidden.
  const keeps = firstEnd < lastStart && !(keepsHidden && isSame(bytes, start, end, hidden));
  if (keeps) for (let index = start; index < firstEnd; index += 1) target[to++] = bytes[index] as number;
  for (let index = 0; index < hidden.length; index += 1) target[to++] = hidden[index] as number;
  if (keeps) for (let index = lastStart; index < end; index += 1) target[to++] = bytes[index] as number;
  return to;
}

/** `writePartial` over many. */
export function maskPartialTexts(partial: PartialBytes, { bytes, starts, ends, count }: Texts): MaskedTexts {
  let bound = count * partial.hidden.length;
  for (let row = 0; row < count; row += 1) bound += (ends[row] as number) - (starts[row] as number);
  const masked = emptyTexts(count, bound);
  let at = 0;
  for (let row = 0; row < count; row += 1) {
    at = writePartial(partial, bytes, starts[row] as number, ends[row] as number, masked.data, at);
    masked.offsets[row + 1] = at;
  }
  return { data: masked.data.subarray(0, at), offsets: masked.offsets };
}

/** Where `characters` code points after `start` end, or `end`. */
function skipCharacters(bytes: Uint8Array, start: number, end: number, characters: number): number {
  let at = start;
  for (let left = characters; left > 0 && at < end; left -= 1) {
    at += 1;
    while (at < end && ((bytes[at] as number) & CONTINUATION_MASK) === CONTINUATION) at += 1;
  }
  return at;
}

/** Where the last `characters` code points begin; `start` when fewer lie behind it. */
function skipBackwards(bytes: Uint8Array, start: number, end: number, characters: number): number {
  let at = end;
  for (let left = characters; left > 0; left -= 1) {
    if (at <= start) return start;
    at -= 1;
    while (at > start && ((bytes[at] as number) & CONTINUATION_MASK) === CONTINUATION) at -= 1;
  }
  return at;
}

function isSame(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let index = 0; index < other.length; index += 1) if (bytes[start + index] !== other[index]) return false;
  return true;
}
