import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Archive,
  type ArchiveOptions,
  joinSegment,
  type LiveLog,
  type ObjectStore,
  openArchive,
  type SegmentAnnouncement,
} from '@piste/gateway/dist/archive/index.js';
import { openTestRecording, SILENT_LOG } from '@piste/gateway/dist/recording/recording-fixture.js';
import { segmentName } from '@piste/verifier';
import type { FakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

export const PREFIX = 'gateway/a';

/** A recorded log: its segments, by number from 1. */
export interface MadeLog {
  readonly ulid: string;
  readonly directory: string;
  readonly segments: readonly Buffer[];
}

/** Records a log of several small segments, closed at its end. */
export async function makeLog(records: number, segmentBytes = 12_000): Promise<MadeLog> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-log-'));
  const recording = await openTestRecording(directory, {
    segmentBytes,
    random: randomBytes,
    clock: { nowMs: Date.now, monotonicNs: () => process.hrtime.bigint() },
  });
  for (let record = 0; record < records; record += 1) {
    const bodies = record % 2 === 0 ? [{ name: 'sql', bytes: Buffer.from(`select ${'x'.repeat(1000 + record)}`) }] : [];
    await recording.append({ kind: 'control', sessionId: undefined, fields: { op: `record ${record}` }, bodies });
  }
  await recording.close();
  const [ulid = ''] = await readdir(directory);
  const names = (await readdir(join(directory, ulid))).filter((name) => name.endsWith('.seg')).sort();
  return { ulid, directory, segments: await Promise.all(names.map((name) => readFile(join(directory, ulid, name)))) };
}

/** A recording directory into which segments of a made log arrive one by one, as a writer would finish them. */
export interface Spooling {
  readonly directory: string;
  readonly live: LiveLog;
  /** Finishes the next segment; its bytes, 0 when the log is at its end. */
  next(): Promise<number>;
  /** Numbers of the segments on disk. */
  local(): Promise<readonly number[]>;
  remove(): Promise<void>;
}

export async function spoolOf(made: MadeLog): Promise<Spooling> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-spool-'));
  await mkdir(join(directory, made.ulid));
  let finished = 0;
  return {
    directory,
    live: { ulid: made.ulid, finishSegment: async () => finished },
    async next() {
      if (finished >= made.segments.length) return 0;
      const name = segmentName(finished + 1);
      await copyFile(join(made.directory, made.ulid, name), join(directory, made.ulid, name));
      finished += 1;
      return made.segments[finished - 1]?.byteLength ?? 0;
    },
    async local() {
      const names = await readdir(join(directory, made.ulid)).catch(() => []);
      return names
        .filter((name) => name.endsWith('.seg'))
        .map((name) => Number.parseInt(name, 10))
        .sort((a, b) => a - b);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** An archive under a test: no clock of its own, and what it says is kept. */
export interface ArchiveUnderTest {
  readonly archive: Archive;
  readonly announced: SegmentAnnouncement[];
  /** Runs one round of shipping; what failed. */
  readonly ship: () => Promise<readonly string[]>;
  readonly failures: string[];
}

export const OPTIONS: ArchiveOptions = {
  worm: 'required',
  retention: { mode: 'GOVERNANCE', entriesDays: 2557, bodiesDays: 90 },
  spool: { maxLagSeconds: 900, maxBytes: 1_000_000_000 },
  shipEverySeconds: 5,
  keepLocal: false,
};

export interface UnderTest {
  readonly fake: FakeS3;
  readonly directory: string;
  readonly live: LiveLog;
  readonly options?: Partial<ArchiveOptions>;
  readonly nowMs?: () => number;
  readonly announce?: (segment: SegmentAnnouncement) => Promise<void>;
  readonly store?: ObjectStore;
}

export async function openArchiveUnderTest(under: UnderTest): Promise<ArchiveUnderTest> {
  const announced: SegmentAnnouncement[] = [];
  const failures: string[] = [];
  let round: (() => void) | undefined;
  let settled = Promise.withResolvers<void>();
  const archive = await openArchive({
    store: under.store ?? openFakeStore(under.fake, PREFIX, 2000),
    options: { ...OPTIONS, ...under.options },
    directory: under.directory,
    nowMs: under.nowMs ?? Date.now,
    random: randomBytes,
    timers: {
      every(_, run) {
        round = run;
        return () => undefined;
      },
    },
    log: SILENT_LOG,
    metrics: {
      shipped: () => undefined,
      failed: (why) => failures.push(why),
      // The last thing a round does.
      spool: () => settled.resolve(),
    },
  });
  archive.start(under.live, async (segment) => {
    await under.announce?.(segment);
    announced.push(segment);
  });
  await settled.promise;
  return {
    archive,
    announced,
    failures,
    async ship() {
      const before = failures.length;
      settled = Promise.withResolvers<void>();
      await new Promise((resolve) => setImmediate(resolve));
      round?.();
      await settled.promise;
      return failures.slice(before);
    },
  };
}

/** What the bucket holds of a log, joined to whole segments again. */
export function archivedSegments(fake: FakeS3, ulid: string): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const key of fake.bucket.keys()) {
    const number = new RegExp(`^${PREFIX}/${ulid}/(\\d{8})\\.sfr$`).exec(key)?.[1];
    if (number === undefined) continue;
    const bodies = fake.bucket.versions(key.replace(/sfr$/, 'sfb')).at(-1)?.bytes ?? Buffer.alloc(0);
    found.set(Number(number), joinSegment(fake.bucket.versions(key).at(-1)?.bytes ?? Buffer.alloc(0), bodies));
  }
  return found;
}

/** Names that hold anything but exactly one version. */
export function doubledKeys(fake: FakeS3, ulid: string): readonly string[] {
  return fake.bucket.keys().filter((key) => key.includes(ulid) && fake.bucket.versions(key).length !== 1);
}
