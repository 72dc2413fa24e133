const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

const { constants: ROUND_CONSTANTS, initial: INITIAL } = deriveConstants();

/** FIPS 180-4, section 4.2.2 and 5.3.3: fractional parts of the roots of the first primes. */
function deriveConstants(): { readonly constants: Uint32Array; readonly initial: Uint32Array } {
  const constants = new Uint32Array(64);
  const initial = new Uint32Array(8);
  const primes: number[] = [];
  for (let candidate = 2; primes.length < 64; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  for (const [index, prime] of primes.entries()) {
    constants[index] = fractionOfRoot(prime, 3n);
    if (index < 8) initial[index] = fractionOfRoot(prime, 2n);
  }
  return { constants, initial };
}

/** The first 32 bits of the fraction of the `degree`-th root, in whole numbers: floating point is not exact enough. */
function fractionOfRoot(prime: number, degree: bigint): number {
  const target = BigInt(prime) << (32n * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

/** SHA-256 (FIPS 180-4) where the machine offers none that answers at once. */
export function createSha256Here(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const state = Uint32Array.from(INITIAL);
  const schedule = new Uint32Array(64);
  const block = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  let total = 0;
  return {
    update(bytes) {
      total += bytes.byteLength;
      let at = 0;
      if (filled > 0) {
        at = Math.min(BLOCK_BYTES - filled, bytes.byteLength);
        block.set(bytes.subarray(0, at), filled);
        filled += at;
        if (filled < BLOCK_BYTES) return;
        compress(state, schedule, block, 0);
      }
      for (; at + BLOCK_BYTES <= bytes.byteLength; at += BLOCK_BYTES) compress(state, schedule, bytes, at);
      block.set(bytes.subarray(at));
      filled = bytes.byteLength - at;
    },
    digest() {
      finish({ state, schedule, block, filled, total });
      const digest = new Uint8Array(32);
      const view = new DataView(digest.buffer);
      for (const [index, word] of state.entries()) view.setUint32(index * 4, word);
      return digest;
    },
  };
}

interface Unfinished {
  readonly state: Uint32Array;
  readonly schedule: Uint32Array;
  readonly block: Uint8Array;
  readonly filled: number;
  readonly total: number;
}

function finish({ state, schedule, block, filled, total }: Unfinished): void {
  block.fill(0, filled);
  block[filled] = 0x80;
  if (filled >= BLOCK_BYTES - LENGTH_BYTES) {
    compress(state, schedule, block, 0);
    block.fill(0);
  }
  new DataView(block.buffer).setBigUint64(BLOCK_BYTES - LENGTH_BYTES, BigInt(total) * 8n);
  compress(state, schedule, block, 0);
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Every index is within a typed array of fixed length. */
function at(words: Uint32Array, index: number): number {
  return words[index] as number;
}

function compress(state: Uint32Array, w: Uint32Array, bytes: Uint8Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, BLOCK_BYTES);
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(i * 4);
  for (let i = 16; i < 64; i += 1) {
    const early = at(w, i - 15);
    const late = at(w, i - 2);
    const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(ROUND_CONSTANTS, i) + at(w, i)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = at(state, index) + word;
}
