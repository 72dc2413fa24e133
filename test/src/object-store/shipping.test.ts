import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ArchiveUnfit, openArchive } from '@piste/gateway/dist/archive/index.js';
import fc from 'fast-check';
import {
  type ArchiveUnderTest,
  archivedSegments,
  doubledKeys,
  type MadeLog,
  makeLog,
  OPTIONS,
  openArchiveUnderTest,
  PREFIX,
  type Spooling,
  spoolOf,
  type UnderTest,
} from './archive-fixture.js';
import { type FakeS3, type Fault, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

const DAY_MS = 86_400_000;

let made: MadeLog;
let fake: FakeS3;
let spooling: Spooling;

beforeAll(async () => {
  made = await makeLog(60);
});
afterAll(async () => rm(made.directory, { recursive: true, force: true }));
beforeEach(async () => {
  fake = await startFakeS3({ slowMs: 50 });
  spooling = await spoolOf(made);
});
afterEach(async () => {
  await fake.stop();
  await spooling.remove();
});

const open = (more: Partial<UnderTest> = {}): Promise<ArchiveUnderTest> =>
  openArchiveUnderTest({ fake, directory: spooling.directory, live: spooling.live, ...more });

async function finishSegments(count: number): Promise<void> {
  for (let segment = 0; segment < count; segment += 1) await spooling.next();
}

function expectArchived(count: number): void {
  const archived = archivedSegments(fake, made.ulid);
  expect([...archived.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  for (const [number, bytes] of archived) expect(bytes.equals(made.segments[number - 1] ?? Buffer.alloc(0))).toBe(true);
}

describe('a finished segment', () => {
  test('becomes two objects with locks of their own, is announced, and then leaves the disk', async () => {
    const { ship, announced } = await open();
    await finishSegments(4);
    expect(await ship()).toEqual([]);
    expectArchived(4);
    expect(doubledKeys(fake, made.ulid)).toEqual([]);
    // The first holds the log's key, the last its end: the next start reads them.
    expect(await spooling.local()).toEqual([1, 4]);
    expect(announced.map(({ seg }) => seg)).toEqual([1, 2, 3, 4]);
    let next = 0;
    for (const { first, count, entries, bodies } of announced) {
      expect(first).toBe(next);
      next += count;
      for (const [object, days] of [
        [entries, 2557],
        [bodies, 90],
      ] as const) {
        const [stored] = fake.bucket.versions(`${PREFIX}/${object?.key}`);
        expect(object).toMatchObject({ version: stored?.version, bytes: stored?.bytes.length });
        expect(stored?.mode).toBe('GOVERNANCE');
        expect(Math.abs((stored?.retainUntilMs ?? 0) - Date.now() - days * DAY_MS)).toBeLessThan(60_000);
        expect(object?.retainUntilMs).toBe(stored?.retainUntilMs);
      }
    }
  });

  test('is not touched while it is being written', async () => {
    const { ship } = await open();
    await finishSegments(2);
    await writeFile(join(spooling.directory, made.ulid, '00000003.seg'), made.segments[2] ?? '');
    await ship();
    expectArchived(2);
    expect(await spooling.local()).toEqual([1, 2, 3]);
  });

  test('stays on the disk where that is asked for, and is shipped once', async () => {
    const { ship, announced } = await open({ options: { keepLocal: true } });
    await finishSegments(3);
    await ship();
    await ship();
    expect(await spooling.local()).toEqual([1, 2, 3]);
    expect(announced).toHaveLength(3);
  });

  test('stays on the disk until the registry has heard of it', async () => {
    let isDown = true;
    const { ship, announced } = await open({
      announce: async () => {
        if (isDown) throw new Error('registry is down');
      },
    });
    await finishSegments(3);
    expect(await ship()).toEqual(['announce']);
    expect(await spooling.local()).toEqual([1, 2, 3]);
    isDown = false;
    expect(await ship()).toEqual([]);
    expect(announced.map(({ seg }) => seg)).toEqual([1, 2, 3]);
    expect(await spooling.local()).toEqual([1, 3]);
    expect(doubledKeys(fake, made.ulid)).toEqual([]);
  });
});

describe('when the store', () => {
  const RECOVERED: readonly Fault[] = ['500', '503', 'reset', 'lost', 'slow', 'wrong-etag', 'unlocked', 'truncated'];
  test.each(RECOVERED)('answers a write with %s once, nothing is lost and nothing is doubled', async (fault) => {
    const { ship } = await open();
    await finishSegments(3);
    fake.fail({ fault, method: 'PUT', key: made.ulid, times: 1 });
    await ship();
    await ship();
    expectArchived(3);
    expect(doubledKeys(fake, made.ulid)).toEqual([]);
    for (const key of fake.bucket.keys().filter((name) => name.includes(made.ulid)))
      expect(fake.bucket.versions(key)[0]?.mode).toBe('GOVERNANCE');
    expect(await spooling.local()).toEqual([1, 3]);
  });

  test.each(RECOVERED.filter((fault) => fault !== 'slow' && fault !== 'wrong-etag'))(
    'answers everything with %s, the disk keeps everything until it recovers',
    async (fault) => {
      const { ship, announced } = await open();
      await finishSegments(3);
      fake.fail({ fault });
      const failures = await ship();
      if (fault !== 'unlocked' && fault !== 'truncated') {
        expect(failures.length).toBeGreaterThan(0);
        expect(announced).toEqual([]);
        expect(await spooling.local()).toEqual([1, 2, 3]);
      }
      fake.heal();
      await ship();
      expectArchived(3);
      expect(doubledKeys(fake, made.ulid)).toEqual([]);
      expect(await spooling.local()).toEqual([1, 3]);
    },
  );

  test('stores other bytes than it was sent, that is an alarm and the others go on', async () => {
    const { ship, announced } = await open();
    await finishSegments(4);
    fake.fail({ fault: 'corrupt', method: 'PUT', key: '00000002.sfb', times: 1 });
    expect(await ship()).toEqual(['conflict']);
    expect(await ship()).toEqual(['conflict']);
    expect(announced.map(({ seg }) => seg)).toEqual([1, 3, 4]);
    expect(await spooling.local()).toEqual([1, 2, 4]);
  });

  test('holds other bytes under the name already, that is an alarm and nothing is overwritten', async () => {
    const { ship, announced } = await open();
    const key = `${PREFIX}/${made.ulid}/00000001.sfr`;
    const request = { ifNoneMatch: false, ifMatch: undefined, mode: undefined, retainUntilMs: 0, hold: false };
    fake.bucket.put(key, Buffer.from('planted'), request);
    await finishSegments(1);
    expect(await ship()).toEqual(['conflict']);
    expect(announced).toEqual([]);
    expect(fake.bucket.versions(key).map(({ bytes }) => bytes.toString('utf8'))).toEqual(['planted']);
    expect(await spooling.local()).toEqual([1]);
  });

  test('shows an object without its lock and does not take one, that is an alarm', async () => {
    const { ship, announced } = await open();
    await finishSegments(1);
    fake.fail({ fault: 'unlocked', method: 'PUT' });
    expect(await ship()).toEqual(['unlocked']);
    expect(announced).toEqual([]);
    expect(await spooling.local()).toEqual([1]);
  });

  test('keeps no checksums, what was stored is read back whole', async () => {
    await fake.stop();
    fake = await startFakeS3({ manners: { checksums: false } });
    const { ship } = await open();
    await finishSegments(2);
    fake.fail({ fault: 'corrupt', method: 'PUT', key: '00000002.sfr', times: 1 });
    expect(await ship()).toEqual(['conflict']);
    expect(fake.seen().filter(({ method, key }) => method === 'GET' && key.endsWith('.sfr'))).not.toEqual([]);
  });
});

/** A writer that has written nothing yet. */
const NOBODY = { ulid: '01M8D8RDGFZ3JK1D5VB194DGXZ', finishSegment: async () => 0 };

describe('what former processes left', () => {
  test('is shipped at the start, torn end and all, and then leaves the disk whole', async () => {
    const torn = Buffer.concat([made.segments[1] ?? Buffer.alloc(0), Buffer.from('PSTR half a frame')]);
    await finishSegments(1);
    await writeFile(join(spooling.directory, made.ulid, '00000002.seg'), Buffer.concat([torn, Buffer.alloc(5000)]));
    let now = Date.now();
    const { failures, ship } = await open({ live: NOBODY, nowMs: () => now });
    expect(failures).toEqual([]);
    expect(archivedSegments(fake, made.ulid).get(2)?.equals(torn)).toBe(true);
    // The registry reads there how the log ended, once its writer was silent for long enough.
    expect(await spooling.local()).toEqual([1, 2]);
    now += 3_600_000;
    await ship();
    expect(await readdir(spooling.directory)).toEqual([]);
  });

  test('leaves the disk at once when its writer closed it', async () => {
    await finishSegments(made.segments.length);
    await open({ live: NOBODY });
    expectArchived(made.segments.length);
    expect(await readdir(spooling.directory)).toEqual([]);
  });

  test('goes on from where it was left, without a second object', async () => {
    await finishSegments(4);
    const first = await open({
      announce: async ({ seg }) => {
        if (seg === 3) throw new Error('the process ends here');
      },
    });
    expect(first.announced.map(({ seg }) => seg)).toEqual([1, 2]);
    const again = await open();
    expect(again.announced.map(({ seg }) => seg)).toEqual([1, 2, 3, 4]);
    expectArchived(4);
    expect(doubledKeys(fake, made.ulid)).toEqual([]);
  });

  test('files that belong to no log stay where they are', async () => {
    await finishSegments(made.segments.length);
    await writeFile(join(spooling.directory, made.ulid, 'notes.txt'), 'mine');
    await open({ live: NOBODY });
    expect(await readdir(join(spooling.directory, made.ulid))).toEqual(['notes.txt']);
  });
});

describe('a wrapped key', () => {
  const keyPath = (): string => `${made.ulid}/keys/0.age`;
  beforeEach(async () => {
    await mkdir(join(spooling.directory, made.ulid, 'keys'));
    await writeFile(join(spooling.directory, keyPath()), 'wrapped');
  });

  test('is shipped without a lock and can be destroyed; a later start does not bring it back', async () => {
    await finishSegments(1);
    const { archive } = await open();
    const stored = fake.bucket.current(`${PREFIX}/${keyPath()}`);
    expect(stored).toMatchObject({ mode: undefined, hold: false });
    expect(await archive.destroyKey(keyPath())).toBe('destroyed');
    const remains = () => fake.bucket.versions(`${PREFIX}/${keyPath()}`).map(({ marker }) => marker);
    expect(remains()).toEqual([true]);
    await open();
    expect(remains()).toEqual([true]);
    expect(await readFile(join(spooling.directory, keyPath()), 'utf8')).toBe('wrapped');
  });

  test('leaves the disk with its log', async () => {
    await finishSegments(made.segments.length);
    await open({ live: NOBODY });
    expect(await readdir(spooling.directory)).toEqual([]);
    expect(fake.bucket.current(`${PREFIX}/${keyPath()}`)?.bytes.toString('utf8')).toBe('wrapped');
  });
});

describe('a store without working locks', () => {
  test('is refused, and the message says what it lacks', async () => {
    await fake.stop();
    fake = await startFakeS3({ manners: { lock: 'pretended' } });
    await expect(open()).rejects.toThrow(ArchiveUnfit);
    await expect(open()).rejects.toThrow('s3://recordings/gateway/a cannot hold the recording: undeletable:');
  });

  test('is taken with worm none, loudly and on record', async () => {
    await fake.stop();
    fake = await startFakeS3({ manners: { lock: 'missing', versions: false, checksums: false } });
    const said: unknown[] = [];
    const archive = await openArchive({
      store: openFakeStore(fake),
      options: { ...OPTIONS, worm: 'none' },
      directory: spooling.directory,
      nowMs: Date.now,
      random: (byteCount) => new Uint8Array(byteCount).fill(7),
      timers: { every: () => () => undefined },
      log: {
        info: () => undefined,
        error: () => undefined,
        warn: (message, fields) => said.push({ message, ...fields }),
      },
    });
    expect(archive.description).toMatchObject({
      worm: 'none',
      mode: 'none',
      entriesDays: 0,
      can: { undeletable: false },
    });
    expect(said).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('need not be write-once'),
        store: 's3://recordings/gateway/a',
      }),
    ]);
    await archive.close(1000);
    const { ship } = await open({ options: { worm: 'none' } });
    await finishSegments(3);
    expect(await ship()).toEqual([]);
    expectArchived(3);
    expect(await spooling.local()).toEqual([1, 3]);
  });
});

