import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MaskAction } from '../policy/decision.js';
import type { CatalogColumn } from '../sql/facts.js';
import { maskCell, prepareKeys } from './mask-cell.js';
import { keyPads, sourceExpression } from './source-expression.js';

const PADS = { inner: ':inner', outer: ':outer' };
const column = (type: string, more: Partial<CatalogColumn> = {}): CatalogColumn => ({ name: 'C', type, ...more });
const express = (action: MaskAction, of: CatalogColumn, quoted = '"C"'): string =>
  sourceExpression(action, of, quoted, () => PADS);

const REDACT: MaskAction = { type: 'Redact' };
const NULL: MaskAction = { type: 'Null' };
const HASH: MaskAction = { type: 'Hash', key: 'k/k' };
const TOKENS: MaskAction = { type: 'Tokenize', key: 'k/k', alphabet: 'Digits' };
const BUCKET: MaskAction = { type: 'Bucket', size: 100 };
const partial = (keepFirst: number, keepLast: number, replacement = '*'): MaskAction => ({
  type: 'Partial',
  keepFirst,
  keepLast,
  replacement,
});
type Unit = (MaskAction & { type: 'DateTruncate' })['unit'];
const truncate = (unit: Unit): MaskAction => ({ type: 'DateTruncate', unit });
const constant = (value: string): MaskAction => ({ type: 'Constant', value });

/** Every type with its NULL. */
const TYPES: readonly (readonly [CatalogColumn, string])[] = [
  [column('text', { length: 16 }), 'CAST(NULL AS VARCHAR(16))'],
  [column('text'), 'CAST(NULL AS VARCHAR)'],
  [column('fixed', { precision: 10, scale: 2 }), 'CAST(NULL AS NUMBER(10, 2))'],
  [column('fixed'), 'CAST(NULL AS NUMBER(38, 0))'],
  [column('real'), 'CAST(NULL AS FLOAT)'],
  [column('boolean'), 'CAST(NULL AS BOOLEAN)'],
  [column('binary', { length: 8 }), 'CAST(NULL AS BINARY(8))'],
  [column('date'), 'CAST(NULL AS DATE)'],
  [column('time', { precision: 0, scale: 3 }), 'CAST(NULL AS TIME(3))'],
  [column('timestamp_ntz', { precision: 6 }), 'CAST(NULL AS TIMESTAMP_NTZ(6))'],
  [column('timestamp_ltz'), 'CAST(NULL AS TIMESTAMP_LTZ(9))'],
  [column('timestamp_tz', { precision: 0, scale: 0 }), 'CAST(NULL AS TIMESTAMP_TZ(0))'],
  [column('variant'), 'CAST(NULL AS VARIANT)'],
  [column('object'), 'CASE WHEN FALSE THEN "C" END'],
  [column('array'), 'CASE WHEN FALSE THEN "C" END'],
  [column('geography'), 'CAST(NULL AS GEOGRAPHY)'],
  [column('geometry'), 'CAST(NULL AS GEOMETRY)'],
  [column('decfloat'), 'CASE WHEN FALSE THEN "C" END'],
  [column('vector'), 'CASE WHEN FALSE THEN "C" END'],
  [column('map'), 'CASE WHEN FALSE THEN "C" END'],
  [column('unknown'), 'CASE WHEN FALSE THEN "C" END'],
];

