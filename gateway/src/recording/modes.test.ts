import { describe, expect, test } from '@jest/globals';
import { type LogRecord, RECORDING_MODES, type RecordingMode, readLog, verifyDirectory } from '@piste/verifier';
import { type FileOps, nodeFileOps } from './file-ops.js';
import { isRequestReceipt } from './receipt.js';
import type { Recording, RecordingDeps } from './recording.js';
import { entry, openTestRecording, permitOf, trustIn, withDirectory } from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';

const SQL = 'select 1';

/** A disk that is full from a moment on. */
function createFullDisk() {
  let isFull = false;
  const refuse = (): void => {
    if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  };
  const files: FileOps = {
    ...nodeFileOps,
    createFile(path) {
      const file = nodeFileOps.createFile(path);
      return {
        ...file,
        writev(buffers, position) {
          refuse();
          return file.writev(buffers, position);
        },
      };
    },
  };
  return {
    files,
    fill: () => {
      isFull = true;
    },
  };
}

const request = (recording: Recording) =>
  recording.recordRequest(permitOf(SQL), entry('request', { qid: 'q' }, { sql: SQL }));
const strictRequest = (recording: Recording) =>
  recording.recordRequest(permitOf(SQL, 'allow', undefined, true), entry('request', { qid: 'q' }, { sql: SQL }));
const note = (recording: Recording, isStrict = false) =>
  recording.note(entry('control', { op: 'login' }), 'analytics', isStrict);
const answer = (recording: Recording, index?: number, isStrict = false) =>
  recording.recordAnswer(entry('response', { qid: 'q' }), Buffer.from('rows'), {
    connection: 'analytics',
    isStrict,
    ...(index === undefined ? {} : { part: { result: 'r', index, count: 3 } }),
  });

const outcomeOf = (work: Promise<unknown>): Promise<'goes on' | 'refused'> =>
  work.then(
    () => 'goes on' as const,
    (error: unknown) => {
      expect(error).toBeInstanceOf(RecordingUnavailable);
      return 'refused' as const;
    },
  );

async function recordsIn(directory: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readLog(directory)) records.push(record);
  return records;
}

type Outcome = 'goes on' | 'refused';
interface Row {
  readonly request: Outcome;
  readonly note: Outcome;
  readonly answer: Outcome;
  readonly part: Outcome;
  readonly last: Outcome;
}
const REFUSED: Row = { request: 'refused', note: 'refused', answer: 'refused', part: 'refused', last: 'refused' };
const WHEN_RECORDING_FAILED: Readonly<Record<RecordingMode, Row>> = {
  strict: REFUSED,
  'strict-final': REFUSED,
  'request-strict': { ...REFUSED, answer: 'goes on', part: 'goes on', last: 'goes on' },
  observe: { request: 'goes on', note: 'goes on', answer: 'goes on', part: 'goes on', last: 'goes on' },
};

