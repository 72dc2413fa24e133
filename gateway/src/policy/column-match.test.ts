import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRuleMatcher } from './column-match.js';
import { matchesColumn } from './patterns.js';

const part = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'ß', 'é', '_', ' '), maxLength: 4 });
const glob = fc.oneof(
  part.filter((text) => text !== ''),
  fc.constant('*'),
  part.map((text) => `*${text}`),
  part.map((text) => `${text}*`),
  fc.tuple(part, part).map(([start, end]) => `${start}*${end}*`),
);

test('a matcher for all columns of a table says of each what its pattern says', () => {
  let fitting = 0;
  fc.assert(
    fc.property(
      fc.record({ database: glob, schema: glob, object: glob, column: glob }),
      fc.record({ database: part, schema: part, name: part }),
      part,
      (pattern, object, column) => {
        const matcher = createRuleMatcher({ name: 'r', columns: [pattern], action: { type: 'Redact' }, unless: [] });
        const fits = matcher(object)?.({ object, column }, column.toUpperCase()) ?? false;
        expect(fits).toBe(matchesColumn(pattern, { object, column }));
        if (fits) fitting += 1;
      },
    ),
    { numRuns: 2000 },
  );
  expect(fitting).toBeGreaterThan(20);
});
