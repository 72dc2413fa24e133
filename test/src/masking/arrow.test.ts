import { describe, expect, test } from '@jest/globals';
import {
  createMasker,
  createMaskPlan,
  type MaskedArrow,
  MaskingFailed,
  maskArrowStream,
} from '@piste/gateway/dist/masking/index.js';
import { type AnyResult, anyResult, KEYS, obligationOn } from '@piste/gateway/dist/masking/masking-contract.js';
import fc from 'fast-check';
import { arrowOf, jsonOf } from './arrow-fixture.js';

const masker = createMasker({ keys: KEYS });

/** Results the stand-in can send: its types, and texts that UTF-8 can hold. */
const arrowResult = anyResult
  .filter(({ rowtype }) => rowtype.every(({ type }) => type !== 'unheard_of'))
  .map(({ rowtype, rows, obligations }) => ({
    rowtype,
    obligations,
    rows: rows.map((row) => row.map((cell) => cell?.toWellFormed() ?? null)),
  }));

const mask = (result: AnyResult, stream: Uint8Array): MaskedArrow =>
  maskArrowStream(stream, createMaskPlan(result.rowtype, result.obligations, KEYS));
const joined = ({ segments }: MaskedArrow): Buffer => Buffer.concat(segments);

/** What differs by design: doubles are compared as numbers, and a bucket may not fit the width of its integers. */
function comparable(rows: AnyResult['rows'], { rowtype, obligations }: AnyResult, expected: AnyResult['rows']) {
  return rows.map((row, at) =>
    row.map((cell, index) => {
      const type = rowtype[index]?.type;
      const reference = expected[at]?.[index] ?? null;
      const action = obligations.find((obligation) => obligation.index === index)?.action.type;
      if (type === 'fixed' && action === 'Bucket' && cell === null) return reference;
      if (type === 'real' && cell !== null && reference !== null && Number(cell) === Number(reference))
        return reference;
      if (type === 'real' && action === undefined) return reference;
      return cell;
    }),
  );
}

describe('an Arrow stream', () => {
  test('is masked exactly as the readable reference masks the same rows in JSON', () => {
    fc.assert(
      fc.property(arrowResult, (result) => {
        const stream = arrowOf(result);
        const masked = mask(result, stream);
        const expected = masker.maskRows(result.rowtype, result.rows, result.obligations);
        const rows = jsonOf(joined(masked), result);
        expect(comparable(rows, result, expected.rows)).toEqual(expected.rows);
        expect(masked.rows).toBe(result.rows.length);
        if (result.obligations.length > 0) expect(masked.counts).toEqual(expected.counts);
      }),
      { numRuns: 400 },
    );
  });

  test('without masks is the very same bytes', () => {
    fc.assert(
      fc.property(arrowResult, (result) => {
        const stream = arrowOf(result);
        expect(joined(mask({ ...result, obligations: [] }, stream)).equals(stream)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('holds no masked text anywhere, not even behind NULLs or in memory beside it', () => {
    const secret = fc.option(
      fc.stringMatching(/^[a-z]{4,20}$/).map((text) => `${text}-secret`),
      { freq: 4 },
    );
    const actions = [{ type: 'Redact' }, { type: 'Null' }, { type: 'Hash', key: 'k/k' }] as const;
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 30 }), fc.constantFrom(...actions), (texts, action) => {
        const result: AnyResult = {
          rowtype: ['A', 'B', 'C'].map((name) => ({ name, type: 'text' })),
          rows: texts.map((text) => ['left', text, 'right']),
          obligations: [obligationOn(1, action)],
        };
        const masked = mask(result, arrowOf(result));
        expect(joined(masked).includes('secret')).toBe(false);
        expect(jsonOf(joined(masked), result).map(([a, , c]) => [a, c])).toEqual(texts.map(() => ['left', 'right']));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a damaged Arrow stream', () => {
  const small: AnyResult = {
    rowtype: [
      { name: 'A', type: 'text' },
      { name: 'B', type: 'text' },
      { name: 'C', type: 'timestamp_ntz', raw: { scale: 9 } },
    ],
    rows: [
      ['plain', 'secret-one', '1.000000001'],
      [null, null, null],
      ['plain', 'secret-two', '-5.500000000'],
    ],
    obligations: [obligationOn(1, { type: 'Partial', keepFirst: 0, keepLast: 1, replacement: '*' })],
  };
  const stream = arrowOf(small);

  test('cut off anywhere is refused', () => {
    for (let length = 0; length < stream.length; length += 1) {
      expect(() => mask(small, stream.subarray(0, length))).toThrow(MaskingFailed);
    }
  });

  test('with anything behind its end is refused', () => {
    expect(() => mask(small, Buffer.concat([stream, Buffer.alloc(8)]))).toThrow(MaskingFailed);
    expect(() => mask(small, Buffer.concat([stream, stream]))).toThrow(MaskingFailed);
  });

  test('with any byte changed is refused or still masked', () => {
    for (let at = 0; at < stream.length; at += 1) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(stream);
        changed[at] = byte;
        let masked: Buffer;
        try {
          masked = joined(mask(small, changed));
        } catch (error) {
          expect(error).toBeInstanceOf(MaskingFailed);
          continue;
        }
        expect(masked.includes('ecret')).toBe(false);
      }
    }
  });

  test.each([
    ['fewer columns', small.rowtype.slice(0, 2)],
    ['another name', [...small.rowtype.slice(0, 2), { name: 'D', type: 'timestamp_ntz' }]],
    ['another type', [...small.rowtype.slice(0, 2), { name: 'C', type: 'text' }]],
    ['a zoned moment', [...small.rowtype.slice(0, 2), { name: 'C', type: 'timestamp_tz' }]],
  ])('against a row type with %s is refused', (_what, rowtype) => {
    expect(() => mask({ ...small, rowtype }, stream)).toThrow(MaskingFailed);
  });
});
