import { createPrivateKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createKeptNoteSigner,
  type NoteSigner,
  type RecordingSource,
  registryOrigin,
  type SourceFile,
} from '@piste/verifier';
import { createFileStore } from './file-store.js';
import { openRegistryLog, type RegistryLog } from './registry-log.js';

// Equipment for the tests of this room.

/** An identity that is the same in every process of a test. */
export function testIdentity(seed = 7, deployment = 'test'): NoteSigner {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return createKeptNoteSigner(registryOrigin(deployment), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

export const TEST_TIME_MS = Date.UTC(2026, 10, 23, 6);

export function openTestRegistry(directory: string, signer = testIdentity()): RegistryLog {
  return openRegistryLog({ store: createFileStore(join(directory, 'registry')), signer, nowMs: () => TEST_TIME_MS });
}

/** Opens the registry and makes its first entry. */
export async function startTestRegistry(directory: string, signer = testIdentity()): Promise<RegistryLog> {
  const log = openTestRegistry(directory, signer);
  await log.append([{ kind: 'registry.open', fields: { origin: log.origin, vkey: log.vkey } }]);
  return log;
}

/** A recording directory as the verifier reads it. */
export function sourceOf(directory: string): RecordingSource {
  const list = async (folder: string): Promise<readonly SourceFile[]> => {
    const entries = await readdir(join(directory, folder), { withFileTypes: true });
    const lists = entries.map(async (entry): Promise<readonly SourceFile[]> => {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory()) return list(`${path}/`);
      return [{ path, size: (await readFile(join(directory, path))).byteLength }];
    });
    return (await Promise.all(lists)).flat();
  };
  return {
    label: directory,
    list: () => list(''),
    read: async (path, from, length) => (await readFile(join(directory, path))).subarray(from, from + length),
    close: () => Promise.resolve(),
  };
}
