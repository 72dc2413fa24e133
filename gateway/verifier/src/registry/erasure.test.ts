import { expect, test } from '@jest/globals';
import { erasuresIn } from './erasure.js';
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
