const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM_LENGTH = 6;
const SEPARATOR = '1';

/** Bech32 (BIP 173) without its limit of 90 characters, as age writes its keys. Lower case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const words = regroup([...bytes], 8, 5) ?? [];
  const state = polymod([...expand(prefix), ...words, ...Array<number>(CHECKSUM_LENGTH).fill(0)]) ^ 1;
  const checksum = Array.from({ length: CHECKSUM_LENGTH }, (_, index) => (state >>> (5 * (5 - index))) & 31);
  return prefix + SEPARATOR + [...words, ...checksum].map((word) => ALPHABET.charAt(word)).join('');
}

/** The bytes of a Bech32 text with this prefix, in either case but not both; undefined for anything else. */
export function decodeBech32(prefix: string, text: string): Buffer | undefined {
  const lower = text.toLowerCase();
  if ((text !== lower && text !== text.toUpperCase()) || !lower.startsWith(prefix + SEPARATOR)) return undefined;
  const words = Array.from(lower.slice(prefix.length + 1), (character) => ALPHABET.indexOf(character));
  if (words.includes(-1) || words.length < CHECKSUM_LENGTH) return undefined;
  if (polymod([...expand(prefix), ...words]) !== 1) return undefined;
  const bytes = regroup(words.slice(0, -CHECKSUM_LENGTH), 5, 8);
  return bytes === undefined ? undefined : Buffer.from(bytes);
}

function expand(prefix: string): readonly number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(words: readonly number[]): number {
  let state = 1;
  for (const word of words) {
    const top = state >>> 25;
    state = ((state & 0x1ffffff) << 5) ^ word;
    for (const [bit, value] of GENERATOR.entries()) if ((top >> bit) & 1) state ^= value;
  }
  return state >>> 0;
}

/** Takes words of `from` bits, gives words of `to` bits. To fewer bits the rest is filled with zeros, which it must be the other way. */
function regroup(words: readonly number[], from: number, to: number): number[] | undefined {
  const result: number[] = [];
  let rest = 0;
  let bits = 0;
  for (const word of words) {
    rest = (rest << from) | word;
    bits += from;
    for (; bits >= to; bits -= to) result.push((rest >>> (bits - to)) & ((1 << to) - 1));
    rest &= (1 << bits) - 1;
  }
  if (from > to) {
    if (bits > 0) result.push((rest << (to - bits)) & ((1 << to) - 1));
    return result;
  }
  return bits < from && rest === 0 ? result : undefined;
}
