import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MISSING_FIO } from './recording-bench.js';
import type { BenchReport } from './report.js';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const RUN_MS = 150_000;

/** What was measured is not judged: a busy machine must not fail a test. */
describe('a quick run of the benchmark', () => {
  const directory = mkdtempSync(join(tmpdir(), 'piste-bench-test-'));
  let printed = '';
  let report: BenchReport;

  beforeAll(() => {
    const output = join(directory, 'bench.json');
    const run = spawnSync(process.execPath, ['--no-warnings', PROGRAM, '--quick', '--seed', '7', '--output', output], {
      encoding: 'utf8',
      timeout: RUN_MS,
    });
    if (run.status !== 0) throw new Error(`the benchmark failed\n${run.stdout}${run.stderr}`);
    printed = run.stdout;
    report = JSON.parse(readFileSync(output, 'utf8')) as BenchReport;
  }, RUN_MS + 10_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('sends statements through every variant and measures each', () => {
    const expected = ['direct', 'gateway, masked', 'gateway, unmasked'];
    expect(report.statements.rows.map(({ variant }) => variant)).toEqual(expect.arrayContaining(expected));
    for (const row of report.statements.rows) {
      expect(row.requests).toBeGreaterThan(0);
      expect(row.p50Micros).toBeGreaterThan(0);
      expect(row.p99Micros).toBeGreaterThanOrEqual(row.p50Micros);
      if (row.variant !== 'direct') expect(row.cpuMicrosPerRequest).toBeGreaterThan(0);
    }
    expect(report.statements.syncP50Micros).toBeGreaterThan(0);
    expect(report.recordBytesPerStatement).toBeGreaterThan(0);
  });

  test('relays large results and analyses statements, and measures both', () => {
    for (const row of report.relay) expect(row.megabytesPerSecond).toBeGreaterThan(0);
    expect(report.relay.length).toBeGreaterThanOrEqual(3);
    for (const row of report.analysis) expect(row.p99Micros).toBeGreaterThan(0);
    expect(report.analysis.reduce((sum, row) => sum + row.statements, 0)).toBeGreaterThan(200);
  });

  test('masks results in every way there is, and judges each without a baseline', () => {
    for (const row of report.kernels.rows) expect(row.perCpuSecond).toBeGreaterThan(0);
    for (const { reached } of report.kernels.ratios) expect(reached).toBeGreaterThan(0);
    expect(new Set(report.kernels.rows.map(({ group }) => group))).toEqual(new Set(['json', 'arrow', 'hmac', 'ff1']));
  });

  test('judges the goals beside nginx and fio, or says loudly that there is no baseline', () => {
    const { baseline, recording, kernels, goals } = report;
    const ownGoals = kernels.ratios.length + (recording.fioP50Millis === undefined ? 5 : 6);
    expect(goals).toHaveLength(baseline === undefined ? ownGoals : 5 + ownGoals);
    if (baseline === undefined) expect(printed).toContain('nginx IS MISSING');
    if (recording.fioP50Millis === undefined) expect(printed).toContain(MISSING_FIO);
    // Memory may also shrink.
    for (const { name, reached } of goals) if (!name.startsWith('memory growth')) expect(reached).toBeGreaterThan(0);
  });

  test('prints the seed that repeats its order', () => {
    expect(printed).toMatch(/^seed +7,/m);
  });
});
