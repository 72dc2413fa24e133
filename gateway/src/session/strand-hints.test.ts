import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { StrandLink } from '@piste/verifier';
import { createMemoryStore, createRedisStore, type Store, StoreUnavailable } from '../store/index.js';
import { type RedisProcess, startRedisProcess } from '../store/redis-process.js';
import { createStrandHints } from './strand-hints.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const timers = {
  after: (milliseconds: number, run: () => void) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
const headAt = (writer: 'A' | 'B', number: number): StrandLink => ({
  origin: `test/w/01ARZ3NDEKTSV4RRFFQ69G5FA${writer}`,
  number,
  leafHash: String(number % 10).repeat(64),
});

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
});
afterAll(() => redis.dispose());

describe.each(['memory', 'redis'])('hints in %s', (kind) => {
  let store: Store;
  beforeEach(() => {
    store =
      kind === 'memory'
        ? createMemoryStore({ clock: Date.now })
        : createRedisStore({ url: redis.url, keyPrefix: `${crypto.randomUUID()}:`, log: SILENT });
  });
  afterEach(() => store.close());
  const hintsOf = (over: Store = store) => createStrandHints({ store: over, timers, log: SILENT });

  test('of two gateways are read together, each at its newest', async () => {
    const [one, two] = [hintsOf(), hintsOf()];
    for (let number = 0; number < 50; number += 1) {
      one.note('s', headAt('A', number));
      if (number < 20) two.note('s', headAt('B', number));
    }
    await Promise.all([one.close(), two.close()]);
    const heads = (await hintsOf().read('s')) ?? [];
    expect(heads.toSorted((a, b) => a.origin.localeCompare(b.origin))).toEqual([headAt('A', 49), headAt('B', 19)]);
  });

  test('of a session nobody wrote about are undefined', async () => {
    expect(await hintsOf().read('nobody')).toBeUndefined();
  });

  test.each([
    ['no JSON', 'x'],
    ['no list', '{}'],
    ['other members', '[["test/w/01ARZ3NDEKTSV4RRFFQ69G5FAV",1.5,"a"]]'],
    ['another origin', `[["https://elsewhere",1,"${'a'.repeat(64)}"]]`],
  ])('that are %s are undefined', async (_what, value) => {
    await store.create('strands:s', value, 60);
    expect(await hintsOf().read('s')).toBeUndefined();
  });
});

test('a store that is lost or slow is as one that knows nothing, within a quarter of a second', async () => {
  const lost: Store = {
    ...createMemoryStore({ clock: Date.now }),
    get: () => Promise.reject(new StoreUnavailable('test')),
  };
  const silent: Store = { ...lost, get: () => new Promise(() => undefined) };
  const waitsMs: number[] = [];
  const noted: typeof timers = {
    after: (milliseconds, run) => {
      waitsMs.push(milliseconds);
      return timers.after(milliseconds, run);
    },
  };
  for (const store of [lost, silent]) {
    const hints = createStrandHints({ store, timers: noted, log: SILENT });
    expect(await hints.read('s')).toBeUndefined();
  }
  expect(waitsMs).toEqual([250, 250]);
  const hints = createStrandHints({ store: lost, timers, log: SILENT });
  hints.note('s', headAt('A', 1));
  await expect(hints.close()).resolves.toBeUndefined();
});
