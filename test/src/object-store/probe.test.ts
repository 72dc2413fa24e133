import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import {
  type Check,
  complaintsAbout,
  type LockMode,
  ObjectStoreError,
  probeStore,
  type StoreCapabilities,
} from '@piste/gateway/dist/archive/index.js';
import type { Manners } from './fake-bucket.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

let fake: FakeS3 | undefined;
afterEach(async () => {
  await fake?.stop();
  fake = undefined;
});

async function probe(manners: Partial<Manners>, mode: LockMode = 'GOVERNANCE'): Promise<StoreCapabilities> {
  fake = await startFakeS3({ manners });
  const store = openFakeStore(fake);
  try {
    return await probeStore({ store, nowMs: Date.now, random: randomBytes, mode });
  } finally {
    store.close();
  }
}

const failing = (can: StoreCapabilities): readonly string[] =>
  complaintsAbout(can).map((line) => line.slice(0, line.indexOf(':')));

test.each(['GOVERNANCE', 'COMPLIANCE'] as const)('a store with working %s locks is taken', async (mode) => {
  expect(Object.values(await probe({}, mode)).every(Boolean)).toBe(true);
});

const LIARS: readonly (readonly [string, Partial<Manners>, readonly Check[]])[] = [
  ['has no lock configuration', { lock: 'missing' }, ['lock', 'retained', 'undeletable']],
  ['shows locks it does not keep to', { lock: 'pretended' }, ['undeletable']],
  ['takes lock headers and forgets them', { lock: 'unstored' }, ['retained', 'undeletable']],
  ['ignores If-None-Match', { creation: 'overwrites' }, ['creation']],
  ['ignores If-Match', { replacement: 'unconditional' }, ['replacement']],
  ['keeps no versions', { versions: false }, ['undeletable', 'versions']],
  ['locks everything by default', { defaultRetentionMs: 86_400_000 }, ['erasable']],
  ['lets the gateway bypass governance locks', { bypass: true }, ['undeletable']],
  [
    'is plain',
    { lock: 'missing', versions: false, creation: 'overwrites', replacement: 'unconditional', checksums: false },
    ['lock', 'retained', 'undeletable', 'creation', 'replacement', 'versions'],
  ],
];

test.each(LIARS)('a store that %s is refused, and the complaint says so', async (_, manners, expected) => {
  expect(failing(await probe(manners))).toEqual(expected);
});

test('a store that only keeps no checksums is taken', async () => {
  const can = await probe({ checksums: false });
  expect(can.checksums).toBe(false);
  expect(complaintsAbout(can)).toEqual([]);
});

test('compliance locks hold against a bypass that governance locks do not', async () => {
  expect(failing(await probe({ bypass: true }, 'COMPLIANCE'))).toEqual([]);
});

test('a store that does not answer is an outage, not a verdict', async () => {
  fake = await startFakeS3();
  fake.fail({ fault: '503' });
  const store = openFakeStore(fake);
  await expect(probeStore({ store, nowMs: Date.now, random: randomBytes, mode: 'GOVERNANCE' })).rejects.toBeInstanceOf(
    ObjectStoreError,
  );
  store.close();
});

test('probes sweep away what old ones left, and leave young ones alone', async () => {
  let now = Date.now();
  fake = await startFakeS3({ nowMs: () => now });
  const store = openFakeStore(fake);
  const run = () => probeStore({ store, nowMs: () => now, random: randomBytes, mode: 'GOVERNANCE' });
  await run();
  const first = fake.bucket.keys();
  await run();
  expect(fake.bucket.keys()).toEqual(expect.arrayContaining([...first]));
  now += 3_600_000;
  await run();
  expect(fake.bucket.keys().filter((key) => first.includes(key))).toEqual([]);
  store.close();
});
