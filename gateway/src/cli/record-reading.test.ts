import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  encodeBech32,
  openDirectory,
  parseIdentity,
  type RegistryEntry,
  readRegistry,
  verifyDirectory,
} from '@piste/verifier';
import { entry, permitOf, withDirectory } from '../recording/recording-fixture.js';
import { startTestGateway, testIdentityKey } from '../registry/registry-fixture.js';
import { type Run, run, TESTDATA } from './run-fixture.js';

const SECRET = 'select ssn from people';
const NOTE = 'note: this reading leaves no record in the registry; --identity-key FILE records it\n';

interface Place {
  readonly directory: string;
  readonly trust: string;
  /** `--identity` and its file: what opens the texts. */
  readonly keys: readonly string[];
  /** `--identity-key` and what goes with it: what may write to the registry. */
  readonly recorded: readonly string[];
  /** A file of this name beside the recording. */
  readonly path: (name: string) => string;
  readonly readings: () => Promise<readonly RegistryEntry['fields'][]>;
}

async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const path = (name: string): string => join(parent, name);
    const directory = path('recording');
    const identity = encodeBech32('age-secret-key-', Buffer.alloc(32, 1)).toUpperCase();
    const recipient = encodeBech32('age', parseIdentity(identity)?.publicBytes ?? Buffer.alloc(0));
    const gateway = await startTestGateway(directory, { recipients: [recipient] });
    await gateway.recording.append(entry('session.open', { connection: 'c', account: 'a' }));
    const request = entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: SECRET, submitted: SECRET });
    await gateway.recording.recordRequest(permitOf(SECRET), request);
    const response = { qid: 'q', code: null, rows: 1, fmt: 'json' };
    await gateway.recording.append(entry('response', response, { head: '{"rowtype":[]}', rows: '[["1"]]' }));
    await gateway.close();
    await writeFile(path('age.txt'), `${identity}\n`);
    await writeFile(path('identity.pem'), testIdentityKey().export({ type: 'pkcs8', format: 'pem' }).toString());
    await use({
      directory,
      trust: gateway.trustFile,
      keys: ['--identity', path('age.txt')],
      recorded: ['--identity-key', path('identity.pem'), '--deployment', 'test'],
      path,
      readings: async () => {
        const { registry } = await readRegistry(openDirectory(directory));
        return (registry?.entries ?? []).filter(({ kind }) => kind === 'read').map(({ fields }) => fields);
      },
    });
  });
}

const BY = { user: 'ann', host: 'desk' };
const ID: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);
const ONE = { id: ID, by: BY, logs: 1, sessions: ['session-1'] };
const ALL = { id: ID, by: BY, logs: 1 };

type Words = (place: Place) => readonly string[];
const COMMANDS: readonly (readonly [string, Words, object])[] = [
  ['sessions show', ({ directory }) => [directory, 'session', '--json'], ONE],
  ['sessions play', ({ directory }) => [directory, 'session'], ONE],
  ['sessions serve', ({ directory }) => [directory, 'session'], ONE],
  ['sessions export', ({ directory }) => [directory, 'session', '--format', 'jsonl', '--bodies', 'text'], ONE],
  ['sessions export', ({ directory }) => [directory, '--format', 'har'], ALL],
  ['search', ({ directory }) => ['ssn', directory, '--index', ':memory:'], ALL],
];

describe.each(COMMANDS)('piste %s', (name, words, expected) => {
  const asked = (place: Place, ...more: readonly string[]): Promise<Run> =>
    run([...name.split(' '), ...words(place), ...place.keys, ...more], { stopped: async () => undefined });

  test('with the identity stands in the registry before it shows anything', () =>
    withPlace(async (place) => {
      const said = await asked(place, ...place.recorded);
      expect(said).toMatchObject({ code: 0, err: expect.not.stringContaining('no record') });
      expect(await place.readings()).toEqual([{ command: name, ...expected }]);
      const { trust, directory } = place;
      expect((await run(['audit', 'verify', directory, '--trust', trust])).code).toBe(0);
    }));

  test('without it says that it leaves no record, and goes on', () =>
    withPlace(async (place) => {
      const said = await asked(place);
      expect(said).toMatchObject({ code: 0, err: expect.stringContaining(NOTE) });
      const meant = await asked(place, '--unrecorded');
      expect(meant.err).toContain('note: this reading leaves no record in the registry\n');
      expect(meant.out.replace(/:\d+ /, '')).toBe(said.out.replace(/:\d+ /, ''));
      expect(await place.readings()).toEqual([]);
    }));

  test('shows nothing where it cannot be recorded', () =>
    withPlace(async (place) => {
      const { directory, path, recorded } = place;
      await writeFile(path('identity.pem'), testIdentityKey(9).export({ type: 'pkcs8', format: 'pem' }).toString());
      expect(await asked(place, ...recorded)).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringContaining('this reading cannot be recorded, so nothing is shown'),
      });
      await rename(join(directory, 'registry'), path('apart'));
      expect(await asked(place, ...recorded)).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringContaining('there is no registry here to record this reading in'),
      });
      await mkdir(join(directory, 'registry'));
      expect((await asked(place, ...recorded)).code).toBe(3);
      await rm(join(directory, 'registry'), { recursive: true });
    }));
});

