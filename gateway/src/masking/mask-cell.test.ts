import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MaskAction } from '../policy/decision.js';
import { hashTexts, prepareHmac } from './hmac-tokens.js';
import { maskCell, prepareKeys } from './mask-cell.js';
import { createMaskPlan } from './mask-plan.js';
import { anyResult, KEYS, obligationOn } from './masking-contract.js';
import { MaskingFailed } from './masking-failed.js';

const keys = prepareKeys(KEYS);
const day = (text: string): string => String(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
const second = (text: string): string => String(Date.parse(`${text}Z`) / 1000);
const truncate = (unit: string): MaskAction => ({ type: 'DateTruncate', unit: unit as 'Year' });
const bucket = (size: number): MaskAction => ({ type: 'Bucket', size });
const constant = (value: string): MaskAction => ({ type: 'Constant', value });

describe('a cell of a type that is no text', () => {
  test.each<readonly [string, string, string, MaskAction, string | null]>([
    ['a year begins in January', 'date', day('2024-05-17'), truncate('Year'), day('2024-01-01')],
    ['a quarter begins in its first month', 'date', day('2024-05-17'), truncate('Quarter'), day('2024-04-01')],
    ['a month begins on its first day', 'date', day('2024-02-29'), truncate('Month'), day('2024-02-01')],
    ['a week begins on Monday', 'date', day('2024-05-19'), truncate('Week'), day('2024-05-13')],
    ['a Monday begins its own week', 'date', day('2024-05-13'), truncate('Week'), day('2024-05-13')],
    ['a week before 1970 begins on Monday', 'date', day('1969-12-31'), truncate('Week'), day('1969-12-29')],
    ['a day is itself', 'date', day('2024-05-17'), truncate('Day'), day('2024-05-17')],
    ['years before the year 100 are no others', 'date', day('0033-04-03'), truncate('Year'), day('0033-01-01')],
    ['a date that is none becomes NULL', 'date', '12.5', truncate('Year'), null],
    [
      'a moment loses its fraction but not its digits',
      'timestamp_ntz',
      `${second('2024-05-17T10:20:30')}.123`,
      truncate('Hour'),
      `${second('2024-05-17T10:00:00')}.000`,
    ],
    [
      'a moment without fraction has none',
      'timestamp_ntz',
      second('2024-05-17T10:20:30'),
      truncate('Day'),
      second('2024-05-17T00:00:00'),
    ],
    ['a moment before 1970 goes back, not forth', 'timestamp_ntz', '-0.5', truncate('Hour'), '-3600.0'],
    [
      'a moment begins its day where its zone does',
      'timestamp_tz',
      `${second('2024-05-17T23:30:00')}.0 1560`,
      truncate('Day'),
      `${second('2024-05-17T22:00:00')}.0 1560`,
    ],
    ['a moment without the zone it should have becomes NULL', 'timestamp_tz', '1.0', truncate('Day'), null],
    ['a moment with a zone it should not have becomes NULL', 'timestamp_ntz', '1.0 1440', truncate('Day'), null],
    ['a time of day begins its hour', 'time', '7199.5', truncate('Hour'), '3600.0'],
    ['a time of day has no year', 'time', '3600.5', truncate('Year'), null],
    ['a date has no hour', 'date', '5', truncate('Hour'), null],
    ['a text becomes NULL', 'text', '2024-05-17', truncate('Year'), null],
    ['a number falls to the lower bound', 'fixed', '1234', bucket(100), '1200'],
    ['decimals stay as many', 'fixed', '1234.56', bucket(100), '1200.00'],
    ['a negative number falls too', 'fixed', '-0.01', bucket(10), '-10.00'],
    ['a bound is itself', 'fixed', '-20.00', bucket(10), '-20.00'],
    [
      '38 digits are exact',
      'fixed',
      '99999999999999999999999999999999999999',
      bucket(1000),
      '99999999999999999999999999999999999000',
    ],
    ['a double falls to the lower bound', 'real', '-3.25', bucket(2), '-4'],
    [
      'a double that is a bound despite rounding is itself',
      'real',
      '0.30000000000000004',
      bucket(0.1),
      '0.30000000000000004',
    ],
    ['infinity becomes NULL', 'real', 'inf', bucket(2), null],
    ['a size the column cannot hold gives NULL', 'fixed', '7', bucket(2.5), null],
    ['a bucket of a text is NULL', 'text', '7', bucket(2), null],
    ['a constant text', 'text', 'x', constant('hidden'), 'hidden'],
    ['a constant number has the decimals of its column', 'fixed', '1.25', constant('7'), '7.00'],
    ['a constant with too many decimals is rounded as a cast does', 'fixed', '1.25', constant('-7.005'), '-7.01'],
    ['a constant that is no number is NULL', 'fixed', '1', constant('none'), null],
    ['a constant double', 'real', '1.5', constant('-0.5'), '-0.5'],
    ['a constant truth', 'boolean', '0', constant('TRUE'), '1'],
    ['a constant date', 'date', '5', constant('1970-01-03'), '2'],
    ['a day that never was is NULL', 'date', '5', constant('2023-02-29'), null],
    ['a constant moment', 'timestamp_ntz', '5.00', constant('1970-01-02 00:00:01'), '86401.00'],
    ['a constant moment in a zone', 'timestamp_tz', '5.00 1440', constant('1970-01-01 02:00:00 +02:00'), '0.00 1560'],
    ['a zone where the type has none is NULL', 'timestamp_ntz', '5.00', constant('1970-01-01 02:00:00 +02:00'), null],
    ['constant bytes are NULL', 'binary', '00', constant('ab01'), null],
    ['constant JSON is NULL', 'variant', '{}', constant('{}'), null],
    ['a token of a number is NULL', 'fixed', '123456789', { type: 'Tokenize', key: 'k/k', alphabet: 'Digits' }, null],
  ])('%s', (_sentence, type, cell, action, expected) => {
    const scale = type === 'fixed' || type.startsWith('timestamp') ? 2 : 0;
    const column = { name: 'C', type, raw: { scale, precision: 38 } };
    expect(maskCell(cell, column, { action, barrier: 'only' }, keys)).toBe(expected);
    expect(maskCell(null, column, { action, barrier: 'only' }, keys)).toBeNull();
  });
});

describe('the second barrier', () => {
  test('changes nothing that it made itself, for every type and action', () => {
    fc.assert(
      fc.property(anyResult, ({ rowtype, rows, obligations }) => {
        for (const { index, action } of obligations) {
          const column = rowtype[index];
          if (column === undefined || action.type === 'Tokenize') continue;
          for (const row of rows) {
            const once = maskCell(row[index] ?? null, column, { action, barrier: 'only' }, keys);
            expect(maskCell(once, column, { action, barrier: 'second' }, keys)).toBe(once);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('tokens of many texts are what HMAC-SHA-256 of each is', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(
      bytes.filter((key) => key.length > 0),
      fc.array(bytes, { maxLength: 20 }),
      (key, texts) => {
        const ends = Int32Array.from(
          texts,
          (
            (sum) => (text: Uint8Array) =>
              (sum += text.length)
          )(0),
        );
        const starts = Int32Array.from(texts, (text, index) => (ends[index] ?? 0) - text.length);
        const all = { bytes: Buffer.concat(texts), starts, ends, count: texts.length };
        const { data, offsets } = hashTexts(prepareHmac(key), all, false);
        expect(Buffer.from(data).toString()).toBe(
          texts.map((text) => `pst_${createHmac('sha256', key).update(text).digest('hex').slice(0, 32)}`).join(''),
        );
        expect([...offsets]).toEqual(Array.from({ length: texts.length + 1 }, (_, index) => index * 36));
      },
    ),
    { numRuns: 300 },
  );
});

describe('a plan', () => {
  const rowtype = [{ name: 'A', type: 'text' }];
  test.each<readonly [string, number, MaskAction]>([
    ['beyond the columns', 1, { type: 'Redact' }],
    ['without its hash key', 0, { type: 'Hash', key: 'other' }],
    ['without its token key', 0, { type: 'Tokenize', key: 'other', alphabet: 'Digits' }],
    ['with a bucket of no size', 0, bucket(0)],
    ['with a bucket of no number', 0, bucket(Number.NaN)],
    ['with a negative count', 0, { type: 'Partial', keepFirst: -1, keepLast: 0, replacement: '*' }],
  ])('%s is refused', (_what, index, action) => {
    expect(() => createMaskPlan(rowtype, [obligationOn(index, action)], KEYS)).toThrow(MaskingFailed);
  });
});
