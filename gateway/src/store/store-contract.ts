import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Store } from './store.js';
import { StoreUnavailable } from './store-unavailable.js';

/** One kind of store, ready to be tested. */
export interface StoreUnderTest {
  /** Another client of the same data; the same object where a store has only one. */
  open(): Store;
  /** Lets at least `seconds` pass for everything stored. */
  pass(seconds: number): Promise<void>;
  dispose(): Promise<void>;
}

const LONG_SECONDS = 60;
const WAIT_MS = 30_000;

/** Resolves once `isSo`; rejects after WAIT_MS. */
async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${WAIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The suite that every store must pass. */
export function describeStoreContract(name: string, setUp: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    let under: StoreUnderTest;
    let store: Store;
    let other: Store;
    beforeAll(async () => {
      under = await setUp();
      store = under.open();
      other = under.open();
    });
    afterAll(async () => {
      await store?.close();
      await other?.close();
      await under?.dispose();
    });

    async function versionOf(key: string): Promise<string> {
      const found = await store.get(key);
      if (found === undefined) throw new Error(`${key} is not there`);
      return found.version;
    }

    test('a key that was never written is not there', async () => {
      expect(await store.get('none')).toBeUndefined();
      expect(await store.touch('none', LONG_SECONDS)).toBe(false);
      expect(await store.delete('none')).toBe(false);
      expect(await store.replace('none', '', 'x', LONG_SECONDS)).toBe(false);
      expect(await store.replace('none', 'a'.repeat(22), 'x', LONG_SECONDS)).toBe(false);
      expect(await store.get('none')).toBeUndefined();
    });

    test('what one client creates another reads, and nobody creates it again', async () => {
      expect(await store.create('made', 'first', LONG_SECONDS)).toBe(true);
      expect(await other.create('made', 'second', LONG_SECONDS)).toBe(false);
      expect((await other.get('made'))?.value).toBe('first');
      expect((await other.get('made'))?.version).toBe(await versionOf('made'));
    });

    test('replaces only the version it was told, and every write makes a new version', async () => {
      await store.create('cas', 'one', LONG_SECONDS);
      const first = await versionOf('cas');
      expect(await other.replace('cas', first, 'two', LONG_SECONDS)).toBe(true);
      const second = await versionOf('cas');
      expect(second).not.toBe(first);
      expect(await store.replace('cas', first, 'three', LONG_SECONDS)).toBe(false);
      expect(await store.replace('cas', '', 'three', LONG_SECONDS)).toBe(false);
      expect(await store.replace('cas', second.slice(0, -1), 'three', LONG_SECONDS)).toBe(false);
      expect((await store.get('cas'))?.value).toBe('two');
      expect(await store.replace('cas', second, 'two', LONG_SECONDS)).toBe(true);
      expect(await versionOf('cas')).not.toBe(second);
    });

    test('a version of a deleted key does not fit the key made anew', async () => {
      await store.create('aba', 'same', LONG_SECONDS);
      const version = await versionOf('aba');
      expect(await store.delete('aba')).toBe(true);
      await store.create('aba', 'same', LONG_SECONDS);
      expect(await store.replace('aba', version, 'stale', LONG_SECONDS)).toBe(false);
      expect(await store.delete('aba', version)).toBe(false);
      expect((await store.get('aba'))?.value).toBe('same');
    });

    test('deletes only the version it was told', async () => {
      await store.create('gone', 'x', LONG_SECONDS);
      const version = await versionOf('gone');
      await store.replace('gone', version, 'y', LONG_SECONDS);
      expect(await other.delete('gone', version)).toBe(false);
      expect(await other.delete('gone', '')).toBe(false);
      expect(await other.delete('gone', await versionOf('gone'))).toBe(true);
      expect(await store.get('gone')).toBeUndefined();
      expect(await store.delete('gone')).toBe(false);
    });

    test('a value ends after its life, counted from the last write or touch, and a touch keeps the version', async () => {
      await store.create('short', 'x', 0.4);
      await store.create('touched', 'x', 2);
      await store.create('rewritten', 'x', 2);
      const version = await versionOf('touched');
      expect(await store.touch('touched', LONG_SECONDS)).toBe(true);
      await store.replace('rewritten', await versionOf('rewritten'), 'y', LONG_SECONDS);
      await under.pass(2.1);
      expect(await store.get('short')).toBeUndefined();
      expect(await store.replace('short', version, 'z', LONG_SECONDS)).toBe(false);
      expect(await store.touch('short', LONG_SECONDS)).toBe(false);
      expect(await store.keys('short', 5)).toEqual([]);
      expect(await versionOf('touched')).toBe(version);
      expect((await store.get('rewritten'))?.value).toBe('y');
      expect(await other.create('short', 'again', LONG_SECONDS)).toBe(true);
    });

    test('of fifty that create the same key at once, exactly one succeeds', async () => {
      const tries = Array.from({ length: 50 }, (_, at) =>
        (at % 2 === 0 ? store : other).create('race', `${at}`, LONG_SECONDS),
      );
      const won = (await Promise.all(tries)).flatMap((ok, at) => (ok ? [`${at}`] : []));
      expect(won).toHaveLength(1);
      expect((await store.get('race'))?.value).toBe(won[0]);
    });

    test('a counter raised by many at once equals the number of successful replacements', async () => {
      await store.create('counter', '0', LONG_SECONDS);
      let successes = 0;
      const raise = async (by: Store): Promise<void> => {
        for (let round = 0; round < 20; round += 1) {
          const now = await by.get('counter');
          if (now === undefined) throw new Error('the counter is gone');
          if (await by.replace('counter', now.version, String(Number(now.value) + 1), LONG_SECONDS)) successes += 1;
        }
      };
      await Promise.all([store, other, store, other, store].map(raise));
      expect((await store.get('counter'))?.value).toBe(String(successes));
      expect(successes).toBeGreaterThanOrEqual(20);
      expect(successes).toBeLessThan(100);
    });

    test('calls every watcher of a key after create, replace and delete by another client, and no watcher of another key', async () => {
      let calls = 0;
      let twins = 0;
      let strangers = 0;
      const stop = await store.watch('watched', () => (calls += 1));
      const stopTwin = await store.watch('watched', () => (twins += 1));
      const stopStranger = await store.watch('watched2', () => (strangers += 1));
      await other.create('watched', 'x', LONG_SECONDS);
      await eventually('notice of create', () => calls === 1);
      await other.replace('watched', await versionOf('watched'), 'y', LONG_SECONDS);
      await eventually('notice of replace', () => calls === 2);
      stopTwin();
      await other.delete('watched');
      await eventually('notice of delete', () => calls === 3);
      expect(twins).toBe(2);
      stop();
      await other.create('watched', 'z', LONG_SECONDS);
      const again = await store.watch('watched', () => (twins += 10));
      await other.delete('watched');
      await eventually('notice to a later watcher', () => twins >= 12);
      expect(calls).toBe(3);
      expect(strangers).toBe(0);
      again();
      stopStranger();
    });

    test('a failed write tells nobody', async () => {
      await store.create('quiet', 'x', LONG_SECONDS);
      let calls = 0;
      const stop = await store.watch('quiet', () => (calls += 1));
      await other.create('quiet', 'y', LONG_SECONDS);
      await other.replace('quiet', 'b'.repeat(22), 'y', LONG_SECONDS);
      await other.delete('quiet', 'b'.repeat(22));
      await other.touch('quiet', LONG_SECONDS);
      await other.delete('quiet');
      await eventually('notice of the delete', () => calls > 0);
      expect(calls).toBe(1);
      stop();
    });

    test('lists keys by prefix and no more than asked for', async () => {
      const names = Array.from({ length: 25 }, (_, at) => `list/a/${at}`);
      for (const name of [...names, 'list/b/1', 'list/*/1', 'other/list/a/1'])
        await store.create(name, 'x', LONG_SECONDS);
      expect([...(await other.keys('list/a/', 100))].sort()).toEqual([...names].sort());
      const some = await other.keys('list/a/', 7);
      expect(new Set(some).size).toBe(7);
      expect(some.every((key) => key.startsWith('list/a/'))).toBe(true);
      expect(await other.keys('list/*', 100)).toEqual(['list/*/1']);
      expect(await other.keys('list/[ab]', 100)).toEqual([]);
      expect(await other.keys('list/a/', 0)).toEqual([]);
    });

    test('keeps any well-formed Unicode in keys and values as it is', async () => {
      const values = [
        '',
        'ä€😀',
        '\u0000\r\n\t',
        '\u202Eabc\u2066',
        'e\u0301é',
        '\uFEFFbom',
        '"\\\'{}',
        'x'.repeat(300_000),
        '\u{10FFFF}',
      ];
      for (const [at, value] of values.entries()) {
        const key = `text/${at}/${value.slice(0, 8)}`;
        expect(await store.create(key, value, LONG_SECONDS)).toBe(true);
        expect((await other.get(key))?.value).toBe(value);
        expect(await other.keys(`text/${at}/`, 5)).toEqual([key]);
      }
    });

    test('refuses text that has no UTF-8 form and lives that are none', async () => {
      await expect(store.create('bad', '\uD800', LONG_SECONDS)).rejects.toThrow(RangeError);
      await expect(store.create('bad\uDC00', 'x', LONG_SECONDS)).rejects.toThrow(RangeError);
      await expect(store.replace('bad', 'v', '\uD800x', LONG_SECONDS)).rejects.toThrow(RangeError);
      for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9]) {
        await expect(store.create('bad', 'x', ttl)).rejects.toThrow(RangeError);
        await expect(store.touch('made', ttl)).rejects.toThrow(RangeError);
      }
      expect(await store.get('bad')).toBeUndefined();
    });

    test('refuses every call once closed', async () => {
      const closing = under.open();
      await closing.ping();
      if (closing === store) return;
      await closing.close();
      const calls = [
        closing.get('made'),
        closing.create('late', 'x', LONG_SECONDS),
        closing.keys('', 1),
        closing.watch('made', () => undefined),
        closing.ping(),
      ];
      for (const call of calls) await expect(call).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await store.get('late')).toBeUndefined();
    });
  });
}
