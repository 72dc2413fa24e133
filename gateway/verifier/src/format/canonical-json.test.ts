import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeCanonical, parseCanonicalObject } from './canonical-json.js';
import type { EntryValue } from './entry.js';

const value: fc.Arbitrary<EntryValue> = fc.letrec<{ value: EntryValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('canonical JSON', () => {
  test('sorts keys at every depth and writes no whitespace', () => {
    expect(encodeCanonical({ b: [1, { z: null, a: 'ü' }], a: true })).toBe('{"a":true,"b":[1,{"a":"ü","z":null}]}');
  });

  test('reads back every object it writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (object) => {
        const parsed = parseCanonicalObject(Buffer.from(encodeCanonical(object), 'utf8'));
        expect(parsed === undefined ? undefined : encodeCanonical(parsed)).toBe(encodeCanonical(object));
      }),
    );
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -0, '\ud800'])('refuses to write %p', (bad) => {
    expect(() => encodeCanonical({ a: bad })).toThrow(TypeError);
  });

  test.each([
    ['duplicate keys', '{"dec":"allow","dec":"deny"}'],
    ['unsorted keys', '{"b":1,"a":1}'],
    ['whitespace', '{"a": 1}'],
    ['a float', '{"a":1.0}'],
    ['an exponent', '{"a":1e3}'],
    ['a needless escape', '{"a":"\\u0041"}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a byte order mark', '\ufeff{}'],
    ['something behind', '{}\n'],
    ['a list', '[]'],
    ['too deep nesting', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('refuses to read %s', (_, text) => {
    expect(parseCanonicalObject(Buffer.from(text, 'utf8'))).toBeUndefined();
  });

  test('refuses to read bytes that are no UTF-8', () => {
    expect(parseCanonicalObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined();
  });
});
