import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { recordsOf } from './record-columns.js';
import { type Recorder, type RecorderDeps, startRecorder } from './recorder.js';
import { createFakeClock, entry, openTestRecording, withDirectory } from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';
import { type ToWriter, toColumns, type WriterListener } from './writer-messages.js';

const MEGABYTE = 1024 * 1024;

/** A recorder whose writer does what the test says. */
async function startWithFake(more: Partial<RecorderDeps> = {}): Promise<{
  readonly recorder: Recorder;
  readonly posted: readonly ToWriter[];
  readonly listener: WriterListener;
  readonly failures: readonly unknown[];
  /** Acknowledges records by their ids. */
  readonly commit: (...ids: readonly number[]) => void;
}> {
  const posted: ToWriter[] = [];
  const failures: unknown[] = [];
  const listening = Promise.withResolvers<WriterListener>();
  const recorder = await startRecorder({
    start: (listener) => {
      listening.resolve(listener);
      queueMicrotask(() => listener.heard({ type: 'opened', vkey: 'key' }));
      return { post: (message) => void posted.push(message), hold: () => undefined };
    },
    clock: createFakeClock(),
    onCommitted: () => undefined,
    onFailed: (error) => void failures.push(error),
    ...more,
  });
  const listener = await listening.promise;
  const commit = (...ids: readonly number[]): void => {
    const list = ids.map((id) => ({
      id,
      index: id,
      leafHash: 'ab'.repeat(32),
      strandNumber: undefined,
      tagSignature: id === 1 ? 'signed' : undefined,
    }));
    listener.heard({
      type: 'committed',
      acknowledged: toColumns(list),
      group: { records: ids.length, bytes: 0, seconds: 0 },
      slabs: [],
    });
  };
  return { recorder, posted, listener, failures, commit };
}

