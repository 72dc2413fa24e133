import { createHmac } from 'node:crypto';
import type { MaskAction } from '../policy/decision.js';
import { PLACEHOLDER } from '../policy/placeholder.js';
import { type BlockCipher, createBlockCipher, ff1Decrypt, ff1Encrypt, minSymbols } from './ff1.js';
import { ff1EncryptRows } from './ff1-batch.js';
import { emptyTexts, type MaskedTexts, type Texts } from './texts.js';

export type TokenAlphabet = (MaskAction & { readonly type: 'Tokenize' })['alphabet'];

const CHARACTERS: Readonly<Record<TokenAlphabet, string>> = {
  Digits: '0123456789',
  Alphanumeric: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
};

/** More characters of the alphabet than this are no identifier; the arithmetic grows with the square of the length. */
export const MAX_TOKEN_SYMBOLS = 256;
const NO_SYMBOL = 255;
/** One key may serve Hash and Tokenize: neither may say anything about the other. */
const KEY_PURPOSE = 'piste FF1 AES-256';

export interface Tokenizer {
  /** Same length, same other characters in their places; `***` where the alphabet's characters are too few or too many. */
  tokenize(text: string): string;
  /** The original of a token; undefined where `tokenize` would have given no token. */
  detokenize(token: string): string | undefined;
  /** `tokenize` over many. */
  tokenizeTexts(texts: Texts): MaskedTexts;
}

export function createTokenizer(key: Uint8Array, alphabet: TokenAlphabet): Tokenizer {
  const encrypt = createBlockCipher(createHmac('sha256', key).update(KEY_PURPOSE).digest());
  const characters = CHARACTERS[alphabet];
  const radix = characters.length;
  const fits = (count: number): boolean => count >= minSymbols(radix) && count <= MAX_TOKEN_SYMBOLS;
  const replaced = (text: string, change: typeof ff1Encrypt): string | undefined => {
    const units = text.split('');
    const places = units.flatMap((unit, at) => (characters.includes(unit) ? [at] : []));
    if (!fits(places.length)) return undefined;
    const symbols = change({ encrypt, radix, symbols: places.map((at) => characters.indexOf(units[at] ?? '')) });
    places.forEach((at, index) => {
      units[at] = characters[symbols[index] ?? 0] ?? '';
    });
    return units.join('');
  };
  return {
    tokenize: (text) => replaced(text, ff1Encrypt) ?? PLACEHOLDER,
    detokenize: (token) => replaced(token, ff1Decrypt),
    tokenizeTexts: (texts) => tokenizeTexts(texts, { encrypt, characters, fits }),
  };
}

interface Symbols {
  readonly encrypt: BlockCipher;
  readonly characters: string;
  readonly fits: (count: number) => boolean;
}

function tokenizeTexts(texts: Texts, { encrypt, characters, fits }: Symbols): MaskedTexts {
  const codes = Buffer.from(characters, 'latin1');
  const symbolOf = new Uint8Array(256).fill(NO_SYMBOL);
  codes.forEach((code, symbol) => {
    symbolOf[code] = symbol;
  });
  const { symbols, offsets } = collectSymbols(texts, symbolOf, fits);
  ff1EncryptRows(encrypt, characters.length, { symbols, offsets });
  return writeTokens(texts, { symbolOf, codes, symbols, offsets });
}

/** The symbols of every text that fits; none for the others. */
function collectSymbols(
  { bytes, starts, ends, count }: Texts,
  symbolOf: Uint8Array,
  fits: (count: number) => boolean,
): { symbols: Uint8Array; offsets: Int32Array } {
  let total = 0;
  for (let row = 0; row < count; row += 1) total += (ends[row] as number) - (starts[row] as number);
  const symbols = new Uint8Array(total);
  const offsets = new Int32Array(count + 1);
  let at = 0;
  for (let row = 0; row < count; row += 1) {
    const rowStart = at;
    for (let index = starts[row] as number; index < (ends[row] as number); index += 1) {
      const symbol = symbolOf[bytes[index] as number] as number;
      if (symbol !== NO_SYMBOL) symbols[at++] = symbol;
    }
    if (!fits(at - rowStart)) at = rowStart;
    offsets[row + 1] = at;
  }
  return { symbols, offsets };
}

function writeTokens(
  { bytes, starts, ends, count }: Texts,
  tokens: { symbolOf: Uint8Array; codes: Uint8Array; symbols: Uint8Array; offsets: Int32Array },
): MaskedTexts {
  let size = 0;
  for (let row = 0; row < count; row += 1) {
    const isToken = tokens.offsets[row + 1] !== tokens.offsets[row];
    size += isToken ? (ends[row] as number) - (starts[row] as number) : PLACEHOLDER.length;
  }
  const masked = emptyTexts(count, size);
  const placeholder = Buffer.from(PLACEHOLDER);
  let at = 0;
  for (let row = 0; row < count; row += 1) {
    let symbol = tokens.offsets[row] as number;
    if (symbol === tokens.offsets[row + 1]) {
      masked.data.set(placeholder, at);
      at += placeholder.length;
    } else {
      for (let index = starts[row] as number; index < (ends[row] as number); index += 1) {
        const byte = bytes[index] as number;
        const isSymbol = tokens.symbolOf[byte] !== NO_SYMBOL;
        masked.data[at++] = isSymbol ? (tokens.codes[tokens.symbols[symbol++] as number] as number) : byte;
      }
    }
    masked.offsets[row + 1] = at;
  }
  return masked;
}
