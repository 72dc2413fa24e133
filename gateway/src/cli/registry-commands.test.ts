import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createKeptNoteSigner, parseCosignatureVkey } from '@piste/verifier';
import { entry, withDirectory } from '../recording/recording-fixture.js';
import { startTestGateway, testIdentityKey } from '../registry/registry-fixture.js';
import { run } from './run-fixture.js';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const REASON = 'request 4711';

interface Place {
  readonly directory: string;
  readonly trust: string;
  readonly options: readonly string[];
  readonly path: (name: string) => string;
}

/** A closed, encrypted recording, its identity and two officers as files. */
async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const path = (name: string): string => join(parent, name);
    const officers = [];
    for (const name of ['ann', 'ben']) {
      const key = generateKeyPairSync('ed25519').privateKey;
      await writeFile(path(`${name}.pem`), pem(key));
      officers.push(createKeptNoteSigner(`officer/${name}`, key).vkey);
    }
    await writeFile(path('identity.pem'), pem(testIdentityKey()));
    const directory = path('recording');
    const gateway = await startTestGateway(directory, { officers, recipients: [RECIPIENT] });
    await gateway.recording.append(entry('control', { op: 'x' }, { rows: 'secret' }));
    await gateway.close();
    const options = ['--dir', directory, '--identity-key', path('identity.pem'), '--deployment', 'test'];
    await use({ directory, trust: gateway.trustFile, options, path });
  });
}

async function authorize({ path }: Place, name: string): Promise<string> {
  const key = ['--key', path(`${name}.pem`), '--name', `officer/${name}`];
  const signed = await run(['audit', 'authorize', 'session-1', '--reason', REASON, ...key, '--deployment', 'test']);
  expect(signed.code).toBe(0);
  await writeFile(path(`${name}.note`), signed.out);
  return path(`${name}.note`);
}

describe('piste audit shred, hold and retention', () => {
  test('two officers agree, a hold stops them, its release lets them, and the recording stays sound', async () => {
    await withPlace(async (place) => {
      const { directory, trust, options } = place;
      const notes = [await authorize(place, 'ann'), await authorize(place, 'ben')];
      const shred = ['audit', 'shred', 'session-1', '--reason', REASON, ...options];
      const both = notes.flatMap((note) => ['--authorization', note]);
      const hold = ['--id', 'case-9', '--reason', 'lawsuit', ...options];
      expect((await run(['audit', 'hold', 'set', ...hold])).out).toMatch(/^hold case-9 set: entry \d+/);
      expect(await run([...shred, ...both])).toMatchObject({ code: 1, err: expect.stringContaining('case-9') });
      expect((await run(['audit', 'hold', 'release', ...hold])).code).toBe(0);
      expect(await run([...shred, ...both.slice(0, 2)])).toMatchObject({
        code: 1,
        err: expect.stringContaining('1 of 2 different officers'),
      });
      expect((await run([...shred, ...both])).out).toMatch(/1 key removed/);
      const verified = await run(['audit', 'verify', directory, '--trust', trust]);
      expect(verified.out).toContain('audit verify: OK');
      expect(verified.out).toContain(REASON);
    });
  });

  test('finds the registry where it lies apart', async () => {
    await withPlace(async (place) => {
      const { directory, options, path } = place;
      await rename(join(directory, 'registry'), path('apart'));
      const notes = [await authorize(place, 'ann'), await authorize(place, 'ben')];
      const both = notes.flatMap((note) => ['--authorization', note]);
      const apart = ['--registry-dir', path('apart')];
      const said = await run(['audit', 'shred', 'session-1', '--reason', REASON, ...options, ...both, ...apart]);
      expect(said.out).toMatch(/1 key removed/);
    });
  });

  test('nothing is removed where nothing is old enough', async () => {
    await withPlace(async ({ options, directory }) => {
      const before = await readdir(directory, { recursive: true });
      const pruned = await run(['audit', 'retention', '--days', '90', '--reason', 'policy', ...options]);
      expect(pruned).toMatchObject({ code: 0, err: expect.stringContaining('nothing was removed') });
      expect(await readdir(directory, { recursive: true })).toEqual(before);
    });
  });

  test.each([
    [['audit', 'shred', '--reason', 'x']],
    [['audit', 'shred', 'session-1']],
    [['audit', 'shred', 'session-1', '--reason', 'x', '--dir', '/nowhere']],
    [['audit', 'retention', '--reason', 'x', '--days', '0']],
    [['audit', 'hold', 'set', '--id', 'x']],
    [['audit', 'authorize', 'session-1', '--reason', 'x', '--name', 'two words', '--key', 'k']],
    [['witness', '--listen', '127.0.0.1:0', '--key', 'k', '--name', 'n', '--state', 's']],
    [['witness', '--listen', 'nowhere', '--key', 'k', '--name', 'n', '--state', 's', '--log', 'no key']],
    [['audit', 'shred', 'session-1', '--colour', 'red']],
  ])('says how it is used: %j', async (argv) => {
    const said = await run(argv);
    expect(said.code).toBe(3);
    expect(said.err).toContain('Usage:');
  });

  test('does not start a registry where there is none', async () => {
    await withPlace(async ({ path }) => {
      const options = ['--dir', path('elsewhere'), '--identity-key', path('identity.pem'), '--deployment', 'test'];
      const said = await run(['audit', 'hold', 'set', '--id', 'x', '--reason', 'y', ...options]);
      expect(said).toMatchObject({ code: 3, err: expect.stringContaining('there is no registry here') });
      await expect(readdir(path('elsewhere'))).rejects.toThrow('ENOENT');
    });
  });
});

describe('piste witness', () => {
  test('serves until it is stopped, says where and under which key, and answers in the protocol', async () => {
    await withPlace(async ({ path }) => {
      const stop = Promise.withResolvers<undefined>();
      const ready = Promise.withResolvers<{ readonly url: string; readonly vkey: string }>();
      const log = createKeptNoteSigner('test/registry', testIdentityKey());
      const argv = ['witness', '--listen', '127.0.0.1:0', '--key', path('ann.pem'), '--name', 'witness.test/w'];
      const running = run([...argv, '--state', path('state'), '--log', log.vkey], {
        out: (text) => ready.resolve(JSON.parse(text) as { url: string; vkey: string }),
        stopped: () => stop.promise,
      });
      const { url, vkey } = await ready.promise;
      expect(parseCosignatureVkey(vkey)?.name).toBe('witness.test/w');
      const answer = await fetch(`${url}add-checkpoint`, { method: 'POST', body: 'old 0\n\n' });
      expect(answer.status).toBe(400);
      stop.resolve(undefined);
      expect((await running).code).toBe(0);
    });
  });
});
