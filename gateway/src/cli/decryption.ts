import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { openKeysWith, parseIdentities } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { type Decryption, InputError } from './io.js';

/** Reads an age identity file; undefined where none is named. Throws `InputError` where it is none. */
export async function loadDecryption(path: string | undefined): Promise<Decryption | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(`${path}: cannot be read (${errorMessage(error)})`);
  });
  const list = parseIdentities(text);
  if (!list.ok) throw new InputError(`${path}: ${list.complaints.join('; ')}`);
  const names = list.keys.map(({ publicBytes }) => Buffer.from(publicBytes).toString('hex')).sort();
  return {
    openKey: openKeysWith(list.keys),
    fingerprint: createHash('sha256').update(JSON.stringify(names)).digest('hex'),
  };
}