/** What an action makes of the types it serves; NULL for all others. */
const SERVED: readonly (readonly [string, MaskAction, Readonly<Record<string, string>>])[] = [
  ['Null', NULL, {}],
  ['Tokenize, which only the gateway can do', TOKENS, {}],
  ['Redact', REDACT, { text: "'***'" }],
  [
    'Partial',
    partial(2, 3),
    { text: `CASE WHEN LENGTH("C") <= 5 THEN '***' ELSE CONCAT(LEFT("C", 2), '***', RIGHT("C", 3)) END` },
  ],
  [
    'Hash',
    HASH,
    {
      text:
        "CONCAT('pst_', LEFT(SHA2_HEX(CONCAT(TO_BINARY(:outer, 'HEX'), SHA2_BINARY(CONCAT(TO_BINARY(:inner, 'HEX'), " +
        'TO_BINARY("C", \'UTF-8\')), 256)), 256), 32))',
    },
  ],
  [
    'DateTruncate to months',
    truncate('Month'),
    {
      date: `CAST(DATE_TRUNC('MONTH', "C") AS DATE)`,
      timestamp_ntz: `CAST(DATE_TRUNC('MONTH', "C") AS TIMESTAMP_NTZ(6))`,
      timestamp_ltz: `CAST(DATE_TRUNC('MONTH', CONVERT_TIMEZONE('UTC', "C")) AS TIMESTAMP_LTZ(9))`,
      timestamp_tz: `CAST(DATE_TRUNC('MONTH', "C") AS TIMESTAMP_TZ(0))`,
    },
  ],
  [
    'DateTruncate to weeks',
    truncate('Week'),
    {
      date: `CAST(DATEADD('DAY', 1 - DAYOFWEEKISO("C"), DATE_TRUNC('DAY', "C")) AS DATE)`,
      timestamp_ntz: `CAST(DATEADD('DAY', 1 - DAYOFWEEKISO("C"), DATE_TRUNC('DAY', "C")) AS TIMESTAMP_NTZ(6))`,
      timestamp_ltz:
        `CAST(DATEADD('DAY', 1 - DAYOFWEEKISO(CONVERT_TIMEZONE('UTC', "C")), ` +
        `DATE_TRUNC('DAY', CONVERT_TIMEZONE('UTC', "C"))) AS TIMESTAMP_LTZ(9))`,
      timestamp_tz: `CAST(DATEADD('DAY', 1 - DAYOFWEEKISO("C"), DATE_TRUNC('DAY', "C")) AS TIMESTAMP_TZ(0))`,
    },
  ],
  [
    'DateTruncate to hours',
    truncate('Hour'),
    {
      time: `CAST(DATE_TRUNC('HOUR', "C") AS TIME(3))`,
      timestamp_ntz: `CAST(DATE_TRUNC('HOUR', "C") AS TIMESTAMP_NTZ(6))`,
      timestamp_ltz: `CAST(DATE_TRUNC('HOUR', CONVERT_TIMEZONE('UTC', "C")) AS TIMESTAMP_LTZ(9))`,
      timestamp_tz: `CAST(DATE_TRUNC('HOUR', "C") AS TIMESTAMP_TZ(0))`,
    },
  ],
  ['Bucket', BUCKET, { real: 'CAST(FLOOR("C" / 100) * 100 AS FLOAT)' }],
  [
    'Constant',
    constant('12'),
    {
      text: "'12'",
      real: "TRY_CAST('12' AS FLOAT)",
      boolean: "TRY_CAST('12' AS BOOLEAN)",
      date: "TRY_CAST('12' AS DATE)",
      time: "TRY_CAST('12' AS TIME(3))",
      timestamp_ntz: "TRY_CAST('12' AS TIMESTAMP_NTZ(6))",
      timestamp_ltz: "TRY_CAST('12' AS TIMESTAMP_LTZ(9))",
      timestamp_tz: "TRY_CAST('12' AS TIMESTAMP_TZ(0))",
    },
  ],
];

describe.each(SERVED)('%s', (_name, action, served) => {
  const types = TYPES.filter(([{ type }]) => !(type === 'fixed' && ['Bucket', 'Constant'].includes(action.type)));
  test.each(types.map(([of, none]) => [of.type, of, served[of.type] ?? none] as const))('%s', (_type, of, expected) => {
    expect(express(action, of)).toBe(expected);
  });
});

