import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FIRST_ULID } from '../fixture/corpus.js';
import { createLogBuilder, type LogBuilder } from '../fixture/log-builder.js';
import { archive } from '../fixture/split-segment.js';
import { segmentName } from '../format/segment-header.js';
import { listRecording } from './log-files.js';
import { openMemory } from './memory-source.js';
import { readOneLog } from './read-log.js';
import { createScanState, type ScanResult, type ScanState } from './scan.js';
import type { RecordingSource } from './source.js';

/** A log that grows, segment by segment, while its older segments move to the archive. */
interface Growing {
  readonly builder: LogBuilder;
  segments: number;
  /** Segments up to this one are archived; `bodies`: theirs lie beside them. */
  archived: number;
  bodies: boolean;
  /** Zeros written ahead. */
  zeros: number;
  /** Files as a test changed them. */
  readonly changes: Map<string, Buffer | undefined>;
}

const grow = (): Growing => ({
  builder: createLogBuilder(FIRST_ULID),
  segments: 1,
  archived: 0,
  bodies: false,
  zeros: 0,
  changes: new Map(),
});

function filesOf({ builder, segments, archived, bodies, zeros, changes }: Growing): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [path, bytes] of builder.files()) {
    const segment = Number.parseInt(path.slice(-12), 10);
    if (segment > archived) files.set(path, segment === segments ? Buffer.concat([bytes, Buffer.alloc(zeros)]) : bytes);
    else
      for (const [name, part] of archive(new Map([[path, bytes]])))
        if (bodies || name.endsWith('.sfr')) files.set(name, part);
  }
  for (const [path, bytes] of changes) {
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
  }
  return files;
}

interface Reading {
  readonly leaves: readonly string[];
  readonly bodies: number;
  readonly result: ScanResult;
  readonly bytes: number;
}

async function read(growing: Growing, state?: ScanState): Promise<Reading> {
  const memory = openMemory('memory', filesOf(growing));
  let bytes = 0;
  const counting: RecordingSource = {
    ...memory,
    async read(path, from, length) {
      const found = await memory.read(path, from, length);
      bytes += found.byteLength;
      return found;
    },
  };
  const [files] = (await listRecording(counting)).logs;
  if (files === undefined) throw new Error('there is a log');
  const records = readOneLog(files, { keepBody: () => true, rootsAt: new Set() }, state);
  const leaves: string[] = [];
  let bodies = 0;
  for (;;) {
    const step = await records.next();
    if (step.done === true) return { leaves, bodies, result: step.value, bytes };
    leaves.push(`${step.value.index} ${step.value.leafHash}`);
    bodies += step.value.bodies.size;
  }
}

function add({ builder }: Growing, records: number, size: number): void {
  for (let n = 0; n < records; n += 1)
    builder.add({
      kind: 'control',
      fields: { op: `${builder.size}` },
      bodies: { sql: 'x'.repeat(size) },
      session: 's',
    });
  builder.commit();
}

function roll(growing: Growing): void {
  growing.builder.roll();
  growing.segments += 1;
}

