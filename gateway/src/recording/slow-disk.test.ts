import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Entry, openDirectory, verify } from '@piste/verifier';
import { createAnswering } from './answering.js';
import { nodeFileOps } from './file-ops.js';
import { createPartRecords } from './part-records.js';
import type { Receipt } from './receipt.js';
import { MAX_QUEUED_BYTES, type Recorder, ROOM_BYTES, startRecorder } from './recorder.js';
import { createFakeClock, createFakeRandom, entry, withDirectory } from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';
import { createUlid } from './ulid.js';
import { startWriterHere } from './writer-links.js';
import type { ToWriter } from './writer-messages.js';

const MEGABYTE = 1024 * 1024;
/** What a gateway lets into memory of one result: pipeline/parts-gate.ts. */
const PARTS_AT_ONCE = 4;

/** A log on a disk that takes one message of records in so many milliseconds, or none. */
async function openOn(
  directory: string,
  { millisecondsPerMessage, waitMs }: { readonly millisecondsPerMessage?: number; readonly waitMs: number },
) {
  const ulid = createUlid(createFakeClock().nowMs(), createFakeRandom());
  const origin = `test/w/${ulid}`;
  const settings = { directory: join(directory, ulid), origin, segmentBytes: 16 * MEGABYTE, recipients: [] };
  let most = 0;
  const recorder: Recorder = await startRecorder({
    start: (listener) => {
      const link = startWriterHere(settings, nodeFileOps, listener);
      const posted: ToWriter[] = [];
      const work = (): void => {
        const message = posted[0];
        if (message === undefined || millisecondsPerMessage === undefined) return;
        setTimeout(() => {
          most = Math.max(most, recorder.queuedBytes);
          posted.shift();
          link.post(message);
          work();
        }, millisecondsPerMessage);
      };
      return {
        ...link,
        post(message) {
          // The record that opens the log is not part of the test.
          if (message.type === 'append' && message.records.kinds[0] === 'writer.open') link.post(message);
          else if (posted.push(message) === 1) work();
        },
      };
    },
    clock: createFakeClock(),
    onCommitted: () => undefined,
    onFailed: () => undefined,
    patienceMs: waitMs,
  });
  const fields = { origin, vkey: recorder.vkey, mode: 'strict', enc: 'none' };
  await recorder.append({ kind: 'writer.open', sessionId: undefined, fields, bodies: [] }, undefined);
  const append = async (one: Entry): Promise<Receipt> => {
    const { index, leafHash } = await recorder.append(one, undefined);
    return { writer: origin, index, leafHash };
  };
  const answer = createAnswering({
    append,
    takePart: createPartRecords({ append, room: (bytes) => recorder.room(bytes, waitMs), random: createFakeRandom() }),
    modeOf: () => 'strict',
    losses: { add: () => undefined, tell: () => undefined },
  });
  const part = (bytes: Buffer, index: number, count: number) =>
    answer(
      { ...entry('chunk', { qid: 'q', n: index, rows: 1, fmt: 'json' }), bodies: [{ name: 'rows', bytes }] },
      bytes,
      { part: { result: 'r', index, count } },
    );
  return { recorder, append, part, most: () => most };
}

describe('a slow disk', () => {
  test('holds up a large result, which arrives whole; what does not wait goes in between', () =>
    withDirectory(async (directory) => {
      const { recorder, append, part, most } = await openOn(directory, { millisecondsPerMessage: 4, waitMs: 60_000 });
      const parts = Array.from({ length: 6 }, (_, index) => Buffer.alloc(20 * MEGABYTE, `part ${index} `));
      await append(entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: 'select 1' }));
      const waiting = [...parts.entries()];
      let left = 0;
      const lane = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const { standing, bytes } = await part(next[1], next[0], parts.length);
          if (standing.kind === 'durable') left += bytes.length;
        }
      };
      const lanes = Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
      // Statements of others, one after the other while the result is on its way.
      let statements = 0;
      const isDone = { value: false };
      const others = (async () => {
        for (; !isDone.value; statements += 1) await append(entry('control', { op: 'heartbeat', outcome: 'ok' }));
      })();
      await lanes;
      isDone.value = true;
      await others;
      expect(left).toBe(6 * 20 * MEGABYTE);
      // Each waits behind what parts may take of the queue, at most: a third of the result.
      expect(statements).toBeGreaterThanOrEqual(3);
      expect(most()).toBeGreaterThan(16 * MEGABYTE);
      expect(most()).toBeLessThanOrEqual(ROOM_BYTES + MEGABYTE);
      const { origin, size, root, vkey } = await recorder.checkpoint();
      await append({ kind: 'writer.close', sessionId: undefined, fields: {}, bodies: [] });
      await recorder.close();
      const trust = { writers: [vkey], checkpoints: [{ origin, size, root }] };
      const { findings } = await verify([openDirectory(directory)], trust, { deep: true });
      expect(findings.filter(({ code }) => code.startsWith('answer'))).toEqual([]);
      // The request holds no permit here; nothing else is amiss.
      const codes = findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code);
      expect(new Set(codes)).toEqual(new Set(['ran-without-leave']));
    }));

  test('that is dead refuses parts in bounded time', () =>
    withDirectory(async (directory) => {
      const { recorder, part } = await openOn(directory, { waitMs: 200 });
      const parts = Array.from({ length: 4 }, (_, index) => part(Buffer.alloc(20 * MEGABYTE), index, 4));
      const refused = await Promise.allSettled(parts);
      expect(refused.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
      expect(recorder.queuedBytes).toBeLessThanOrEqual(ROOM_BYTES);
    }));

  test('refuses a statement at the bound at once, and nothing that ends', () =>
    withDirectory(async (directory) => {
      const { recorder, append } = await openOn(directory, { waitMs: 200 });
      const request = (megabytes: number) => ({
        ...entry('request'),
        bodies: [{ name: 'sql', bytes: Buffer.alloc(megabytes * MEGABYTE) }],
      });
      const lost: Promise<unknown>[] = [];
      while (recorder.queuedBytes + MEGABYTE < MAX_QUEUED_BYTES) lost.push(append(request(0.5)).catch(() => undefined));
      await expect(append(request(1))).rejects.toThrow(RecordingUnavailable);
      const before = recorder.queuedBytes;
      lost.push(append(entry('session.close', { why: 'x'.repeat(50_000) })).catch(() => undefined));
      expect(recorder.queuedBytes).toBeGreaterThan(before);
    }));
});
