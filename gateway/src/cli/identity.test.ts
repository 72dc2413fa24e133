import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { encodeBech32, parseIdentity } from '@piste/verifier';
import { createFakeClock, openTestRecording, recordStory, withDirectory } from '../recording/recording-fixture.js';
import { run } from './run-fixture.js';

function createKeys(fill: number): { readonly secret: string; readonly recipient: string } {
  const secret = encodeBech32('age-secret-key-', Buffer.alloc(32, fill)).toUpperCase();
  const identity = parseIdentity(secret);
  if (identity === undefined) throw new Error('the key does not parse');
  return { secret, recipient: encodeBech32('age', identity.publicBytes) };
}

/** An encrypted story and the files of the one who may read it and of one who may not. */
const withEncrypted = (
  use: (place: { readonly directory: string; readonly reader: string; readonly other: string }) => Promise<void>,
): Promise<void> =>
  withDirectory(async (parent) => {
    const [reader, other] = [createKeys(1), createKeys(2)];
    const directory = join(parent, 'recording');
    const clock = createFakeClock();
    const recording = await openTestRecording(directory, { clock, recipients: [reader.recipient] });
    await recordStory(recording, clock);
    await recording.close();
    await writeFile(join(parent, 'reader'), `# who reads\n${reader.secret}\n`);
    await writeFile(join(parent, 'other'), `${other.secret}\n`);
    await use({ directory, reader: join(parent, 'reader'), other: join(parent, 'other') });
  });

describe('piste sessions with encrypted bodies', () => {
  test('plays them with the identity they were encrypted to', () =>
    withEncrypted(async ({ directory, reader }) => {
      const { code, out } = await run(['sessions', 'play', directory, 'session-1', '--identity', reader]);
      expect(code).toBe(0);
      expect(out).toContain('delete from customers where id = 7');
      expect(out).not.toContain('cannot be read');
    }));

  test('says without it that there are bodies and why they are not shown', () =>
    withEncrypted(async ({ directory, other }) => {
      for (const identity of [[], ['--identity', other]]) {
        const { out } = await run(['sessions', 'play', directory, 'session-1', ...identity]);
        expect(out).toContain('(its body "sql" cannot be read: it is encrypted, and no key for it is here)');
        expect(out).not.toContain('delete from customers');
      }
    }));

  test('exports them only with it', () =>
    withEncrypted(async ({ directory, reader }) => {
      const argv = ['sessions', 'export', directory, '--format', 'jsonl', '--bodies', 'text'];
      expect((await run([...argv, '--identity', reader])).out).toContain('delete from customers');
      expect((await run(argv)).out).not.toContain('delete from customers');
    }));

  test('refuses a file that is no identity, and repeats none of it', () =>
    withEncrypted(async ({ directory, reader }) => {
      await writeFile(reader, 'AGE-SECRET-KEY-1NOT-ONE\n');
      const { code, err } = await run(['sessions', 'play', directory, 'session-1', '--identity', reader]);
      expect(code).toBe(3);
      expect(err).toContain('line 1 is not an age identity');
      expect(err).not.toContain('NOT-ONE');
    }));
});
