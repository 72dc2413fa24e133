import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type ObjectSource, openObjectSource, viewSpooledRecording } from '@piste/gateway/dist/archive/index.js';
import { followRecording } from '@piste/gateway/dist/reconcile/follow-recording.js';
import { openDirectory, type RecordingSource, readLog } from '@piste/verifier';
import {
  type ArchiveUnderTest,
  type MadeLog,
  makeLog,
  openArchiveUnderTest,
  PREFIX,
  type Spooling,
  spoolOf,
} from './archive-fixture.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

let made: MadeLog;
let whole: readonly string[];
let fake: FakeS3;
let spooling: Spooling;
let under: ArchiveUnderTest;

beforeAll(async () => {
  made = await makeLog(80);
  whole = await leavesOf(made.directory);
});
afterAll(async () => rm(made.directory, { recursive: true, force: true }));
beforeEach(async () => {
  fake = await startFakeS3();
  spooling = await spoolOf(made);
  under = await openArchiveUnderTest({ fake, directory: spooling.directory, live: spooling.live });
});
afterEach(async () => {
  await spooling.remove();
  await fake.stop();
});

const openSource = (): ObjectSource => openObjectSource(openFakeStore(fake, PREFIX));

async function leavesOf(recording: Parameters<typeof readLog>[0]): Promise<readonly string[]> {
  const leaves: string[] = [];
  for await (const { log, index, leafHash } of readLog(recording)) leaves.push(`${log} ${index} ${leafHash}`);
  return leaves;
}

async function viewed(sinceMs = 0) {
  const objects = openSource();
  const { source, copies } = await viewSpooledRecording(openDirectory(spooling.directory), objects, sinceMs);
  const leaves = await leavesOf(source);
  await source.close();
  return { leaves, copies: [...copies] };
}

/** Compares with no rows: complete, as nothing here let a statement run, unless records are missed. */
async function compare(open: () => ObjectSource = openSource) {
  const archive = { bucket: 'b', prefix: '', endpoint: undefined, region: 'r', credentialsFile: undefined };
  const options = { nowMs: Date.now(), viewLagMs: 0, statementsSinceMs: Date.now(), recordsAreNewer: true };
  const { report } = await followRecording({ directory: spooling.directory, archive }, async () => open()).compare(
    [],
    options,
  );
  return { outcome: report.outcome, messages: report.findings.map(({ message }) => message).join('\n') };
}

test('directory and archive together hold each record once at every moment of the way', async () => {
  expect(made.segments.length).toBeGreaterThan(3);
  let seen = 0;
  while ((await spooling.next()) > 0) {
    const before = await viewed();
    expect(before.leaves).toEqual(whole.slice(0, before.leaves.length));
    expect(before.leaves.length).toBeGreaterThan(seen);
    await under.ship();
    expect(await viewed()).toEqual(before);
    seen = before.leaves.length;
  }
  expect(seen).toBe(whole.length);
  // A log of which nothing lies in the directory is a copy.
  await rm(join(spooling.directory, made.ulid), { recursive: true });
  expect(await viewed()).toEqual({ leaves: whole, copies: [made.ulid] });
  expect(await viewed(Date.now() + 86_400_000)).toEqual({ leaves: [], copies: [made.ulid] });
});

test('a segment that leaves the disk while it is read is read from the archive', async () => {
  while ((await spooling.next()) > 0);
  let lists = 0;
  const racing = (): ObjectSource => {
    const objects = openSource();
    return {
      ...objects,
      // The directory was listed before.
      async list() {
        lists += 1;
        if (lists === 1) await under.ship();
        return objects.list();
      },
    };
  };
  expect(await compare(racing)).toEqual({ outcome: 'complete', messages: '' });
  expect([lists, (await spooling.local()).includes(2)]).toEqual([2, false]);
});

test('what moved to the archive after it was read is not read again', async () => {
  let bytes = 0;
  const counting = <T extends Pick<RecordingSource, 'read'>>(source: T): T => ({
    ...source,
    async read(path: string, from: number, length: number) {
      const found = await source.read(path, from, length);
      bytes += found.byteLength;
      return found;
    },
  });
  const archive = { bucket: 'b', prefix: '', endpoint: undefined, region: 'r', credentialsFile: undefined };
  const followed = followRecording({ directory: spooling.directory, archive }, async () => counting(openSource()), {
    openLocal: (directory) => counting(openDirectory(directory)),
  });
  const options = { nowMs: Date.now(), viewLagMs: 0, statementsSinceMs: Date.now(), recordsAreNewer: true };
  const read = async () => {
    bytes = 0;
    const { report } = await followed.compare([], options);
    return { outcome: report.outcome, bytes };
  };
  const sizes: number[] = [];
  for (let segment = 1; segment < made.segments.length; segment += 1) sizes.push(await spooling.next());
  const first = await read();
  expect(first).toEqual({ outcome: 'complete', bytes: expect.any(Number) });
  expect(first.bytes).toBeGreaterThan(sizes.reduce((sum, size) => sum + size));
  await under.ship();
  const last = await spooling.next();
  expect(await spooling.local()).not.toContain(2);
  const second = await read();
  // The last segment, the end of the one before it, and how many zeros there are.
  expect(second).toEqual({ outcome: 'complete', bytes: expect.any(Number) });
  expect(second.bytes).toBeLessThan(last + 2_000);
  await under.ship();
  // The last commit, where it lies now.
  expect((await read()).bytes).toBeLessThan(1_000);
  expect(await read()).toEqual({ outcome: 'complete', bytes: 0 });
  // Somebody removes what was read.
  const key = `${PREFIX}/${made.ulid}/00000002.sfr`;
  const [stored] = fake.bucket.versions(key);
  if (stored === undefined) throw new Error('the second segment is archived');
  stored.mode = undefined;
  fake.bucket.remove(key, stored.version, false);
  expect((await read()).outcome).toBe('alarm');
});

test('what neither holds, and an archive that does not answer, are in the way of a conclusion', async () => {
  while ((await spooling.next()) > 0);
  await under.ship();
  expect(await compare()).toEqual({ outcome: 'complete', messages: '' });
  const key = `${PREFIX}/${made.ulid}/00000003.sfr`;
  const [stored] = fake.bucket.versions(key);
  if (stored === undefined) throw new Error('the third segment is archived');
  stored.mode = undefined;
  fake.bucket.remove(key, stored.version, false);
  expect(await compare()).toEqual({
    outcome: 'cannot-conclude',
    messages: expect.stringMatching(/can be read only up to its \d+ first records \(missing-segment\)/),
  });
  fake.fail({ fault: 'reset' });
  expect(await compare()).toEqual({
    outcome: 'cannot-conclude',
    messages: expect.stringMatching(/the archive cannot be read: archive list/),
  });
});
