import { closeSync, openSync, writeSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { encodeCanonical } from './canonical-json.js';
import { decodeFrameHeader, encodeFrame, FRAME_HEADER_BYTES, type FrameType } from './frame.js';
import {
  createFakeClock,
  createFakeRandom,
  entry,
  keyOnly,
  openTestRecording,
  permitOf,
  recordStory,
  trustIn,
  withDirectory,
} from './recording-fixture.js';
import type { Trust } from './trust.js';
import { type Verdict, verifyDirectories, verifyDirectory } from './verify.js';

/** The exhaustive tests verify thousands of times; on a busy machine that takes a while. */
const EXHAUSTIVE_TIMEOUT_MS = 180_000;

interface Sample {
  readonly directory: string;
  readonly segment: string;
  readonly bytes: Buffer;
  /** Key and checkpoint over the whole log. */
  readonly anchored: Trust;
}

async function segmentOf(directory: string): Promise<string> {
  const [ulid = ''] = (await readdir(directory)).sort();
  return join(directory, ulid, '00000001.seg');
}

/** A log of two commits and the close, with or without it. */
async function makeSmallLog(directory: string, closed: boolean): Promise<Sample> {
  const recording = await openTestRecording(directory);
  await recording.recordRequest(
    permitOf('select 1'),
    entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: 'select 1' }),
  );
  if (closed) await recording.close();
  const segment = await segmentOf(directory);
  const bytes = await readFile(segment);
  const anchored = trustIn(recording);
  if (!closed) await recording.close();
  return { directory, segment, bytes, anchored };
}

interface RawFrame {
  readonly type: FrameType;
  readonly bytes: Buffer;
}

function framesOf(bytes: Buffer): readonly RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const header = decodeFrameHeader(bytes.subarray(at));
    if (!header.ok) throw new Error(header.reason);
    const end = at + FRAME_HEADER_BYTES + header.payloadBytes;
    frames.push({ type: header.type, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return frames;
}

function endOfFirstGroup(bytes: Buffer): number {
  const frames = framesOf(bytes);
  const firstCommit = frames.findIndex(({ type }) => type === 'commit');
  return frames.slice(0, firstCommit + 1).reduce((sum, frame) => sum + frame.bytes.byteLength, 0);
}

function repairCrc(frame: Buffer): void {
  frame.writeUInt32BE(crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, 12))), 12);
}

function outcomeWith({ segment, directory }: Sample, bytes: Buffer, trust?: Trust): Promise<Verdict> {
  return writeFile(segment, bytes).then(() => verifyDirectory(directory, trust));
}

function codesOf(verdict: Verdict): readonly string[] {
  return verdict.findings.map(({ code }) => code);
}

