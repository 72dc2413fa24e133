import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readLog, verifyDirectory } from '@piste/verifier';
import { openTestRecording, trustIn, withDirectory } from './recording-fixture.js';

const RUNS = 24;
const WRITER = fileURLToPath(new URL('./kill-writer.js', import.meta.url));

/** Starts a writer, kills it after `acknowledgements` reports have been read, and returns all reports that got out. */
async function runAndKill(directory: string, acknowledgements: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [WRITER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
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
    for (let run = 0; run < RUNS; run += 1) {
      await withDirectory(async (directory) => {
        const reports = await runAndKill(directory, 1 + ((run * 37) % 400));
        const kept = new Set<string>();
        for await (const { leafHash } of readLog(directory, () => false)) kept.add(leafHash);
        expect(reports.filter((report) => !kept.has(report))).toEqual([]);
        acknowledged += reports.length;
        const next = await openTestRecording(directory, { random: (byteCount) => new Uint8Array(byteCount).fill(255) });
        await next.close();
        const verdict = await verifyDirectory(directory, await trustIn(next));
        expect(verdict.findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
        expect(verdict.logs[0]).toMatchObject({ records: kept.size });
      });
    }
    expect(acknowledged).toBeGreaterThan(RUNS * 50);
  }, 120_000);
});
