import { type Cipheriv, createCipheriv } from 'node:crypto';

/** One block of AES. */
export const BLOCK_BYTES = 16;
export const FF1_ROUNDS = 10;
/** The standard's minimum of radix^length (NIST SP 800-38G, revision 1): below it a permutation can be searched. */
export const MIN_DOMAIN = 1_000_000;
const LENGTH_BYTES = 4;

/** Encrypts whole blocks independently of each other; the building block of every FF1 function here. */
export type BlockCipher = (blocks: Uint8Array) => Uint8Array;

/** AES in single blocks under a key of 16, 24 or 32 bytes. */
export function createBlockCipher(key: Uint8Array): BlockCipher {
  const cipher: Cipheriv = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return (blocks) => cipher.update(blocks);
}

/** The smallest length whose domain FF1 may serve. */
export function minSymbols(radix: number): number {
  return Math.ceil(Math.log(MIN_DOMAIN) / Math.log(radix) - 1e-9);
}

/** Bytes of NUM(B) and of the part of S that is added, for halves of `symbols` symbols (steps 3 and 4). */
export function ff1Sizes(radix: number, symbols: number): { readonly halfBytes: number; readonly sumBytes: number } {
  const values = BigInt(radix) ** BigInt(symbols) - 1n;
  const halfBytes = Math.ceil(values.toString(16).length / 2);
  return { halfBytes, sumBytes: 4 * Math.ceil(halfBytes / 4) + 4 };
}

/** The first block P (step 5): constant for one radix, length and tweak length. */
export function ff1FirstBlock(radix: number, length: number, tweakBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set([1, 2, 1]);
  block.writeUIntBE(radix, 3, 3);
  block[6] = FF1_ROUNDS;
  block[7] = (length >> 1) & 0xff;
  block.writeUInt32BE(length, 8);
  block.writeUInt32BE(tweakBytes, 8 + LENGTH_BYTES);
  return block;
}

export interface Ff1Input {
  readonly encrypt: BlockCipher;
  readonly radix: number;
  readonly symbols: readonly number[];
  readonly tweak?: Uint8Array;
}

/** FF1.Encrypt (algorithm 7), one value of any length, written as in the standard. */
export function ff1Encrypt(input: Ff1Input): readonly number[] {
  return walk(input, false);
}

/** FF1.Decrypt (algorithm 8). */
export function ff1Decrypt(input: Ff1Input): readonly number[] {
  return walk(input, true);
}

function walk({ encrypt, radix, symbols, tweak = new Uint8Array() }: Ff1Input, isBackwards: boolean): number[] {
  const length = symbols.length;
  const short = length >> 1;
  const { halfBytes, sumBytes } = ff1Sizes(radix, length - short);
  const first = ff1FirstBlock(radix, length, tweak.length);
  let a = toNumber(symbols.slice(0, short), radix);
  let b = toNumber(symbols.slice(short), radix);
  for (let step = 0; step < FF1_ROUNDS; step += 1) {
    const round = isBackwards ? FF1_ROUNDS - 1 - step : step;
    const modulus = BigInt(radix) ** BigInt(round % 2 === 0 ? short : length - short);
    const y = roundValue(encrypt, first, secondPart(tweak, round, isBackwards ? a : b, halfBytes), sumBytes);
    if (isBackwards) [a, b] = [(((b - y) % modulus) + modulus) % modulus, a];
    else [a, b] = [b, (a + y) % modulus];
  }
  return [...toSymbols(a, radix, short), ...toSymbols(b, radix, length - short)];
}

/** Q (step 6 i). */
function secondPart(tweak: Uint8Array, round: number, half: bigint, halfBytes: number): Buffer {
  const total = Math.ceil((tweak.length + halfBytes + 1) / BLOCK_BYTES) * BLOCK_BYTES;
  const block = Buffer.alloc(total);
  block.set(tweak);
  block[total - halfBytes - 1] = round;
  block.set(Buffer.from(half.toString(16).padStart(halfBytes * 2, '0'), 'hex'), total - halfBytes);
  return block;
}

/** y = NUM(S) (steps 6 ii to iv). */
function roundValue(encrypt: BlockCipher, first: Uint8Array, second: Uint8Array, sumBytes: number): bigint {
  let mac = encrypt(first);
  for (let at = 0; at < second.length; at += BLOCK_BYTES) {
    mac = encrypt(mac.map((byte, index) => byte ^ (second[at + index] ?? 0)));
  }
  const blocks = [mac];
  for (let counter = 1; blocks.length * BLOCK_BYTES < sumBytes; counter += 1) {
    const input = Buffer.from(mac);
    input.writeUInt32BE((input.readUInt32BE(BLOCK_BYTES - 4) ^ counter) >>> 0, BLOCK_BYTES - 4);
    blocks.push(encrypt(input));
  }
  return BigInt(`0x${Buffer.concat(blocks).toString('hex', 0, sumBytes)}`);
}

function toNumber(symbols: readonly number[], radix: number): bigint {
  const base = BigInt(radix);
  return symbols.reduce((sum, symbol) => sum * base + BigInt(symbol), 0n);
}

function toSymbols(value: bigint, radix: number, length: number): number[] {
  const symbols = Array<number>(length).fill(0);
  let rest = value;
  for (let at = length - 1; at >= 0; at -= 1) {
    symbols[at] = Number(rest % BigInt(radix));
    rest /= BigInt(radix);
  }
  return symbols;
}
