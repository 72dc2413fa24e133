/** SHA-256 (FIPS 180-4) one block at a time, so that the state after a key's block can be kept and started from. */

export const SHA256_BLOCK_BYTES = 64;
export const SHA256_WORDS = 8;

const ROUND_COUNT = 64;

/** The first 32 bits of the fractional parts of the roots of the first primes. */
function fractions(count: number, root: 2 | 3): Int32Array {
  const words = new Int32Array(count);
  let found = 0;
  for (let candidate = 2n; found < count; candidate += 1n) {
    if (!isPrime(candidate)) continue;
    // floor(prime^(1/root) * 2^32) by integer search: doubles are too short for cube roots.
    const target = candidate << BigInt(32 * root);
    let low = 0n;
    let high = 1n << 40n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(root) <= target) low = middle;
      else high = middle;
    }
    words[found++] = Number(BigInt.asIntN(32, low));
  }
  return words;
}

function isPrime(candidate: bigint): boolean {
  for (let divisor = 2n; divisor * divisor <= candidate; divisor += 1n) if (candidate % divisor === 0n) return false;
  return true;
}

export const ROUND_CONSTANTS: Int32Array = fractions(ROUND_COUNT, 3);
export const INITIAL_STATE: Int32Array = fractions(SHA256_WORDS, 2);

/** Mixes the block's 16 words in `schedule[0..15]` into `state`; `schedule` has 64 words and is overwritten. */
export function compress(state: Int32Array, schedule: Int32Array): void {
  for (let t = 16; t < ROUND_COUNT; t += 1) {
    const w15 = schedule[t - 15] as number;
    const w2 = schedule[t - 2] as number;
    const small0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const small1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    schedule[t] = (small1 + (schedule[t - 7] as number) + small0 + (schedule[t - 16] as number)) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let t = 0; t < ROUND_COUNT; t += 1) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const chosen = (e & f) ^ (~e & g);
    const first = (h + big1 + chosen + (ROUND_CONSTANTS[t] as number) + (schedule[t] as number)) | 0;
    const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = ((state[0] as number) + a) | 0;
  state[1] = ((state[1] as number) + b) | 0;
  state[2] = ((state[2] as number) + c) | 0;
  state[3] = ((state[3] as number) + d) | 0;
  state[4] = ((state[4] as number) + e) | 0;
  state[5] = ((state[5] as number) + f) | 0;
  state[6] = ((state[6] as number) + g) | 0;
  state[7] = ((state[7] as number) + h) | 0;
}
