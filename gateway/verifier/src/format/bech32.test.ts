import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBech32, encodeBech32 } from './bech32.js';

describe('Bech32', () => {
  // BIP 173, valid test vectors.
  test.each([
    ['a', 'A12UEL5L', ''],
    ['abcdef', 'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw', '00443214c74254b635cf84653a56d7c675be77df'],
  ])('reads the vector %s', (prefix, text, hex) => {
    expect(decodeBech32(prefix, text)?.toString('hex')).toBe(hex);
    expect(encodeBech32(prefix, Buffer.from(hex, 'hex'))).toBe(text.toLowerCase());
  });

  test('reads what it writes, and nothing with one character changed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(),
        fc.constantFrom('q', 'p', 'z', 'r', 'y', '9', 'x', '8'),
        (bytes, at, other) => {
          const text = encodeBech32('age', bytes);
          expect(decodeBech32('age', text)).toEqual(Buffer.from(bytes));
          const place = 4 + (at % (text.length - 4));
          const changed = text.slice(0, place) + other + text.slice(place + 1);
          if (changed !== text) expect(decodeBech32('age', changed)).toBeUndefined();
        },
      ),
    );
  });

  test.each([
    ['another prefix', 'aga1qqqq'],
    ['mixed case', 'A12uel5l'],
    ['a foreign character', 'a1b2uel5l'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(decodeBech32('a', text)).toBeUndefined();
  });
});
