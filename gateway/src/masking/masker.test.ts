import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MaskAction, MaskObligation } from '../policy/decision.js';
import { isPlaceholder } from '../policy/placeholder.js';
import { type CellMask, maskCell, prepareKeys } from './mask-cell.js';
import { maskedRowtype } from './masked-rowtype.js';
import { checkRowtype, createMasker } from './masker.js';
import { MaskingFailed } from './masking-failed.js';

const key = Buffer.alloc(32, 7);
const keys = new Map<string, Uint8Array>([['k/k', key]]);
const masker = createMasker({ keys });

const REDACT: MaskAction = { type: 'Redact' };
const NULL: MaskAction = { type: 'Null' };
const HASH: MaskAction = { type: 'Hash', key: 'k/k' };
const partial = (keepFirst: number, keepLast: number, replacement = '*'): MaskAction => ({
  type: 'Partial',
  keepFirst,
  keepLast,
  replacement,
});

const TEXT = { name: 'C', type: 'text' };
const only = (action: MaskAction): CellMask => ({ action, barrier: 'only' });

function obligation(index: number, action: MaskAction, name?: string): MaskObligation {
  const column = { object: { database: 'D', schema: 'S', name: 'T' }, column: 'C' };
  return { index, name, action, policy: 'pii', rule: 'r', column, barrier: 'only' };
}

describe('one cell', () => {
  test.each([
    ['a redacted text is three stars', 'jane@example.org', 'text', REDACT, '***'],
    ['an empty text is redacted too', '', 'text', REDACT, '***'],
    ['the null action empties a text', 'jane', 'text', NULL, null],
    ['a partly masked text keeps its end', '4111111111111234', 'text', partial(0, 4), '***1234'],
    ['a partly masked text keeps both ends', 'jane@example.org', 'text', partial(2, 3), 'ja***org'],
    ['a text as long as what is kept is hidden whole', 'abcd', 'text', partial(2, 2), '***'],
    ['a text shorter than what is kept is hidden whole', 'abc', 'text', partial(2, 2), '***'],
    ['an empty text is hidden whole', '', 'text', partial(0, 4), '***'],
    ['characters outside the first plane count as one', '👩🏽x🙂y🙂', 'text', partial(0, 1), '***🙂'],
    ['a long replacement is repeated as it is', 'abcdefgh', 'text', partial(1, 1, '[x]'), 'a[x][x][x]h'],
    ['a hashed text becomes a token', 'jane', 'text', HASH, expect.stringMatching(/^pst_[0-9a-f]{32}$/)],
    ...[
      'fixed',
      'real',
      'boolean',
      'date',
      'timestamp_ntz',
      'binary',
      'variant',
      'array',
      'geography',
      'unheard_of',
    ].flatMap((type) =>
      [REDACT, NULL, HASH, partial(1, 1)].map(
        (action) => [`a ${type} becomes NULL under ${action.type}`, '12', type, action, null] as const,
      ),
    ),
  ] as const)('%s', (_sentence, cell, type, action, expected) => {
    expect(maskCell(cell, { name: 'C', type }, only(action), prepareKeys(keys))).toEqual(expected);
  });

  test.each([REDACT, NULL, HASH, partial(0, 4)])('NULL stays NULL under $type', (action) => {
    expect(maskCell(null, TEXT, only(action), prepareKeys(keys))).toBeNull();
  });

  test('equal texts give equal tokens under one key, and other tokens under another', () => {
    const other = new Map<string, Uint8Array>([['k/k', Buffer.alloc(32, 8)]]);
    expect(maskCell('jane', TEXT, only(HASH), prepareKeys(keys))).toBe(
      maskCell('jane', TEXT, only(HASH), prepareKeys(keys)),
    );
    expect(maskCell('jane', TEXT, only(HASH), prepareKeys(keys))).not.toBe(
      maskCell('Jane', TEXT, only(HASH), prepareKeys(keys)),
    );
    expect(maskCell('jane', TEXT, only(HASH), prepareKeys(keys))).not.toBe(
      maskCell('jane', TEXT, only(HASH), prepareKeys(other)),
    );
  });

  test('a missing key fails and does not fall back', () => {
    expect(() => maskCell('jane', TEXT, only(HASH), prepareKeys(new Map()))).toThrow(MaskingFailed);
  });

  test('placeholders are recognised, data is not', () => {
    expect(isPlaceholder('***')).toBe(true);
    expect(isPlaceholder(maskCell('jane', TEXT, only(HASH), prepareKeys(keys)) ?? '')).toBe(true);
    for (const text of ['', '****', 'x***', 'pst_', `pst_${'g'.repeat(32)}`, 'jane'])
      expect(isPlaceholder(text)).toBe(false);
  });
});

