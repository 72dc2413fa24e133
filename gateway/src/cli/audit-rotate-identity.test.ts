import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createCosigner, type Trust, verifyDirectory } from '@piste/verifier';
import { entry, withDirectory } from '../recording/recording-fixture.js';
import { createWitness, createWitnessServer, openWitnessStore } from '../registry/index.js';
import { startTestGateway, testIdentity, testIdentityKey } from '../registry/registry-fixture.js';
import { run } from './run-fixture.js';

const [OLD, NEW] = [7, 8];
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Place {
  readonly directory: string;
  readonly rotate: (from: number, to: number, ...more: readonly string[]) => ReturnType<typeof run>;
  /** What a verifier says whose trust file names this identity and nothing else. */
  readonly verdictFor: (seed: number) => Promise<string>;
}

/** A recording with one closed log, and the identities 7, 8 and 9 as files. */
async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const directory = join(parent, 'recording');
    const fileOf = (seed: number): string => join(parent, `${seed}.pem`);
    for (const seed of [7, 8, 9]) await writeFile(fileOf(seed), pem(testIdentityKey(seed)));
    const gateway = await startTestGateway(directory);
    await gateway.recording.append(entry('control', { op: 'before' }));
    await gateway.close();
    await use({
      directory,
      rotate: (from, to, ...more) =>
        run([
          'audit',
          'rotate-identity',
          '--dir',
          directory,
          '--deployment',
          'test',
          '--identity-key',
          fileOf(from),
          '--new-identity-key',
          fileOf(to),
          ...more,
        ]),
      verdictFor: async (seed) => {
        const trust: Trust = { writers: [], checkpoints: [], registry: testIdentity(seed).vkey };
        return (await verifyDirectory(directory, trust)).outcome;
      },
    });
  });
}

const checkpointOf = (directory: string) => readFile(join(directory, 'registry', 'checkpoint'), 'utf8');

