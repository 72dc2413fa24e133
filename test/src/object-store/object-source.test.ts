import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  createObjectErasure,
  createRegistryObjects,
  type ObjectFinding,
  type ObjectSource,
  openObjectSource,
  type SegmentAnnouncement,
} from '@piste/gateway/dist/archive/index.js';
import { type MadeLog, makeLog, openArchiveUnderTest, PREFIX, spoolOf } from './archive-fixture.js';
import type { StoredVersion } from './fake-bucket.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

let made: MadeLog;
let fake: FakeS3;
let segments: readonly SegmentAnnouncement[];
let source: ObjectSource;
let now: number;

beforeAll(async () => {
  made = await makeLog(14);
});
afterAll(async () => rm(made.directory, { recursive: true, force: true }));
beforeEach(async () => {
  now = Date.now();
  fake = await startFakeS3({ nowMs: () => now });
  const spooling = await spoolOf(made);
  const { announced, ship } = await openArchiveUnderTest({
    fake,
    directory: spooling.directory,
    live: spooling.live,
    nowMs: () => now,
  });
  while ((await spooling.next()) > 0);
  await ship();
  segments = announced;
  await spooling.remove();
  source = openObjectSource(openFakeStore(fake, PREFIX));
});
afterEach(async () => {
  await source.close();
  await fake.stop();
});

const keyOf = (path: string): string => `${PREFIX}/${path}`;
const firstOf = (form: 'sfr' | 'sfb'): string => `${made.ulid}/00000001.${form}`;
const stored = (path: string): StoredVersion | undefined => fake.bucket.versions(keyOf(path))[0];
const plain = { ifNoneMatch: false, ifMatch: undefined, mode: undefined, retainUntilMs: 0, hold: false };

async function findings(registered: readonly SegmentAnnouncement[] = segments): Promise<readonly string[]> {
  const found: readonly ObjectFinding[] = await source.objectFindings(registered, now);
  return found.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

async function readAll(path: string): Promise<Buffer> {
  const size = (await source.list()).find((file) => file.path === path)?.size ?? 0;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < size; at += 1000) pieces.push(await source.read(path, at, 1000));
  return Buffer.concat(pieces);
}

test('an archive as it should be has nothing to report, and the paths of a recording directory', async () => {
  expect(await findings()).toEqual([]);
  const paths = (await source.list()).map(({ path }) => path);
  expect(paths.sort()).toEqual(segments.flatMap(({ entries, bodies }) => [entries.key, bodies?.key ?? '']).sort());
  expect(await readAll(firstOf('sfr'))).toEqual(stored(firstOf('sfr'))?.bytes);
});

test('what was laid over an object is reported, and the object below is read', async () => {
  const original = stored(firstOf('sfr'))?.bytes;
  now += 5000;
  fake.bucket.put(keyOf(firstOf('sfr')), Buffer.from('another story'), plain);
  expect(await readAll(firstOf('sfr'))).toEqual(original);
  expect(await findings()).toEqual([`tampered shadow-version ${firstOf('sfr')}`]);
});

test('a delete marker is reported, and the object below is read', async () => {
  const original = stored(firstOf('sfb'))?.bytes;
  now += 5000;
  fake.bucket.remove(keyOf(firstOf('sfb')), undefined, false);
  expect(await readAll(firstOf('sfb'))).toEqual(original);
  expect(await findings()).toEqual([`tampered delete-marker ${firstOf('sfb')}`]);
});

test('a lock that ends before the promised time is reported', async () => {
  const object = stored(firstOf('sfr'));
  if (object !== undefined) object.retainUntilMs -= 86_400_000;
  expect(await findings()).toEqual([`tampered short-retention ${firstOf('sfr')}`]);
});

test('a lock that is gone is reported', async () => {
  const object = stored(firstOf('sfb'));
  if (object !== undefined) object.mode = undefined;
  expect(await findings()).toEqual([`tampered short-retention ${firstOf('sfb')}`]);
});

test('an object that is gone is tampering before its time and pruning after it', async () => {
  const object = stored(firstOf('sfb'));
  if (object !== undefined) object.mode = undefined;
  fake.bucket.remove(keyOf(firstOf('sfb')), object?.version, false);
  expect(await findings()).toEqual([`tampered missing-object ${firstOf('sfb')}`]);
  now += 91 * 86_400_000;
  expect(await findings()).toEqual([`note pruned-object ${firstOf('sfb')}`]);
});

