import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openObjectSource } from '@piste/gateway/dist/archive/index.js';
import { openTestRecording } from '@piste/gateway/dist/recording/recording-fixture.js';
import { openDirectory, type Trust, type Verdict, verify } from '@piste/verifier';
import { openArchiveUnderTest, PREFIX } from './archive-fixture.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

let fake: FakeS3;
let directory: string;

beforeEach(async () => {
  fake = await startFakeS3();
  directory = await mkdtemp(join(tmpdir(), 'piste-archived-'));
});
afterEach(async () => {
  await fake.stop();
  await rm(directory, { recursive: true, force: true });
});

const clock = { nowMs: Date.now, monotonicNs: () => process.hrtime.bigint() };

/** Records a log; the trust covers it up to, or with, its end. */
async function record(records: number, covered: 'before-close' | 'closed' = 'closed'): Promise<Trust> {
  const recording = await openTestRecording(directory, { clock, random: randomBytes, segmentBytes: 9000 });
  for (let at = 0; at < records; at += 1) {
    const bodies = at % 3 === 0 ? [] : [{ name: 'rows', bytes: randomBytes(700 + at) }];
    await recording.append({ kind: 'control', sessionId: undefined, fields: { op: `op ${at}` }, bodies });
  }
  const before = await recording.checkpoint();
  await recording.close();
  const { vkey, origin, size, root, note } = covered === 'closed' ? await recording.checkpoint() : before;
  return { writers: [vkey], checkpoints: [{ origin, size, root, note }] };
}

/** As if the process had died in the middle of a write: no end, and half a frame. */
async function tear(): Promise<void> {
  const [ulid = ''] = (await readdir(directory)).sort();
  const last = join(directory, ulid, (await readdir(join(directory, ulid))).sort().at(-1) ?? '');
  const { size } = await stat(last);
  await truncate(last, size - 200);
  await appendFile(last, randomBytes(64));
  await appendFile(last, Buffer.alloc(4096));
}

async function shipAll(): Promise<void> {
  const live = { ulid: '01M8D8RDGFZ3JK1D5VB194DGXZ', finishSegment: async () => 0 };
  const { failures } = await openArchiveUnderTest({ fake, directory, live });
  expect(failures).toEqual([]);
}

async function verifyArchive(trust: Trust): Promise<Verdict> {
  const source = openObjectSource(openFakeStore(fake, PREFIX));
  try {
    return await verify([source], trust);
  } finally {
    await source.close();
  }
}

const outline = ({ outcome, findings, logs, counts }: Verdict) => ({
  outcome,
  findings: findings.map(({ severity, code, index, log }) => ({ severity, code, index, log })),
  records: counts.records,
  logs: logs.length,
});

test('an archive verifies as the directory it came from, torn end and all', async () => {
  const first = await record(30, 'before-close');
  await tear();
  const second = await record(20);
  const trust = {
    writers: [...first.writers, ...second.writers],
    checkpoints: [...first.checkpoints, ...second.checkpoints],
  };
  const before = outline(await verify([openDirectory(directory)], trust));
  await shipAll();
  const after = await verifyArchive(trust);
  expect(before).toMatchObject({ outcome: 'sound', logs: 2 });
  expect(before.findings.map(({ code }) => code)).toContain('torn-tail');
  expect(outline(after)).toEqual(before);
});

test('a byte changed in either object is proven', async () => {
  const trust = await record(30);
  await shipAll();
  for (const form of ['sfr', 'sfb']) {
    const key = fake.bucket.keys().find((name) => name.endsWith(`00000002.${form}`)) ?? '';
    const [stored] = fake.bucket.versions(key);
    const at = (stored?.bytes.length ?? 0) - 30;
    const flip = (): void => void stored?.bytes.writeUInt8(stored.bytes.readUInt8(at) ^ 1, at);
    flip();
    expect((await verifyArchive(trust)).outcome).toBe('tampered');
    flip();
    expect((await verifyArchive(trust)).outcome).toBe('sound');
  }
});

test('bodies that are gone leave the records provable, and are missed', async () => {
  const trust = await record(30);
  await shipAll();
  const key = fake.bucket.keys().find((name) => name.endsWith('00000002.sfb')) ?? '';
  const [stored] = fake.bucket.versions(key);
  if (stored !== undefined) stored.mode = undefined;
  fake.bucket.remove(key, stored?.version, false);
  const verdict = await verifyArchive(trust);
  expect(verdict.outcome).toBe('cannot-conclude');
  expect(verdict.findings.map(({ code }) => code)).toEqual(['bodies-missing']);
});
