import { expect, test } from '@jest/globals';
import { createMemoryStore } from './memory-store.js';
import { describeStoreContract } from './store-contract.js';
import { StoreUnavailable } from './store-unavailable.js';

describeStoreContract('the memory store', async () => {
  let nowMs = 1_000_000;
  const store = createMemoryStore({ clock: () => nowMs });
  return {
    open: () => store,
    pass: async (seconds) => {
      nowMs += seconds * 1000;
    },
    dispose: async () => undefined,
  };
});

test('a value of the memory store ends exactly when its life is over', async () => {
  let nowMs = 0;
  const store = createMemoryStore({ clock: () => nowMs });
  await store.create('key', 'value', 10);
  nowMs = 9_999;
  expect((await store.get('key'))?.value).toBe('value');
  nowMs = 10_000;
  expect(await store.get('key')).toBeUndefined();
  expect(await store.create('key', 'anew', 10)).toBe(true);
});

test('the memory store drops expired values that nobody asks for', async () => {
  let nowMs = 0;
  const store = createMemoryStore({ clock: () => nowMs });
  for (let at = 0; at < 100; at += 1) await store.create(`key/${at}`, 'value', 10);
  nowMs = 60_000;
  await store.create('one', 'value', 10);
  expect(await store.keys('', 1000)).toEqual(['one']);
});

test('a closed memory store refuses every call and tells nobody', async () => {
  const store = createMemoryStore({ clock: () => 0 });
  await store.create('key', 'value', 10);
  await store.close();
  await expect(store.get('key')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.create('key', 'value', 10)).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.watch('key', () => undefined)).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.ping()).rejects.toMatchObject({ denial: { code: 'PISTE-1703' } });
});