describe('rows', () => {
  const rowtype = [
    { name: 'ID', type: 'fixed' },
    { name: 'EMAIL', type: 'text' },
    { name: 'NOTE', type: 'text' },
  ];

  test('only the obliged columns change, and values are counted without NULLs', () => {
    const rows = [
      ['1', 'a@x', 'n'],
      ['2', null, 'm'],
    ];
    expect(masker.maskRows(rowtype, rows, [obligation(1, REDACT, 'EMAIL')])).toEqual({
      rows: [
        ['1', '***', 'n'],
        ['2', null, 'm'],
      ],
      counts: [{ policy: 'pii', rule: 'r', action: 'Redact', values: 1 }],
    });
  });

  test('without obligations the very same rows come back', () => {
    const rows = [['1', 'a', 'b']];
    expect(masker.maskRows(rowtype, rows, []).rows).toBe(rows);
  });

  test.each<readonly [string, readonly MaskObligation[], readonly (readonly unknown[])[]]>([
    ['an obligation beyond the columns', [obligation(3, REDACT)], []],
    ['an obligation on a column of another name', [obligation(1, REDACT, 'MAIL')], []],
    ['two obligations on one column', [obligation(1, REDACT), obligation(1, NULL)], []],
    ['a row that is too short', [obligation(1, REDACT)], [['1', 'a']]],
    ['a row that is too long', [obligation(1, REDACT)], [['1', 'a', 'b', 'c']]],
    ['a cell that is a number', [obligation(1, REDACT)], [[1, 'a', 'b']]],
    ['a missing key', [obligation(1, { type: 'Hash', key: 'other' })], [['1', 'a', 'b']]],
  ])('%s refuses the whole result', (_sentence, obligations, rows) => {
    const badRows = rows as readonly (readonly string[])[];
    expect(() => masker.maskRows(rowtype, badRows, obligations)).toThrow(MaskingFailed);
  });

  test('masks that do not fit are no fault of the account', () => {
    expect(() => masker.maskRows(rowtype, [], [obligation(3, REDACT)])).toThrow(
      expect.objectContaining({ denial: expect.objectContaining({ code: 'PISTE-1403' }) }),
    );
  });

  test('a failure tells the caller the form and never the value', () => {
    try {
      masker.maskRows(rowtype, [['1', 'jane@example.org']], [obligation(1, REDACT)]);
      throw new Error('it did not fail');
    } catch (error) {
      expect(error).toBeInstanceOf(MaskingFailed);
      expect(String(error)).not.toContain('jane');
      expect(error).toMatchObject({ denial: { code: 'PISTE-1702', message: expect.not.stringContaining('jane') } });
    }
  });

  test('no masked text survives anywhere in the rows', () => {
    const secret = fc.string({ minLength: 6, maxLength: 40, unit: 'binary' }).map((text) => `${text}§secret§`);
    const action = fc.constantFrom(REDACT, NULL, HASH, partial(2, 2), partial(0, 4), partial(5, 0));
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 20 }), action, fc.nat(1), (secrets, chosen, column) => {
        const rows = secrets.map((text) => (column === 0 ? [text, 'x'] : ['x', text]));
        const types = [
          { name: 'A', type: 'text' },
          { name: 'B', type: 'text' },
        ];
        const masked = masker.maskRows(types, rows, [obligation(column, chosen)]);
        const output = JSON.stringify(masked.rows);
        for (const text of secrets) expect(output).not.toContain(JSON.stringify(text).slice(1, -1));
        expect(masked.rows.length).toBe(rows.length);
        expect(masked.rows.every((row) => row.length === 2)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('a masked column says that it can be NULL and longer', () => {
    const described = [
      { name: 'A', type: 'text', raw: { name: 'A', length: 2, byteLength: 8, nullable: false } },
      { name: 'B', type: 'fixed', raw: { name: 'B', precision: 38, nullable: false } },
      { name: 'C', type: 'text', raw: { name: 'C', length: 2, nullable: false } },
    ];
    const [a, b, c] = maskedRowtype(described, [obligation(0, HASH), obligation(1, NULL)]);
    expect(a?.raw).toEqual({ name: 'A', length: 36, byteLength: 144, nullable: true });
    expect(b?.raw).toEqual({ name: 'B', precision: 38, nullable: true });
    expect(c).toBe(described[2]);
  });
});

describe('the row type', () => {
  const rowtype = [
    { name: 'A', type: 'text' },
    { name: 'B', type: 'fixed' },
  ];
  test.each([
    ['fits when count and names agree', ['A', 'B'], undefined],
    ['fits where a name is not known beforehand', ['A', undefined], undefined],
    ['does not fit with fewer columns', ['A', 'B', 'C'], 'it has 2 columns instead of 3'],
    ['does not fit with more columns', ['A'], 'it has 2 columns instead of 1'],
    ['does not fit with swapped names', ['B', 'A'], 'column 1 carries another name than analysed'],
    ['does not fit in another case', ['A', 'b'], 'column 2 carries another name than analysed'],
  ] as const)('%s', (_sentence, names, expected) => {
    expect(checkRowtype(rowtype, { names, touchesProtected: false })).toBe(expected);
  });
});