describe.each(RECORDING_MODES)('in mode %s', (mode) => {
  test('what goes on after recording failed is as the table says, and is counted', () =>
    withDirectory(async (directory) => {
      const disk = createFullDisk();
      let lost = 0;
      const metrics: RecordingDeps['metrics'] = {
        committed: () => undefined,
        failed: () => undefined,
        lost: () => {
          lost += 1;
        },
      };
      const recording = await openTestRecording(directory, { mode, files: disk.files, metrics });
      expect(await outcomeOf(request(recording))).toBe('goes on');
      disk.fill();
      await expect(recording.append(entry('control', {}))).rejects.toThrow(RecordingUnavailable);
      const row: Row = {
        request: await outcomeOf(request(recording)),
        note: await outcomeOf(note(recording)),
        answer: await outcomeOf(answer(recording)),
        part: await outcomeOf(answer(recording, 0)),
        last: await outcomeOf(answer(recording, 2)),
      };
      await new Promise((resolve) => setImmediate(resolve));
      expect(row).toEqual(WHEN_RECORDING_FAILED[mode]);
      expect(lost).toBe(Object.values(row).filter((outcome) => outcome === 'goes on').length);
      await recording.close();
      // A writer that failed says no more; the next one says how the log ended.
      const next = await openTestRecording(directory, { random: (count) => Buffer.alloc(count, 7) });
      await next.close();
      const sealed = (await recordsIn(directory)).find(({ leaf }) => leaf.kind === 'writer.sealed');
      expect(sealed?.leaf.fields).toMatchObject({ origin: recording.writer, closed: false });
    }));

  test('what a strict statement does waits, is refused after recording failed, and says so', () =>
    withDirectory(async (directory) => {
      const disk = createFullDisk();
      let lost = 0;
      const onLost = (): void => {
        lost += 1;
      };
      const metrics = { committed: () => undefined, failed: () => undefined, lost: onLost };
      const recording = await openTestRecording(directory, { mode, files: disk.files, metrics });
      expect(await strictRequest(recording)).toMatchObject({ standing: 'durable' });
      for (const index of [undefined, 0, 2]) {
        expect((await answer(recording, index, true)).standing.kind).toBe('durable');
      }
      disk.fill();
      await expect(recording.append(entry('control', {}))).rejects.toThrow(RecordingUnavailable);
      expect(await outcomeOf(strictRequest(recording))).toBe('refused');
      expect(await outcomeOf(note(recording, true))).toBe('refused');
      for (const index of [undefined, 0, 2]) expect(await outcomeOf(answer(recording, index, true))).toBe('refused');
      expect(lost).toBe(0);
      await recording.close();
      const answers = (await recordsIn(directory)).filter(({ leaf }) => leaf.kind === 'response');
      expect(answers.map(({ leaf }) => leaf.fields['strict'])).toEqual([true, true, true]);
    }));

  test('a strict request waits however long its record takes', () =>
    withDirectory(async (directory) => {
      const hints = Promise.withResolvers<undefined>();
      const strandHints = { read: () => hints.promise, note: () => undefined };
      const recording = await openTestRecording(directory, { mode, strandHints });
      const [ordinary, strict] = [request(recording), strictRequest(recording)];
      const later = new Promise((resolve) => setTimeout(resolve, 150, 'waits'));
      expect(await Promise.race([strict, later])).toBe('waits');
      hints.resolve(undefined);
      expect(await strict).toMatchObject({ standing: 'durable' });
      expect(await ordinary).toMatchObject({ standing: mode === 'observe' ? 'deferred' : 'durable' });
      await recording.close();
    }));

  test('the log says so from its first record', () =>
    withDirectory(async (directory) => {
      await (await openTestRecording(directory, { mode })).close();
      expect((await recordsIn(directory))[0]?.leaf.fields).toMatchObject({ mode });
    }));
});

describe('a statement that runs without its record', () => {
  test('has a receipt that says so and names the log', () =>
    withDirectory(async (directory) => {
      const disk = createFullDisk();
      const recording = await openTestRecording(directory, { mode: 'observe', files: disk.files });
      disk.fill();
      const receipt = await request(recording);
      expect(isRequestReceipt(receipt)).toBe(true);
      expect(receipt).toMatchObject({ standing: 'deferred', writer: recording.writer });
      await recording.close();
    }));

  test('still needs a permit for what it is', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { mode: 'observe' });
      const other = entry('request', { qid: 'q' }, { sql: 'select 2' });
      await expect(recording.recordRequest(permitOf(SQL), other)).rejects.toThrow(RecordingUnavailable);
      await recording.close();
    }));
});

