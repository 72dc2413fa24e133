import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { openSecret, parseRecipient, wrapSecret } from './age.js';
import { parseIdentities } from './age-keys.js';

// The age command that auditors have.

const run = promisify(execFile);

test('age opens what is wrapped here, and what age wraps is opened here', async () => {
  expect(spawnSync('age', ['--version']).status).toBe(0);
  const directory = await mkdtemp(join(tmpdir(), 'piste-age-'));
  try {
    const [key, file, plain] = ['key', 'wrapped.age', 'plain'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await run('age-keygen', ['-o', key]);
    const recipient = parseRecipient((await run('age-keygen', ['-y', key])).stdout.trim());
    const identities = parseIdentities(await readFile(key, 'utf8'));
    if (recipient === undefined || !identities.ok) throw new Error('keys of age-keygen do not parse');
    const secret = randomBytes(32);
    await writeFile(file, wrapSecret(secret, [recipient]));
    await run('age', ['--decrypt', '--identity', key, '--output', plain, file]);
    expect(await readFile(plain)).toEqual(secret);
    await rm(file);
    await run('age', ['--recipient', recipient.text, '--output', file, plain]);
    expect(openSecret(await readFile(file), identities.keys)).toEqual(secret);
  } finally {
    await rm(directory, { recursive: true });
  }
});
