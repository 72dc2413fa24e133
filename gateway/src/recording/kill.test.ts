import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readLog, verifyDirectory } from '@piste/verifier';
import { openTestRecording, trustIn, withDirectory } from './recording-fixture.js';

const RUNS = process.env['PISTE_TORTURE'] === '1' ? 200 : 12;
const WRITER = fileURLToPath(new URL('./kill-writer.js', import.meta.url));
const RECIPIENT = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';

/** Starts a writer, kills it after `acknowledgements` reports have been read, and returns all reports that got out. */
async function runAndKill(args: readonly string[], acknowledgements: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [WRITER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.split('\n').length > acknowledgements) child.kill('SIGKILL');
  }
  // A last line without its newline was cut by the kill.
  return text.split('\n').slice(0, -1);
}

describe('a writer killed at a random moment', () => {
  test(`loses nothing it acknowledged in ${RUNS} runs, and leaves logs that verify`, async () => {
    let acknowledged = 0;
    let segments = 0;
    for (let run = 0; run < RUNS; run += 1) {
      await withDirectory(async (directory) => {
        const args = run % 2 === 0 ? [directory] : [directory, RECIPIENT];
        const reports = await runAndKill(args, 1 + ((run * 37) % 400));
        const kept = new Set<string>();
        for await (const { leafHash } of readLog(directory, () => false)) kept.add(leafHash);
        expect(reports.filter((report) => !kept.has(report))).toEqual([]);
        acknowledged += reports.length;
        const next = await openTestRecording(directory, { random: (byteCount) => new Uint8Array(byteCount).fill(255) });
        await next.close();
        const verdict = await verifyDirectory(directory, await trustIn(next));
        expect(verdict.findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
        expect(verdict.logs[0]).toMatchObject({ records: kept.size });
        segments += (verdict.logs[0]?.bytes ?? 0) / 200_000;
      });
    }
    expect(acknowledged).toBeGreaterThan(RUNS * 50);
    // Some were killed while they went on to another segment, or shortly before or after.
    expect(segments).toBeGreaterThan(RUNS);
  }, 1_800_000);
});