describe('a reading', () => {
  test('is recorded in a registry that lies apart, and by the environment of a gateway', () =>
    withPlace(async ({ directory, keys, path, readings }) => {
      await rename(join(directory, 'registry'), path('apart'));
      const environment = {
        PISTE_IDENTITY_KEY_FILE: path('identity.pem'),
        PISTE_REGISTRY_DIR: path('apart'),
        PISTE_DEPLOYMENT: 'test',
      };
      const show = ['sessions', 'show', directory, 'session-1', ...keys];
      expect((await run(show, { environment })).code).toBe(0);
      expect(await run([...show, '--unrecorded'], { environment })).toMatchObject({ code: 0 });
      await rename(path('apart'), join(directory, 'registry'));
      expect(await readings()).toEqual([{ command: 'sessions show', ...ONE }]);
    }));

  test('of what is not opened says nothing, and is recorded where that is asked for', () =>
    withPlace(async ({ directory, recorded, readings }) => {
      const show = ['sessions', 'show', directory, 'session-1'];
      expect((await run(show)).err).toBe('');
      expect((await run([...show, ...recorded])).err).toBe('');
      expect(await readings()).toHaveLength(1);
    }));

  test('that is a bundle holds its own record', () =>
    withPlace(async ({ directory, trust, recorded, path }) => {
      const bundle = path('evidence.zip');
      const made = await run(['audit', 'bundle', directory, '--trust', trust, '-o', bundle, ...recorded]);
      expect(made.code).toBe(0);
      expect((await run(['audit', 'verify', bundle, '--trust', trust])).code).toBe(0);
      expect((await readFile(bundle)).includes('"command":"audit bundle"')).toBe(true);
    }));

  test('that decides statements again is recorded, too', () =>
    withPlace(async ({ directory, keys, recorded, readings }) => {
      const policies = join(TESTDATA, 'example', 'resources');
      const words = ['policy', 'backtest', '--policies', policies, '--recording', directory, '--session', 'session-1'];
      expect((await run([...words, ...keys])).err).toContain(NOTE);
      expect((await run([...words, ...keys, ...recorded])).err).not.toContain('no record');
      expect(await readings()).toEqual([{ command: 'policy backtest', ...ONE }]);
    }));

  test('is listed', () =>
    withPlace(async ({ directory, trust, recorded }) => {
      const list = ['audit', 'readings', directory];
      expect(await run([...list, '--trust', trust])).toMatchObject({ code: 0, out: 'no readings\n', err: '' });
      await run(['sessions', 'show', directory, 'session-1', ...recorded]);
      await run(['search', 'x', directory, '--index', ':memory:', ...recorded]);
      const listed = await run([...list, '--trust', trust]);
      expect(listed).toMatchObject({ code: 0, err: '' });
      expect(listed.out.split('\n').map((line) => line.slice(24).trim())).toEqual([
        expect.stringMatching(/^CLAIMED BY +COMMAND +SESSIONS +LOGS$/),
        expect.stringMatching(/^ann@desk +sessions show +session-1 +1$/),
        expect.stringMatching(/^ann@desk +search +all +1$/),
        '',
      ]);
      expect(await run([...list, '--json'])).toMatchObject({ code: 2, err: expect.stringContaining('--trust') });
    }));

  test('is not listed from a registry that does not verify', () =>
    withPlace(async ({ directory }) => {
      const file = join(directory, 'registry', 'checkpoint');
      await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+$/m, '1'));
      const said = await run(['audit', 'readings', directory]);
      expect(said).toMatchObject({ code: 1, out: '', err: expect.stringContaining('WARNING') });
      await rm(join(directory, 'registry'), { recursive: true });
      expect(await run(['audit', 'readings', directory])).toMatchObject({ code: 3, out: '' });
    }));

  test('cannot be both recorded and not', () =>
    withPlace(async ({ directory, recorded }) => {
      const said = await run(['sessions', 'show', directory, 'session-1', '--unrecorded', ...recorded]);
      expect(said).toMatchObject({ code: 3, out: '', err: expect.stringContaining('exclude each other') });
    }));

  test('is one of many at a registry that gateways append to', () =>
    withPlace(async ({ directory, keys, recorded, readings }) => {
      const gateway = await startTestGateway(directory, { name: 'other' });
      const all = Array.from({ length: 4 }, () =>
        run(['sessions', 'show', directory, 'session-1', ...keys, ...recorded]),
      );
      await gateway.recording.append(entry('control', { op: 'x' }));
      await gateway.registered.publish();
      for (const { code } of await Promise.all(all)) expect(code).toBe(0);
      await gateway.close();
      expect(await readings()).toHaveLength(4);
      expect((await verifyDirectory(directory, await gateway.trust())).outcome).toBe('sound');
    }));
});
