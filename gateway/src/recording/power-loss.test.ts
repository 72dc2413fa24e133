import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openMemory, readLog, type Trust, verify, verifyDirectory } from '@piste/verifier';
import { createFakeDisk, createRandom, type DiskCall, type FakeDisk, type Fault } from './disk-fixture.js';
import type { Recording } from './recording.js';
import {
  createFakeClock,
  createFakeRandom,
  entry,
  openTestRecording,
  trustIn,
  withDirectory,
} from './recording-fixture.js';

const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
/** States of the disk looked at for every call at which the power goes. */
const STATES_PER_CALL = IS_TORTURE ? 700 : 4;
const ROOT = '/recordings';
const RECIPIENT = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';

interface Run {
  readonly disk: FakeDisk;
  /** Leaf hashes of what was acknowledged before the fault. */
  readonly acknowledged: readonly string[];
  readonly trust: Trust;
}

/** Records over several segments, encrypted, until the end or the fault. */
async function run(faultAt: (call: DiskCall) => Fault | undefined): Promise<Run> {
  const disk = createFakeDisk(ROOT, faultAt);
  const acknowledged: string[] = [];
  const trust: { writers: readonly string[]; checkpoints: Trust['checkpoints'] } = { writers: [], checkpoints: [] };
  let recording: Recording | undefined;
  try {
    const open = await openTestRecording(ROOT, { files: disk.files, segmentBytes: 6_000, recipients: [RECIPIENT] });
    recording = open;
    Object.assign(trust, await trustIn(open));
    for (let round = 0; round < 6; round += 1) {
      const group = Array.from({ length: 1 + (round % 3) }, (_, index) => ({
        ...entry('control', { round, index }, { note: 'x'.repeat(round * 300) }),
        sessionId: `session-${index}`,
      }));
      const receipts = await Promise.all(group.map((one) => open.append(one)));
      for (const { leafHash } of receipts) acknowledged.push(leafHash);
      Object.assign(trust, await trustIn(open));
    }
  } catch {
    // The fault; what was acknowledged before counts.
  }
  await recording?.close().catch(() => undefined);
  return { disk, acknowledged, trust };
}

function below(state: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  return new Map([...state].map(([path, bytes]) => [path.slice(ROOT.length + 1), bytes]));
}

/** What is wrong with a state: nothing, if all is well. */
async function complaintsAbout(
  files: ReadonlyMap<string, Buffer>,
  { acknowledged, trust }: Run,
): Promise<readonly string[]> {
  const source = openMemory('what survived', files);
  const kept = new Set<string>();
  for await (const { leafHash } of readLog(source, () => false)) kept.add(leafHash);
  const lost = acknowledged.filter((leafHash) => !kept.has(leafHash));
  const { findings } = await verify([source], trust);
  const accused = findings.filter(({ severity }) => severity === 'tampered').map(({ code }) => code);
  return [...lost.map((leafHash) => `lost ${leafHash}`), ...accused];
}

describe('after a loss of power', () => {
  test(`nothing acknowledged is lost and nobody is accused, whatever sectors arrived`, async () => {
    const { calls } = (await run(() => undefined)).disk;
    expect(new Set(calls.map(({ kind }) => kind)).size).toBe(7);
    expect(calls.filter(({ kind, path }) => kind === 'createFile' && path.endsWith('.seg')).length).toBeGreaterThan(2);
    let states = 0;
    let torn = 0;
    for (const { number } of calls) {
      const outcome = await run((call) => (call.number === number ? { kind: 'powerLoss' } : undefined));
      const random = createRandom(number);
      for (let round = 0; round < STATES_PER_CALL; round += 1) {
        const files = below(outcome.disk.survivors(random));
        const complaints = await complaintsAbout(files, outcome);
        expect({ number, round, complaints }).toEqual({ number, round, complaints: [] });
        states += 1;
        const verdict = await verify([openMemory('what survived', files)]);
        if (verdict.logs.some(({ tornBytes }) => tornBytes > 0)) torn += 1;
      }
    }
    expect(states).toBe(calls.length * STATES_PER_CALL);
    expect(torn).toBeGreaterThan(STATES_PER_CALL);
  }, 3_600_000);

  test('the next start finds the log, says how it ends, and both verify', async () => {
    const { calls } = (await run(() => undefined)).disk;
    const writes = calls.filter(({ kind }) => kind === 'writev');
    for (const { number } of IS_TORTURE ? writes : writes.filter((_, index) => index % 3 === 0)) {
      const outcome = await run((call) => (call.number === number ? { kind: 'powerLoss' } : undefined));
      const files = below(outcome.disk.survivors(createRandom(number)));
      await withDirectory(async (directory) => {
        for (const [path, bytes] of files) {
          await mkdir(dirname(join(directory, path)), { recursive: true });
          await writeFile(join(directory, path), bytes);
        }
        const clock = createFakeClock();
        clock.advance(60_000);
        const next = await openTestRecording(directory, { clock, random: createFakeRandom() });
        await next.close();
        const both = await trustIn(next);
        const verdict = await verifyDirectory(directory, {
          writers: [...outcome.trust.writers, ...both.writers],
          checkpoints: [...outcome.trust.checkpoints, ...both.checkpoints],
        });
        const worse = verdict.findings.filter(({ severity }) => severity === 'tampered');
        expect({ number, worse }).toEqual({ number, worse: [] });
      });
    }
  }, 600_000);
});

describe('a disk that loses acknowledged writes', () => {
  test('is noticed by these tests', async () => {
    const outcome = await run(() => undefined);
    const files = new Map(below(outcome.disk.survivors(createRandom(1))));
    const segments = [...files.keys()].filter((name) => name.endsWith('.seg'));
    for (const path of segments.slice(-2)) files.delete(path);
    expect(await complaintsAbout(files, outcome)).not.toEqual([]);
  });
});
