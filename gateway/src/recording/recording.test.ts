import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type LogRecord, readLog, verifyDirectory } from '@piste/verifier';
import fc from 'fast-check';
import { deny } from '../errors.js';
import { issuePermit, type Permit } from '../policy/permit.js';
import type { DurableFile, FileOps } from './file-ops.js';
import { nodeFileOps } from './file-ops.js';
import { isRequestReceipt } from './receipt.js';
import {
  createFakeClock,
  entry,
  keyOnly,
  openTestRecording,
  permitOf,
  trustIn,
  withDirectory,
} from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';

/** The real file system with some operations replaced, after the log was opened. */
function withFault(fault: (file: DurableFile) => Partial<DurableFile>): { readonly files: FileOps; arm(): void } {
  let armed = false;
  const files: FileOps = {
    ...nodeFileOps,
    createFile(path) {
      const file = nodeFileOps.createFile(path);
      const faulty = fault(file);
      return {
        writev: (buffers, position) => ((armed && faulty.writev) || file.writev)(buffers, position),
        truncate: (length) => ((armed && faulty.truncate) || file.truncate)(length),
        sync: () => ((armed && faulty.sync) || file.sync)(),
        close: () => file.close(),
      };
    },
  };
  return {
    files,
    arm: () => {
      armed = true;
    },
  };
}

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}

async function recordsIn(directory: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readLog(directory)) records.push(record);
  return records;
}

