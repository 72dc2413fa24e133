import { describe, expect, test } from '@jest/globals';
import { createRandom, inShuffledRounds, median, pairedRatio, percentile, shuffled } from './statistics.js';

describe('statistics of the benchmark', () => {
  test('the median is the middle value or the mean of the two middles', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('a percentile is a value that was measured', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 100]);
  });

  test('a paired ratio is not moved by a round that was slow for both', () => {
    expect(pairedRatio([2, 200, 2], [1, 100, 1])).toBe(2);
  });

  test('the same seed gives the same order, and every item stays', () => {
    const items = ['a', 'b', 'c', 'd', 'e'];
    const order = shuffled(items, createRandom(7));
    expect(shuffled(items, createRandom(7))).toEqual(order);
    expect(order.toSorted()).toEqual(items);
    expect(order).not.toEqual(shuffled(items, createRandom(8)));
  });

  test('the first round warms up and is not counted', async () => {
    const seen: boolean[] = [];
    const samples = await inShuffledRounds({
      variants: ['one', 'two'],
      rounds: 3,
      random: createRandom(1),
      measure: async (_variant, isWarmUp) => seen.push(isWarmUp),
    });
    expect(seen).toEqual([true, true, false, false, false, false, false, false]);
    expect(samples.get('one')?.length).toBe(3);
  });
});
