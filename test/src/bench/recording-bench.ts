import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openRecording, type Recording } from '@piste/gateway/dist/recording/index.js';
import { encodeBech32, parseIdentity } from '@piste/verifier';
import { median, percentile } from './statistics.js';

const run = promisify(execFile);

/** Printed where there is nothing to compare with. */
export const MISSING_FIO =
  '*** fio IS MISSING: the disk itself is not measured, and appends have nothing to be compared with.';

const BODY_BYTES = 3_000;
const PART_BYTES = 1024 * 1024;
const IN_FLIGHT = 64;
const PARTS_IN_FLIGHT = 4;
const GIGABYTE_PARTS = 1024;
/** Not counted: each log is written by a new thread, whose code is slow until it was run some times. */
const WARM_UP_RECORDS = 500;
const QUICK_PARTS = 32;

export interface RecordingPlan {
  readonly rounds: number;
  /** Shows that everything runs; gives no numbers to quote. */
  readonly isQuick: boolean;
  /** A folder on the disk to measure. */
  readonly directory?: string;
}

/** What one way of recording reached: medians over the rounds. */
export interface RecordingRow {
  readonly variant: 'bodies as they are' | 'bodies encrypted';
  /** One append at a time, 3 KB. */
  readonly singleP50Millis: number;
  readonly singleP99Millis: number;
  /** 64 appends at a time, 3 KB each. */
  readonly recordsPerSecond: number;
  readonly cpuMicrosPerRecord: number;
  /** Parts of 1 MiB, 4 at a time, each awaited. */
  readonly streamMegabytesPerSecond: number;
}

export interface RecordingResults {
  readonly rounds: number;
  /** 4 KiB write and fdatasync; undefined without fio. */
  readonly fioP50Millis: number | undefined;
  readonly fioP99Millis: number | undefined;
  readonly rows: readonly RecordingRow[];
  /** A new start on a log of so many megabytes whose writer did not close it. */
  readonly recovery: { readonly megabytes: number; readonly millis: number };
  /** Growth of the process while that log was written. */
  readonly streamGrowthMegabytes: number;
}

type Sample = Omit<RecordingRow, 'variant'>;