describe('a log that is read on', () => {
  test('gives what one that is read at once gives, wherever its segments lie meanwhile', async () => {
    const deed = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        records: fc.integer({ min: 1, max: 4 }),
        size: fc.integer({ max: 300, min: 0 }),
      }),
      fc.record({ kind: fc.constant('roll' as const) }),
      fc.record({ kind: fc.constant('archive' as const), bodies: fc.boolean() }),
      fc.record({ kind: fc.constant('read' as const), zeros: fc.constantFrom(0, 1, 5000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 25 }), async (deeds) => {
        const growing = grow();
        const state = createScanState();
        const leaves: string[] = [];
        growing.builder.commit();
        let isEmpty = false;
        for (const one of [...deeds, { kind: 'read' as const, zeros: 0 }]) {
          if (one.kind === 'add') {
            add(growing, one.records, one.size);
            isEmpty = false;
          } else if (one.kind === 'roll' && !isEmpty) {
            roll(growing);
            isEmpty = true;
          } else if (one.kind === 'archive') {
            growing.archived = growing.segments - 1;
            growing.bodies = one.bodies;
          } else if (one.kind === 'read') {
            growing.zeros = one.zeros;
            const part = await read(growing, state);
            expect(part.result.problem).toBeUndefined();
            leaves.push(...part.leaves);
            growing.zeros = 0;
          }
        }
        const whole = await read(growing);
        expect(leaves).toEqual(whole.leaves);
        expect([state.size, state.root, state.lastCommit]).toEqual([
          whole.result.size,
          state.tree.root(),
          whole.result.lastCommit,
        ]);
      }),
      { numRuns: 150 },
    );
  });

  test('is read from where it grew, and its bodies too', async () => {
    const growing = grow();
    const state = createScanState();
    for (let n = 0; n < 20; n += 1) {
      add(growing, 5, 1000);
      roll(growing);
    }
    add(growing, 5, 1000);
    const first = await read(growing, state);
    expect(first.bytes).toBeGreaterThan(100_000);
    add(growing, 2, 1000);
    growing.zeros = 10_000;
    const second = await read(growing, state);
    expect([second.leaves.length, second.bodies]).toEqual([2, 2]);
    // The growth twice, the zeros and the last commit.
    expect(second.bytes).toBeLessThan(18_000);
    growing.zeros = 0;
    roll(growing);
    add(growing, 1, 1000);
    growing.archived = growing.segments - 1;
    const third = await read(growing, state);
    expect([third.leaves.length, third.result.problem]).toEqual([1, undefined]);
    expect(third.bytes).toBeLessThan(5_000);
  });

  test.each<readonly [string, (growing: Growing) => void]>([
    ['was cut', (growing) => cutTo(growing, 1200)],
    ['holds another commit', (growing) => void growing.changes.set(last(growing), rewritten())],
    ['was written anew where it was read', (growing) => flip(growing, -10)],
  ])('that %s says so', async (_, change) => {
    const growing = grow();
    const state = createScanState();
    add(growing, 5, 1000);
    await read(growing, state);
    change(growing);
    const { result, leaves } = await read(growing, state);
    expect([leaves, result.problem?.code, result.problem?.severity, state.broken]).toEqual([
      [],
      'changed',
      'tampered',
      true,
    ]);
  });

  test('stops where a segment that follows is not there, and goes on once it is', async () => {
    const growing = grow();
    const state = createScanState();
    add(growing, 1, 0);
    await read(growing, state);
    roll(growing);
    add(growing, 1, 0);
    const second = last(growing);
    roll(growing);
    add(growing, 1, 0);
    growing.changes.set(second, undefined);
    const gap = await read(growing, state);
    expect([gap.leaves, gap.result.problem?.code, state.broken]).toEqual([[], 'missing-segment', false]);
    growing.changes.clear();
    expect((await read(growing, state)).leaves).toHaveLength(2);
  });

  test('waits behind a write that is not whole yet', async () => {
    const growing = grow();
    const state = createScanState();
    add(growing, 1, 0);
    await read(growing, state);
    add(growing, 1, 1000);
    const whole = filesOf(growing).get(last(growing)) ?? Buffer.alloc(0);
    growing.changes.set(last(growing), whole.subarray(0, whole.byteLength - 200));
    const torn = await read(growing, state);
    expect([torn.leaves, torn.result.problem?.severity, state.broken]).toEqual([[], 'torn', false]);
    growing.changes.clear();
    expect((await read(growing, state)).leaves).toHaveLength(1);
  });
});

const last = ({ segments }: Growing): string => `${FIRST_ULID}/${segmentName(segments)}`;

function cutTo(growing: Growing, size: number): void {
  growing.changes.set(last(growing), filesOf(growing).get(last(growing))?.subarray(0, size) ?? Buffer.alloc(0));
}

function flip(growing: Growing, at: number): void {
  const bytes = Buffer.from(filesOf(growing).get(last(growing)) ?? []);
  bytes.writeUInt8(bytes.readUInt8(bytes.byteLength + at) ^ 1, bytes.byteLength + at);
  growing.changes.set(last(growing), bytes);
}

/** As long, of the same writer, and not the same. */
function rewritten(): Buffer {
  const other = grow();
  add(other, 5, 1001);
  add(other, 5, 1000);
  return filesOf(other).get(last(other)) ?? Buffer.alloc(0);
}