describe('numbers', () => {
  test.each<readonly [string, MaskAction, CatalogColumn, string]>([
    [
      'a bucket keeps the scale and has room for the bucket below',
      BUCKET,
      column('fixed', { precision: 5, scale: 2 }),
      'CAST("C" - MOD(MOD("C", 100) + 100, 100) AS NUMBER(38, 2))',
    ],
    [
      'a bucket of a whole number',
      BUCKET,
      column('fixed'),
      'CAST("C" - MOD(MOD("C", 100) + 100, 100) AS NUMBER(38, 0))',
    ],
    [
      'a constant fits the type or is NULL',
      constant('12'),
      column('fixed', { precision: 10, scale: 2 }),
      "TRY_CAST('12' AS NUMBER(10, 2))",
    ],
  ])('%s', (_sentence, action, of, expected) => {
    expect(express(action, of)).toBe(expected);
  });

  test('the bucket is the largest multiple that is not above the number', () => {
    // JavaScript's % takes the sign of its left side, as Snowflake's MOD does.
    const lower = (value: number, size: number): number => value - (((value % size) + size) % size);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 1_000_000 }), (value, size) => {
        expect(lower(value, size)).toBe(Math.floor(value / size) * size);
      }),
    );
  });
});

describe('texts', () => {
  test.each<readonly [string, MaskAction, string]>([
    [
      'keeps only the end',
      partial(0, 4),
      `CASE WHEN LENGTH("C") <= 4 THEN '***' ELSE CONCAT('***', RIGHT("C", 4)) END`,
    ],
    [
      'keeps only the start',
      partial(1, 0),
      `CASE WHEN LENGTH("C") <= 1 THEN '***' ELSE CONCAT(LEFT("C", 1), '***') END`,
    ],
    [
      'escapes its replacement',
      partial(0, 1, "'\\"),
      `CASE WHEN LENGTH("C") <= 1 THEN '''\\\\''\\\\''\\\\' ELSE CONCAT('''\\\\''\\\\''\\\\', RIGHT("C", 1)) END`,
    ],
    ['escapes a constant', constant("a'b\\"), "'a''b\\\\'"],
  ])('%s', (_sentence, action, expected) => {
    expect(express(action, column('text'))).toBe(expected);
  });

  test('the column stands as its name is written in SQL', () => {
    expect(express(partial(0, 1), column('text'), '"odd ""name"""')).toContain('RIGHT("odd ""name""", 1)');
  });

  test('the pads are asked for by the name of the key', () => {
    const asked: string[] = [];
    sourceExpression(HASH, column('text'), '"C"', (name) => {
      asked.push(name);
      return PADS;
    });
    expect(asked).toEqual(['k/k']);
  });
});

describe('the pads of a key', () => {
  const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
    createHash('sha256').update(Buffer.concat(parts)).digest();
  /** What the SQL expression computes. */
  const token = (key: Uint8Array, text: string): string => {
    const { inner, outer } = keyPads(key);
    const digest = sha256(Buffer.from(outer, 'hex'), sha256(Buffer.from(inner, 'hex'), Buffer.from(text, 'utf8')));
    return `pst_${digest.toString('hex').slice(0, 32)}`;
  };

  test.each([1, 16, 32, 63, 64, 65, 200])('of %i bytes give HMAC-SHA-256', (length) => {
    const key = randomBytes(length);
    const expected = createHmac('sha256', key).update('jané 🙂').digest('hex').slice(0, 32);
    expect(token(key, 'jané 🙂')).toBe(`pst_${expected}`);
    expect(keyPads(key).inner).toMatch(/^[0-9A-F]{128}$/);
  });

  test('a token made at the source is the token made in the result', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 100 }), fc.string({ unit: 'grapheme' }), (key, text) => {
        const mask = { action: HASH, barrier: 'only' } as const;
        const keys = prepareKeys(new Map([['k/k', key]]));
        expect(token(key, text)).toBe(maskCell(text, { name: 'C', type: 'text' }, mask, keys));
      }),
    );
  });
});
