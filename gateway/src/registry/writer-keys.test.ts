import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createNoteSigner, decodeBundle, encodeBundle } from '@piste/verifier';
import { withDirectory } from '../recording/recording-fixture.js';
import { createFileStore } from './file-store.js';
import { openTestRegistry, TEST_TIME_MS, testIdentity } from './registry-fixture.js';
import { openRegistryLog, type RegistryLog } from './registry-log.js';
import { RegistryBroken } from './registry-state.js';
import { createWriterKeys } from './writer-keys.js';

const vkeyOf = (name: string): string => createNoteSigner(`test/w/${name}`).vkey;

async function open(log: RegistryLog, name: string): Promise<string> {
  const vkey = vkeyOf(name);
  await log.append([{ kind: 'writer.open', fields: { origin: `test/w/${name}`, vkey } }]);
  return vkey;
}

async function tick(log: RegistryLog, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200)
    await log.append(Array.from({ length: Math.min(left, 200) }, () => ({ kind: 'tick' as const, fields: {} })));
}

/** A registry that counts what is read of it. */
function counting(log: RegistryLog) {
  const counted = { entries: 0 };
  return {
    counted,
    head: () => log.head(),
    async *storedEntries(from: number, to: number) {
      for await (const bundle of log.storedEntries(from, to)) {
        counted.entries += bundle.length;
        yield bundle;
      }
    },
  };
}

describe('the keys of registered writers', () => {
  test('are none before the registry is', async () => {
    await withDirectory(async (directory) => {
      const keys = createWriterKeys(openTestRegistry(directory));
      expect(await keys.read()).toEqual({ writers: [], isWhole: true });
    });
  });

  test('are found across bundles, and only what was added is read again', async () => {
    await withDirectory(async (directory) => {
      const log = openTestRegistry(directory);
      const first = await open(log, 'a');
      await tick(log, 600);
      const second = await open(log, 'b');
      const registry = counting(log);
      const keys = createWriterKeys(registry);
      expect(await keys.read()).toEqual({ writers: [first, second], isWhole: true });
      const before = registry.counted.entries;
      expect(await keys.read()).toEqual({ writers: [first, second], isWhole: true });
      expect(registry.counted.entries).toBe(before);
      await tick(log, 3);
      const third = await open(openTestRegistry(directory), 'c');
      expect(await keys.read()).toEqual({ writers: [first, second, third], isWhole: true });
      expect(registry.counted.entries).toBe(before + 4);
    });
  });

  test('are read from a store that is far away several bundles at once, and not too many', async () => {
    await withDirectory(async (directory) => {
      const log = openTestRegistry(directory);
      const first = await open(log, 'a');
      await tick(log, 12 * 256);
      const last = await open(log, 'b');
      const near = createFileStore(join(directory, 'registry'));
      let underWay = 0;
      let most = 0;
      const store = {
        ...near,
        async get(path: string) {
          underWay += 1;
          most = Math.max(most, underWay);
          const found = await near.get(path);
          await new Promise((resolve) => setImmediate(resolve));
          underWay -= 1;
          return found;
        },
      };
      const far = openRegistryLog({ store, signer: testIdentity(), nowMs: () => TEST_TIME_MS });
      expect(await createWriterKeys(far).read()).toEqual({ writers: [first, last], isWhole: true });
      expect(most).toBe(8);
    });
  });

  test('are not all of them until as many entries as one call reads were read often enough', async () => {
    await withDirectory(async (directory) => {
      const log = openTestRegistry(directory);
      const first = await open(log, 'a');
      await tick(log, 700);
      const keys = createWriterKeys(log, 300);
      expect(await keys.read()).toEqual({ writers: [], isWhole: false });
      expect(await keys.read()).toEqual({ writers: [], isWhole: false });
      expect(await keys.read()).toEqual({ writers: [first], isWhole: true });
    });
  });

  test('are not taken from entries that nobody signed', async () => {
    await withDirectory(async (directory) => {
      const log = openTestRegistry(directory);
      await tick(log, 10);
      const folder = join(directory, 'registry', 'tile', 'entries', '000.p');
      const [name = ''] = (await readdir(folder)).sort((a, b) => Number(b) - Number(a));
      const entries = decodeBundle(await readFile(join(folder, name)), Number(name)) ?? [];
      const text = JSON.stringify({
        f: { origin: 'test/w/x', vkey: vkeyOf('x') },
        k: 'writer.open',
        t: 1,
        v: 1,
      });
      const forged = encodeBundle([...entries.slice(0, -1), Buffer.from(text)]);
      await writeFile(join(folder, 'forged'), forged);
      await rename(join(folder, 'forged'), join(folder, name));
      const keys = createWriterKeys(log);
      await expect(keys.read()).rejects.toThrow(RegistryBroken);
      await expect(keys.read()).rejects.toThrow(RegistryBroken);
    });
  });
});
