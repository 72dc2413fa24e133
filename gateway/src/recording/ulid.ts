const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;
const RANDOM_BYTES = 10;

/** A ULID: 48 bits of milliseconds, then 80 random bits, as 26 characters that sort by time. */
export function createUlid(timeMs: number, random: (byteCount: number) => Uint8Array): string {
  let value = 0n;
  for (const byte of random(RANDOM_BYTES)) value = (value << 8n) | BigInt(byte);
  return encodeBase32(BigInt(Math.max(0, Math.trunc(timeMs))), TIME_CHARACTERS) + encodeBase32(value, RANDOM_BYTES + 6);
}

function encodeBase32(value: bigint, characters: number): string {
  let text = '';
  let rest = value;
  for (let index = 0; index < characters; index += 1) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}
