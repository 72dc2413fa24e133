import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { encodeBech32, parseIdentity } from '@piste/verifier';
import { entry, openTestRecording, permitOf, withDirectory } from '../recording/recording-fixture.js';
import { run } from './run-fixture.js';

const SECRET = 'select ssn from people';

/** An age identity that is the same in every run, and its recipient. */
function createReader(fill: number): { readonly identity: string; readonly recipient: string } {
  const identity = encodeBech32('age-secret-key-', Buffer.alloc(32, fill)).toUpperCase();
  const parsed = parseIdentity(identity);
  if (parsed === undefined) throw new Error('the key does not parse');
  return { identity, recipient: encodeBech32('age', parsed.publicBytes) };
}

interface Place {
  readonly directory: string;
  /** Age identity files: of the recipient, and of somebody else. */
  readonly keys: string;
  readonly wrongKeys: string;
  readonly index: string;
}

const withEncrypted = (use: (place: Place) => Promise<void>): Promise<void> =>
  withDirectory(async (parent) => {
    const [ann, eve] = [createReader(1), createReader(2)];
    const directory = join(parent, 'recording');
    const recording = await openTestRecording(directory, { recipients: [ann.recipient] });
    const fields = { qid: 'q', cls: 'SELECT', dec: { v: 'allow' }, objects: ['HR.PUBLIC.PEOPLE'] };
    await recording.recordRequest(permitOf(SECRET), entry('request', fields, { sql: SECRET, submitted: SECRET }));
    await recording.append(
      entry('response', { qid: 'q', code: null, rows: 1 }, { head: '{}', rows: '[["078-05-1120"]]' }),
    );
    await recording.close();
    const keys = join(parent, 'ann.txt');
    const wrongKeys = join(parent, 'eve.txt');
    await writeFile(keys, `# created for a test\n${ann.identity}\n`);
    await writeFile(wrongKeys, `${eve.identity}\n`);
    await use({ directory, keys, wrongKeys, index: join(parent, 'index') });
  });

describe('an encrypted recording', () => {
  test('is played with the keys, and says what it cannot show without', () =>
    withEncrypted(async ({ directory, keys, wrongKeys }) => {
      const play = async (...more: readonly string[]): Promise<string> =>
        (await run(['sessions', 'play', directory, 'session-1', ...more])).out;
      expect(await play('--identity', keys)).toContain(SECRET);
      for (const more of [[], ['--identity', wrongKeys]]) {
        const out = await play(...more);
        expect(out).not.toContain(SECRET);
        expect(out).toContain('(its body "sql" cannot be read: it is encrypted, and no key for it is here)');
      }
    }));

  test('is exported with the keys, and tells what it could not read without', () =>
    withEncrypted(async ({ directory, keys }) => {
      const exported = async (format: string, ...more: readonly string[]): Promise<string> =>
        (await run(['sessions', 'export', directory, '--format', format, ...more])).out;
      for (const format of ['jsonl', 'ocsf', 'har']) {
        const bodies = format === 'jsonl' ? ['--bodies', 'text'] : [];
        expect(await exported(format, ...bodies, '--identity', keys)).toContain(SECRET);
        const without = await exported(format, ...bodies);
        expect(without).not.toContain(SECRET);
        expect(without).toMatch(/cannot be read here|no key for it is here/);
      }
    }));

  test('is searched by its texts with the keys, and by the rest without', () =>
    withEncrypted(async ({ directory, keys, index }) => {
      const search = (query: string, ...more: readonly string[]): ReturnType<typeof run> =>
        run(['search', query, directory, '--index', index, ...more]);
      const without = await search('ssn');
      expect(without.out).toContain('0 hits');
      expect(without.err).toContain('note: the SQL text of 1 record cannot be read here');
      expect((await search('table:people')).out).toContain('(its text cannot be read: it is encrypted');
      const opened = await search('ssn', '--identity', keys);
      expect(opened.err).toContain('made anew: it was made with other keys, or without');
      expect(opened.out).toContain(SECRET);
      expect((await search('ssn', '--identity', keys)).err).not.toContain('made anew');
      const again = await search('ssn');
      expect(again.err).toContain('made anew');
      expect(again.out).toContain('0 hits');
    }));

  test('is proven from a bundle of one session, its texts too where the keys are in it', () =>
    withEncrypted(async ({ directory, keys, wrongKeys }) => {
      const verdictOf = async (
        name: string,
        more: readonly string[],
        ...identity: readonly string[]
      ): Promise<string> => {
        const file = join(directory, '..', name);
        await run(['audit', 'bundle', directory, '--session', 'session-1', '-o', file, ...more]);
        return (await run(['audit', 'verify', file, '--deep', ...identity])).out;
      };
      const unread = /the texts of 1 requests could not be read here/;
      expect(await verdictOf('with.zip', ['--keys'], '--identity', keys)).not.toMatch(unread);
      expect(await verdictOf('wrong.zip', ['--keys'], '--identity', wrongKeys)).toMatch(unread);
      expect(await verdictOf('without.zip', [], '--identity', keys)).toMatch(unread);
    }));

  test.each([
    ['no identity\n', 'line 1 is not an age identity'],
    ['', 'there is not one line'],
  ])('refuses %j as keys and repeats nothing of it', (text, complaint) =>
    withEncrypted(async ({ directory, keys }) => {
      await writeFile(keys, text);
      const { code, err } = await run(['sessions', 'play', directory, 'session-1', '--identity', keys]);
      expect(code).toBe(3);
      expect(err).toContain(complaint);
      expect(err).not.toContain('no identity');
    }),
  );
});
