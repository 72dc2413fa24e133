import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, numberAt, parseJson, stringifyJson } from './json.js';

describe('lossless JSON', () => {
  test.each([
    '92019681909886123',
    '12345678901234567890123456789012345678',
    '1.10',
    '0.1000000000000000055511151231257827',
    '1e400',
    '-0',
    '1E5',
  ])('keeps the digits of %s', (digits) => {
    const text = `{"smkId":${digits}}`;
    const value = parseJson(text);
    expect(value === undefined ? undefined : stringifyJson(value)).toBe(text);
  });

  const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,24})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/);

  test('keeps the digits of every number JSON can hold, wherever it stands', () => {
    const places = ['N', '[N]', '[1,N]', '{"a":N}', '{"a": N}', '[[],N,{"b":[N]}]', '["1.5, 2",\n\tN]'];
    fc.assert(
      fc.property(digits, fc.constantFrom(...places), (number, place) => {
        const text = place.replaceAll('N', number);
        const value = parseJson(text);
        const compact = text.replace(/(?<=[:,])\s+/g, '');
        expect(value === undefined ? undefined : stringifyJson(value)).toBe(
          place.includes('2",') ? `["1.5, 2",${number}]` : compact,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives a number of any size as a JavaScript number on request', () => {
    const value = parseJson('{"a":92019681909886123,"b":7,"c":"7"}');
    if (!isJsonObject(value)) throw new Error('not an object');
    expect(numberAt(value, 'a')).toBe(Number('92019681909886123'));
    expect(numberAt(value, 'b')).toBe(7);
    expect(numberAt(value, 'c')).toBeUndefined();
  });

  test('does not take a raw number for an object', () => {
    const value = parseJson('12345678901234567890');
    expect(isJsonObject(value)).toBe(false);
  });

  test('is undefined for anything that is not JSON and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseJson(text);
        if (value !== undefined) JSON.parse(text);
      }),
    );
  });

  test('round-trips every value JSON can hold', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = parseJson(text);
        if (value === undefined) throw new Error('not parsed');
        expect(JSON.parse(stringifyJson(value))).toEqual(JSON.parse(text));
      }),
    );
  });
});
