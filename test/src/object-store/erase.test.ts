import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeSigningKey } from '@piste/gateway/dist/registry/index.js';
import { openArchiveUnderTest } from './archive-fixture.js';
import { describeErasing, type ErasePlaceInTime } from './erase-contract.js';
import { type ArchivedStory, makeArchivedStory, type StoryOptions } from './erase-fixture.js';
import type { StoredVersion } from './fake-bucket.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

const PREFIX = 'gateway/a';
const HOUR_MS = 3_600_000;

interface FakePlace extends ErasePlaceInTime {
  readonly fake: FakeS3;
}

async function startFakePlace(): Promise<FakePlace> {
  let passedMs = 0;
  const nowMs = (): number => Date.now() + passedMs;
  const fake = await startFakeS3({ nowMs });
  const directory = await mkdtemp(join(tmpdir(), 'piste-credentials-'));
  const credentials = join(directory, 'credentials');
  await writeFile(credentials, '[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n');
  return {
    fake,
    url: `s3://${fake.bucketName}/${PREFIX}`,
    environment: { PISTE_ARCHIVE_ENDPOINT: fake.endpoint, PISTE_ARCHIVE_CREDENTIALS_FILE: credentials },
    open: async () => openFakeStore(fake, PREFIX),
    nowMs,
    pass: async (milliseconds) => {
      passedMs += milliseconds;
    },
    async stop() {
      await fake.stop();
      await rm(directory, { recursive: true });
    },
  };
}

describe('erasing in a bucket', () => describeErasing(startFakePlace, HOUR_MS));

let place: FakePlace;
let story: ArchivedStory;
let bucket: FakeS3['bucket'];
const started = async (options: Partial<StoryOptions> = {}): Promise<void> => {
  story = await makeArchivedStory(place, { lockedMs: HOUR_MS, ...options });
};

const RETENTION = ['retention', '--days', '2', '--reason', 'policy'];
const hold = (v: 'set' | 'release', id: string, ...more: readonly string[]) =>
  story.audit('hold', v, '--id', id, '--reason', 'lawsuit', ...more);

const recorded = (): readonly { readonly path: string; readonly versions: readonly StoredVersion[] }[] =>
  bucket
    .keys()
    .map((key) => ({ path: key.slice(PREFIX.length + 1), versions: bucket.versions(key) }))
    .filter(({ path }) => path.startsWith(story.ulid));
const there = (part: string): readonly string[] =>
  recorded()
    .filter(({ path, versions }) => path.includes(part) && versions.some(({ marker }) => !marker))
    .map(({ path }) => path.slice(story.ulid.length + 1));
const held = (): readonly string[] =>
  recorded()
    .filter(({ versions }) => versions.some((version) => version.hold))
    .map(({ path }) => path.slice(story.ulid.length + 1));
const stored = (name: string): StoredVersion | undefined => bucket.versions(`${PREFIX}/${story.ulid}/${name}`)[0];
/** Segments of both forms, and keys. */
const objects = (segments: readonly number[], keys: readonly number[]): readonly string[] => [
  ...segments.flatMap((segment) => [`0000000${segment}.sfb`, `0000000${segment}.sfr`]),
  ...keys.map((key) => `keys/${key}.age`),
];