describe('recording', () => {
  test('reads back exactly what was appended, bodies of several parts included', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const large = Buffer.alloc(2 * 1_048_576 + 17, 'row ');
      const empty = Buffer.alloc(0);
      const bodies = [
        { name: 'head', bytes: empty },
        { name: 'rows', bytes: large },
      ];
      const receipt = await recording.append({
        kind: 'response',
        sessionId: 's',
        fields: { qid: 'q', n: [1, { a: 'ü' }] },
        bodies,
      });
      await recording.close();
      const record = (await recordsIn(directory)).find(({ index }) => index === receipt.index);
      expect(record?.leafHash).toBe(receipt.leafHash);
      expect(record?.leaf.fields).toEqual({ qid: 'q', n: [1, { a: 'ü' }] });
      expect(record?.leaf.parts.map(({ name, part }) => `${name}${part}`)).toEqual([
        'head0',
        'rows0',
        'rows1',
        'rows2',
      ]);
      expect(record?.bodies.get('rows')?.equals(large)).toBe(true);
      expect(record?.bodies.get('head')?.equals(empty)).toBe(true);
    }));

  test('keeps its files from everybody but their owner', () =>
    withDirectory(async (parent) => {
      const directory = join(parent, 'made', 'here');
      const recording = await openTestRecording(directory);
      await recording.close();
      const [ulid = ''] = await readdir(directory);
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
      expect((await stat(join(directory, ulid))).mode & 0o777).toBe(0o700);
      expect((await stat(join(directory, ulid, '00000001.seg'))).mode & 0o777).toBe(0o600);
    }));

  test('continues a log over many segments as one', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { segmentBytes: 4096 });
      for (let round = 0; round < 20; round += 1)
        await recording.append(entry('control', { op: `op ${round}` }, { note: 'x'.repeat(900) }));
      await recording.close();
      const [ulid = ''] = await readdir(directory);
      expect((await readdir(join(directory, ulid))).length).toBeGreaterThan(5);
      const verdict = await verifyDirectory(directory, await trustIn(recording));
      expect(verdict.findings).toEqual([]);
      expect(verdict.outcome).toBe('sound');
    }));

  test('acknowledges in call order, gives every record its place, and survives any mix of sizes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: fc.nat(5000), session: fc.nat(3), wait: fc.boolean() }), { maxLength: 40 }),
        (plan) =>
          withDirectory(async (directory) => {
            const recording = await openTestRecording(directory, { segmentBytes: 20_000 });
            const acknowledged: number[] = [];
            const waits: Promise<unknown>[] = [];
            for (const { size, session, wait } of plan) {
              const bodies = [{ name: 'rows', bytes: Buffer.alloc(size, 'r') }];
              const done = recording
                .append({ kind: 'control', sessionId: `s${session}`, fields: {}, bodies })
                .then(({ index }) => acknowledged.push(index));
              waits.push(done);
              if (wait) await done;
            }
            await Promise.all(waits);
            await recording.close();
            expect(acknowledged).toEqual(plan.map((_, position) => position + 1));
            expect((await verifyDirectory(directory, keyOnly(await trustIn(recording)))).outcome).toBe('sound');
          }),
      ),
      { numRuns: 15 },
    ));

  test('writes every byte when the disk takes only a few at a time', () =>
    withDirectory(async (directory) => {
      const fault = withFault((file) => ({
        writev: (buffers, position) => {
          const bytes = Buffer.concat([...buffers]).subarray(0, 7);
          return file.writev([bytes], position);
        },
      }));
      const recording = await openTestRecording(directory, { files: fault.files });
      fault.arm();
      await recording.append(entry('control', { op: 'x' }, { note: 'y'.repeat(100) }));
      await recording.close();
      expect((await verifyDirectory(directory, await trustIn(recording))).outcome).toBe('sound');
    }));

  const faults: readonly (readonly [string, (file: DurableFile) => Partial<DurableFile>])[] = [
    ['a failing disk', () => ({ writev: () => fail('EIO') })],
    ['a full disk', () => ({ writev: () => fail('ENOSPC') })],
    ['a write that makes no progress', () => ({ writev: () => 0 })],
    ['a disk that is full after a short write', shortThenFull],
  ];

  function shortThenFull(file: DurableFile): Partial<DurableFile> {
    let calls = 0;
    return {
      writev: (buffers, position) => {
        calls += 1;
        if (calls > 1) fail('ENOSPC');
        return file.writev([Buffer.concat([...buffers]).subarray(0, 100)], position);
      },
    };
  }

  test.each(faults)('acknowledges nothing after %s, for good', (_, make) =>
    withDirectory(async (directory) => {
      const fault = withFault(make);
      let failures = 0;
      const failed = (): void => {
        failures += 1;
      };
      const metrics = { committed: () => undefined, failed, lost: () => undefined };
      const recording = await openTestRecording(directory, { files: fault.files, metrics });
      const kept = await recording.append(entry('control', { op: 'kept' }));
      const before = await trustIn(recording);
      fault.arm();
      const results = await Promise.allSettled([1, 2, 3].map((n) => recording.append(entry('control', { n }))));
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(recording.failed).toBe(true);
      expect(failures).toBe(1);
      await expect(recording.append(entry('control'))).rejects.toMatchObject({
        name: 'RecordingUnavailable',
        denial: deny.cannotRecord(),
      });
      await expect(recording.recordRequest(permitOf('x'), entry('request', {}, { sql: 'x' }))).rejects.toThrow(
        RecordingUnavailable,
      );
      await recording.close();
      expect((await trustIn(recording)).checkpoints).toEqual(before.checkpoints);
      expect((await recordsIn(directory)).some(({ leafHash }) => leafHash === kept.leafHash)).toBe(true);
      expect((await verifyDirectory(directory, before)).outcome).not.toBe('tampered');
    }),
  );

  test('refuses more than the queue holds, and only that', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const bodies = [{ name: 'rows', bytes: Buffer.alloc(20 * 1024 * 1024) }];
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, () =>
          recording.append({ kind: 'chunk', sessionId: undefined, fields: { qid: 'q' }, bodies }),
        ),
      );
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
      expect(recording.failed).toBe(false);
      await recording.append(entry('control'));
      await recording.close();
      expect((await recording.checkpoint()).size).toBe(6);
    }));

  test.each([
    ['a kind only the log writes', entry('writer.close')],
    ['a float', entry('control', { seconds: 0.5 })],
    ['more than a leaf holds', entry('control', { text: 'x'.repeat(70_000) })],
    ['a body name it cannot keep', entry('control', {}, { 'No Name': '' })],
  ])('refuses %s and goes on', (_, bad) =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      await expect(recording.append(bad)).rejects.toThrow(RecordingUnavailable);
      await recording.append(entry('control', { op: 'next' }));
      await recording.close();
      expect((await verifyDirectory(directory, await trustIn(recording))).outcome).toBe('sound');
    }),
  );

  test('gives a receipt only for the permitted text', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const permit = permitOf('select 1', 'allow', '{}');
      const receipt = await recording.recordRequest(permit, entry('request', {}, { sql: 'select 1', binds: '{}' }));
      expect(isRequestReceipt(receipt)).toBe(true);
      expect(receipt.permit).toBe(permit);
      expect(isRequestReceipt({ ...receipt })).toBe(false);
      const wrong: readonly (readonly [Permit, ReturnType<typeof entry>])[] = [
        [permit, entry('request', {}, { sql: 'select 2', binds: '{}' })],
        [permit, entry('request', {}, { sql: 'select 1' })],
        [permit, entry('request', {})],
        [{ ...permit }, entry('request', {}, { sql: 'select 1', binds: '{}' })],
        [permit, entry('control', {}, { sql: 'select 1', binds: '{}' })],
        [permit, entry('decision', { v: 'approved' })],
        [permitOf('select 1', 'approved'), entry('decision', { v: 'denied' })],
        [
          issuePermit({ ...permit, bindingHash: 'a' }),
          entry('request', { hash: 'b' }, { sql: 'select 1', binds: '{}' }),
        ],
        [
          issuePermit({ ...permit, verdict: 'approved', approvalId: 'a' }),
          entry('decision', { v: 'approved', apr: 'b' }),
        ],
      ];
      for (const [badPermit, badEntry] of wrong) {
        await expect(recording.recordRequest(badPermit, badEntry)).rejects.toThrow(RecordingUnavailable);
      }
      await recording.close();
      expect((await recording.checkpoint()).size).toBe(3);
    }));

  test('begins with writer.open, whatever the clock did meanwhile', () =>
    withDirectory(async (directory) => {
      const clock = createFakeClock();
      const describe = async (): Promise<Record<string, never>> => {
        clock.jump(-3_600_000);
        return {};
      };
      const recording = await openTestRecording(directory, { clock, describe });
      await recording.close();
      expect((await recordsIn(directory)).map(({ leaf }) => leaf.kind)).toEqual(['writer.open', 'writer.close']);
    }));

  test('ends a segment when it is asked to, and begins the next with the next record', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const finished = [await recording.finishSegment(), await recording.finishSegment()];
      await recording.append(entry('control', { op: 'second' }));
      const third = recording.append(entry('control', { op: 'third' }));
      finished.push(await recording.finishSegment());
      await third;
      finished.push(await recording.finishSegment());
      await recording.close();
      finished.push(await recording.finishSegment());
      expect(finished.slice(0, 3)).toEqual([1, 1, 2]);
      expect(finished[4]).toBeGreaterThan(finished[3] ?? 0);
      expect(await recordsIn(directory)).toHaveLength(4);
      expect((await verifyDirectory(directory, await trustIn(recording))).outcome).toBe('sound');
    }));

  test('takes no record that is refused, and goes on with the others', () =>
    withDirectory(async (directory) => {
      let isBlocked = true;
      const recording = await openTestRecording(directory, {
        refuses: (kind, letsRun) => (isBlocked && (letsRun || kind === 'chunk') ? 'too much waits' : undefined),
      });
      expect(recording.refusesNew('analytics')).toBe('too much waits');
      const select = entry('request', {}, { sql: 'select 1' });
      await expect(recording.recordRequest(permitOf('select 1'), select)).rejects.toMatchObject({
        name: 'RecordRefused',
        kind: 'request',
        denial: { code: 'PISTE-1701' },
      });
      await expect(recording.append(entry('chunk'))).rejects.toThrow('chunk is refused: too much waits');
      await recording.append(entry('control'));
      isBlocked = false;
      expect(recording.refusesNew('analytics')).toBeUndefined();
      await recording.recordRequest(permitOf('select 1'), select);
      await recording.close();
      expect((await recordsIn(directory)).map(({ leaf }) => leaf.kind)).toEqual([
        'writer.open',
        'control',
        'request',
        'writer.close',
      ]);
    }));

  test('never lets time decrease and says when the clock jumped', () =>
    withDirectory(async (directory) => {
      const clock = createFakeClock();
      const recording = await openTestRecording(directory, { clock });
      await recording.append(entry('control', { op: 'before' }));
      clock.jump(-3_600_000);
      await recording.append(entry('control', { op: 'after' }));
      clock.advance(10);
      await recording.append(entry('control', { op: 'later' }));
      await recording.close();
      const records = await recordsIn(directory);
      expect(records.map(({ leaf }) => leaf.kind)).toEqual([
        'writer.open',
        'control',
        'clock.jump',
        'control',
        'control',
        'writer.close',
      ]);
      expect(new Set(records.map(({ leaf }) => leaf.timeMs)).size).toBe(1);
      expect(records[2]?.leaf.fields).toEqual({ wall: Date.UTC(2026, 10, 23, 5), expected: Date.UTC(2026, 10, 23, 6) });
    }));

  test('starts with writer.open also when the clock jumps while the writer starts', () =>
    withDirectory(async (directory) => {
      let reads = 0;
      const still = createFakeClock();
      const clock = {
        nowMs: () => {
          reads += 1;
          return still.nowMs() + reads * 10_000;
        },
        monotonicNs: () => still.monotonicNs(),
      };
      const recording = await openTestRecording(directory, { clock });
      await recording.append(entry('control'));
      await recording.close();
      const kinds = (await recordsIn(directory)).map(({ leaf }) => leaf.kind);
      expect(kinds[0]).toBe('writer.open');
      expect(kinds).toContain('clock.jump');
      expect((await verifyDirectory(directory, await trustIn(recording))).outcome).toBe('sound');
    }));

  test('closes once, after everything queued, and refuses afterwards', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const last = recording.append(entry('control'));
      await Promise.all([recording.close(), recording.close()]);
      await expect(last).resolves.toMatchObject({ index: 1 });
      await expect(recording.append(entry('control'))).rejects.toThrow(RecordingUnavailable);
      expect((await recordsIn(directory)).at(-1)?.leaf.kind).toBe('writer.close');
    }));

  test('does not open where it cannot write durably', () =>
    withDirectory(async (directory) => {
      const files: FileOps = { ...nodeFileOps, syncDirectory: () => fail('EIO') };
      await expect(openTestRecording(directory, { files })).rejects.toThrow(RecordingUnavailable);
    }));
});
