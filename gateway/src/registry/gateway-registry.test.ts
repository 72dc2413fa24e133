import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { encodeRotationText, type Registry, readRegistry, verifyDirectory } from '@piste/verifier';
import { entry, withDirectory } from '../recording/recording-fixture.js';
import { createFileStore } from './file-store.js';
import { loadOrMakeSigner } from './identity-key.js';
import { sourceOf, startTestGateway, TEST_TIME_MS, testIdentity } from './registry-fixture.js';
import { openRegistryLog } from './registry-log.js';
import type { RegistryStore } from './registry-store.js';
import { rotateIdentity } from './rotate-identity.js';

async function registryOf(directory: string): Promise<Registry> {
  const { registry } = await readRegistry(sourceOf(directory));
  if (registry === undefined) throw new Error('a registry is expected');
  return registry;
}

const codes = (findings: readonly { readonly code: string; readonly severity: string }[]): readonly string[] =>
  findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code);

/** Runs `use` in a folder with room beside the recording for trust files. */
function withRecordingFolder<T>(use: (directory: string, beside: string) => Promise<T>): Promise<T> {
  return withDirectory((parent) => use(join(parent, 'recording'), parent));
}

describe('a registered gateway', () => {
  test('is in the registry before it records anything, with its checkpoints, and at its end', async () => {
    await withRecordingFolder(async (directory) => {
      const gateway = await startTestGateway(directory);
      const { writer } = gateway.recording;
      expect((await registryOf(directory)).entries.slice(0, 2)).toMatchObject([
        { kind: 'registry.open', fields: { origin: 'test/registry', vkey: testIdentity().vkey } },
        { kind: 'writer.open', fields: { origin: writer, version: 'test' } },
      ]);
      await gateway.recording.append(entry('control', { op: 'x' }));
      await gateway.registered.publish();
      gateway.clock.advance(10_000);
      await gateway.registered.publish();
      await gateway.close();
      const { entries } = await registryOf(directory);
      expect(entries.map(({ kind }) => kind)).toEqual([
        'registry.open',
        'writer.open',
        'writer.checkpoint',
        'writer.checkpoint',
        'tick',
        'writer.checkpoint',
        'writer.close',
      ]);
      expect(entries.at(-1)?.fields).toMatchObject({ origin: writer, size: 3 });
      const verdict = await verifyDirectory(directory, await gateway.trust());
      expect(codes(verdict.findings)).toEqual([]);
      expect(verdict.outcome).toBe('sound');
    });
  });

  test('needs nothing but the registry key to be judged sound, and is not without it', async () => {
    await withRecordingFolder(async (directory) => {
      const gateway = await startTestGateway(directory);
      await gateway.recording.append(entry('control', { op: 'x' }));
      await gateway.close();
      const trust = { writers: [], checkpoints: [], registry: testIdentity().vkey };
      expect((await verifyDirectory(directory, trust)).outcome).toBe('sound');
      expect((await verifyDirectory(directory)).outcome).toBe('cannot-conclude');
      const other = { ...trust, registry: testIdentity(9).vkey };
      expect(codes((await verifyDirectory(directory, other)).findings)).toContain('registry-key');
    });
  });

  test('does not start where the registry cannot be written', async () => {
    await withRecordingFolder(async (directory) => {
      const store: RegistryStore = {
        label: 'down',
        get: () => Promise.resolve(undefined),
        putIfAbsent: () => Promise.reject(new Error('down')),
        compareAndPutCheckpoint: () => Promise.reject(new Error('down')),
      };
      await expect(startTestGateway(directory, { store })).rejects.toThrow('down');
      // What it left is no gap in the evidence: nothing happened in it.
      await (await startTestGateway(directory, { name: 'second' })).close();
      const trust = { writers: [], checkpoints: [], registry: testIdentity().vkey };
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.findings).toContainEqual(
        expect.objectContaining({ severity: 'note', code: 'unregistered-writer' }),
      );
    });
  });

  test('stops recording when the registry is out of reach for too long, and goes on when it is back', async () => {
    await withRecordingFolder(async (directory) => {
      const real = createFileStore(join(directory, 'registry'));
      let isDown = false;
      const unlessDown = <T>(work: () => Promise<T>): Promise<T> =>
        isDown ? Promise.reject(new Error('down')) : work();
      const store: RegistryStore = {
        label: 'sometimes',
        get: (path) => unlessDown(() => real.get(path)),
        putIfAbsent: (path, bytes) => unlessDown(() => real.putIfAbsent(path, bytes)),
        compareAndPutCheckpoint: (expected, bytes) => unlessDown(() => real.compareAndPutCheckpoint(expected, bytes)),
      };
      const gateway = await startTestGateway(directory, { store, maxLagSeconds: 60 });
      isDown = true;
      gateway.clock.advance(59_000);
      await gateway.registered.publish();
      await gateway.recording.append(entry('control', { op: 'still' }));
      gateway.clock.advance(2_000);
      await gateway.registered.publish();
      expect(gateway.registered.refusal()).toMatch(/not reached for 61 s/);
      await expect(gateway.recording.append(entry('control', { op: 'no' }))).rejects.toThrow(/not reached/);
      isDown = false;
      await gateway.registered.publish();
      expect(gateway.registered.refusal()).toBeUndefined();
      await gateway.recording.append(entry('control', { op: 'again' }));
      await gateway.close();
      expect((await verifyDirectory(directory, await gateway.trust())).outcome).toBe('sound');
    });
  });

  test('refuses a registry that is shorter than the one its trust file knows', async () => {
    await withRecordingFolder(async (directory, beside) => {
      await (await startTestGateway(directory)).close();
      await rename(join(directory, 'registry'), join(beside, 'taken'));
      await expect(startTestGateway(directory)).rejects.toThrow(/the registry has 0 entries/);
    });
  });

  test('seals a writer of its directory that died, once, and only when it was silent long enough', async () => {
    await withRecordingFolder(async (directory) => {
      const dead = await startTestGateway(directory, { name: 'dead' });
      await dead.recording.append(entry('control', { op: 'x' }));
      await dead.registered.publish();
      // It stops here: neither its log nor the registry hears of it again.
      const { clock } = dead;
      clock.advance(200_000);
      const early = await startTestGateway(directory, { name: 'early', clock });
      expect((await registryOf(directory)).entries.filter(({ kind }) => kind === 'writer.sealed')).toEqual([]);
      clock.advance(400_000);
      await early.registered.publish();
      clock.advance(60_000);
      await early.registered.publish();
      const sealed = (await registryOf(directory)).entries.filter(({ kind }) => kind === 'writer.sealed');
      expect(sealed).toMatchObject([
        { fields: { origin: dead.recording.writer, size: 2, closed: false, by: early.recording.writer } },
      ]);
      await early.close();
      expect((await verifyDirectory(directory, await early.trust())).outcome).toBe('sound');
      await dead.close();
    });
  });

  test('does not seal a log whose beginning is no longer on the disk', async () => {
    await withRecordingFolder(async (directory) => {
      const dead = await startTestGateway(directory, { name: 'dead' });
      await dead.recording.append(entry('control', { op: 'x' }));
      await dead.registered.publish();
      await rm(join(directory, dead.recording.writer.slice(-26), '00000001.seg'));
      dead.clock.advance(3_600_000);
      const next = await startTestGateway(directory, { name: 'next', clock: dead.clock });
      expect((await registryOf(directory)).entries.filter(({ kind }) => kind === 'writer.sealed')).toEqual([]);
      await next.close();
    });
  });

  test('is read while it works, without a false alarm', async () => {
    await withRecordingFolder(async (directory) => {
      const gateway = await startTestGateway(directory);
      let isWorking = true;
      const working = (async () => {
        for (let round = 0; isWorking; round += 1) {
          await gateway.recording.append(entry('control', { round }));
          await gateway.registered.publish();
        }
      })();
      const trust = { writers: [], checkpoints: [], registry: testIdentity().vkey };
      for (let look = 0; look < 25; look += 1) {
        const verdict = await verifyDirectory(directory, trust);
        expect(verdict.findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
      }
      isWorking = false;
      await working;
      await gateway.close();
      expect((await verifyDirectory(directory, trust)).outcome).toBe('sound');
    });
  });

  test('three at once at one registry keep their places, and their trust files agree', async () => {
    await withRecordingFolder(async (directory) => {
      const gateways = await Promise.all(['a', 'b', 'c'].map((name) => startTestGateway(directory, { name })));
      await Promise.all(
        gateways.map(async ({ recording, registered }) => {
          for (let round = 0; round < 5; round += 1) {
            await recording.append(entry('control', { round }));
            await registered.publish();
          }
        }),
      );
      await Promise.all(gateways.map((gateway) => gateway.close()));
      for (const gateway of gateways) {
        const verdict = await verifyDirectory(directory, await gateway.trust());
        expect(codes(verdict.findings)).toEqual([]);
        expect(verdict.logs).toHaveLength(3);
      }
    });
  });
});