describe('piste audit rotate-identity', () => {
  test('hands over; gateways with the new key go on, and whoever trusts either identity is told the same', async () => {
    await withPlace(async ({ directory, rotate, verdictFor }) => {
      const said = await rotate(OLD, NEW);
      expect(said).toMatchObject({ code: 0, err: expect.stringContaining('restart each with the new one') });
      expect(said.out).toMatch(/^the registry test\/registry was handed over: entry \d+\nold identity {2}/);
      expect(said.out).toContain(testIdentity(NEW).vkey);
      await expect(startTestGateway(directory)).rejects.toThrow(/handed over to a new one/);
      const after = await startTestGateway(directory, { signer: testIdentity(NEW) });
      await after.recording.append(entry('control', { op: 'after' }));
      await after.close();
      expect((await verifyDirectory(directory, await after.trust())).outcome).toBe('sound');
      expect([await verdictFor(OLD), await verdictFor(NEW), await verdictFor(9)]).toEqual([
        'sound',
        'sound',
        'tampered',
      ]);
    });
  });

  test('stops a gateway that runs with the old key, at the latest when the registry may lag no longer', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const running = await startTestGateway(directory, { name: 'running', maxLagSeconds: 60 });
      expect((await rotate(OLD, NEW)).code).toBe(0);
      await running.recording.append(entry('control', { op: 'x' }));
      running.clock.advance(61_000);
      await running.registered.publish();
      await expect(running.recording.append(entry('control', { op: 'y' }))).rejects.toThrow(/not reached for/);
      await running.close();
      const next = await startTestGateway(directory, { name: 'running', signer: testIdentity(NEW) });
      await next.close();
      // The trust file was begun under the first identity; what that one signed is kept without its signature.
      expect(await next.trust()).toMatchObject({ registry: testIdentity(NEW).vkey });
      expect((await verifyDirectory(directory, await next.trust())).outcome).toBe('sound');
    });
  });

  test('changes nothing with --check, and says both keys', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const before = await checkpointOf(directory);
      const said = await rotate(OLD, NEW, '--check');
      expect(said).toMatchObject({ code: 0, out: expect.stringContaining('nothing was changed') });
      for (const seed of [OLD, NEW]) expect(said.out).toContain(testIdentity(seed).vkey);
      expect(await checkpointOf(directory)).toBe(before);
    });
  });

  test('has nothing to do a second time', async () => {
    await withPlace(async ({ directory, rotate }) => {
      await rotate(OLD, NEW);
      const before = await checkpointOf(directory);
      expect(await rotate(OLD, NEW)).toMatchObject({ code: 0, out: expect.stringContaining('already') });
      expect(await checkpointOf(directory)).toBe(before);
    });
  });

  test('refuses a key that is not the identity, and one that was before', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const refused = { code: 1, out: '' };
      expect(await rotate(9, NEW)).toMatchObject({ ...refused, err: expect.stringContaining(testIdentity(OLD).vkey) });
      await rotate(OLD, NEW);
      const before = await checkpointOf(directory);
      expect(await rotate(OLD, 9)).toMatchObject({ ...refused, err: expect.stringContaining(testIdentity(NEW).vkey) });
      expect(await rotate(NEW, OLD)).toMatchObject({
        ...refused,
        err: expect.stringContaining('was the identity before'),
      });
      expect(await checkpointOf(directory)).toBe(before);
    });
  });

  test('refuses a registry that does not verify', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const checkpoint = await checkpointOf(directory);
      await writeFile(
        join(directory, 'registry', 'checkpoint'),
        checkpoint.replace(/^\d+$/m, (size) => `${Number(size) - 1}`),
      );
      expect(await rotate(OLD, NEW)).toMatchObject({ code: 1, err: expect.stringContaining('does not verify') });
    });
  });

  test('finds the registry where it lies apart, and starts none where there is none', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const apart = `${directory}-apart`;
      await rename(join(directory, 'registry'), apart);
      expect(await rotate(OLD, NEW)).toMatchObject({
        code: 3,
        err: expect.stringContaining('there is no registry here'),
      });
      await expect(readdir(join(directory, 'registry'))).rejects.toThrow('ENOENT');
      expect((await rotate(OLD, NEW, '--registry-dir', apart)).code).toBe(0);
    });
  });

  test('says how it is used', async () => {
    await withPlace(async ({ rotate }) => {
      for (const said of [
        await rotate(OLD, OLD),
        await rotate(OLD, NEW, 'more'),
        await run(['audit', 'rotate-identity']),
      ])
        expect(said).toMatchObject({ code: 3, err: expect.stringContaining('Usage:') });
    });
  });
});

describe('a witness of a registry that is handed over', () => {
  test('cosigns before and after when it was given both keys, and refuses the new one when it was not', async () => {
    await withPlace(async ({ directory, rotate }) => {
      const both = [OLD, NEW].map((seed) => testIdentity(seed).vkey);
      const answers: number[] = [];
      const open = async (logs: readonly string[]) => {
        const store = await openWitnessStore(`${directory}-witness`);
        const cosigner = createCosigner('witness.test/w', generateKeyPairSync('ed25519').privateKey);
        const server = createWitnessServer(createWitness({ cosigner, logs, store, nowMs: Date.now }), (status) =>
          answers.push(status),
        );
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const address = server.address();
        const port = typeof address === 'object' ? address?.port : 0;
        const witnesses = `witness w ${cosigner.vkey} http://127.0.0.1:${port}/\nquorum w\n`;
        const close = (): void => {
          server.close();
          server.closeAllConnections();
        };
        return { witnesses, close };
      };
      const told = await open(both);
      await (await startTestGateway(directory, { name: 'a', witnesses: told.witnesses })).close();
      expect((await rotate(OLD, NEW)).code).toBe(0);
      const signer = testIdentity(NEW);
      const after = await startTestGateway(directory, { name: 'b', signer, witnesses: told.witnesses });
      await after.close();
      told.close();
      expect(answers).not.toContain(403);
      const verdict = await verifyDirectory(directory, await after.trust());
      expect(verdict.outcome).toBe('sound');
      expect(verdict.findings.map(({ code }) => code)).toContain('anchor-age');
      const untold = await open(both.slice(0, 1));
      await (await startTestGateway(directory, { name: 'c', signer, witnesses: untold.witnesses })).close();
      untold.close();
      expect(answers.at(-1)).toBe(403);
    });
  });
});
