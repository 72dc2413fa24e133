import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { buildLog, FIRST_ULID } from '../fixture/corpus.js';
import { trustIn } from '../fixture/log-builder.js';
import { archive, framesOf } from '../fixture/split-segment.js';
import { verifyFiles } from '../fixture/verdicts.js';
import { FRAME_HEADER_BYTES } from '../format/frame.js';
import type { Trust } from './trust.js';

/** Every place instead of a sample. */
const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
const TORTURE_TIMEOUT_MS = 6 * 3_600_000;
const SAMPLES = 48;

interface Corpus {
  readonly name: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly trust: Trust;
}

/** Closed logs, wholly anchored, in every form; at least 64 KiB together when everything is tried. */
function makeCorpora(): readonly Corpus[] {
  const rowBytes = IS_TORTURE ? 24_000 : 600;
  const raw = buildLog(FIRST_ULID, { rowBytes, segments: 2 });
  const encrypted = buildLog(FIRST_ULID, { rowBytes, segments: 2, encrypted: true });
  const withZeros = new Map(raw.files());
  const last = `${FIRST_ULID}/00000002.seg`;
  withZeros.set(last, Buffer.concat([withZeros.get(last) ?? Buffer.alloc(0), Buffer.alloc(700)]));
  return [
    { name: 'raw', files: raw.files(), trust: trustIn([raw]) },
    { name: 'encrypted', files: encrypted.files(), trust: trustIn([encrypted]) },
    { name: 'archived', files: archive(raw.files()), trust: trustIn([raw]) },
    { name: 'archived and encrypted', files: archive(encrypted.files()), trust: trustIn([encrypted]) },
    { name: 'with unused space', files: withZeros, trust: trustIn([raw]) },
  ];
}

/** All of `count` places, or a sample that differs from file to file. */
function places(count: number): readonly number[] {
  if (IS_TORTURE || count <= SAMPLES) return Array.from({ length: count }, (_, place) => place);
  const step = count / SAMPLES;
  return Array.from({ length: SAMPLES }, (_, sample) => Math.floor(sample * step + ((sample * 7) % step)));
}

function replaced(files: ReadonlyMap<string, Buffer>, path: string, bytes: Buffer): Map<string, Buffer> {
  return new Map(files).set(path, bytes);
}

function repairCrc(frame: Buffer): void {
  frame.writeUInt32BE(crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, 12))), 12);
}

function isSegment(path: string): boolean {
  return /\.(seg|sfr|sfb)$/.test(path);
}

describe.each(makeCorpora())('a recording $name', ({ files, trust }) => {
  test('is sound as it was written', async () => {
    expect(await verifyFiles(files, trust)).toMatchObject({ outcome: 'sound' });
  });

  test.each([...files.keys()])(
    'proves tampering for a flipped bit of %s',
    async (path) => {
      const original = files.get(path) ?? Buffer.alloc(0);
      const missed: number[] = [];
      for (const bit of places(original.byteLength * 8)) {
        const bytes = Buffer.from(original);
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const { outcome } = await verifyFiles(replaced(files, path, bytes), trust);
        if (outcome !== 'tampered') missed.push(bit);
      }
      expect(missed).toEqual([]);
    },
    TORTURE_TIMEOUT_MS,
  );

  test.each([...files.keys()].filter(isSegment))(
    'proves tampering for a changed byte of %s whose CRC was repaired',
    async (path) => {
      const whole = files.get(path) ?? Buffer.alloc(0);
      const missed: number[] = [];
      let start = 0;
      const frames = framesOf(withoutZeros(whole));
      for (const { bytes } of frames) {
        for (const at of places(bytes.byteLength - FRAME_HEADER_BYTES).filter(
          (_, index) => IS_TORTURE || index % 8 === 0,
        )) {
          const changed = Buffer.from(whole);
          const frame = changed.subarray(start, start + bytes.byteLength);
          frame.writeUInt8(frame.readUInt8(FRAME_HEADER_BYTES + at) ^ 0x01, FRAME_HEADER_BYTES + at);
          repairCrc(frame);
          if ((await verifyFiles(replaced(files, path, changed), trust)).outcome !== 'tampered')
            missed.push(start + at);
        }
        start += bytes.byteLength;
      }
      expect(frames.length).toBeGreaterThan(2);
      expect(missed).toEqual([]);
    },
    TORTURE_TIMEOUT_MS,
  );

  test.each([...files.keys()])(
    'proves tampering for %s cut anywhere, and only there',
    async (path) => {
      const original = files.get(path) ?? Buffer.alloc(0);
      const used = isSegment(path) ? withoutZeros(original).byteLength : original.byteLength;
      const wrong: number[] = [];
      for (const length of places(original.byteLength)) {
        const { outcome } = await verifyFiles(replaced(files, path, original.subarray(0, length)), trust);
        if (outcome !== (length < used ? 'tampered' : 'sound')) wrong.push(length);
      }
      expect(wrong).toEqual([]);
    },
    TORTURE_TIMEOUT_MS,
  );

  test.each([...files.keys()].filter(isSegment))(
    'proves tampering for dropped, doubled and swapped frames of %s',
    async (path) => {
      const whole = files.get(path) ?? Buffer.alloc(0);
      const frames = framesOf(withoutZeros(whole)).map(({ bytes }) => bytes);
      const variants = frames.flatMap((frame, index) => [
        { change: `drop ${index}`, list: frames.toSpliced(index, 1) },
        { change: `double ${index}`, list: frames.toSpliced(index, 0, frame) },
        ...frames.slice(index + 1).flatMap((other, distance) =>
          other.equals(frame)
            ? []
            : [
                {
                  change: `swap ${index} ${index + 1 + distance}`,
                  list: frames.with(index, other).with(index + 1 + distance, frame),
                },
              ],
        ),
      ]);
      const missed: string[] = [];
      for (const { change, list } of variants) {
        const { outcome } = await verifyFiles(replaced(files, path, Buffer.concat(list)), trust);
        if (outcome !== 'tampered') missed.push(change);
      }
      expect(variants.length).toBeGreaterThan(5);
      expect(missed).toEqual([]);
    },
    TORTURE_TIMEOUT_MS,
  );
});

function withoutZeros(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}