test('an object that was never locked is pruned when the registry says so, and missing otherwise', async () => {
  const object = stored(firstOf('sfb'));
  if (object !== undefined) object.mode = undefined;
  fake.bucket.remove(keyOf(firstOf('sfb')), object?.version, false);
  const unlocked = segments.map((segment) =>
    segment.bodies === undefined ? segment : { ...segment, bodies: { ...segment.bodies, retainUntilMs: undefined } },
  );
  const outline = async (isPruned: boolean): Promise<readonly string[]> =>
    (
      await source.objectFindings(
        unlocked.map((segment) => ({ ...segment, isPruned })),
        now,
      )
    ).map(({ severity, code, path }) => `${severity} ${code} ${path}`);
  expect(await outline(false)).toEqual([`tampered missing-object ${firstOf('sfb')}`]);
  expect(await outline(true)).toEqual([`note pruned-object ${firstOf('sfb')}`]);
});

test('an object of other bytes under the registered version is reported', async () => {
  const object = stored(firstOf('sfr'));
  if (object !== undefined) Object.assign(object, { sha256: Buffer.alloc(32).toString('base64') });
  expect(await findings()).toEqual([`tampered object-mismatch ${firstOf('sfr')}`]);
});

test('a segment that nobody announced is reported', async () => {
  expect(await findings(segments.slice(1))).toEqual([
    `cannot-conclude unregistered-object ${firstOf('sfb')}`,
    `cannot-conclude unregistered-object ${firstOf('sfr')}`,
  ]);
});

test('of the checkpoint the newest version counts, of a key none below a delete marker', async () => {
  const registry = createRegistryObjects({
    store: openFakeStore(fake, PREFIX),
    retention: undefined,
    nowMs: () => now,
  });
  expect(await registry.compareAndPutCheckpoint(undefined, Buffer.from('one'))).toBe(true);
  const seen = await registry.get('checkpoint');
  now += 1000;
  expect(await registry.compareAndPutCheckpoint(seen?.version, Buffer.from('two'))).toBe(true);
  expect(await registry.compareAndPutCheckpoint(seen?.version, Buffer.from('three'))).toBe(false);
  const key = `${made.ulid}/keys/0.age`;
  fake.bucket.put(keyOf(key), Buffer.from('wrapped'), plain);
  now += 1000;
  fake.bucket.remove(keyOf(key), undefined, false);
  expect((await readAll('registry/checkpoint')).toString('utf8')).toBe('two');
  await expect(source.read(key, 0, 10)).rejects.toThrow('NoSuchObject');
  expect(await findings()).toEqual([]);
});

test('the registry writes a tile once, locks whole ones, and takes partial ones away again', async () => {
  const retention = { mode: 'GOVERNANCE', entriesDays: 10, bodiesDays: 1 } as const;
  const registry = createRegistryObjects({ store: openFakeStore(fake, PREFIX), retention, nowMs: () => now });
  const put = (path: string, text: string) => registry.putIfAbsent(path, Buffer.from(text));
  expect([await put('tile/0/000', 'a'), await put('tile/0/000', 'a'), await put('tile/0/000', 'b')]).toEqual([
    'written',
    'same',
    'other',
  ]);
  expect(await put('tile/0/001.p/7', 'c')).toBe('written');
  await registry.remove(['tile/0/001.p/7', 'tile/0/000', 'tile/0/none']);
  expect(fake.bucket.versions(`${PREFIX}/registry/tile/0/001.p/7`)).toEqual([]);
  expect(fake.bucket.versions(`${PREFIX}/registry/tile/0/000`)).toHaveLength(1);
  expect(await registry.get('tile/0/none')).toBeUndefined();
});

test('bodies are erased once their time is over, keys at any time, and each of them only once', async () => {
  const store = openFakeStore(fake, PREFIX);
  const erasure = createObjectErasure(store);
  await expect(erasure.removeBodies(made.ulid, 1)).rejects.toThrow('locked or held in the archive');
  now += 91 * 86_400_000;
  expect([await erasure.removeBodies(made.ulid, 1), await erasure.removeBodies(made.ulid, 1)]).toEqual([true, false]);
  expect(await findings()).toEqual([`note pruned-object ${firstOf('sfb')}`]);
  const key = `${made.ulid}/keys/3.age`;
  fake.bucket.put(keyOf(key), Buffer.from('wrapped'), plain);
  expect([await erasure.removeKey(made.ulid, 3), await erasure.removeKey(made.ulid, 3)]).toEqual([true, false]);
  expect(fake.bucket.versions(keyOf(key)).map(({ marker }) => marker)).toEqual([true]);
  store.close();
});

test('a store without versions can be read, and that it has none is said', async () => {
  await source.close();
  await fake.stop();
  fake = await startFakeS3({ manners: { versions: false } });
  fake.bucket.put(keyOf(firstOf('sfr')), Buffer.from('plain'), plain);
  source = openObjectSource(openFakeStore(fake, PREFIX));
  expect((await readAll(firstOf('sfr'))).toString('utf8')).toBe('plain');
  expect(await findings([])).toEqual([
    'cannot-conclude no-versions ',
    `cannot-conclude unregistered-object ${firstOf('sfr')}`,
  ]);
});
