import { BLOCK_BYTES, type BlockCipher, FF1_ROUNDS, ff1Encrypt, ff1FirstBlock, ff1Sizes } from './ff1.js';

/** Values that advance together: enough to make a call into AES cheap, few enough to stay in the cache. */
const BATCH_VALUES = 2048;
/** Halves below this stay exact while 16 bits are taken in: 2^37 * 2^16 = 2^53. */
const MAX_MODULUS = 2 ** 37;
const SYMBOL_STEP = 65_536;

/** Symbols of many values side by side: value i is `symbols[offsets[i] .. offsets[i + 1])`. */
export interface SymbolRows {
  readonly symbols: Uint8Array;
  readonly offsets: Int32Array;
}

/**
 * FF1 with an empty tweak over every value, in place. All values of one length advance one round per call of the cipher;
 * long ones are taken one by one. Gives exactly what `ff1Encrypt` gives.
 */
export function ff1EncryptRows(encrypt: BlockCipher, radix: number, { symbols, offsets }: SymbolRows): void {
  const byLength = new Map<number, number[]>();
  for (let row = 0; row + 1 < offsets.length; row += 1) {
    const length = (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
    const starts = byLength.get(length);
    if (starts === undefined) byLength.set(length, [offsets[row] ?? 0]);
    else starts.push(offsets[row] ?? 0);
  }
  for (const [length, starts] of byLength) {
    if (radix ** (length - (length >> 1)) > MAX_MODULUS) encryptOneByOne(encrypt, radix, symbols, starts, length);
    else {
      for (let at = 0; at < starts.length; at += BATCH_VALUES)
        encryptTogether(encrypt, radix, symbols, starts.slice(at, at + BATCH_VALUES), length);
    }
  }
}

function encryptOneByOne(
  encrypt: BlockCipher,
  radix: number,
  symbols: Uint8Array,
  starts: readonly number[],
  length: number,
): void {
  for (const start of starts) {
    symbols.set(ff1Encrypt({ encrypt, radix, symbols: [...symbols.subarray(start, start + length)] }), start);
  }
}

function encryptTogether(
  encrypt: BlockCipher,
  radix: number,
  symbols: Uint8Array,
  starts: readonly number[],
  length: number,
): void {
  const short = length >> 1;
  const { halfBytes, sumBytes } = ff1Sizes(radix, length - short);
  const first = encrypt(ff1FirstBlock(radix, length, 0));
  let a = readHalves(symbols, starts, 0, short, radix);
  let b = readHalves(symbols, starts, short, length - short, radix);
  const blocks = new Uint8Array(starts.length * BLOCK_BYTES);
  for (let round = 0; round < FF1_ROUNDS; round += 1) {
    fillBlocks(blocks, first, b, round, halfBytes);
    addSums(a, encrypt(blocks), sumBytes, radix ** (round % 2 === 0 ? short : length - short));
    [a, b] = [b, a];
  }
  writeHalves(symbols, starts, 0, short, radix, a);
  writeHalves(symbols, starts, short, length - short, radix, b);
}

/** E(P) xor Q for every value; Q is one block, since the tweak is empty. */
function fillBlocks(
  blocks: Uint8Array,
  first: Uint8Array,
  halves: Float64Array,
  round: number,
  halfBytes: number,
): void {
  const template = Uint8Array.from(first);
  const roundAt = BLOCK_BYTES - halfBytes - 1;
  template[roundAt] = (template[roundAt] ?? 0) ^ round;
  for (let value = 0, at = 0; value < halves.length; value += 1, at += BLOCK_BYTES) {
    for (let index = 0; index < BLOCK_BYTES; index += 1) blocks[at + index] = template[index] as number;
    let rest = halves[value] as number;
    for (let index = BLOCK_BYTES - 1; index > roundAt; index -= 1) {
      const high = Math.floor(rest / 256);
      blocks[at + index] = (template[index] as number) ^ (rest - high * 256);
      rest = high;
    }
  }
}

/** c = (NUM(A) + NUM(S)) mod radix^m. */
function addSums(halves: Float64Array, macs: Uint8Array, sumBytes: number, modulus: number): void {
  for (let value = 0, at = 0; value < halves.length; value += 1, at += BLOCK_BYTES) {
    let sum = 0;
    for (let index = 0; index < sumBytes; index += 2) {
      const next = sum * SYMBOL_STEP + (((macs[at + index] as number) << 8) | (macs[at + index + 1] as number));
      sum = next - Math.floor(next / modulus) * modulus;
    }
    const total = (halves[value] as number) + sum;
    halves[value] = total >= modulus ? total - modulus : total;
  }
}

function readHalves(
  symbols: Uint8Array,
  starts: readonly number[],
  from: number,
  length: number,
  radix: number,
): Float64Array {
  const halves = new Float64Array(starts.length);
  starts.forEach((start, value) => {
    let number = 0;
    for (let at = start + from; at < start + from + length; at += 1) number = number * radix + (symbols[at] as number);
    halves[value] = number;
  });
  return halves;
}

function writeHalves(
  symbols: Uint8Array,
  starts: readonly number[],
  from: number,
  length: number,
  radix: number,
  halves: Float64Array,
): void {
  starts.forEach((start, value) => {
    let rest = halves[value] as number;
    for (let at = start + from + length - 1; at >= start + from; at -= 1) {
      const high = Math.floor(rest / radix);
      symbols[at] = rest - high * radix;
      rest = high;
    }
  });
}
