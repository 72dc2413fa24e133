import { closeSync, openSync, writeSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Trust } from '@piste/verifier';
import { encodeCanonical, encodeFrame, FRAME_HEADER_BYTES, verifyDirectory } from '@piste/verifier';
import { codesOf, endOfFirstGroup, framesOf, makeSmallLog, outcomeWith, repairCrc, segmentOf } from './log-fixture.js';
import {
  createFakeClock,
  entry,
  keyOnly,
  openTestRecording,
  recordStory,
  trustIn,
  withDirectory,
} from './recording-fixture.js';

/** PISTE_TORTURE=1 tries every place instead of one in so many. */
const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
const BIT_STEP = IS_TORTURE ? 1 : 61;
const BYTE_STEP = IS_TORTURE ? 1 : 7;
const EDIT_STEP = IS_TORTURE ? 1 : 5;
const EXHAUSTIVE_TIMEOUT_MS = 180_000;

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
        for (let bit = 0; bit < sample.bytes.byteLength * 8; bit += BIT_STEP) {
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
        for (let at = 0; at < sample.bytes.byteLength; at += BYTE_STEP) {
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
          for (let at = FRAME_HEADER_BYTES; at < frame.bytes.byteLength; at += BYTE_STEP) {
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
        for (let length = 0; length < sample.bytes.byteLength; length += BYTE_STEP) {
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
        const sample = { directory, segment, bytes, anchored: await trustIn(recording) };
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
          if (index % EDIT_STEP !== 0) continue;
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
      const trust = await trustIn(recording);
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