describe('an outage', () => {
  test('refuses new work once records waited too long, lets what runs end, and ends by itself', async () => {
    let now = Date.now();
    const { archive, ship } = await open({ nowMs: () => now });
    const wait = async (seconds: number): Promise<void> => {
      now += seconds * 1000;
      await ship();
    };
    fake.fail({ fault: 'reset' });
    archive.committed(await spooling.next());
    await wait(899);
    expect(archive.refuses('request', true)).toBeUndefined();
    await wait(2);
    expect(archive.trouble).toBe('records have waited too long for the archive');
    expect(archive.refuses('request', true)).toBe(archive.trouble);
    expect(archive.refuses('decision', true)).toBe(archive.trouble);
    expect(archive.refuses('session.open', false)).toBe(archive.trouble);
    for (const kind of ['response', 'chunk', 'session.close', 'response.withheld', 'request.refused'])
      expect(archive.refuses(kind, false)).toBeUndefined();
    fake.heal();
    await wait(5);
    expect(archive.trouble).toBeUndefined();
    expect(archive.refuses('request', true)).toBeUndefined();
  });

  test('refuses at the bound of the disk, a segment more or less, results too', async () => {
    const bound = 30_000;
    const { archive, ship } = await open({ options: { spool: { maxLagSeconds: 900, maxBytes: bound } } });
    fake.fail({ fault: '503' });
    let written = 0;
    while (archive.refuses('request', true) === undefined) {
      const bytes = await spooling.next();
      written += bytes;
      archive.committed(bytes);
      await ship();
    }
    const largest = Math.max(...made.segments.map(({ byteLength }) => byteLength));
    expect(Math.abs(written - bound)).toBeLessThanOrEqual(largest);
    expect(archive.refuses('chunk', false)).toBe('too much waits for the archive');
    expect(archive.refuses('session.close', false)).toBeUndefined();
    fake.heal();
    await ship();
    expect(archive.refuses('chunk', false)).toBeUndefined();
  });
});