describe('case by case', () => {
  beforeEach(async () => {
    place = await startFakePlace();
    ({ bucket } = place.fake);
  });
  afterEach(async () => {
    await story.remove();
    await place.stop();
  });

  test('the identity changes in a bucket, too, and the recording verifies by a trust file of the first one', async () => {
    await started();
    const file = join(story.directory, '..', 'new.pem');
    await makeSigningKey(file);
    expect(await story.audit('rotate-identity', '--new-identity-key', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('was handed over'),
    });
    expect(await story.said('key.rotate')).toHaveLength(1);
    expect(await hold('set', 'case-9')).toMatchObject({
      code: 1,
      err: expect.stringContaining('handed over to a new'),
    });
    const withNew = { PISTE_IDENTITY_KEY_FILE: file };
    expect(await story.auditWith(withNew, 'hold', 'set', '--id', 'x', '--reason', 'y')).toMatchObject({ code: 0 });
    expect(await story.verify()).toMatchObject({ code: 0 });
  });

  describe('shred', () => {
    test('leaves no version of the key anywhere, and says it once however often it is asked', async () => {
      await started();
      const put = { ifNoneMatch: false, ifMatch: undefined, mode: undefined, retainUntilMs: 0, hold: false };
      bucket.put(`${PREFIX}/${story.ulid}/keys/0.age`, Buffer.from('a copy'), put);
      expect(there('keys/')).toEqual(['keys/0.age', 'keys/1.age']);
      expect(await story.shred()).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringContaining('2 stored keys removed'),
      });
      expect(there('keys/')).toEqual(['keys/1.age']);
      expect((await story.local()).filter((name) => name.endsWith('.age'))).toEqual(['keys/1.age']);
      expect(await story.shred()).toMatchObject({
        code: 0,
        out: expect.stringContaining('0 stored keys removed, 2 not'),
      });
      expect(await story.said('shred')).toHaveLength(1);
      expect(await story.verify()).toMatchObject({ code: 0 });
    });

    test('that was interrupted says what is left, and finishes when it is asked again', async () => {
      await started();
      place.fake.fail({ fault: '500', method: 'DELETE', key: 'keys/0.age' });
      const said = await story.shred();
      expect(said).toMatchObject({
        code: 1,
        err: expect.stringContaining(`not done: ${story.ulid}/keys/0.age in s3://`),
      });
      expect(there('keys/')).toEqual(['keys/0.age', 'keys/1.age']);
      place.fake.heal();
      expect(await story.shred()).toMatchObject({ code: 0 });
      expect(there('keys/')).toEqual(['keys/1.age']);
      expect(await story.said('shred')).toHaveLength(1);
    }, 20_000);

    test.each(['session', 'everything', 'store'])('is refused under a hold: %s', async (kind) => {
      await started();
      const key = stored('keys/0.age');
      if (kind === 'store' && key !== undefined) key.hold = true;
      else await hold('set', 'case-9', ...(kind === 'session' ? ['--session', 'session-1'] : []));
      expect(await story.shred()).toMatchObject({ code: 1, err: expect.stringContaining('nothing was removed') });
      expect(there('keys/')).toEqual(['keys/0.age', 'keys/1.age']);
      expect((await story.local()).filter((name) => name.endsWith('.age'))).toHaveLength(2);
      expect(await story.said('shred')).toEqual([]);
    });

    test('does not begin where the registry cannot be written', async () => {
      await started();
      place.fake.fail({ fault: '500', method: 'PUT', key: 'registry/' });
      expect((await story.shred()).code).toBe(1);
      expect(there('keys/')).toEqual(['keys/0.age', 'keys/1.age']);
      expect((await story.local()).filter((name) => name.endsWith('.age'))).toHaveLength(2);
    }, 20_000);
  });

  describe('hold', () => {
    test('covers what holds the session, and its release leaves what another one covers', async () => {
      await started();
      const [one, two] = [objects([1, 3], [0]), objects([2, 3], [1])];
      expect(await hold('set', 'a', '--session', 'session-1')).toMatchObject({ code: 0 });
      expect(held()).toEqual(one);
      expect(await hold('set', 'b', '--session', 'session-2')).toMatchObject({ code: 0 });
      expect(held()).toEqual([...new Set([...one, ...two])].sort());
      expect(await hold('release', 'a')).toMatchObject({ code: 0 });
      expect(held()).toEqual(two);
      expect(await hold('release', 'b')).toMatchObject({ code: 0 });
      expect(held()).toEqual([]);
      expect(await story.said('hold')).toHaveLength(4);
    });

    test('on everything outlasts the release of one on a session', async () => {
      await started();
      await hold('set', 'all');
      await hold('set', 'a', '--session', 'session-1');
      const all = recorded().map(({ path }) => path.slice(story.ulid.length + 1));
      expect(await hold('release', 'a')).toMatchObject({ code: 0 });
      expect(held()).toEqual(all);
      expect(all).toHaveLength(10);
    });

    test('that was interrupted names what is not held, and finishes when it is asked again', async () => {
      await started();
      place.fake.fail({ fault: '500', method: 'PUT', key: '00000003.sfr' });
      const said = await hold('set', 'a', '--session', 'session-1');
      expect(said).toMatchObject({
        code: 1,
        err: expect.stringContaining(`not done: hold on ${story.ulid}/00000003.sfr in s3://`),
      });
      place.fake.heal();
      expect(await hold('set', 'a', '--session', 'session-1')).toMatchObject({
        code: 0,
        out: expect.stringMatching(/says so already\n5 objects under it in the archive, 1 changed/),
      });
      expect(held()).toEqual(objects([1, 3], [0]));
      expect(await story.said('hold')).toHaveLength(1);
    }, 20_000);

    test('of the same name on something else is refused, and so is the release of none', async () => {
      await started();
      await hold('set', 'a', '--session', 'session-1');
      expect(await hold('set', 'a', '--session', 'session-2')).toMatchObject({ code: 1 });
      expect(await hold('set', 'a')).toMatchObject({ code: 1 });
      expect(await hold('release', 'b')).toMatchObject({ code: 1, err: expect.stringContaining('there is no hold b') });
      expect(held()).toEqual(objects([1, 3], [0]));
    });
  });

  describe('retention', () => {
    const bodies = (...segments: readonly number[]): readonly string[] => segments.map((n) => `0000000${n}.sfb`);

    test('waits for the locks, then removes the bodies in both places', async () => {
      await started({ keepLocal: true });
      const waiting = await story.audit(...RETENTION);
      expect(waiting).toMatchObject({ code: 0, err: '', out: expect.stringContaining('bodies of segment 1 of') });
      expect(waiting.out.match(/locked until/g)).toHaveLength(4);
      expect(await story.said('retention')).toEqual([]);
      await place.pass(2 * HOUR_MS);
      expect(await story.audit(...RETENTION)).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringContaining('8 stored segments removed'),
      });
      expect(there('.sfb')).toEqual([]);
      expect((await story.local()).filter((name) => !name.startsWith('keys'))).toEqual(
        [1, 2, 3, 4].map((n) => `0000000${n}.sfr`),
      );
      expect(await story.verify()).toMatchObject({ code: 0 });
      expect(await story.audit(...RETENTION)).toMatchObject({
        code: 0,
        err: expect.stringContaining('nothing was removed'),
      });
      expect(await story.said('retention')).toHaveLength(1);
    });

    test('leaves what is younger', async () => {
      await started();
      await place.pass(2 * HOUR_MS);
      const young = ['retention', '--days', '9', '--reason', 'policy'];
      expect(await story.audit(...young)).toMatchObject({
        code: 0,
        err: expect.stringContaining('nothing was removed'),
      });
      expect(there('.sfb')).toEqual(bodies(1, 2, 3, 4));
    });

    test('leaves what holds a session under a hold, and what the store holds', async () => {
      await started();
      await place.pass(2 * HOUR_MS);
      await hold('set', 'a', '--session', 'session-1');
      const last = stored('00000004.sfb');
      if (last !== undefined) last.hold = true;
      const said = await story.audit(...RETENTION);
      expect(said).toMatchObject({ code: 0, out: expect.stringContaining('bodies of segment 4') });
      expect(said.out).toContain('under a legal hold of the store');
      expect(there('.sfb')).toEqual(bodies(1, 3, 4));
      expect(await story.verify()).toMatchObject({ code: 0 });
    });

    test('that was interrupted names what is left, and finishes when it is asked again', async () => {
      await started();
      await place.pass(2 * HOUR_MS);
      place.fake.fail({ fault: '500', method: 'DELETE', key: '00000002.sfb' });
      const said = await story.audit(...RETENTION);
      expect(said).toMatchObject({
        code: 1,
        err: expect.stringContaining(`not done: bodies of segment 2 of ${story.ulid} in s3://`),
      });
      expect(there('.sfb')).toEqual(bodies(2));
      place.fake.heal();
      expect(await story.audit(...RETENTION)).toMatchObject({ code: 0 });
      expect(there('.sfb')).toEqual([]);
      expect(await story.said('retention')).toHaveLength(1);
      expect(await story.verify()).toMatchObject({ code: 0 });
    }, 20_000);

    test('is not undone by a gateway that still has the bodies', async () => {
      await started();
      await place.pass(2 * HOUR_MS);
      expect(await story.auditWith({ PISTE_RECORDING_DIR: '' }, ...RETENTION)).toMatchObject({ code: 0 });
      expect(await story.local()).toContain('00000001.seg');
      const live = { ulid: '01M8D8RDGFZ3JK1D5VB194DGXZ', finishSegment: async () => 0 };
      const { failures, archive } = await openArchiveUnderTest({
        fake: place.fake,
        directory: story.directory,
        live,
        nowMs: place.nowMs,
      });
      await archive.close(1000);
      expect(failures).toEqual([]);
      expect(there('.sfb')).toEqual([]);
      expect(await story.local()).toContain('00000001.seg');
    });
  });

  test('a registry in a folder of its own is the one that is asked and written', async () => {
    const registry = await mkdtemp(join(tmpdir(), 'piste-registry-'));
    try {
      await started({ registryDirectory: registry });
      expect(await hold('set', 'a')).toMatchObject({
        code: 3,
        err: expect.stringContaining('there is no registry here'),
      });
      const own = { PISTE_REGISTRY_DIR: registry };
      const words = ['hold', 'set', '--id', 'a', '--reason', 'b', '--session', 'session-2'];
      expect(await story.auditWith(own, ...words)).toMatchObject({ code: 0 });
      expect(held()).toEqual(objects([2, 3], [1]));
      expect(bucket.keys().filter((key) => key.includes('/registry/'))).toEqual([]);
    } finally {
      await rm(registry, { recursive: true, force: true });
    }
  });
});
