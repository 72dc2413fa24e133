import fc from 'fast-check';
import type { MaskAction, MaskObligation } from '../policy/decision.js';
import type { Cell } from '../protocol/results.js';
import type { MaskableColumn } from './value-type.js';

export const KEYS: ReadonlyMap<string, Uint8Array> = new Map([['k/k', Buffer.alloc(32, 7)]]);

/** A column and a source of its cells. */
export interface AnyColumn {
  readonly column: MaskableColumn;
  readonly cell: fc.Arbitrary<Cell>;
}

const digits = (count: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9]{${count}}$`)).map((text) => text);

/** Texts of every awkward kind: escapes, other planes, lone surrogates, tokens, masked forms. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'binary-ascii', maxLength: 130 }),
  fc.stringMatching(/^[0-9]{0,20}$/),
  fc.stringMatching(/^[0-9]{4}-[0-9]{4}-[0-9]{4}$/),
  fc.constantFrom(
    '',
    '***',
    '***1234',
    'ab***',
    '\\',
    '"',
    '\ud800',
    `pst_${'0a'.repeat(16)}`,
    `pst_${'0g'.repeat(16)}`,
  ),
);

const nullable = (cell: fc.Arbitrary<string>): fc.Arbitrary<Cell> => fc.option(cell, { freq: 8 });

function columnOf(type: string, scale: number, cell: fc.Arbitrary<string>): fc.Arbitrary<AnyColumn> {
  return fc.constant({ column: { name: '', type, raw: { scale, precision: 38 } }, cell: nullable(cell) });
}

const signed = (cell: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.boolean(), cell).map(([isNegative, text]) => (isNegative && /[1-9]/.test(text) ? `-${text}` : text));

const fixed = (scale: number, max: bigint): fc.Arbitrary<string> =>
  signed(
    fc.bigInt({ min: 0n, max }).map((value) => {
      const text = String(value).padStart(scale + 1, '0');
      return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
    }),
  );

/** Seconds within the years a driver can show. */
const seconds = fc.integer({ min: -3_000_000_000, max: 8_000_000_000 });
const moment = (scale: number): fc.Arbitrary<string> =>
  fc.tuple(seconds, digits(scale)).map(([whole, fraction]) => (scale === 0 ? `${whole}` : `${whole}.${fraction}`));

/** Any column Snowflake can send in the JSON format. */
export const anyColumn: fc.Arbitrary<AnyColumn> = fc.oneof(
  { weight: 6, arbitrary: columnOf('text', 0, anyText) },
  fc.constantFrom(0, 2, 9).chain((scale) => columnOf('fixed', scale, fixed(scale, 10n ** 18n))),
  columnOf('fixed', 3, fixed(3, 10n ** 37n)),
  columnOf(
    'real',
    0,
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom('inf', '-inf', 'NaN', '1e300'),
    ),
  ),
  columnOf('boolean', 0, fc.constantFrom('0', '1')),
  columnOf('date', 0, fc.integer({ min: -800_000, max: 3_000_000 }).map(String)),
  columnOf(
    'time',
    9,
    fc.tuple(fc.integer({ min: 0, max: 86_399 }), digits(9)).map(([whole, fraction]) => `${whole}.${fraction}`),
  ),
  fc.constantFrom(0, 3, 9).chain((scale) => columnOf('timestamp_ntz', scale, moment(scale))),
  fc.constantFrom(0, 9).chain((scale) => columnOf('timestamp_ltz', scale, moment(scale))),
  fc.constantFrom(3, 9).chain((scale) =>
    columnOf(
      'timestamp_tz',
      scale,
      fc.tuple(moment(scale), fc.integer({ min: 600, max: 2280 })).map(([number, zone]) => `${number} ${zone}`),
    ),
  ),
  columnOf(
    'binary',
    0,
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase()),
  ),
  fc.constantFrom('variant', 'object', 'array', 'unheard_of').chain((type) => columnOf(type, 0, fc.json())),
);

export const anyAction: fc.Arbitrary<MaskAction> = fc.oneof(
  fc.constantFrom<MaskAction>({ type: 'Redact' }, { type: 'Null' }, { type: 'Hash', key: 'k/k' }),
  fc
    .tuple(fc.nat(5), fc.nat(5), fc.constantFrom('*', '#"\\', '•', '🙂', 'xy'))
    .map(([keepFirst, keepLast, replacement]): MaskAction => ({ type: 'Partial', keepFirst, keepLast, replacement })),
  fc
    .constantFrom('Year', 'Quarter', 'Month', 'Week', 'Day', 'Hour')
    .map((unit): MaskAction => ({ type: 'DateTruncate', unit: unit as 'Year' })),
  fc.constantFrom(2, 10, 1000, 2.5).map((size): MaskAction => ({ type: 'Bucket', size })),
  fc
    .constantFrom(
      '',
      'x"y\\',
      '12.50',
      '-7',
      'true',
      '2024-02-29',
      '2024-02-30',
      '12:30:00',
      '2024-01-31 10:00:00',
      'AB01',
    )
    .map((value): MaskAction => ({ type: 'Constant', value })),
  fc
    .constantFrom('Digits', 'Alphanumeric')
    .map((alphabet): MaskAction => ({ type: 'Tokenize', key: 'k/k', alphabet: alphabet as 'Digits' })),
);

export function obligationOn(index: number, action: MaskAction, barrier: 'only' | 'second' = 'only'): MaskObligation {
  const column = { object: { database: 'D', schema: 'S', name: 'T' }, column: 'C' };
  return { index, name: undefined, action, policy: 'pii', rule: `r${index}`, column, barrier };
}

/** A result with obligations on some of its columns. */
export interface AnyResult {
  readonly rowtype: readonly MaskableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  readonly obligations: readonly MaskObligation[];
}

export const anyResult: fc.Arbitrary<AnyResult> = fc.array(anyColumn, { minLength: 1, maxLength: 6 }).chain((columns) =>
  fc.record({
    rowtype: fc.constant(columns.map(({ column }, index) => ({ ...column, name: `C${index}` }))),
    rows: fc.array(fc.tuple(...columns.map(({ cell }) => cell)), { maxLength: 12 }),
    obligations: fc
      .tuple(...columns.map(() => fc.option(fc.tuple(anyAction, fc.constantFrom<'only' | 'second'>('only', 'second')))))
      .map((chosen) => chosen.flatMap((pair, index) => (pair === null ? [] : [obligationOn(index, pair[0], pair[1])]))),
  }),
);
