import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SIGNS, type Sign } from './categories.js';
import { type Finding, isReached, judgeColumns, judgeCounts, type SignCount, THRESHOLDS } from './verdict.js';

const reaches = (sign: Sign, matches: number, values: number, lookalikes = 0): boolean =>
  isReached({ matches, lookalikes }, values, THRESHOLDS[sign]);

describe('when a column counts as holding something', () => {
  test.each(SIGNS)('one %s in an answer of one row is enough, and none is not', (sign) => {
    expect(reaches(sign, 1, 1)).toBe(true);
    expect(reaches(sign, 0, 1)).toBe(false);
    expect(reaches(sign, 0, 0)).toBe(false);
  });

  test.each([
    { sign: 'secret', values: 1_000_000, enough: 1 },
    { sign: 'card', values: 1_000_000, enough: 1 },
    { sign: 'ssn with dashes', values: 1_000_000, enough: 1 },
    { sign: 'iban', values: 1_000_000, enough: 1 },
    { sign: 'ssn with spaces', values: 1_000_000, enough: 200_000 },
    { sign: 'email', values: 1_000, enough: 1 },
    { sign: 'email', values: 1_001, enough: 2 },
    { sign: 'email', values: 2_001, enough: 3 },
    { sign: 'email', values: 1_000_000, enough: 3 },
    { sign: 'international phone', values: 500, enough: 1 },
    { sign: 'international phone', values: 501, enough: 2 },
    { sign: 'international phone', values: 1_000_000, enough: 5 },
    { sign: 'national phone', values: 50, enough: 1 },
    { sign: 'national phone', values: 51, enough: 2 },
    { sign: 'national phone', values: 1_000_000, enough: 20 },
  ] as const)('$enough of $values values for $sign, and not one fewer', ({ sign, values, enough }) => {
    expect(reaches(sign, enough, values)).toBe(true);
    expect(reaches(sign, enough - 1, values)).toBe(false);
  });

  test.each([
    { sign: 'card', matches: 3, lookalikes: 2 },
    { sign: 'ssn with dashes', matches: 1, lookalikes: 1 },
    { sign: 'ssn with spaces', matches: 19, lookalikes: 1 },
    { sign: 'iban', matches: 1, lookalikes: 1 },
    { sign: 'national phone', matches: 17, lookalikes: 3 },
  ] as const)('$matches real $sign beside $lookalikes look-alikes, and not beside one more', (entry) => {
    const { sign, matches, lookalikes } = entry;
    expect(reaches(sign, matches, matches + lookalikes, lookalikes)).toBe(true);
    expect(reaches(sign, matches, matches + lookalikes + 1, lookalikes + 1)).toBe(false);
  });

  test('more matches never make a column cleaner, and more other values never hide a proven one', () => {
    const count = fc.nat(5_000);
    fc.assert(
      fc.property(fc.constantFrom(...SIGNS), count, count, count, count, (sign, matches, lookalikes, others, more) => {
        const values = matches + lookalikes + others;
        fc.pre(reaches(sign, matches, values, lookalikes));
        expect(reaches(sign, matches + more, values + more, lookalikes)).toBe(true);
        if (matches >= THRESHOLDS[sign].enough) expect(reaches(sign, matches, values + more, lookalikes)).toBe(true);
      }),
    );
  });
});

const NONE: Readonly<Record<Sign, SignCount>> = Object.fromEntries(
  SIGNS.map((sign) => [sign, { matches: 0, lookalikes: 0 }]),
) as Record<Sign, SignCount>;

describe('what a column is said to hold', () => {
  test('nothing, when nothing was seen', () => expect(judgeCounts(NONE, 10)).toEqual([]));

  test('the gravest category comes first, each once with the numbers of its strongest sign', () => {
    const counts = {
      ...NONE,
      email: { matches: 8, lookalikes: 0 },
      card: { matches: 2, lookalikes: 0 },
      'international phone': { matches: 3, lookalikes: 0 },
      'national phone': { matches: 4, lookalikes: 0 },
    };
    expect(judgeCounts(counts, 10)).toEqual([
      { category: 'Card', matches: 2, values: 10, share: 0.2 },
      { category: 'Email', matches: 8, values: 10, share: 0.8 },
      { category: 'Phone', matches: 4, values: 10, share: 0.4 },
    ]);
  });
});

describe('what follows from it', () => {
  const email: Finding = { category: 'Email', matches: 2, values: 4, share: 0.5 };
  const verdicts = [undefined, email, undefined, { ...email, category: 'Secret' as const }];
  const audit = [
    { ...email, index: 1 },
    { ...email, category: 'Secret', index: 3 },
  ];
  const columns = [
    { index: 1, category: 'Email' },
    { index: 3, category: 'Secret' },
  ];

  test('Audit records', () => expect(judgeColumns(verdicts, 'Audit')).toEqual({ audit, mask: [], deny: [] }));
  test('Mask records and masks', () =>
    expect(judgeColumns(verdicts, 'Mask')).toEqual({ audit, mask: columns, deny: [] }));
  test('Deny records and refuses', () =>
    expect(judgeColumns(verdicts, 'Deny')).toEqual({ audit, mask: [], deny: columns }));
  test('nothing found, nothing done', () =>
    expect(judgeColumns([undefined, undefined], 'Deny')).toEqual({ audit: [], mask: [], deny: [] }));
});
