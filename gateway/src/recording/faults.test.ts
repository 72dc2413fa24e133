import { describe, expect, test } from '@jest/globals';
import { openMemory, readLog, verify } from '@piste/verifier';
import { createFakeDisk, createRandom, type DiskCall, type FakeDisk, type Fault } from './disk-fixture.js';
import type { Recording } from './recording.js';
import { entry, openTestRecording, trustIn } from './recording-fixture.js';

const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
const BYTE_STEP = IS_TORTURE ? 1 : 199;
const ROOT = '/recordings';
const RECIPIENT = 'age1lnuxcy5ahpntwmlul3nk673zgeygx0aemupptwkus0e84lvdvdks0pm6le';

interface Outcome {
  readonly disk: FakeDisk;
  readonly acknowledged: readonly string[];
  readonly refused: number;
  readonly recording: Recording | undefined;
}

/** Twelve records over several small segments, one commit each. */
async function run(faultAt: (call: DiskCall) => Fault | undefined): Promise<Outcome> {
  const disk = createFakeDisk(ROOT, faultAt);
  const acknowledged: string[] = [];
  let refused = 0;
  const recording = await openTestRecording(ROOT, {
    files: disk.files,
    segmentBytes: 5_000,
    recipients: [RECIPIENT],
  }).catch(() => undefined);
  for (let round = 0; round < 12; round += 1) {
    await recording
      ?.append({ ...entry('control', { round }, { note: 'x'.repeat(round * 90) }), sessionId: `session-${round % 3}` })
      .then(
        ({ leafHash }) => acknowledged.push(leafHash),
        () => {
          refused += 1;
        },
      );
  }
  return { disk, acknowledged, refused, recording };
}

function whatIsThere(disk: FakeDisk): ReadonlyMap<string, Buffer> {
  return new Map([...disk.survivors(createRandom(7))].map(([path, bytes]) => [path.slice(ROOT.length + 1), bytes]));
}

async function lostIn({ disk, acknowledged }: Outcome): Promise<readonly string[]> {
  const kept = new Set<string>();
  for await (const { leafHash } of readLog(openMemory('the disk', whatIsThere(disk)))) kept.add(leafHash);
  return acknowledged.filter((leafHash) => !kept.has(leafHash));
}

describe('a disk that fails', () => {
  test('at any one call: everything after is refused, nothing before is lost, and nothing is tried again', async () => {
    const { calls, refused } = await run(() => undefined).then(({ disk, refused }) => ({ calls: disk.calls, refused }));
    expect(refused).toBe(0);
    for (const { number, kind } of calls) {
      if (kind === 'close') continue;
      const outcome = await run((call) => (call.number === number ? { kind: 'error', code: 'EIO' } : undefined));
      const after = outcome.disk.calls
        .slice(number + 1)
        .map((call) => call.kind)
        .filter((later) => later !== 'close');
      expect({ number, kind, after, lost: await lostIn(outcome) }).toEqual({ number, kind, after: [], lost: [] });
      expect(outcome.recording?.failed ?? true).toBe(true);
      if (outcome.recording !== undefined) {
        expect(outcome.acknowledged.length + outcome.refused).toBe(12);
        const { findings } = await verify(
          [openMemory('the disk', whatIsThere(outcome.disk))],
          await trustIn(outcome.recording),
        );
        expect(findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
      }
    }
  }, 60_000);

  test('by writing less than asked, at every call: the log is whole', async () => {
    for (const bytes of [1, 7, 511]) {
      const outcome = await run(({ kind }) => (kind === 'writev' ? { kind: 'short', bytes } : undefined));
      expect(outcome.refused).toBe(0);
      await outcome.recording?.close();
      const trust = outcome.recording === undefined ? undefined : await trustIn(outcome.recording);
      const { findings, logs } = await verify([openMemory('the disk', whatIsThere(outcome.disk))], trust);
      expect(findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
      expect(logs).toMatchObject([{ state: 'closed' }]);
    }
  }, 60_000);
});

describe('a disk that is full', () => {
  test('at any byte: what was acknowledged stands, what was not is refused', async () => {
    const whole = await run(() => undefined);
    const total = whole.disk.calls.reduce((sum, { bytes }) => sum + bytes, 0);
    const wrong: unknown[] = [];
    for (let room = 0; room < total; room += BYTE_STEP) {
      let left = room;
      const outcome = await run(({ kind, bytes }) => {
        if (kind !== 'writev') return undefined;
        if (left === 0) return { kind: 'error', code: 'ENOSPC' };
        const taken = Math.min(left, bytes);
        left -= taken;
        return { kind: 'short', bytes: taken };
      });
      const lost = await lostIn(outcome);
      const isConsistent = outcome.recording === undefined || outcome.acknowledged.length + outcome.refused === 12;
      const hasFailed = outcome.recording?.failed ?? true;
      if (lost.length > 0 || !isConsistent || !hasFailed) wrong.push({ room, lost, isConsistent, hasFailed });
    }
    expect(wrong).toEqual([]);
    expect(total).toBeGreaterThan(15_000);
  }, 600_000);
});