describe('what was lost while the queue was full', () => {
  test('is told as gaps in front of the next records', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { mode: 'observe' });
      const tooMuch = Buffer.alloc(65 * 1024 * 1024);
      const huge = { ...entry('response', { qid: 'q' }), bodies: [{ name: 'rows', bytes: tooMuch }] };
      for (let n = 0; n < 2; n += 1) {
        const { standing } = await recording.recordAnswer(huge, tooMuch, { connection: 'analytics' });
        expect(standing.kind === 'deferred' && (await standing.written)).toBe(false);
      }
      await recording.append(entry('control', { op: 'next' }));
      await recording.append(entry('control', { op: 'after' }));
      await recording.close();
      const leaves = (await recordsIn(directory)).map(({ leaf }) => leaf);
      expect(leaves[1]?.kind).toBe('gap');
      const gaps = leaves.filter(({ kind }) => kind === 'gap');
      const sum = (name: string) => gaps.reduce((total, { fields }) => total + Number(fields[name]), 0);
      expect([sum('count'), sum('requests'), sum('answers'), sum('bytes')]).toEqual([2, 0, 2, 2 * tooMuch.length]);
      expect(leaves.findLastIndex(({ kind }) => kind === 'gap')).toBeLessThan(
        leaves.findIndex(({ fields }) => fields['op'] === 'after'),
      );
    }));
});

describe('an answer whose request was lost', () => {
  const OPENED = entry('session.open', { connection: 'analytics', account: 'a' });
  const RAN = { qid: 'q', rows: 1, upq: 'up' };
  const REFUSED_LATER = { qid: 'q', rows: 0, code: '000604' };

  test.each([
    ['inconclusive where it ran', RAN, 'cannot-conclude'],
    ['noted where it did not run', REFUSED_LATER, 'note'],
  ])('is no tampering, but %s', (_, fields, severity) =>
    withDirectory(async (directory) => {
      const refuses: RecordingDeps['refuses'] = (kind) => (kind === 'request' ? 'out of reach' : undefined);
      const recording = await openTestRecording(directory, { mode: 'observe', refuses });
      await recording.append(OPENED);
      expect(await request(recording)).toMatchObject({ standing: 'deferred' });
      await recording.append(entry('response', fields));
      await recording.close();
      const { findings } = await verifyDirectory(directory, await trustIn(recording));
      const told = findings.map((finding) => `${finding.severity} ${finding.code}`);
      expect(told.sort()).toEqual([`${severity} orphan-response`, 'note gap', 'note observe-mode'].sort());
    }),
  );
});

describe('connections', () => {
  const demand = (mode: RecordingMode, name = 'analytics') => new Map([[name, mode]]);

  test.each<[RecordingMode, RecordingMode, RecordingMode]>([
    ['observe', 'strict', 'strict'],
    ['request-strict', 'strict-final', 'strict-final'],
    ['strict', 'request-strict', 'strict'],
    ['strict-final', 'request-strict', 'strict-final'],
  ])('of a gateway in mode %s that demand %s are in %s', (mode, demanded, inForce) =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { mode });
      await recording.demandModes(demand(demanded));
      expect([recording.modeOf('analytics'), recording.modeOf('other'), recording.modeOf(undefined)]).toEqual([
        inForce,
        mode,
        mode,
      ]);
      await recording.close();
    }),
  );

  test('change their mode only after the change is in the record', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { mode: 'observe' });
      const changing = recording.demandModes(demand('strict'));
      expect(recording.modeOf('analytics')).toBe('observe');
      await changing;
      await recording.demandModes(demand('strict'));
      await recording.demandModes(new Map());
      await recording.close();
      const changes = (await recordsIn(directory)).filter(({ leaf }) => leaf.kind === 'mode.change');
      expect(changes.map(({ leaf }) => leaf.fields)).toEqual([
        { connection: 'analytics', mode: 'strict', from: 'observe' },
        { connection: 'analytics', mode: 'observe', from: 'strict' },
      ]);
    }));

  test('stay as they are when a change cannot be recorded', () =>
    withDirectory(async (directory) => {
      const disk = createFullDisk();
      const recording = await openTestRecording(directory, { mode: 'observe', files: disk.files });
      await recording.demandModes(demand('strict'));
      disk.fill();
      await expect(recording.demandModes(new Map())).rejects.toThrow(RecordingUnavailable);
      expect(recording.modeOf('analytics')).toBe('strict');
      await recording.close();
    }));

  test('cannot be told by an entry of somebody else that they changed', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      for (const kind of ['mode.change', 'gap'] as const)
        await expect(recording.append(entry(kind, { mode: 'strict' }))).rejects.toThrow(RecordingUnavailable);
      await recording.close();
    }));
});
