import { hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PlacedRecord } from './placed-record.js';
import { createRecordBatch, recordsOf } from './record-columns.js';
import { createSlabs } from './slabs.js';

const record: fc.Arbitrary<PlacedRecord> = fc.record({
  id: fc.nat(),
  kind: fc.constantFrom('control' as const, 'response' as const),
  sessionId: fc.option(fc.string(), { nil: undefined }),
  fields: fc.json(),
  bodies: fc.array(
    fc.record({
      name: fc.string(),
      bytes: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat({ max: 300_000 }).map((length) => Buffer.alloc(length, String(length))),
      ),
    }),
    { maxLength: 3 },
  ),
  timeMs: fc.nat(),
  monotonicMicros: fc.nat(),
  statementHash: fc.option(fc.string(), { nil: undefined }),
  blind: fc.option(fc.constantFrom(...[1, 2].map((fill) => new Uint8Array(32).fill(fill))), { nil: undefined }),
  links: fc.option(fc.constant('unknown' as const), { nil: undefined }),
});

const shorten = ({ bodies, ...rest }: PlacedRecord) => ({
  ...rest,
  bodies: bodies.map(({ name, bytes }) => [name, bytes.byteLength, hash('sha256', bytes)]),
});

test('what travels in columns arrives as it was, in memory that was used before', () => {
  const slabs = createSlabs();
  const batch = createRecordBatch(slabs);
  fc.assert(
    fc.property(fc.array(record, { maxLength: 6 }), (records) => {
      for (const one of records) {
        const bodies = one.bodies.map(({ name, bytes }) => ({ name, bytes: Uint8Array.from(bytes) }));
        batch.add({ ...one, bodies });
        for (const { bytes } of bodies) bytes.fill(0xee);
      }
      expect(batch.size).toBe(records.length);
      const columns = structuredClone(batch.end());
      expect(batch.size).toBe(0);
      expect([...recordsOf(columns)].map(shorten)).toEqual(records.map(shorten));
      slabs.giveBack(columns.slabs);
    }),
    { numRuns: 60 },
  );
});

test('memory is given out to one at a time, and only so much is kept', () => {
  const slabs = createSlabs();
  const taken = Array.from({ length: 100 }, (_, index) => slabs.take(index * 10_000));
  expect(new Set(taken).size).toBe(100);
  expect(taken.every((slab, index) => slab.byteLength >= index * 10_000)).toBe(true);
  slabs.giveBack(taken);
  const again = Array.from({ length: 200 }, (_, index) => slabs.take(index * 5_000));
  expect(new Set(again).size).toBe(200);
  const reused = again.filter((slab) => taken.includes(slab));
  expect(reused.length).toBeGreaterThan(10);
  expect(reused.reduce((sum, slab) => sum + slab.byteLength, 0)).toBeLessThanOrEqual(16 * 1024 * 1024);
});
