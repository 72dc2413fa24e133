import { describe, expect, test } from '@jest/globals';
import { viewRows } from '@piste/gateway/dist/cli/result-view.js';
import { MaskingFailed, readArrowCells } from '@piste/gateway/dist/masking/index.js';
import { anyResult } from '@piste/gateway/dist/masking/masking-contract.js';
import fc from 'fast-check';
import { column } from '../stand-in/columns.js';
import { toArrowStream } from '../stand-in/results-arrow.js';
import { arrowOf, jsonOf } from './arrow-fixture.js';

const arrowResult = anyResult
  .filter(({ rowtype }) => rowtype.every(({ type }) => type !== 'unheard_of'))
  .map(({ rowtype, rows }) => ({
    rowtype,
    rows: rows.map((row) => row.map((cell) => cell?.toWellFormed() ?? null)),
  }));

const infinities: Readonly<Record<string, string>> = { Infinity: 'inf', '-Infinity': '-inf' };

describe('cells of an Arrow stream', () => {
  test('are those another reader finds', () => {
    fc.assert(
      fc.property(arrowResult, (result) => {
        const stream = arrowOf(result);
        const expected = jsonOf(stream, result).map((row) =>
          row.map((cell, index) =>
            cell !== null && result.rowtype[index]?.type === 'real' ? (infinities[cell] ?? cell) : cell,
          ),
        );
        const { rows, total } = readArrowCells(stream, Number.MAX_SAFE_INTEGER);
        // The other reader gives moments kept as seconds and nanoseconds all nine digits.
        const nineDigits = rows.map((row) =>
          row.map((cell, index) => {
            const reference = expected[rows.indexOf(row)]?.[index] ?? null;
            const isMoment = /^timestamp_(ntz|ltz)$/.test(result.rowtype[index]?.type ?? '');
            return isMoment && cell !== null && reference?.startsWith(cell) === true ? reference : cell;
          }),
        );
        expect(nineDigits).toEqual(expected);
        expect(total).toBe(result.rows.length);
      }),
      { numRuns: 300 },
    );
  });

  test('have the digits of JSON for every kind of value', () => {
    const columns = [
      column('D', 'fixed', { scale: 2 }),
      column('W', 'fixed', { scale: 3 }),
      column('R', 'real'),
      column('B', 'boolean'),
      column('X', 'binary'),
      column('N', 'timestamp_ntz', { scale: 8 }),
      column('M', 'timestamp_ntz', { scale: 3 }),
      column('Z', 'timestamp_tz', { scale: 9 }),
      column('T', 'time', { scale: 9 }),
      column('Y', 'date'),
    ];
    const before1970 = -1_500_000_000n;
    const values = [
      -5n,
      -(10n ** 30n),
      Number.NEGATIVE_INFINITY,
      true,
      Uint8Array.of(0xab, 0),
      before1970,
      before1970,
      { nanos: before1970, offsetMinutes: -570 },
      3_723_000_000_000n,
      -719_162,
    ];
    const stream = toArrowStream(columns, [values, columns.map(() => null)]);
    expect(readArrowCells(stream, 10)).toEqual({
      rows: [
        [
          '-0.05',
          '-1000000000000000000000000000.000',
          '-inf',
          '1',
          'AB00',
          '-1.50000000',
          '-1.500',
          '-1.500000000 870',
          '3723.000000000',
          '-719162',
        ],
        columns.map(() => null),
      ],
      total: 2,
    });
  });

  test('are read up to the limit, and all rows are counted', () => {
    const stream = toArrowStream(
      [column('N', 'fixed')],
      Array.from({ length: 40 }, (_, n) => [BigInt(n)]),
    );
    expect(readArrowCells(stream, 2)).toEqual({ rows: [['0'], ['1']], total: 40 });
  });

  test.each([
    ['cut off', (stream: Uint8Array) => stream.subarray(0, -9)],
    ['longer than its end says', (stream: Uint8Array) => Buffer.concat([stream, Buffer.from('more')])],
    ['empty', () => new Uint8Array()],
  ])('are refused where the stream is %s', (_what, damage) => {
    const stream = toArrowStream([column('A', 'text')], [['a'], ['b'], ['c']]);
    expect(() => readArrowCells(damage(stream), 10)).toThrow(MaskingFailed);
  });
});

describe('rows of a recorded Arrow answer', () => {
  const stream = Buffer.from(
    toArrowStream(
      [column('ID', 'fixed'), column('EMAIL', 'text')],
      Array.from({ length: 12 }, (_, n) => [BigInt(n), n === 1 ? null : '***']),
    ),
  );

  test('are shown as a table with what was left out', () => {
    const lines = viewRows(stream, ['ID', 'EMAIL']);
    expect(lines[0]).toMatch(/^ID +\| EMAIL/);
    expect(lines.join('\n')).toMatch(/1 +\| NULL/);
    expect(lines.at(-1)).toBe('(2 more rows not shown here)');
  });

  test('are named and not shown where they are damaged', () => {
    expect(viewRows(stream.subarray(0, -4), ['ID'])).toEqual([
      `(${stream.length - 4} bytes of rows, not shown as a table)`,
    ]);
  });
});
