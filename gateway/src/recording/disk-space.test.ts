import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EntryKind } from '@piste/verifier';
import { type DiskSpace, openDiskSpace } from './disk-space.js';
import { entry, openTestRecording, permitOf, SILENT_LOG, withDirectory } from './recording-fixture.js';
import { RecordRefused } from './recording-unavailable.js';

const MEGABYTE = 1024 * 1024;
const MIN_FREE = 64 * MEGABYTE;

/** A volume whose free space the test says, and the look that happens every second. */
async function openVolume(freeBytes: number) {
  const told: boolean[] = [];
  let answer = (): Promise<number> => Promise.resolve(freeBytes);
  let run = (): void => undefined;
  const directory = await mkdtemp(join(tmpdir(), 'piste-space-'));
  const space = await openDiskSpace({
    directory,
    minFreeBytes: MIN_FREE,
    timers: {
      every: (_milliseconds, work) => {
        run = work;
        return () => undefined;
      },
    },
    log: SILENT_LOG,
    metrics: { free: () => undefined, blocked: (isBlocked) => void told.push(isBlocked) },
    freeBytes: () => answer(),
  });
  await rm(directory, { recursive: true });
  return {
    space,
    told,
    look: async (found: () => Promise<number>): Promise<void> => {
      answer = found;
      run();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const refused = (space: DiskSpace, kind: EntryKind, bytes = 1000, queuedBytes = 0): boolean =>
  space.refuses(kind, kind === 'decision', { bytes, queuedBytes }) !== undefined;

describe('space on the volume', () => {
  const kinds = ['request', 'session.open', 'decision', 'response', 'control', 'session.close'] as const;
  test.each([
    [MIN_FREE + MEGABYTE, []],
    [MIN_FREE - 1, ['request', 'session.open', 'decision']],
    [MIN_FREE / 4 + 500, ['request', 'session.open', 'decision', 'response', 'control']],
    [0, ['request', 'session.open', 'decision', 'response', 'control']],
  ])('%i bytes free: what begins is refused first, what ends a session never', async (free, expected) => {
    const { space } = await openVolume(free);
    expect(kinds.filter((kind) => refused(space, kind))).toEqual(expected);
    expect(space.trouble === undefined).toBe(free > MIN_FREE);
  });

  test('rows leave more space untouched than refusals do', async () => {
    const { space } = await openVolume(MIN_FREE / 2);
    expect(refused(space, 'chunk', MEGABYTE)).toBe(true);
    expect(refused(space, 'response', 1000)).toBe(false);
  });

  test('what was committed or waits for the disk since the last look counts', async () => {
    const { space, look } = await openVolume(MIN_FREE + 10 * MEGABYTE);
    expect(refused(space, 'request', 1000, 9 * MEGABYTE)).toBe(false);
    expect(refused(space, 'request', 1000, 11 * MEGABYTE)).toBe(true);
    space.committed(11 * MEGABYTE);
    expect(refused(space, 'request')).toBe(true);
    const slow = Promise.withResolvers<number>();
    await look(() => slow.promise);
    // During the look: nobody knows whether it was seen, so it counts once more.
    space.committed(2 * MEGABYTE);
    slow.resolve(MIN_FREE + MEGABYTE);
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused(space, 'request')).toBe(true);
    await look(() => Promise.resolve(MIN_FREE + MEGABYTE));
    expect(refused(space, 'request')).toBe(false);
  });

  test('a volume that cannot be asked counts as full, until it answers', async () => {
    const { space, look, told } = await openVolume(MIN_FREE * 2);
    await look(() => Promise.reject(new Error('EIO')));
    expect([refused(space, 'request'), refused(space, 'response'), refused(space, 'session.close')]).toEqual([
      true,
      true,
      false,
    ]);
    await look(() => Promise.resolve(MIN_FREE * 2));
    expect(refused(space, 'request')).toBe(false);
    expect(told).toEqual([false, true, false]);
  });
});

test('a recording asks before each record, and ends its log on a volume that refuses', () =>
  withDirectory(async (directory) => {
    const { space, look } = await openVolume(MIN_FREE * 2);
    const recording = await openTestRecording(directory, { refuses: (...asked) => space.refuses(...asked) });
    const request = () =>
      recording.recordRequest(
        permitOf('select 1'),
        entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: 'select 1' }),
      );
    await request();
    expect(recording.refusesNew('analytics')).toBeUndefined();
    await look(() => Promise.resolve(0));
    await expect(request()).rejects.toThrow(RecordRefused);
    expect(recording.refusesNew('analytics')).toMatch(/too little space/);
    await expect(recording.recordAnswer(entry('response', { qid: 'q' }), Buffer.alloc(10))).rejects.toThrow(
      RecordRefused,
    );
    await recording.append(entry('session.close'));
    expect(recording.failed).toBe(false);
    await look(() => Promise.resolve(MIN_FREE * 2));
    await request();
    await recording.close();
  }));
