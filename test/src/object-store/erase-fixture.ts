import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createRegistryObjects,
  type ObjectStore,
  openObjectSource,
  type SegmentFields,
  toSegmentFields,
} from '@piste/gateway/dist/archive/index.js';
import { shipObject } from '@piste/gateway/dist/archive/ship-object.js';
import { shipSegment } from '@piste/gateway/dist/archive/ship-segment.js';
import { type Run, run } from '@piste/gateway/dist/cli/run-fixture.js';
import type { FakeClock } from '@piste/gateway/dist/recording/recording-fixture.js';
import { createFileStore } from '@piste/gateway/dist/registry/index.js';
import { startTestGateway, testIdentityKey } from '@piste/gateway/dist/registry/registry-fixture.js';
import {
  createKeptNoteSigner,
  parseSegmentName,
  type RegistryEntry,
  type RegistryKind,
  readRegistry,
} from '@piste/verifier';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const DAY_MS = 86_400_000;
export const REASON = 'request 4711 under article 17';

/** A bucket for one story. */
export interface ErasePlace {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  open(): Promise<ObjectStore>;
  readonly nowMs: () => number;
}

/** A closed, encrypted recording of two sessions that moved to a bucket, as a gateway leaves it there and on its disk. */
export interface ArchivedStory {
  readonly directory: string;
  readonly ulid: string;
  /** Runs `piste audit …` over both places. */
  audit(...words: readonly string[]): Promise<Run>;
  /** `audit` with a further setting of the environment. */
  auditWith(environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Run>;
  /** `audit shred session-1` with the agreement of both officers. */
  shred(): Promise<Run>;
  verify(): Promise<Run>;
  /** Entries of one kind in the registry. */
  said(kind: RegistryKind): Promise<readonly RegistryEntry[]>;
  local(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export interface StoryOptions {
  /** How long from now on the bodies are locked. */
  readonly lockedMs: number;
  /** Where the registry is when it is not in the bucket. */
  readonly registryDirectory?: string;
  /** Leaves the whole recording on the disk, too. */
  readonly keepLocal?: boolean;
}

/** Segment 1: session-1; 2: session-2; 3: both; 4: none, and the log's end. The records are three days old. */
export async function makeArchivedStory(place: ErasePlace, options: StoryOptions): Promise<ArchivedStory> {
  const parent = await mkdtemp(join(tmpdir(), 'piste-erase-'));
  const path = (name: string): string => join(parent, name);
  const directory = path('recording');
  const store = await place.open();
  const officers = await makeOfficers(path);
  await writeFile(path('identity.pem'), pem(testIdentityKey()));
  const gateway = await startTestGateway(directory, {
    store:
      options.registryDirectory === undefined
        ? createRegistryObjects({ store, retention: undefined, nowMs: place.nowMs })
        : createFileStore(options.registryDirectory),
    officers,
    recipients: [RECIPIENT],
    clock: startClock(place.nowMs() - 3 * DAY_MS),
  });
  const { recording } = gateway;
  const append = (session: string) =>
    recording.append({
      kind: 'control',
      sessionId: session,
      fields: { op: 'x' },
      bodies: [{ name: 'rows', bytes: Buffer.from(`secret of ${session}`) }],
    });
  for (const sessions of [['session-1'], ['session-2'], ['session-1', 'session-2']]) {
    for (const session of sessions) await append(session);
    await recording.finishSegment();
  }
  await gateway.close();
  const ulid = recording.writer.slice(-26);
  await ship({ store, directory, ulid, nowMs: place.nowMs, lockedMs: options.lockedMs }, (fields) =>
    gateway.opened.registry.append([{ kind: 'segment', fields }]),
  );
  if (options.keepLocal !== true)
    for (const segment of [2, 3]) await rm(join(directory, ulid, `0000000${segment}.seg`));

  const auditWith = (environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Run> =>
    run(['audit', ...words], {
      environment: {
        ...place.environment,
        PISTE_ARCHIVE_URL: place.url,
        PISTE_RECORDING_DIR: directory,
        PISTE_IDENTITY_KEY_FILE: path('identity.pem'),
        PISTE_DEPLOYMENT: 'test',
        ...environment,
      },
      nowMs: place.nowMs,
    });
  const audit = (...words: readonly string[]): Promise<Run> => auditWith({}, ...words);
  return {
    directory,
    ulid,
    audit,
    auditWith,
    async shred() {
      const notes: string[] = [];
      for (const name of ['ann', 'ben']) {
        const key = ['--key', path(`${name}.pem`), '--name', `officer/${name}`];
        const { out } = await audit('authorize', 'session-1', '--reason', REASON, ...key);
        await writeFile(path(`${name}.note`), out);
        notes.push('--authorization', path(`${name}.note`));
      }
      return audit('shred', 'session-1', '--reason', REASON, ...notes);
    },
    verify: () => audit('verify', place.url, '--trust', gateway.trustFile),
    async said(kind) {
      const { registry } = await readRegistry(openObjectSource(store, 'registry/'));
      return registry?.entries.filter((entry) => entry.kind === kind) ?? [];
    },
    local: async () => (await readdir(join(directory, ulid), { recursive: true })).sort(),
    async remove() {
      store.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function makeOfficers(path: (name: string) => string): Promise<readonly string[]> {
  const officers: string[] = [];
  for (const name of ['ann', 'ben']) {
    const key = generateKeyPairSync('ed25519').privateKey;
    await writeFile(path(`${name}.pem`), pem(key));
    officers.push(createKeptNoteSigner(`officer/${name}`, key).vkey);
  }
  return officers;
}

function startClock(startMs: number): FakeClock {
  let elapsedMs = 0;
  const advance = (milliseconds: number): void => {
    elapsedMs += milliseconds;
  };
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicNs: () => BigInt(5000 + elapsedMs) * 1_000_000n,
    advance,
    jump: advance,
  };
}

interface Shipping {
  readonly store: ObjectStore;
  readonly directory: string;
  readonly ulid: string;
  readonly nowMs: () => number;
  readonly lockedMs: number;
}

/** As the gateway ships, with a clock that makes the bodies' lock of a day end as the story wants it. */
async function ship(
  { store, directory, ulid, nowMs, lockedMs }: Shipping,
  announce: (fields: SegmentFields) => Promise<unknown>,
): Promise<void> {
  const retention = { mode: 'GOVERNANCE', entriesDays: 9, bodiesDays: 1 } as const;
  const deps = { store, directory, retention, nowMs: () => nowMs() - DAY_MS + lockedMs };
  for (const name of await readdir(join(directory, ulid, 'keys'))) {
    const path = `${ulid}/keys/${name}`;
    await shipObject(store, { path, bytes: await readFile(join(directory, path)), lock: undefined });
  }
  for (const name of (await readdir(join(directory, ulid))).sort()) {
    const segment = parseSegmentName(name);
    const shipped = segment === undefined ? undefined : await shipSegment(deps, { ulid, segment, mayBeThere: false });
    const fields = shipped === undefined ? undefined : toSegmentFields(shipped);
    if (fields !== undefined) await announce(fields);
  }
}
