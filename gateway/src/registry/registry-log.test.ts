import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseCheckpointText, parseNote, type Registry, readRegistry, verifyConsistency } from '@piste/verifier';
import { withDirectory } from '../recording/recording-fixture.js';
import { createFileStore } from './file-store.js';
import { openTestRegistry, sourceOf, startTestRegistry, testIdentity } from './registry-fixture.js';
import { openRegistryLog } from './registry-log.js';
import type { RegistryStore } from './registry-store.js';

const APPENDER = fileURLToPath(new URL('./race-appender.js', import.meta.url));
const ROUNDS = process.env['PISTE_TORTURE'] === '1' ? 400 : 30;

async function readWhole(directory: string): Promise<Registry> {
  const { registry, findings } = await readRegistry(sourceOf(directory));
  expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  if (registry === undefined) throw new Error('the registry reads');
  return registry;
}

/** Starts an appender; resolves with its reports when it ended or was killed after `killAfter` of them. */
async function runAppender(args: readonly string[], killAfter = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
  const child = spawn(process.execPath, [APPENDER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.split('\n').length > killAfter) child.kill('SIGKILL');
  }
  return text.split('\n').slice(0, -1);
}

/** Every report of an appender stands in the registry, once, where it was told. */
function expectReported(registry: Registry, reports: readonly string[]): void {
  for (const report of reports) {
    const [first, label, round, count] = report.split(' ');
    for (let at = 0; at < Number(count); at += 1) {
      expect(registry.entries[Number(first) + at]).toMatchObject({
        kind: 'tick',
        fields: { label, round: Number(round), at },
      });
    }
  }
}

describe('the registry', () => {
  test('reads back what was appended, through several tiles, and proves every step', async () => {
    await withDirectory(async (directory) => {
      const log = await startTestRegistry(directory);
      const heads = [];
      for (let round = 0; round < 14; round += 1) {
        const entries = Array.from({ length: 57 }, (_, at) => ({ kind: 'tick' as const, fields: { round, at } }));
        expect(await log.append(entries)).toBe(2 + round * 57);
        const head = await log.head();
        if (head === undefined) throw new Error('there is a head');
        heads.push(head);
      }
      const registry = await readWhole(directory);
      expect(registry.size).toBe(800);
      expect(registry.keys).toEqual([{ vkey: log.vkey, from: 0 }]);
      for (const [at, older] of heads.entries()) {
        expect(registry.tree.root(older.size).toString('base64')).toBe(older.root);
        for (const newer of heads.slice(at)) {
          const proof = await log.consistencyProof(older.size, newer.size);
          const [oldRoot, root] = [Buffer.from(older.root, 'base64'), Buffer.from(newer.root, 'base64')];
          expect(verifyConsistency({ oldSize: older.size, oldRoot, size: newer.size, root, proof })).toBe(true);
        }
      }
    });
  });

  test('is opened once by several that come first at the same time', async () => {
    await withDirectory(async (directory) => {
      const logs = [1, 2, 3, 4].map(() => openTestRegistry(directory));
      const firsts = await Promise.all(logs.map((log, by) => log.append([{ kind: 'tick', fields: { by } }])));
      expect(firsts.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
      const { entries } = await readWhole(directory);
      expect(entries.map(({ kind }) => kind)).toEqual(['registry.open', 'tick', 'tick', 'tick', 'tick']);
      expect(firsts.map((at) => entries[at]?.fields['by'])).toEqual([0, 1, 2, 3]);
    });
  });

  test('another process continues where one stopped', async () => {
    await withDirectory(async (directory) => {
      const first = await startTestRegistry(directory);
      await first.append([{ kind: 'tick', fields: {} }]);
      const second = openTestRegistry(directory);
      expect(await second.append([{ kind: 'tick', fields: { by: 2 } }])).toBe(3);
      expect(await first.append([{ kind: 'tick', fields: { by: 1 } }])).toBe(4);
      expect((await readWhole(directory)).size).toBe(5);
    });
  });

  test('refuses to continue under another identity, or a registry shorter than the one it knew', async () => {
    await withDirectory(async (directory) => {
      const log = await startTestRegistry(directory);
      await log.append([{ kind: 'tick', fields: {} }]);
      const head = await log.head();
      await expect(openTestRegistry(directory, testIdentity(8)).append([{ kind: 'tick', fields: {} }])).rejects.toThrow(
        /another key/,
      );
      const checkpoint = await readFile(join(directory, 'registry/checkpoint'));
      await log.append([{ kind: 'tick', fields: { n: 2 } }]);
      await writeFile(join(directory, 'registry/checkpoint'), checkpoint);
      // What an append settled survives a checkpoint put back: the next append finishes it again.
      const again = openTestRegistry(directory);
      expect(await again.append([{ kind: 'tick', fields: { n: 3 } }])).toBe(4);
      expect((await readWhole(directory)).entries[3]?.fields).toEqual({ n: 2 });
      const kept = { size: 9, root: head?.root ?? '' };
      const store = createFileStore(join(directory, 'registry'));
      const cautious = openRegistryLog({ store, signer: testIdentity(), nowMs: () => 0, kept });
      await expect(cautious.append([{ kind: 'tick', fields: {} }])).rejects.toThrow(/a checkpoint kept here covers 9/);
    });
  });

  test('time never runs backwards, whatever the clocks say', async () => {
    await withDirectory(async (directory) => {
      await startTestRegistry(directory);
      const store = createFileStore(join(directory, 'registry'));
      const late = openRegistryLog({ store, signer: testIdentity(), nowMs: () => 5 });
      await late.append([{ kind: 'tick', fields: {} }]);
      const [first, , third] = (await readWhole(directory)).entries;
      expect(third?.timeMs).toBe(first?.timeMs);
    });
  });

  test.each(['append/2', 'tile/entries/000.p/3', 'tile/0/000.p/3'])(
    'does not sign what stands at %s and is not its own',
    async (path) => {
      await withDirectory(async (directory) => {
        const log = await startTestRegistry(directory);
        const store = createFileStore(join(directory, 'registry'));
        expect(await store.putIfAbsent(path, Buffer.from('not an append'))).toBe('written');
        await expect(log.append([{ kind: 'tick', fields: {} }])).rejects.toThrow(/append\/2|holds something else/);
        expect(
          parseCheckpointText(parseNote(await readFile(join(directory, 'registry/checkpoint')))?.text ?? '')?.size,
        ).toBe(2);
      });
    },
  );
});

describe('a registry whose store fails', () => {
  /** A store that rejects from the n-th call on, before or after it did what was asked. */
  function failing(store: RegistryStore, callsLeft: number, after: boolean): RegistryStore {
    let left = callsLeft;
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      left -= 1;
      if (left < 0 && !after) throw new Error('store is down');
      const result = await work();
      if (left < 0) throw new Error('answer lost');
      return result;
    };
    return {
      label: 'failing',
      get: (path) => guard(() => store.get(path)),
      putIfAbsent: (path, bytes) => guard(() => store.putIfAbsent(path, bytes)),
      compareAndPutCheckpoint: (expected, bytes) => guard(() => store.compareAndPutCheckpoint(expected, bytes)),
    };
  }

  test.each([false, true])(
    'is continued whole by the next append, wherever it stopped (answers lost: %s)',
    async (after) => {
      for (let calls = 0; calls < 14; calls += 1) {
        await withDirectory(async (directory) => {
          await startTestRegistry(directory);
          const store = createFileStore(join(directory, 'registry'));
          const broken = openRegistryLog({
            store: failing(store, calls, after),
            signer: testIdentity(),
            nowMs: () => 0,
          });
          const outcome = await broken.append([{ kind: 'tick', fields: { n: 1 } }]).then(
            () => 'stands',
            () => 'unknown',
          );
          const next = openTestRegistry(directory);
          await next.append([{ kind: 'tick', fields: { n: 2 } }]);
          const numbers = (await readWhole(directory)).entries.slice(2).map(({ fields }) => fields['n']);
          expect(outcome === 'stands' ? [[1, 2]] : [[1, 2], [2]]).toContainEqual(numbers);
        });
      }
    },
  );
});

