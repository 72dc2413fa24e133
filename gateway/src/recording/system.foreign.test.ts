import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { readLog, verifyDirectory } from '@piste/verifier';
import { openTestRecording, trustIn, withDirectory } from './recording-fixture.js';

// The real system calls of the writer fail here, and real disks fill up. Needs strace and the right to trace, to mount.

const run = promisify(execFile);
const WRITER = fileURLToPath(new URL('./kill-writer.js', import.meta.url));
const RECIPIENT = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';
const MEGABYTE = 1024 * 1024;

interface Outcome {
  readonly acknowledged: readonly string[];
  readonly refused: number | undefined;
  /** How the process ended, and what it complained about. */
  readonly end: string;
}

async function record(command: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
  const end = await new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(`${code ?? signal} ${complaints}`)),
  );
  const lines = text.split('\n').slice(0, -1);
  const refused = lines.find((line) => line.startsWith('refused '));
  return {
    acknowledged: lines.filter((line) => /^[0-9a-f]{64}$/.test(line)),
    refused: refused === undefined ? undefined : Number(refused.slice('refused '.length)),
    end,
  };
}

/** What was acknowledged is there, nobody is accused, and a new start takes over, once there is room. */
async function expectSound(directory: string, { acknowledged }: Outcome): Promise<void> {
  const kept = new Set<string>();
  for await (const { leafHash } of readLog(directory, () => false)) kept.add(leafHash);
  expect(acknowledged.filter((leafHash) => !kept.has(leafHash))).toEqual([]);
  const { findings } = await verifyDirectory(directory);
  expect(findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
}

const canTrace = spawnSync('strace', ['-qq', '-e', 'trace=none', process.execPath, '--version']).status === 0;
if (!canTrace) process.stderr.write('*** strace IS MISSING OR MAY NOT TRACE: failing system calls are not tried.\n');

(canTrace ? describe : describe.skip)('system calls that fail', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['pwritev', 'error=EIO'],
    ['pwritev', 'error=ENOSPC'],
    ['fsync', 'error=EIO'],
    ['ftruncate', 'error=EIO'],
  ];
  const places = process.env['PISTE_TORTURE'] === '1' ? [1, 2, 3, 4, 5, 6, 7, 10, 20, 60] : [2, 9];
  const all = cases.flatMap(([call, fault]) => places.map((place) => [call, fault, place] as const));

  test.each(all)(
    '%s with %s at call %i: what was acknowledged stands',
    (call, fault, place) =>
      withDirectory(async (directory) => {
        const inject = `inject=${call}:${fault}:when=${place}`;
        const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
        const outcome = await record('timeout', [
          '--signal=KILL',
          '20',
          'strace',
          ...traced,
          process.execPath,
          WRITER,
          directory,
          RECIPIENT,
        ]);
        await expectSound(directory, outcome);
        // A call that lies about what it wrote leaves a hole: nothing after it is believed, and the writer cannot know.
        if (fault.startsWith('error')) expect([undefined, 10]).toContain(outcome.refused);
      }),
    60_000,
  );
});

async function mounted(args: readonly string[], use: (path: string) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const path = join(parent, 'disk');
    await mkdir(path);
    await run('mount', [...args, path]);
    try {
      await use(path);
    } finally {
      await run('umount', [path]);
    }
  });
}

const canMount = await mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], async () => undefined).then(
  () => true,
  () => false,
);
if (!canMount) process.stderr.write('*** MOUNTING IS NOT PERMITTED: disks that are really full are not tried.\n');

(canMount ? describe : describe.skip)('a disk that is really full', () => {
  async function fill(directory: string): Promise<void> {
    const outcome = await record(process.execPath, [WRITER, directory]);
    expect(outcome).toMatchObject({ refused: 10, end: '0 ' });
    expect(outcome.acknowledged.length).toBeGreaterThan(50);
    await expectSound(directory, outcome);
  }

  test.each(['3m', '3100k', '3300k', '3456k'])('in memory, %s', (size) =>
    mounted(['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs'], fill),
  );

  test('ext4 on a file of 12 MB', () =>
    withDirectory(async (parent) => {
      const image = join(parent, 'image');
      const file = await open(image, 'w');
      await file.truncate(12 * MEGABYTE);
      await file.close();
      await run('mkfs.ext4', ['-q', '-F', image]);
      await mounted(['-o', 'loop', image], async (path) => fill(join(path, 'recording')));
    }));

  test('goes on after there is room again, with a new start', () =>
    mounted(['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs'], async (path) => {
      await fill(path);
      await run('mount', ['-o', 'remount,size=8m', path]);
      const random = (byteCount: number): Uint8Array => new Uint8Array(byteCount).fill(255);
      const next = await openTestRecording(path, { random });
      await next.close();
      const { findings } = await verifyDirectory(path, await trustIn(next));
      expect(findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
    }));
});