describe('a new identity key', () => {
  const rotation = (directory: string, from = testIdentity(7), to = testIdentity(8)) => ({
    store: createFileStore(join(directory, 'registry')),
    from,
    to,
    nowMs: () => TEST_TIME_MS,
  });

  test('takes over: whoever trusts the old or the new one is told the same, and the old one is out', async () => {
    await withRecordingFolder(async (directory) => {
      const before = await startTestGateway(directory);
      await before.recording.append(entry('control', { op: 'x' }));
      await before.close();
      await rotateIdentity(rotation(directory));
      await expect(startTestGateway(directory)).rejects.toThrow(/another key/);
      const after = await startTestGateway(directory, { signer: testIdentity(8) });
      await after.recording.append(entry('control', { op: 'y' }));
      await after.close();
      await rotateIdentity(rotation(directory, testIdentity(8), testIdentity(9)));
      expect((await verifyDirectory(directory, await after.trust())).outcome).toBe('sound');
      for (const seed of [7, 8, 9]) {
        const trust = { writers: [], checkpoints: [], registry: testIdentity(seed).vkey };
        expect([seed, (await verifyDirectory(directory, trust)).outcome]).toEqual([seed, 'sound']);
      }
      expect((await registryOf(directory)).keys.map(({ vkey }) => vkey)).toEqual(
        [7, 8, 9].map((seed) => testIdentity(seed).vkey),
      );
    });
  });

  test('leaves a trust file of the old one readable, also while the registry is out of reach', async () => {
    await withRecordingFolder(async (directory) => {
      await (await startTestGateway(directory)).close();
      await rotateIdentity(rotation(directory));
      let isLost = false;
      const store = createFileStore(join(directory, 'registry'));
      const get = async (path: string) => {
        if (isLost) throw new Error('lost');
        return store.get(path);
      };
      const nothing = (): void => undefined;
      const appended = (): void => {
        isLost = true;
      };
      const metrics = { appended, size: nothing, lag: nothing, witnessed: nothing, quorumAge: nothing };
      const after = await startTestGateway(directory, { signer: testIdentity(8), store: { ...store, get }, metrics });
      await after.recording.append(entry('control', { op: 'x' }));
      await after.registered.publish();
      const { registry, checkpoints } = await after.trust();
      expect(registry).toBe(testIdentity(8).vkey);
      expect(checkpoints.find(({ origin }) => origin === testIdentity().name)?.size).toBeGreaterThan(0);
      isLost = false;
      await after.close();
    });
  });

  test('is finished by whoever has both keys when it was interrupted before its checkpoint', async () => {
    await withRecordingFolder(async (directory) => {
      await (await startTestGateway(directory)).close();
      const store = createFileStore(join(directory, 'registry'));
      const compareAndPutCheckpoint = (): Promise<boolean> => Promise.reject(new Error('lost'));
      const broken = { ...rotation(directory), store: { ...store, compareAndPutCheckpoint } };
      await expect(rotateIdentity(broken)).rejects.toThrow('lost');
      await expect(startTestGateway(directory)).rejects.toThrow(/changes to another identity key/);
      await rotateIdentity(rotation(directory));
      expect((await registryOf(directory)).keys).toHaveLength(2);
    });
  });

  test('that the old one did not sign for is none', async () => {
    await withRecordingFolder(async (directory) => {
      await (await startTestGateway(directory)).close();
      const [old, fresh, thief] = [testIdentity(7), testIdentity(8), testIdentity(9)];
      const store = createFileStore(join(directory, 'registry'));
      const log = openRegistryLog({ store, signer: old, successor: fresh, nowMs: () => TEST_TIME_MS });
      const note = thief.signNote(encodeRotationText({ origin: old.name, from: old.vkey, to: fresh.vkey }));
      await log.append([{ kind: 'key.rotate', fields: { from: old.vkey, to: fresh.vkey, note } }]);
      const trust = { writers: [], checkpoints: [], registry: old.vkey };
      const verdict = await verifyDirectory(directory, trust);
      expect(codes(verdict.findings)).toContain('registry-key');
      expect(verdict.outcome).toBe('tampered');
    });
  });
});

describe('the identity key', () => {
  test('is made once, for its owner only, and the same for all who come at the same time', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'identity.pem');
      const made = await Promise.all([1, 2, 3].map(() => loadOrMakeSigner(path, 'test/registry')));
      expect(new Set(made.map(({ signer }) => signer.vkey)).size).toBe(1);
      expect(made.filter((each) => each.made)).toHaveLength(1);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readdir(directory)).toEqual(['identity.pem']);
    });
  });

  test('is never quoted when it cannot be used', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'identity.pem');
      const pem = (await loadOrMakeSigner(path, 'test/registry').then(() => readFile(path, 'utf8'))).replaceAll(
        'M',
        'N',
      );
      await writeFile(path, pem);
      const error = await loadOrMakeSigner(path, 'test/registry').catch((thrown: unknown) => String(thrown));
      expect(error).toMatch(/no Ed25519 private key/);
      expect(error).not.toContain(pem.split('\n')[1]);
      await rm(path);
    });
  });

  test('can be the note key of the Go tools', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'key');
      await writeFile(
        path,
        'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg\n',
      );
      const { signer } = await loadOrMakeSigner(path, 'example.com/log/testdata');
      expect(signer.vkey).toBe('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx');
    });
  });
});
