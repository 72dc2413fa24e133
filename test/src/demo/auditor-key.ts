import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBech32, parseIdentity } from '@piste/verifier';

/** The age key pair of whoever may read recorded texts and results, as files. */
export interface AuditorKey {
  readonly identityFile: string;
  readonly recipientsFile: string;
  remove(): Promise<void>;
}

/** Makes a key as `age-keygen` does; the gateway gets the public half only. */
export async function makeAuditorKey(): Promise<AuditorKey> {
  const secret = encodeBech32('age-secret-key-', randomBytes(32)).toUpperCase();
  const identity = parseIdentity(secret);
  if (identity === undefined) throw new Error('the new key does not parse');
  const folder = await mkdtemp(join(tmpdir(), 'piste-auditor-'));
  const identityFile = join(folder, 'auditor.txt');
  const recipientsFile = join(folder, 'recipients.txt');
  await writeFile(identityFile, `${secret}\n`, { mode: 0o600 });
  await writeFile(recipientsFile, `${encodeBech32('age', identity.publicBytes)}\n`);
  return { identityFile, recipientsFile, remove: () => rm(folder, { recursive: true, force: true }) };
}