const part = (megabytes: number) => ({
  ...entry('chunk'),
  bodies: [{ name: 'rows', bytes: Buffer.alloc(megabytes * MEGABYTE) }],
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the near side of the writer', () => {
  test('sends what was appended together in one message, and tells each what it got', async () => {
    const { recorder, posted, commit } = await startWithFake();
    const appended = [0, 1, 2].map((n) => recorder.append(entry('control', { n }), undefined));
    await Promise.resolve();
    expect(posted.map((message) => message.type === 'append' && message.records.ids)).toEqual([[0, 1, 2]]);
    commit(0, 1, 2);
    expect(await Promise.all(appended)).toMatchObject([
      { id: 0, tagSignature: undefined },
      { id: 1, tagSignature: 'signed' },
      { id: 2, leafHash: 'ab'.repeat(32) },
    ]);
  });

  test('takes bytes when it is called: the caller may change them afterwards', async () => {
    const { recorder, posted } = await startWithFake();
    const bytes = Buffer.from('before');
    void recorder.append({ ...entry('control'), bodies: [{ name: 'rows', bytes }] }, undefined).catch(() => undefined);
    bytes.fill('x');
    await Promise.resolve();
    const [message] = posted;
    const [sent] = message?.type === 'append' ? recordsOf(message.records) : [];
    expect(Buffer.from(sent?.bodies[0]?.bytes ?? []).toString()).toBe('before');
  });

  test('refuses when too much waits, lets endings in all the same, and goes on', async () => {
    const { recorder, commit } = await startWithFake();
    const first = [part(20), part(20), part(20)].map((one) => recorder.append(one, undefined));
    await expect(recorder.append(part(20), undefined)).rejects.toThrow('recording queue is full');
    const filling = recorder.append(
      { ...part(0), bodies: [{ name: 'rows', bytes: Buffer.alloc(4_190_000) }] },
      undefined,
    );
    await expect(
      recorder.append({ ...entry('control'), fields: { text: 'x'.repeat(5000) } }, undefined),
    ).rejects.toThrow('recording queue is full');
    const ending = recorder.append(entry('session.close', { why: 'x'.repeat(5000) }), undefined);
    commit(0);
    const late = recorder.append(part(15), undefined);
    commit(1, 2, 3, 4, 5);
    await Promise.all([...first, filling, ending, late]);
    expect(recorder.failed).toBe(false);
  });

  test('keeps half of the queue from streams: they wait in order for room, which what does not wait may take', async () => {
    const { recorder, commit } = await startWithFake();
    const stream = async (megabytes: number, number: number): Promise<void> => {
      const giveBack = await recorder.room(megabytes * MEGABYTE, 60_000);
      got.push(number);
      void recorder.append(part(megabytes), undefined);
      giveBack();
    };
    const got: number[] = [];
    const streams = [16, 16, 16, 1].map(stream);
    await turn();
    expect(got).toEqual([0, 1]);
    const small = recorder.append(part(20), undefined);
    commit(0);
    await turn();
    // 16 and 20 MiB wait: no room for another 16, and the small one stays behind it.
    expect(got).toEqual([0, 1]);
    commit(2);
    await small;
    await Promise.all(streams);
    expect(got).toEqual([0, 1, 2, 3]);
    commit(1, 3, 4);
  });

  test('lets nobody wait for a disk that takes nothing, and goes on when it does', async () => {
    const { recorder, commit } = await startWithFake({ patienceMs: 10 });
    const first = recorder.append(entry('control'), undefined);
    await expect(first).rejects.toThrow('takes too long');
    await expect(recorder.append(entry('request'), undefined)).rejects.toThrow('takes nothing');
    const ending = recorder.append(entry('session.close'), undefined);
    expect(recorder.queuedBytes).toBeGreaterThan(1000);
    commit(0, 1);
    await ending;
    const next = recorder.append(entry('request'), undefined);
    commit(2);
    await next;
    expect([recorder.queuedBytes, recorder.failed]).toEqual([0, false]);
  });

  test('lets nobody wait for room beyond the time, and leaves no place behind', async () => {
    const { recorder, commit } = await startWithFake();
    const first = recorder.append(part(30), undefined);
    await expect(recorder.room(10 * MEGABYTE, 5)).rejects.toThrow('no room in time');
    const small = recorder.room(MEGABYTE, 60_000);
    (await small)();
    commit(0);
    await first;
    (await recorder.room(31 * MEGABYTE, 60_000))();
  });

  test('refuses everything once the writer is gone, and waits for nothing of it', async () => {
    const { recorder, listener, failures } = await startWithFake();
    const waiting = [recorder.append(part(40), undefined), recorder.checkpoint(), recorder.room(1, 60_000)] as const;
    listener.lost(new Error('out of memory'));
    await expect(waiting[0]).rejects.toThrow(RecordingUnavailable);
    await expect(waiting[1]).rejects.toThrow(RecordingUnavailable);
    await expect(waiting[2]).rejects.toThrow(RecordingUnavailable);
    await expect(recorder.room(1, 60_000)).rejects.toThrow(RecordingUnavailable);
    expect(recorder.failed).toBe(true);
    await expect(recorder.append(entry('control'), undefined)).rejects.toThrow('recording failed earlier');
    await expect(recorder.checkpoint()).rejects.toThrow('the writer is gone');
    await expect(recorder.close()).rejects.toThrow(RecordingUnavailable);
    expect(failures).toHaveLength(1);
    listener.lost(new Error('once more'));
    expect(failures).toHaveLength(1);
  });

  test('refuses one record that cannot be written, and only that', async () => {
    const { recorder, listener, commit } = await startWithFake();
    const [bad, good] = [recorder.append(entry('control'), undefined), recorder.append(entry('control'), undefined)];
    listener.heard({ type: 'refused', id: 0, why: 'too large' });
    commit(1);
    await expect(bad).rejects.toThrow('entry cannot be encoded: too large');
    await expect(good).resolves.toMatchObject({ id: 1 });
    expect(recorder.failed).toBe(false);
  });
});

describe('the thread', () => {
  test('that cannot make its directory does not open a recording', () =>
    withDirectory(async (directory) => {
      await writeFile(join(directory, 'file'), '');
      await expect(openTestRecording(join(directory, 'file', 'recording'))).rejects.toThrow(RecordingUnavailable);
    }));
});