describe('registries with several leaders', () => {
  test('three processes at one directory lose nothing, double nothing and never fork', async () => {
    await withDirectory(async (directory) => {
      await startTestRegistry(directory);
      const labels = ['a', 'b', 'c'];
      const reports = await Promise.all(labels.map((label) => runAppender([directory, label, String(ROUNDS)])));
      expect(reports.map((list) => list.length)).toEqual(labels.map(() => ROUNDS));
      const registry = await readWhole(directory);
      expectReported(registry, reports.flat());
      const reported = reports.flat().reduce((sum, report) => sum + Number(report.split(' ')[3]), 0);
      expect(registry.size).toBe(2 + reported);
    });
  }, 600_000);

  test('one killed at a random moment leaves a registry that the others continue', async () => {
    await withDirectory(async (directory) => {
      await startTestRegistry(directory);
      const survivor = runAppender([directory, 'survivor', String(ROUNDS)]);
      const killed: string[] = [];
      for (let run = 0; run < ROUNDS / 6; run += 1) {
        killed.push(...(await runAppender([directory, `killed-${run}`, '1000'], 1 + ((run * 5) % 7))));
      }
      const reports = [...(await survivor), ...killed];
      const last = openTestRegistry(directory);
      await last.append([{ kind: 'tick', fields: { label: 'last' } }]);
      const registry = await readWhole(directory);
      expectReported(registry, reports);
      const seen = registry.entries.map((entry) => JSON.stringify(entry.fields));
      expect(new Set(seen).size).toBe(seen.length);
      await rm(join(directory, 'registry/.lock'), { force: true });
    });
  }, 600_000);
});
