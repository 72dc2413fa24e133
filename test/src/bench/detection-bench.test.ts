import { beforeAll, describe, expect, test } from '@jest/globals';
import { DETECTION_COLUMNS, type DetectionResults, describeDetection, measureDetection } from './detection-bench.js';
import { createRandom } from './statistics.js';

/** What was measured is not judged: a busy machine must not fail a test. */
describe('a quick run of the detection benchmark', () => {
  let results: DetectionResults;

  beforeAll(async () => {
    results = await measureDetection({
      rounds: 1,
      values: 500,
      sampleMillis: 2,
      hostileBytes: 200,
      random: createRandom(7),
    });
  });

  test('measures every column in every form beside the regexes', () => {
    for (const column of DETECTION_COLUMNS) {
      const rows = results.columns.filter((row) => row.column === column);
      expect(rows.length).toBeGreaterThanOrEqual(5);
      for (const row of rows) expect(row.megabytesPerCpuSecond).toBeGreaterThan(0);
      expect(rows[0]?.overRegexes).toBe(1);
    }
  });

  test('measures hostile values and prints everything', () => {
    for (const row of results.hostile) expect(row.detectorMillis).toBeGreaterThan(0);
    expect(describeDetection(results)).toContain('identifiers');
  });
});
