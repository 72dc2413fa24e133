import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { loadTrust, type Trust, type TrustResult } from '@piste/verifier';
import { errorCode } from '../errors.js';
import type { Checkpoint } from './placed-record.js';

/** The trust file that says what `trust` said and what this checkpoint adds. A checkpoint never shrinks. */
export function addCheckpoint(trust: Trust, { origin, vkey, size, root, note }: Checkpoint): Trust {
  const writers = trust.writers.includes(vkey) ? trust.writers : [...trust.writers, vkey];
  const known = trust.checkpoints.find((anchor) => anchor.origin === origin);
  if (known !== undefined && known.size >= size) return { ...trust, writers };
  const others = trust.checkpoints.filter((anchor) => anchor.origin !== origin);
  return { ...trust, writers, checkpoints: [...others, { origin, size, root, note }] };
}

/** The bytes of a trust file. */
export function encodeTrust(trust: Trust): string {
  return `${JSON.stringify({ v: 1, ...trust }, undefined, 2)}\n`;
}

/**
 * Adds a checkpoint to the trust file at `path`, keeping what it says of other writers; creates it when missing. Replaces the
 * file in one step and durably. Rejects, and leaves the file alone, when what is there is no trust file. One caller at a time.
 */
export async function updateTrustFile(path: string, checkpoint: Checkpoint): Promise<void> {
  await changeTrustFile(path, (trust) => addCheckpoint(trust, checkpoint));
}

/** Replaces a trust file by what `change` makes of it. Like `updateTrustFile` otherwise. */
export async function changeTrustFile(path: string, change: (trust: Trust) => Trust): Promise<void> {
  const current = await readTrustFile(path);
  if (!current.ok) throw new Error(`trust file cannot be extended: ${current.complaint}`);
  await replaceFile(path, encodeTrust(change(current.trust)));
}

/** The trust file at `path`; one that names nobody where there is none. */
export async function readTrustFile(path: string): Promise<TrustResult> {
  return loadTrust(path).catch((error: unknown): TrustResult => {
    if (errorCode(error) === 'ENOENT') return { ok: true, trust: { writers: [], checkpoints: [] } };
    throw error;
  });
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
