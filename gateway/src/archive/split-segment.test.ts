import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openTestRecording, withDirectory } from '../recording/recording-fixture.js';
import { joinSegment, splitSegment } from './split-segment.js';

/** Segments of a real log: bodies of several parts, entries without bodies, more than one segment. */
async function realSegments(): Promise<readonly Buffer[]> {
  return withDirectory(async (directory) => {
    const recording = await openTestRecording(directory, { segmentBytes: 40_000 });
    for (let round = 0; round < 12; round += 1) {
      const bodies = Array.from({ length: round % 3 }, (_, body) => ({
        name: `body_${body}`,
        bytes: Buffer.alloc(round * 1000, round + body),
      }));
      await recording.append({ kind: 'control', sessionId: undefined, fields: { op: `op-${round}` }, bodies });
    }
    await recording.append({
      kind: 'control',
      sessionId: undefined,
      fields: { op: 'large' },
      bodies: [{ name: 'rows', bytes: Buffer.alloc(2_500_000, 7) }],
    });
    await recording.close();
    const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.seg')).sort();
    return Promise.all(names.map((name) => readFile(join(directory, name))));
  });
}

const halves = (segment: Buffer) => {
  const { entries, bodies } = splitSegment(segment);
  return { entries: Buffer.concat(entries), bodies: Buffer.concat(bodies ?? []) };
};

test('a segment is the join of its halves, and bodies are only in theirs', async () => {
  const segments = await realSegments();
  expect(segments.length).toBeGreaterThan(2);
  let next = 0;
  for (const segment of segments) {
    const { entries, bodies } = halves(segment);
    expect(joinSegment(entries, bodies).equals(segment)).toBe(true);
    const { first, count, tailBytes } = splitSegment(segment);
    expect({ first, tailBytes }).toEqual({ first: next, tailBytes: 0 });
    next += count;
    expect(entries.includes(Buffer.alloc(900, 7))).toBe(false);
  }
  expect(next).toBe(15);
});

test('a segment cut anywhere keeps every byte up to the cut, and counts only what stands under a commit', async () => {
  const [segment = Buffer.alloc(0)] = await realSegments();
  const whole = splitSegment(segment);
  let most = 0;
  for (let cut = 0; cut <= segment.byteLength; cut += cut < 2000 ? 1 : 97) {
    const torn = segment.subarray(0, cut);
    const { entries, bodies } = halves(torn);
    const expected = torn.subarray(0, torn.findLastIndex((byte) => byte !== 0) + 1);
    expect(joinSegment(entries, bodies).equals(expected)).toBe(true);
    const { count } = splitSegment(torn);
    expect(count).toBeGreaterThanOrEqual(most);
    most = count;
  }
  expect(most).toBeLessThanOrEqual(whole.count);
});

test('space reserved in advance belongs to neither half', async () => {
  const segment = (await realSegments()).at(-1) ?? Buffer.alloc(0);
  const reserved = Buffer.concat([segment, Buffer.alloc(100_000)]);
  expect(halves(reserved)).toEqual(halves(segment));
  expect(splitSegment(reserved).tailBytes).toBe(0);
});

test('bytes that are no segment are kept as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { entries, bodies } = splitSegment(Buffer.from(bytes));
      const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
      expect(Buffer.concat(entries)).toEqual(Buffer.from(bytes.subarray(0, end)));
      expect(bodies).toBeUndefined();
    }),
  );
});

test('a changed byte moves what follows into the tail and loses nothing', async () => {
  const [segment = Buffer.alloc(0)] = await realSegments();
  fc.assert(
    fc.property(fc.nat(segment.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(segment);
      changed[at] = (changed[at] ?? 0) ^ change;
      const { entries, bodies } = halves(changed);
      const end = changed.findLastIndex((byte) => byte !== 0) + 1;
      expect(joinSegment(entries, bodies).equals(changed.subarray(0, end))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
