import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFrameBuffer, joinAdjacent } from './frame-buffer.js';

test('joined pieces are the same bytes, and neighbours in memory are one piece', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 400_000 })), { maxLength: 12 }), (sizes) => {
      const frames = createFrameBuffer();
      const pieces = sizes.map(([isInBuffer, size], index) =>
        (isInBuffer ? frames.take(size) : Buffer.alloc(size)).fill(index),
      );
      const joined = joinAdjacent(pieces);
      expect(Buffer.concat(joined).equals(Buffer.concat(pieces))).toBe(true);
      expect(joined.length).toBeLessThanOrEqual(pieces.length);
    }),
    { numRuns: 60 },
  );
  const frames = createFrameBuffer();
  expect(joinAdjacent([frames.take(3), frames.take(4), Buffer.alloc(2), frames.take(5)])).toHaveLength(3);
});

test('bytes that were taken stay as they are until all are given up', () => {
  const frames = createFrameBuffer();
  const taken = Array.from({ length: 60 }, (_, index) => frames.take(50_000).fill(index));
  expect(taken.every((bytes, index) => bytes.every((byte) => byte === index))).toBe(true);
  frames.clear();
  const again = frames.take(10).fill(0xff);
  expect(taken.some((bytes) => bytes.buffer === again.buffer)).toBe(true);
});
