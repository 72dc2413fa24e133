/** Crockford's base 32 in lower case: sorts as the numbers do, and has no letters that people confuse. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_BYTES = 16;

/**
 * A new identifier in the form of a ULID: ten characters of time, then sixteen of randomness (80 bits).
 * Later ones sort after earlier ones; knowing the time does not help to guess one.
 */
export function newApprovalId(nowMs: number, random: (bytes: number) => Uint8Array): string {
  let time = '';
  let rest = Math.floor(nowMs);
  for (let place = 0; place < TIME_CHARACTERS; place += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  // Five bits of each byte: 256 is a multiple of 32, so every character is equally likely.
  return time + Array.from(random(RANDOM_BYTES), (byte) => ALPHABET.charAt(byte % 32)).join('');
}

/** True for text that can be an approval's identifier. */
export function isApprovalId(text: string): boolean {
  return /^[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}
