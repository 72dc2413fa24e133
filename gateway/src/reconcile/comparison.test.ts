import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openTestRecording, withDirectory } from '../recording/recording-fixture.js';
import { type Comparisons, compareInWorker } from './comparison.js';
import { historyRow, NOW_MS, VIEW_LAG_MS } from './reconcile-fixture.js';

const OPTIONS = { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS, sinceMs: 0 };

async function withComparisons(
  keeps: boolean,
  use: (comparisons: Comparisons, directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const recording = await openTestRecording(directory);
    const comparisons = compareInWorker({ directory, archive: undefined }, { keeps });
    try {
      await use(comparisons, directory);
    } finally {
      await comparisons.close();
      await recording.close();
    }
  });
}

async function compare(comparisons: Comparisons, rows: number): Promise<number> {
  const comparison = comparisons.begin();
  try {
    for (let row = 0; row < rows; row += 1) comparison.add([historyRow()]);
    const { report } = await comparison.finish(OPTIONS);
    return report.rows.unrecorded;
  } finally {
    await comparison.close();
  }
}

test.each([true, false])(
  'comparisons side by side do not see the rows of each other (thread kept: %s)',
  async (keeps) => {
    await withComparisons(keeps, async (comparisons) => {
      const counts = [3, 0, 5];
      expect(await Promise.all(counts.map((rows) => compare(comparisons, rows)))).toEqual(counts);
      // One that was given up leaves nothing behind.
      const given = comparisons.begin();
      given.add([historyRow()]);
      await given.close();
      expect(await compare(comparisons, 2)).toBe(2);
    });
  },
);

test('a comparison that cannot read the records fails, and the next one does not', async () => {
  await withComparisons(true, async (comparisons, directory) => {
    const broken = compareInWorker({ directory: join(directory, 'later'), archive: undefined }, { keeps: true });
    await expect(compare(broken, 1)).rejects.toThrow(/ENOENT/);
    await mkdir(join(directory, 'later'));
    expect(await compare(broken, 1)).toBe(1);
    await broken.close();
    expect(await compare(comparisons, 1)).toBe(1);
  });
});

test('who waits when the thread ends is told, and the next comparison has a new one', async () => {
  await withComparisons(true, async (comparisons) => {
    const comparison = comparisons.begin();
    const late = comparisons.begin();
    const waiting = comparison.finish(OPTIONS);
    await comparisons.close();
    await expect(waiting).rejects.toThrow('ended without an answer');
    await expect(late.finish(OPTIONS)).rejects.toThrow('ended without an answer');
    expect(await compare(comparisons, 1)).toBe(1);
  });
});