describe('verifying one log', () => {
  test('finds a closed log with a trusted key sound, and an unknown key inconclusive', () =>
    withDirectory(async (directory) => {
      const { anchored } = await makeSmallLog(directory, true);
      expect(await verifyDirectory(directory, anchored)).toMatchObject({
        outcome: 'sound',
        findings: [],
        counts: { records: 3, requests: 1 },
      });
      expect((await verifyDirectory(directory, keyOnly(anchored))).outcome).toBe('sound');
      const untrusted = await verifyDirectory(directory);
      expect(untrusted.outcome).toBe('cannot-conclude');
      expect(codesOf(untrusted)).toEqual(['untrusted-writer']);
    }));

  test('finds an open log sound only as far as a checkpoint was kept', () =>
    withDirectory(async (directory) => {
      const sample = await makeSmallLog(directory, false);
      expect((await outcomeWith(sample, sample.bytes, keyOnly(sample.anchored))).outcome).toBe('cannot-conclude');
      const verdict = await outcomeWith(sample, sample.bytes, sample.anchored);
      expect(verdict.outcome).toBe('sound');
      expect(verdict.logs[0]).toMatchObject({ state: 'open', records: 2, proven: 2 });
      expect(verdict.findings).toMatchObject([{ severity: 'note', code: 'open-log' }]);
    }));

  test(
    'proves tampering for every flipped bit of an anchored log',
    () =>
      withDirectory(async (directory) => {
        const sample = await makeSmallLog(directory, true);
        const missed: number[] = [];
        const file = openSync(sample.segment, 'r+');
        for (let bit = 0; bit < sample.bytes.byteLength * 8; bit += 1) {
          const at = bit >> 3;
          const byte = sample.bytes.readUInt8(at);
          writeSync(file, Uint8Array.of(byte ^ (1 << (bit & 7))), 0, 1, at);
          if ((await verifyDirectory(directory, sample.anchored)).outcome !== 'tampered') missed.push(bit);
          writeSync(file, Uint8Array.of(byte), 0, 1, at);
        }
        closeSync(file);
        expect((await verifyDirectory(directory, sample.anchored)).outcome).toBe('sound');
        expect(sample.bytes.byteLength).toBeGreaterThan(1000);
        expect(missed).toEqual([]);
      }),
    EXHAUSTIVE_TIMEOUT_MS,
  );

  test(
    'never finds a log with a flipped bit sound, with only the key to go by',
    () =>
      withDirectory(async (directory) => {
        const sample = await makeSmallLog(directory, true);
        const firstGroupEnd = endOfFirstGroup(sample.bytes);
        const wrong: string[] = [];
        for (let at = 0; at < sample.bytes.byteLength; at += 1) {
          const bytes = Buffer.from(sample.bytes);
          bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
          const { outcome } = await outcomeWith(sample, bytes, keyOnly(sample.anchored));
          // A broken second group is followed by the closing one: no interrupted write leaves that.
          const isSecondGroup = at >= firstGroupEnd && at < sample.bytes.byteLength - 500;
          if (outcome === 'sound' || (isSecondGroup && outcome !== 'tampered')) wrong.push(`${at}: ${outcome}`);
        }
        expect(wrong).toEqual([]);
      }),
    EXHAUSTIVE_TIMEOUT_MS,
  );

  test(
    'proves tampering for every changed byte whose CRC was repaired',
    () =>
      withDirectory(async (directory) => {
        const sample = await makeSmallLog(directory, true);
        const frames = framesOf(sample.bytes);
        const missed: string[] = [];
        for (const [position, frame] of frames.entries()) {
          for (let at = FRAME_HEADER_BYTES; at < frame.bytes.byteLength; at += 1) {
            const changed = Buffer.from(frame.bytes);
            changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
            repairCrc(changed);
            const bytes = Buffer.concat(frames.map((other, index) => (index === position ? changed : other.bytes)));
            const { outcome } = await outcomeWith(sample, bytes, keyOnly(sample.anchored));
            // The first group's key record decides the key itself; a changed one is another writer's log.
            if (outcome === 'sound' || (position > 2 && outcome !== 'tampered'))
              missed.push(`${position}:${at} ${outcome}`);
          }
        }
        expect(missed).toEqual([]);
      }),
    EXHAUSTIVE_TIMEOUT_MS,
  );

  test(
    'never finds a log cut at any byte sound',
    () =>
      withDirectory(async (directory) => {
        const sample = await makeSmallLog(directory, true);
        // The key is only known once the first commit is durable, so a trusted log without one was cut.
        const firstGroupEnd = endOfFirstGroup(sample.bytes);
        const wrong: string[] = [];
        for (let length = 0; length < sample.bytes.byteLength; length += 1) {
          const cut = sample.bytes.subarray(0, length);
          const withKey = (await outcomeWith(sample, cut, keyOnly(sample.anchored))).outcome;
          const withCheckpoint = (await outcomeWith(sample, cut, sample.anchored)).outcome;
          const expected = length < firstGroupEnd ? 'tampered' : 'cannot-conclude';
          if (withKey !== expected || withCheckpoint !== 'tampered')
            wrong.push(`${length}: ${withKey}, ${withCheckpoint}`);
        }
        expect(wrong).toEqual([]);
      }),
    EXHAUSTIVE_TIMEOUT_MS,
  );

  test(
    'accepts no dropped, doubled or swapped frame',
    () =>
      withDirectory(async (directory) => {
        const clock = createFakeClock();
        const recording = await openTestRecording(directory, { clock });
        await recordStory(recording, clock);
        await recording.close();
        const segment = await segmentOf(directory);
        const bytes = await readFile(segment);
        const sample = { directory, segment, bytes, anchored: trustIn(recording) };
        const frames = framesOf(bytes).map((frame) => frame.bytes);
        const edits: (readonly Buffer[])[] = [];
        for (const [i, frame] of frames.entries()) {
          edits.push(frames.toSpliced(i, 1), frames.toSpliced(i, 0, frame));
          for (const [j, other] of frames.entries()) {
            if (j > i && !frame.equals(other)) edits.push(frames.with(i, other).with(j, frame));
          }
        }
        const missed: number[] = [];
        for (const [index, edit] of edits.entries()) {
          const { outcome } = await outcomeWith(sample, Buffer.concat(edit), keyOnly(sample.anchored));
          if (outcome === 'sound') missed.push(index);
          if ((await verifyDirectory(directory, sample.anchored)).outcome !== 'tampered') missed.push(index);
        }
        expect(edits.length).toBeGreaterThan(400);
        expect(missed).toEqual([]);
      }),
    EXHAUSTIVE_TIMEOUT_MS,
  );

  test('refuses whole groups dropped, doubled, or taken from another log', () =>
    withDirectory(async (directory) => {
      const first = join(directory, 'a');
      const second = join(directory, 'b');
      const sample = await makeSmallLog(first, true);
      const other = await makeSmallLog(second, true);
      const groups = (bytes: Buffer): readonly Buffer[] => {
        const parts: Buffer[][] = [[]];
        for (const frame of framesOf(bytes)) {
          parts.at(-1)?.push(frame.bytes);
          if (frame.type === 'commit') parts.push([]);
        }
        return parts.map((part) => Buffer.concat(part));
      };
      const [open = Buffer.alloc(0), middle = Buffer.alloc(0), close = Buffer.alloc(0)] = groups(sample.bytes);
      const [, foreign = Buffer.alloc(0)] = groups(other.bytes);
      for (const edit of [
        [open, close],
        [open, middle, middle, close],
        [open, foreign, close],
        [open, middle, close, close],
        [middle, close],
      ]) {
        expect((await outcomeWith(sample, Buffer.concat(edit), sample.anchored)).outcome).toBe('tampered');
      }
      expect((await outcomeWith(sample, Buffer.concat([open, middle, close]), sample.anchored)).outcome).toBe('sound');
    }));

  test('tells an interrupted write from bytes that no crash can leave', () =>
    withDirectory(async (directory) => {
      const sample = await makeSmallLog(directory, false);
      const torn = await outcomeWith(
        sample,
        Buffer.concat([sample.bytes, encodeFrame('body', Buffer.from('half a record'))]),
        sample.anchored,
      );
      expect(torn.outcome).toBe('cannot-conclude');
      expect(torn.logs[0]).toMatchObject({ state: 'torn', records: 2, tornBytes: 29 });
      const closed = await makeSmallLog(join(directory, 'closed'), true);
      await appendFile(closed.segment, 'x');
      expect(await verifyDirectory(closed.directory, closed.anchored)).toMatchObject({ outcome: 'tampered' });
    }));

  test('refuses a false key, a false checkpoint and a missing log', () =>
    withDirectory(async (directory) => {
      const sample = await makeSmallLog(join(directory, 'a'), true);
      const other = await makeSmallLog(join(directory, 'b'), true);
      const [anchor] = sample.anchored.checkpoints;
      if (anchor === undefined) throw new Error('checkpoint expected');
      expect(
        codesOf(await verifyDirectory(sample.directory, { ...sample.anchored, writers: other.anchored.writers })),
      ).toContain('wrong-key');
      const root = Buffer.alloc(32, 1).toString('base64');
      const falseRoot: Trust = { ...sample.anchored, checkpoints: [{ ...anchor, root }] };
      expect(codesOf(await verifyDirectory(sample.directory, falseRoot))).toContain('checkpoint-mismatch');
      const longer: Trust = { ...sample.anchored, checkpoints: [{ ...anchor, size: anchor.size + 1 }] };
      expect(codesOf(await verifyDirectory(sample.directory, longer))).toContain('truncated');
      await rm(join(sample.segment, '..'), { recursive: true });
      expect(await verifyDirectory(sample.directory, sample.anchored)).toMatchObject({ outcome: 'tampered' });
      expect(await verifyDirectory(sample.directory, keyOnly(sample.anchored))).toMatchObject({
        outcome: 'cannot-conclude',
      });
    }));

  test('accounts for every file of a log and misses no segment', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { segmentBytes: 2000 });
      for (let round = 0; round < 8; round += 1)
        await recording.append(entry('control', {}, { note: 'x'.repeat(900) }));
      await recording.close();
      const trust = trustIn(recording);
      const log = join(await segmentOf(directory), '..');
      await writeFile(join(log, 'extra'), '');
      expect(await verifyDirectory(directory, trust)).toMatchObject({
        outcome: 'cannot-conclude',
        findings: [{ code: 'unknown-file' }],
      });
      await rm(join(log, 'extra'));
      await mkdir(join(directory, 'lost+found'));
      expect(await verifyDirectory(directory, trust)).toMatchObject({
        outcome: 'sound',
        findings: [{ severity: 'note' }],
      });
      await rename(join(log, '00000002.seg'), join(log, '00000099.seg'));
      const verdict = await verifyDirectory(directory, keyOnly(trust));
      expect(verdict.outcome).toBe('tampered');
      expect(codesOf(verdict)).toContain('missing-segment');
    }));
});