/** Measures durable appends beside what the disk itself takes, alternating, in one run on one disk. */
export async function measureRecording({ rounds, isQuick, directory }: RecordingPlan): Promise<RecordingResults> {
  const home = await mkdtemp(join(directory ?? tmpdir(), 'piste-recording-bench-'));
  try {
    const recovered = await measureRecovery(join(home, 'recovery'), isQuick ? QUICK_PARTS : GIGABYTE_PARTS);
    const disk: (Disk | undefined)[] = [];
    const plain: Sample[] = [];
    const sealed: Sample[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const sample = {
        disk: await measureDisk(home, isQuick ? 1 : 2),
        plain: await measureAppends(join(home, `plain-${round}`), [], isQuick),
        sealed: await measureAppends(join(home, `sealed-${round}`), [createRecipient()], isQuick),
      };
      // The first round warms up.
      if (round === 0) continue;
      disk.push(sample.disk);
      plain.push(sample.plain);
      sealed.push(sample.sealed);
    }
    const known = disk.flatMap((one) => one ?? []);
    return {
      rounds,
      fioP50Millis: known.length === 0 ? undefined : median(known.map(({ p50Millis }) => p50Millis)),
      fioP99Millis: known.length === 0 ? undefined : median(known.map(({ p99Millis }) => p99Millis)),
      rows: [toRow('bodies as they are', plain), toRow('bodies encrypted', sealed)],
      ...recovered,
    };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function toRow(variant: RecordingRow['variant'], samples: readonly Sample[]): RecordingRow {
  const middle = (of: (sample: Sample) => number): number => median(samples.map(of));
  return {
    variant,
    singleP50Millis: middle((sample) => sample.singleP50Millis),
    singleP99Millis: middle((sample) => sample.singleP99Millis),
    recordsPerSecond: middle((sample) => sample.recordsPerSecond),
    cpuMicrosPerRecord: middle((sample) => sample.cpuMicrosPerRecord),
    streamMegabytesPerSecond: middle((sample) => sample.streamMegabytesPerSecond),
  };
}

interface Disk {
  readonly p50Millis: number;
  readonly p99Millis: number;
}

interface FioReport {
  readonly jobs: readonly {
    readonly sync: { readonly lat_ns: { readonly percentile: Readonly<Record<string, number>> } };
    readonly write: { readonly clat_ns: { readonly percentile: Readonly<Record<string, number>> } };
  }[];
}

async function measureDisk(directory: string, seconds: number): Promise<Disk | undefined> {
  const options = ['--name=disk', `--directory=${directory}`, '--size=16M', '--bs=4k', '--rw=write', '--ioengine=sync'];
  const limits = ['--fdatasync=1', `--runtime=${seconds}`, '--time_based', '--output-format=json'];
  try {
    const { stdout } = await run('fio', [...options, ...limits]);
    const job = (JSON.parse(stdout) as FioReport).jobs[0];
    const at = (share: string): number =>
      ((job?.sync.lat_ns.percentile[share] ?? Number.NaN) + (job?.write.clat_ns.percentile[share] ?? Number.NaN)) / 1e6;
    return { p50Millis: at('50.000000'), p99Millis: at('99.000000') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function createRecipient(): string {
  const identity = parseIdentity(encodeBech32('age-secret-key-', Buffer.alloc(32, 7)).toUpperCase());
  if (identity === undefined) throw new Error('the recipient does not parse');
  return encodeBech32('age', identity.publicBytes);
}

function open(directory: string, recipients: readonly string[] = []): Promise<Recording> {
  return openRecording({
    directory,
    deployment: 'bench',
    clock: { nowMs: () => Date.now(), monotonicNs: () => process.hrtime.bigint() },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    recipients,
  });
}

const FIELDS = {
  qid: '01b2c3d4-0000-0000-0000-000000000000',
  code: null,
  rows: 12,
  cols: 4,
  fmt: 'json',
  masked: [{ i: 1, m: 'Redact', p: 'pii', r: 'emails' }],
  upq: '01b2c3d4-0000-0000-0000-000000000001',
  out: { len: BODY_BYTES, sha: 'ab'.repeat(32) },
};

async function measureAppends(directory: string, recipients: readonly string[], isQuick: boolean): Promise<Sample> {
  const recording = await open(directory, recipients);
  const body = Buffer.alloc(BODY_BYTES, 'r');
  const append = (session: number): Promise<unknown> =>
    recording.append({
      kind: 'response',
      sessionId: `session-${session}`,
      fields: FIELDS,
      bodies: [{ name: 'rows', bytes: body }],
    });
  await timeInFlight(IN_FLIGHT, WARM_UP_RECORDS, (index) => append(index % IN_FLIGHT));
  const millis: number[] = [];
  for (let index = 0; index < (isQuick ? 100 : 800); index += 1) {
    const startedMs = performance.now();
    await append(index % 8);
    millis.push(performance.now() - startedMs);
  }
  const records = isQuick ? 1_000 : 24_000;
  const cpuBefore = process.cpuUsage();
  const many = await timeInFlight(IN_FLIGHT, records, (index) => append(index % IN_FLIGHT));
  const cpu = process.cpuUsage(cpuBefore);
  const parts = isQuick ? 16 : 256;
  const stream = await timeInFlight(PARTS_IN_FLIGHT, parts, streamTo(recording));
  await recording.close();
  await rm(directory, { recursive: true });
  return {
    singleP50Millis: percentile(millis, 0.5),
    singleP99Millis: percentile(millis, 0.99),
    recordsPerSecond: records / many,
    cpuMicrosPerRecord: (cpu.user + cpu.system) / records,
    streamMegabytesPerSecond: (parts * PART_BYTES) / 1e6 / stream,
  };
}

function streamTo(recording: Recording): (index: number) => Promise<unknown> {
  const part = Buffer.alloc(PART_BYTES, 'p');
  return async (index) => {
    const fields = { qid: 'q', n: index };
    await recording.recordAnswer(
      { kind: 'chunk', sessionId: 'stream', fields, bodies: [{ name: 'rows', bytes: part }] },
      part,
      { part: { result: 'stream', index, count: Number.MAX_SAFE_INTEGER } },
    );
  };
}

/** Seconds for `count` calls, of which `width` are always under way. */
async function timeInFlight(width: number, count: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await call(next);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return (performance.now() - startedMs) / 1000;
}

/** Streamed parts between two looks at the folder. */
const PARTS_PER_REMOVAL = 64;

/** What a long result costs in memory. */
export interface Growth {
  readonly megabytes: number;
  /** Of the process, at most, since the log was opened. */
  readonly growthMegabytes: number;
  readonly megabytesPerSecond: number;
}

/** Streams `megabytes` in parts of 1 MiB into a log of which finished segments are removed, as an archive would. */
export async function measureGrowth(megabytes: number, directory: string = tmpdir()): Promise<Growth> {
  const home = await mkdtemp(join(directory, 'piste-recording-growth-'));
  try {
    const recording = await open(home);
    const before = process.memoryUsage.rss();
    let most = before;
    const append = streamTo(recording);
    const parts = Math.ceil((megabytes * 1e6) / PART_BYTES);
    const seconds = await timeInFlight(PARTS_IN_FLIGHT, parts, async (index) => {
      await append(index);
      most = Math.max(most, process.memoryUsage.rss());
      if (index % PARTS_PER_REMOVAL === 0) await removeFinished(home);
    });
    await recording.close();
    return {
      megabytes: (parts * PART_BYTES) / 1e6,
      growthMegabytes: (most - before) / 1e6,
      megabytesPerSecond: (parts * PART_BYTES) / 1e6 / seconds,
    };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** All segments but the newest. */
async function removeFinished(home: string): Promise<void> {
  const names = (await readdir(home, { recursive: true })).filter((name) => name.endsWith('.seg')).toSorted();
  for (const name of names.slice(0, -1)) await rm(join(home, name), { force: true });
}

async function measureRecovery(
  directory: string,
  parts: number,
): Promise<Pick<RecordingResults, 'recovery' | 'streamGrowthMegabytes'>> {
  const left = await open(directory);
  const before = process.memoryUsage.rss();
  let most = before;
  const append = streamTo(left);
  await timeInFlight(PARTS_IN_FLIGHT, parts, async (index) => {
    await append(index);
    most = Math.max(most, process.memoryUsage.rss());
  });
  const startedMs = performance.now();
  const next = await open(directory);
  const millis = performance.now() - startedMs;
  await next.close();
  await left.close();
  await rm(directory, { recursive: true });
  return {
    recovery: { megabytes: (parts * PART_BYTES) / 1e6, millis },
    streamGrowthMegabytes: (most - before) / 1e6,
  };
}
