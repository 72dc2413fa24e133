import { expect, test } from '@jest/globals';
import { erasuresIn, holdsIn } from './erasure.js';
import type { RegistryEntry } from './registry-entry.js';

const retention = (segs: readonly number[], timeMs = 1): RegistryEntry => ({
  kind: 'retention',
  timeMs,
  fields: { before: 1, bodies: [{ origin: 'test/w/one', segs: [...segs] }] },
});

test('segments that a retention names are found by their ranges, the newest entry first', () => {
  const erasures = erasuresIn({ entries: [retention([1, 3, 7, 7]), retention([3, 4], 2)] });
  const found = [1, 2, 3, 4, 5, 7, 8].map((segment) => erasures.bodies('test/w/one', segment)?.index);
  expect(found).toEqual([0, 0, 1, 1, undefined, 0, undefined]);
  expect(erasures.bodies('test/w/two', 1)).toBeUndefined();
});

test('an entry of wide ranges costs no more than a narrow one', () => {
  const wide = Array.from({ length: 4_000 }, () => [0, 999_998]).flat();
  expect(erasuresIn({ entries: [retention(wide)] }).bodies('test/w/one', 5)?.index).toBe(0);
});

test('two holds set under one id at the same time both stand until it is released', () => {
  const hold = (v: 'set' | 'release', sid?: string): RegistryEntry => ({
    kind: 'hold',
    timeMs: 1,
    fields: { id: 'case-1', v, reason: 'lawsuit', ...(sid === undefined ? {} : { sid }) },
  });
  const both = [hold('set', 's-1'), hold('set', 's-2')];
  expect(holdsIn(both).map(({ sessionId }) => sessionId)).toEqual(['s-1', 's-2']);
  expect(holdsIn([...both, hold('release')])).toEqual([]);
});