describe('verifying a chain of logs', () => {
  /** A log left open with half a record behind it, and the closed log of the next start. */
  async function crashAndRestart(
    directory: string,
    tear: boolean,
  ): Promise<{ readonly trust: Trust; readonly crashed: string }> {
    const random = createFakeRandom();
    const clock = createFakeClock();
    const first = await openTestRecording(directory, { random, clock });
    await first.append(entry('control', { op: 'x' }));
    const crashed = await segmentOf(directory);
    if (tear) await appendFile(crashed, encodeFrame('body', Buffer.from('half')));
    clock.advance(1000);
    const second = await openTestRecording(directory, { random, clock });
    await second.close();
    return { trust: merge(trustIn(first), trustIn(second)), crashed };
  }

  function merge(...trusts: readonly Trust[]): Trust {
    return {
      writers: trusts.flatMap(({ writers }) => writers),
      checkpoints: trusts.flatMap(({ checkpoints }) => checkpoints),
    };
  }

  test('accepts a torn tail that the next start found the same', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, true);
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.outcome).toBe('sound');
      expect(verdict.logs).toMatchObject([{ state: 'torn', records: 2, proven: 2 }, { state: 'closed' }]);
      await appendFile(crashed, 'more');
      expect(await verifyDirectory(directory, trust)).toMatchObject({ outcome: 'tampered' });
    }));

  test('proves a cut made after the restart without any kept checkpoint', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, false);
      const [, commit] = framesOf(await readFile(crashed)).filter(({ type }) => type === 'commit');
      expect(commit).toBeDefined();
      const bytes = await readFile(crashed);
      const firstCommitEnd = bytes.indexOf(commit?.bytes ?? '') - (framesOf(bytes).at(-2)?.bytes.byteLength ?? 0);
      await truncate(crashed, firstCommitEnd);
      const verdict = await verifyDirectory(directory, keyOnly(trust));
      expect(verdict.outcome).toBe('tampered');
      expect(codesOf(verdict)).toContain('truncated');
    }));

  test('misses a log that a later one found', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, false);
      await rm(join(crashed, '..'), { recursive: true });
      const verdict = await verifyDirectory(directory, { writers: trust.writers.slice(1), checkpoints: [] });
      expect(codesOf(verdict)).toEqual(['missing-log']);
      expect(verdict.outcome).toBe('tampered');
    }));

  test('explains a log whose writer stopped before its first commit', () =>
    withDirectory(async (directory) => {
      const empty = join(directory, '01M80000000000000000000000');
      await mkdir(empty);
      expect((await verifyDirectory(directory)).outcome).toBe('cannot-conclude');
      const next = await openTestRecording(directory);
      await next.close();
      const verdict = await verifyDirectory(directory, trustIn(next));
      expect(verdict.findings).toMatchObject([{ severity: 'note', code: 'empty-log' }]);
      expect(verdict.outcome).toBe('sound');
    }));

  test('says so when a log is given twice or none is', () =>
    withDirectory(async (directory) => {
      const { anchored } = await makeSmallLog(join(directory, 'a'), true);
      await cp(join(directory, 'a'), join(directory, 'b'), { recursive: true });
      const twice = await verifyDirectories([join(directory, 'a'), join(directory, 'b')], anchored);
      expect(twice).toMatchObject({ outcome: 'cannot-conclude', findings: [{ code: 'duplicate-log' }] });
      await mkdir(join(directory, 'c'));
      expect(await verifyDirectory(join(directory, 'c'))).toMatchObject({
        outcome: 'cannot-conclude',
        findings: [{ code: 'no-logs' }],
      });
    }));
});

test('a header that is canonical but not the expected one is refused', () =>
  withDirectory(async (directory) => {
    const sample = await makeSmallLog(directory, true);
    const [header, ...rest] = framesOf(sample.bytes);
    const payload = encodeCanonical({
      format: 'piste-recording',
      v: 1,
      origin: 'test/w/X',
      seg: 1,
      first: 0,
      prev: Buffer.alloc(32).toString('base64'),
    });
    const forged = encodeFrame('header', Buffer.from(payload));
    expect(header?.type).toBe('header');
    const verdict = await outcomeWith(
      sample,
      Buffer.concat([forged, ...rest.map(({ bytes }) => bytes)]),
      keyOnly(sample.anchored),
    );
    expect(verdict.outcome).toBe('tampered');
    expect(codesOf(verdict)).toContain('bad-header');
  }));
