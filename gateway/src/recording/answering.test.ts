import { describe, expect, test } from '@jest/globals';
import { RECORDING_MODES, type RecordingMode } from '@piste/verifier';
import { type Answer, spendAnswer } from './answer.js';
import { createAnswering, MAX_AHEAD_BYTES } from './answering.js';
import type { ResultPart } from './part-streams.js';
import type { Receipt } from './receipt.js';
import { RecordingUnavailable } from './recording-unavailable.js';

const RECEIPT: Receipt = { writer: 'test/w/x', index: 1, leafHash: 'a', strandNumber: 0 };
const ENTRY = { kind: 'chunk', sessionId: 's', fields: {}, bodies: [] } as const;

/** Answers over a disk that answers when the test says so. */
function createSlowDisk(mode: RecordingMode) {
  const commits: PromiseWithResolvers<Receipt>[] = [];
  const lost: (readonly [string, number])[] = [];
  const append = (): Promise<Receipt> => {
    const commit = Promise.withResolvers<Receipt>();
    commits.push(commit);
    return commit.promise;
  };
  const recordAnswer = createAnswering({
    append,
    takePart: async () => {
      const written = append();
      written.catch(() => undefined);
      return { written };
    },
    modeOf: () => mode,
    losses: { add: (what, bytes) => void lost.push([what, bytes]), tell: () => undefined },
  });
  const answer = (part?: ResultPart, bytes = Buffer.from('rows'), isStrict = false): Promise<Answer> =>
    recordAnswer(ENTRY, bytes, part === undefined ? { isStrict } : { part, isStrict });
  return {
    answer,
    lost,
    commit: (at: number) => commits[at]?.resolve(RECEIPT),
    fail: (at: number) => commits[at]?.reject(new RecordingUnavailable('test')),
  };
}

const partOf = (index: number, count = 3): ResultPart => ({ result: 'r', index, count });

/** What a promise did so far. */
async function stateOf(promise: Promise<Answer>): Promise<'waits' | 'durable' | 'deferred' | 'refused'> {
  const settled = promise.then(
    ({ standing }) => standing.kind as 'durable' | 'deferred',
    () => 'refused' as const,
  );
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([settled, Promise.resolve('waits' as const)]);
}

const TABLE: Readonly<
  Record<RecordingMode, readonly ['waits' | 'deferred', 'waits' | 'deferred', 'waits' | 'deferred']>
> = {
  strict: ['waits', 'waits', 'waits'],
  'strict-final': ['waits', 'deferred', 'waits'],
  'request-strict': ['deferred', 'deferred', 'deferred'],
  observe: ['deferred', 'deferred', 'deferred'],
};

describe.each(RECORDING_MODES)('in mode %s', (mode) => {
  const [answer, part, last] = TABLE[mode];

  test.each([
    ['an answer', undefined, answer],
    ['a part', partOf(0), part],
    ['the last part', partOf(2), last],
  ] as const)('%s, while its record is being written: %#', async (_what, scope, expected) => {
    const disk = createSlowDisk(mode);
    const given = disk.answer(scope);
    expect(await stateOf(given)).toBe(expected);
    disk.commit(0);
    const { standing } = await given;
    if (standing.kind === 'deferred') expect(await standing.written).toBe(true);
    else expect(standing).toEqual({ kind: 'durable', receipt: RECEIPT });
    expect(disk.lost).toEqual([]);
  });

  test.each([
    ['an answer', undefined, answer],
    ['a part', partOf(0), part],
    ['the last part', partOf(2), last],
  ] as const)('%s, when its record fails after it was taken: %#', async (_what, scope, expected) => {
    const disk = createSlowDisk(mode);
    const given = disk.answer(scope);
    await stateOf(given);
    disk.fail(0);
    if (expected === 'waits') {
      await expect(given).rejects.toThrow(RecordingUnavailable);
      expect(disk.lost).toEqual([]);
      return;
    }
    const { standing } = await given;
    expect(standing.kind === 'deferred' && (await standing.written)).toBe(false);
    expect(disk.lost).toEqual([['answer', 4]]);
  });

  test.each([undefined, partOf(0), partOf(2)])('what is strict by itself waits: %#', async (scope) => {
    const disk = createSlowDisk(mode);
    const [given, failing] = [disk.answer(scope, undefined, true), disk.answer(scope, undefined, true)];
    expect([await stateOf(given), await stateOf(failing)]).toEqual(['waits', 'waits']);
    disk.commit(0);
    disk.fail(1);
    expect((await given).standing).toEqual({ kind: 'durable', receipt: RECEIPT });
    await expect(failing).rejects.toThrow(RecordingUnavailable);
    expect(disk.lost).toEqual([]);
  });

  test('an answer may leave once', async () => {
    const disk = createSlowDisk(mode);
    const given = disk.answer();
    disk.commit(0);
    const made = await given;
    expect([spendAnswer(made), spendAnswer(made)]).toEqual([true, false]);
  });
});

describe('in mode strict-final', () => {
  test('the last part waits for every earlier one', async () => {
    const disk = createSlowDisk('strict-final');
    await Promise.all([disk.answer(partOf(0)), disk.answer(partOf(1))]);
    const last = disk.answer(partOf(2));
    disk.commit(2);
    disk.commit(0);
    expect(await stateOf(last)).toBe('waits');
    disk.commit(1);
    expect((await last).standing.kind).toBe('durable');
  });

  test('nothing completes a result of which a part is lost', async () => {
    const disk = createSlowDisk('strict-final');
    const first = disk.answer(partOf(0));
    await first;
    disk.fail(0);
    await stateOf(first);
    const [last, other] = [disk.answer(partOf(2)), disk.answer(partOf(1))];
    for (const at of [1, 2]) disk.commit(at);
    await expect(last).rejects.toThrow(RecordingUnavailable);
    await expect(other).rejects.toThrow(RecordingUnavailable);
  });

  test('a part that completes the result waits, whichever it is', async () => {
    const disk = createSlowDisk('strict-final');
    await disk.answer(partOf(1));
    const last = disk.answer(partOf(2));
    for (const at of [0, 1]) disk.commit(at);
    await last;
    const first = disk.answer(partOf(0));
    expect(await stateOf(first)).toBe('waits');
    disk.commit(2);
    expect((await first).standing.kind).toBe('durable');
  });

  test('a part that is turned away at once does not leave', async () => {
    const disk = createSlowDisk('strict-final');
    const part = disk.answer(partOf(0));
    disk.fail(0);
    await expect(part).rejects.toThrow(RecordingUnavailable);
    expect(disk.lost).toEqual([]);
  });
});

describe('bytes ahead of their records', () => {
  const half = Buffer.alloc(MAX_AHEAD_BYTES / 2 + 1);

  test.each([
    ['request-strict', undefined, 'waits'],
    ['strict-final', partOf(1, 9), 'waits'],
    ['observe', undefined, 'deferred'],
  ] as const)('are bounded in mode %s', async (mode, part, expected) => {
    const disk = createSlowDisk(mode);
    await disk.answer(part && partOf(0, 9), half);
    const next = disk.answer(part, half);
    expect(await stateOf(next)).toBe(expected);
    disk.commit(0);
    disk.commit(1);
    await next;
    await stateOf(next);
    expect(await stateOf(disk.answer(part && partOf(2, 9), half))).toBe('deferred');
  });
});
