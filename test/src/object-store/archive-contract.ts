import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type ObjectSource,
  type ObjectStore,
  openObjectSource,
  parseSegmentFields,
} from '@piste/gateway/dist/archive/index.js';
import { loadTrust, openDirectory, readRegistry, type Trust, verify } from '@piste/verifier';
import { PISTE_CLI } from '../demo/piste.js';
import { connectAgent, eventually, failureOf } from '../e2e/callers.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { runToEnd } from '../harness/run-to-end.js';
import { type Environment, type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';

/** A store that a gateway in a process of its own can use, and that can be taken away. */
export interface ArchivePlace {
  readonly environment: Environment;
  /** The same objects, for a look from outside. */
  open(): Promise<ObjectStore>;
  halt(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

const WAIT_MS = 40_000;

/** A gateway with an archive, from outside: the short story in every test run, with outages and unfit stores in the others. */
export function describeArchive(startPlace: () => Promise<ArchivePlace>, length: 'short' | 'long'): void {
  const inLong: (name: string, run: () => Promise<void>, milliseconds?: number) => void =
    length === 'long' ? test : () => undefined;
  let place: ArchivePlace;
  let playground: Playground;
  let driver: NodeDriver;

  beforeAll(async () => {
    place = await startPlace();
    playground = await startPlayground({
      gatewayEnvironment: {
        // The registry is where the records go.
        PISTE_REGISTRY_DIR: '',
        PISTE_ARCHIVE_LOCK: 'compliance',
        PISTE_ARCHIVE_ENTRIES_DAYS: '2',
        PISTE_ARCHIVE_BODIES_DAYS: '1',
        PISTE_ARCHIVE_SHIP_SECONDS: '1',
        PISTE_ARCHIVE_MAX_LAG_SECONDS: '10',
        ...place.environment,
      },
    });
    driver = await connectAgent(playground);
  }, 90_000);
  afterAll(async () => {
    await driver?.close();
    await playground?.stop();
    await place?.stop();
  });

  const paths = async (): Promise<readonly string[]> => {
    const source = openObjectSource(await place.open());
    try {
      return (await source.list()).map(({ path }) => path).sort();
    } finally {
      await source.close();
    }
  };
  const ready = async (): Promise<string> => (await fetch(`${playground.opsUrl}/readyz`)).text();
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${playground.opsUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  };
  const trustOf = async (gateway: GatewayProgram): Promise<Trust> => {
    const loaded = await loadTrust(gateway.checkpointFile);
    if (!loaded.ok) throw new Error('the checkpoint file cannot be read');
    return loaded.trust;
  };

  test('what is recorded is in the bucket within seconds, in two halves, and leaves the disk', async () => {
    for (const text of ['SELECT 1 AS a', 'SELECT 2 AS b', 'SELECT 3 AS c']) {
      await driver.execute(text);
      const archived = (await paths()).length;
      await eventually('a further segment', async () => ((await paths()).length > archived ? true : undefined));
    }
    // The two halves of a segment arrive one after the other.
    const found = await eventually('both halves of every segment', async () => {
      const halves = (await paths()).filter((path) => !path.startsWith('registry/'));
      return halves.filter((path) => path.endsWith('.sfr')).length * 2 === halves.length ? halves : undefined;
    });
    expect(found.every((path) => /^[0-9A-Z]{26}\/\d{8}\.sf[rb]$/.test(path))).toBe(true);
    expect(await ready()).toBe('ok\n');
    expect(await metric('piste_archive_segments_total')).toBeGreaterThanOrEqual(found.length / 2 - 1);
    expect(await metric('piste_archive_blocked')).toBe(0);
    const [ulid = ''] = await readdir(playground.recordingDirectory);
    // A segment leaves the disk once its objects were read back.
    const local = await eventually('the second segment to leave the disk', async () => {
      const names = (await readdir(join(playground.recordingDirectory, ulid))).sort();
      return names.includes('00000002.seg') ? undefined : names;
    });
    expect(local[0]).toBe('00000001.seg');
  }, 60_000);

  inLong(
    'an outage stops new statements once records waited too long, and only until it ends',
    async () => {
      await place.halt();
      await driver.execute('SELECT 4 AS still_recorded_locally');
      const refusal = await eventually(
        'a refusal',
        async () =>
          driver.execute('SELECT 5').then(
            () => undefined,
            (error: { code: string }) => error,
          ),
        WAIT_MS,
      );
      expect(refusal).toMatchObject({ code: '861701', message: expect.stringContaining('Nothing was executed') });
      expect(await failureOf(connectAgent(playground))).toMatchObject({ code: '861701' });
      expect(await ready()).toContain('[-]archive failed');
      expect(await metric('piste_archive_lag_seconds')).toBeGreaterThan(0);
      await place.resume();
      await eventually(
        'an answer',
        async () =>
          driver.execute('SELECT 6 AS again').then(
            () => true,
            () => undefined,
          ),
        WAIT_MS,
      );
      expect(await ready()).toBe('ok\n');
    },
    2 * WAIT_MS + 20_000,
  );

  test('a gateway that was killed is followed by one that archives what it left, and a copy of the bucket is sound', async () => {
    await driver.execute("SELECT 'last words' AS x");
    await playground.restartGateway('killed');
    const next = await connectAgent(playground);
    await next.execute('SELECT 7 AS x');
    await next.close();
    await playground.stopGateway();
    const trust = await trustOf(playground.gateway);
    const source = openObjectSource(await place.open());
    const direct = await verify([source], trust);
    const copy = await copyOf(source);
    try {
      const verdict = await verify([openDirectory(copy)], trust);
      expect(verdict.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
      expect(verdict.outcome).toBe('sound');
      expect(direct).toEqual(verdict);
      expect(verdict.logs).toHaveLength(2);
      const { registry } = await readRegistry(source);
      const segments = (registry?.entries ?? []).filter(({ kind }) => kind === 'segment');
      const registered = segments.map(({ fields }) => parseSegmentFields(fields)).filter((each) => each !== undefined);
      expect(registered.length).toBeGreaterThanOrEqual(
        (await source.list()).filter(({ path }) => path.endsWith('.sfr')).length,
      );
      expect(await source.objectFindings(registered, Date.now())).toEqual([]);
    } finally {
      await source.close();
      await rm(copy, { recursive: true });
    }
    const url = place.environment['PISTE_ARCHIVE_URL'] ?? '';
    const verifyByCommand = () =>
      runToEnd(process.execPath, [PISTE_CLI, 'audit', 'verify', url, '--trust', playground.gateway.checkpointFile], {
        env: place.environment,
        timeoutMilliseconds: 30_000,
      });
    expect(await verifyByCommand()).toMatchObject({ code: 0 });
    const store = await place.open();
    try {
      const path = `${trust.writers[0]?.slice(0, trust.writers[0].indexOf('+')).slice(-26)}/00000001.sfr`;
      const head = await store.head(path, undefined);
      expect((await store.compareAndPut(path, Buffer.from('another story'), head?.etag)).outcome).toBe('swapped');
    } finally {
      store.close();
    }
    const { code, output } = await verifyByCommand();
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('shadow-version') });
  }, 60_000);

  inLong('a bucket whose locks do not work is not started with', async () => {
    const started = playground.startGateway('unfit', { PISTE_ARCHIVE_URL: 's3://plain/gateway' });
    await expect(started).rejects.toThrow(
      /s3:\/\/plain\/gateway cannot hold the recording: lock: the bucket has no Object Lock/,
    );
  });

  inLong(
    'a bucket without locks is started with when that is asked for, and the log says what it means',
    async () => {
      const gateway = await playground.startGateway('plain', {
        PISTE_ARCHIVE_URL: 's3://plain/gateway',
        PISTE_ARCHIVE_WORM: 'none',
      });
      expect(gateway.output()).toMatch(/"level":"warn","message":"the archive need not be write-once/);
      await gateway.stop();
    },
    40_000,
  );
}

/** What `aws s3 sync` would make of the bucket. */
async function copyOf(source: ObjectSource): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'piste-copy-'));
  for (const { path, size } of await source.list()) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await writeFile(join(copy, path), await source.read(path, 0, size));
  }
  return copy;
}
