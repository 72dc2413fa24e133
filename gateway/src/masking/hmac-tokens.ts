import { createHash } from 'node:crypto';
import { TOKEN_DIGITS, TOKEN_PREFIX } from '../policy/placeholder.js';
import { compress, INITIAL_STATE, SHA256_BLOCK_BYTES, SHA256_WORDS } from './sha256-block.js';
import { emptyTexts, type MaskedTexts, type Texts } from './texts.js';

export const TOKEN_BYTES = TOKEN_PREFIX.length + TOKEN_DIGITS;
/** Words of the digest that a token shows. */
const TOKEN_WORDS = TOKEN_DIGITS / 8;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const WORD_BYTES = 4;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const PREFIX = Buffer.from(TOKEN_PREFIX, 'latin1');

/** HMAC-SHA-256 (RFC 2104) under one key, both key blocks already taken in: as secret as the key. */
export interface HmacStates {
  readonly inner: Int32Array;
  readonly outer: Int32Array;
}

export function prepareHmac(key: Uint8Array): HmacStates {
  const block = new Uint8Array(SHA256_BLOCK_BYTES);
  block.set(key.length > SHA256_BLOCK_BYTES ? createHash('sha256').update(key).digest() : key);
  const after = (pad: number): Int32Array => {
    const state = Int32Array.from(INITIAL_STATE);
    const schedule = new Int32Array(SHA256_BLOCK_BYTES);
    const padded = block.map((byte) => byte ^ pad);
    fillSchedule(schedule, padded, 0);
    compress(state, schedule);
    return state;
  };
  return { inner: after(INNER_PAD), outer: after(OUTER_PAD) };
}

/** A token for every text. With `keepsTokens` a text that is a token already stays as it is. */
export function hashTexts(
  states: HmacStates,
  { bytes, starts, ends, count }: Texts,
  keepsTokens: boolean,
): MaskedTexts {
  const masked = emptyTexts(count, count * TOKEN_BYTES);
  const state = new Int32Array(SHA256_WORDS);
  const schedule = new Int32Array(SHA256_BLOCK_BYTES);
  for (let row = 0, at = 0; row < count; row += 1, at += TOKEN_BYTES) {
    const start = starts[row] as number;
    const end = ends[row] as number;
    if (keepsTokens && isToken(bytes, start, end)) masked.data.set(bytes.subarray(start, end), at);
    else {
      digestMessage(states, state, schedule, bytes, start, end);
      writeToken(masked.data, at, state);
    }
    masked.offsets[row + 1] = at + TOKEN_BYTES;
  }
  return masked;
}

/** Whether `bytes[start .. end)` is a token by its form. */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TOKEN_BYTES) return false;
  for (let index = 0; index < PREFIX.length; index += 1) if (bytes[start + index] !== PREFIX[index]) return false;
  for (let at = start + PREFIX.length; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false;
  }
  return true;
}

function digestMessage(
  { inner, outer }: HmacStates,
  state: Int32Array,
  schedule: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  state.set(inner);
  let at = start;
  for (; at + SHA256_BLOCK_BYTES <= end; at += SHA256_BLOCK_BYTES) {
    fillSchedule(schedule, bytes, at);
    compress(state, schedule);
  }
  fillTail(schedule, bytes, at, end);
  if (end - at >= SHA256_BLOCK_BYTES - 8) {
    compress(state, schedule);
    schedule.fill(0, 0, 14);
  }
  const bits = (SHA256_BLOCK_BYTES + end - start) * 8;
  schedule[14] = Math.floor(bits / 2 ** 32);
  schedule[15] = bits | 0;
  compress(state, schedule);
  schedule.set(state);
  schedule[8] = 0x80000000 | 0;
  schedule.fill(0, 9, 15);
  schedule[15] = (SHA256_BLOCK_BYTES + SHA256_WORDS * WORD_BYTES) * 8;
  state.set(outer);
  compress(state, schedule);
}

function fillSchedule(schedule: Int32Array, bytes: Uint8Array, at: number): void {
  for (let word = 0, from = at; word < 16; word += 1, from += WORD_BYTES) {
    schedule[word] =
      ((bytes[from] as number) << 24) |
      ((bytes[from + 1] as number) << 16) |
      ((bytes[from + 2] as number) << 8) |
      (bytes[from + 3] as number);
  }
}

/** The bytes left, the bit that ends the message, and zeros up to the end of the block. */
function fillTail(schedule: Int32Array, bytes: Uint8Array, at: number, end: number): void {
  schedule.fill(0, 0, 16);
  const left = end - at;
  for (let index = 0; index < left; index += 1) {
    schedule[index >> 2] = (schedule[index >> 2] as number) | ((bytes[at + index] as number) << (24 - (index & 3) * 8));
  }
  schedule[left >> 2] = (schedule[left >> 2] as number) | (0x80 << (24 - (left & 3) * 8));
}

function writeToken(target: Uint8Array, at: number, state: Int32Array): void {
  target.set(PREFIX, at);
  let to = at + PREFIX.length;
  for (let word = 0; word < TOKEN_WORDS; word += 1) {
    for (let shift = 28; shift >= 0; shift -= 4) {
      target[to++] = HEX[((state[word] as number) >>> shift) & 15] as number;
    }
  }
}