test('whatever fails and whenever the process dies: each segment is on the disk, or archived and announced', async () => {
  const faults = fc.array(
    fc.record({
      fault: fc.constantFrom<Fault>('500', '503', 'reset', 'lost', 'unlocked', 'truncated', 'wrong-etag'),
      method: fc.constantFrom('PUT', 'HEAD', 'GET'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 3 },
  );
  const step = fc.record({
    segments: fc.integer({ min: 0, max: 3 }),
    faults,
    restart: fc.boolean(),
    registryDown: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const store = await startFakeS3();
      const spool = await spoolOf(made);
      const told = new Map<number, string>();
      let isRegistryDown = false;
      const start = () =>
        openArchiveUnderTest({
          fake: store,
          directory: spool.directory,
          live: spool.live,
          announce: async (segment) => {
            if (isRegistryDown) throw new Error('down');
            const text = JSON.stringify(segment);
            expect(told.get(segment.seg) ?? text).toBe(text);
            told.set(segment.seg, text);
          },
        });
      let finished = 0;
      try {
        let running = await start();
        for (const { segments, faults: rules, restart, registryDown } of steps) {
          for (let more = 0; more < segments; more += 1) if ((await spool.next()) > 0) finished += 1;
          isRegistryDown = registryDown;
          if (restart) running = await start();
          store.fail(...rules.map((rule) => ({ ...rule, key: made.ulid })));
          await running.ship();
          const local = new Set(await spool.local());
          const archived = archivedSegments(store, made.ulid);
          for (let segment = 1; segment <= finished; segment += 1) {
            const isSafe = archived.get(segment)?.equals(made.segments[segment - 1] ?? Buffer.alloc(0)) === true;
            expect(local.has(segment) || (isSafe && told.has(segment))).toBe(true);
          }
          store.heal();
        }
        isRegistryDown = false;
        await running.ship();
        expect([...archivedSegments(store, made.ulid).keys()]).toHaveLength(finished);
        expect(told.size).toBe(finished);
        expect(doubledKeys(store, made.ulid)).toEqual([]);
      } finally {
        await store.stop();
        await spool.remove();
      }
    }),
    { numRuns: process.env['PISTE_TORTURE'] === '1' ? 500 : 12 },
  );
});
