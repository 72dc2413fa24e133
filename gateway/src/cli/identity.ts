import { readFile } from 'node:fs/promises';
import { type OpenKey, openKeysWith, parseIdentities } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { InputError } from './io.js';

/** How encrypted bodies are opened with the age identities of a file; undefined without one. Throws `InputError`. */
export async function loadOpenKey(path: string | undefined): Promise<OpenKey | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(`${path}: cannot be read (${errorMessage(error)})`);
  });
  const identities = parseIdentities(text);
  if (!identities.ok) throw new InputError(`${path}: ${identities.complaints.join('; ')}`);
  return openKeysWith(identities.keys);
}
