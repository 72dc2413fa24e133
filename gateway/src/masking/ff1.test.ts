import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createBlockCipher, ff1Decrypt, ff1Encrypt, minSymbols } from './ff1.js';
import { ff1EncryptRows } from './ff1-batch.js';
import { createTokenizer, MAX_TOKEN_SYMBOLS } from './tokenize.js';

const KEY_128 = '2B7E151628AED2A6ABF7158809CF4F3C';
const KEY_192 = `${KEY_128}EF4359D8D580AA4F`;
const KEY_256 = `${KEY_192}7F036D6F04FC6A94`;
const TWEAK_10 = '39383736353433323130';
const TWEAK_11 = '3737373770717273373737';
const ALPHABET_36 = '0123456789abcdefghijklmnopqrstuvwxyz';

const symbolsOf = (text: string): number[] => text.split('').map((character) => ALPHABET_36.indexOf(character));
const textOf = (symbols: readonly number[]): string => symbols.map((symbol) => ALPHABET_36[symbol]).join('');

describe('FF1 gives the sample values of the standard (NIST, FF1 samples 1 to 9)', () => {
  test.each([
    [1, KEY_128, 10, '', '0123456789', '2433477484'],
    [2, KEY_128, 10, TWEAK_10, '0123456789', '6124200773'],
    [3, KEY_128, 36, TWEAK_11, '0123456789abcdefghi', 'a9tv40mll9kdu509eum'],
    [4, KEY_192, 10, '', '0123456789', '2830668132'],
    [5, KEY_192, 10, TWEAK_10, '0123456789', '2496655549'],
    [6, KEY_192, 36, TWEAK_11, '0123456789abcdefghi', 'xbj3kv35jrawxv32ysr'],
    [7, KEY_256, 10, '', '0123456789', '6657667009'],
    [8, KEY_256, 10, TWEAK_10, '0123456789', '1001623463'],
    [9, KEY_256, 36, TWEAK_11, '0123456789abcdefghi', 'xs8a0azh2avyalyzuwd'],
  ])('sample %i', (_number, key, radix, tweakHex, plain, cipher) => {
    const encrypt = createBlockCipher(Buffer.from(key, 'hex'));
    const tweak = Buffer.from(tweakHex, 'hex');
    expect(textOf(ff1Encrypt({ encrypt, radix, symbols: symbolsOf(plain), tweak }))).toBe(cipher);
    expect(textOf(ff1Decrypt({ encrypt, radix, symbols: symbolsOf(cipher), tweak }))).toBe(plain);
    if (tweak.length > 0) return;
    const rows = { symbols: Uint8Array.from(symbolsOf(plain + plain)), offsets: Int32Array.of(0, 10, 20) };
    ff1EncryptRows(encrypt, radix, rows);
    expect(textOf([...rows.symbols])).toBe(cipher + cipher);
  });
});

test('values advanced together are what each would be alone', () => {
  const encrypt = createBlockCipher(Buffer.alloc(32, 5));
  const radixAndRows = fc
    .constantFrom(10, 62)
    .chain((radix) =>
      fc.tuple(
        fc.constant(radix),
        fc.array(fc.array(fc.nat(radix - 1), { minLength: minSymbols(radix), maxLength: 40 }), { maxLength: 20 }),
      ),
    );
  fc.assert(
    fc.property(radixAndRows, ([radix, rows]) => {
      const offsets = new Int32Array(rows.length + 1);
      rows.forEach((row, index) => {
        offsets[index + 1] = (offsets[index] ?? 0) + row.length;
      });
      const symbols = Uint8Array.from(rows.flat());
      ff1EncryptRows(encrypt, radix, { symbols, offsets });
      expect([...symbols]).toEqual(rows.flatMap((row) => ff1Encrypt({ encrypt, radix, symbols: row })));
    }),
    { numRuns: 150 },
  );
});

test.each([
  [10, 6],
  [36, 4],
  [62, 4],
])('radix %i takes at least %i symbols, a million values', (radix, symbols) => {
  expect(minSymbols(radix)).toBe(symbols);
  expect(radix ** symbols).toBeGreaterThanOrEqual(1_000_000);
  expect(radix ** (symbols - 1)).toBeLessThan(1_000_000);
});

describe('tokens', () => {
  const digits = createTokenizer(Buffer.alloc(32, 1), 'Digits');
  const both = createTokenizer(Buffer.alloc(32, 1), 'Alphanumeric');

  test('keep their length and every other character in its place', () => {
    expect(digits.tokenize('DE 123-456 é🙂')).toMatch(/^DE \d{3}-\d{3} é🙂$/);
    expect(digits.tokenize('DE 123-456 é🙂')).not.toBe('DE 123-456 é🙂');
    expect(both.tokenize('ab-12 é')).toMatch(/^[0-9A-Za-z]{2}-[0-9A-Za-z]{2} é$/);
  });

  test('of too few or too many characters are placeholders', () => {
    for (const text of ['', '12345', 'abcdefgh', '1'.repeat(MAX_TOKEN_SYMBOLS + 1)]) {
      expect(digits.tokenize(text)).toBe('***');
      expect(digits.detokenize(text)).toBeUndefined();
    }
    expect(both.tokenize('abc')).toBe('***');
    expect(digits.tokenize('1'.repeat(MAX_TOKEN_SYMBOLS))).toMatch(/^\d{256}$/);
  });

  test('lead back to what they stand for, under their key only', () => {
    const other = createTokenizer(Buffer.alloc(32, 2), 'Digits');
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{6,30}$/), (text) => {
        expect(digits.detokenize(digits.tokenize(text))).toBe(text);
        if (text.length >= 16) expect(other.detokenize(digits.tokenize(text))).not.toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});
