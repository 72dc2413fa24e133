import { createHash } from 'node:crypto';
import { type CompiledFolder, compileFolder } from './compile.js';
import { createFileMemory } from './file-memory.js';
import { type FileText, readFolder } from './folder.js';
import { readSecrets } from './secrets.js';

/** What the offline commands use of a compiled folder. Keys are made up from their names. */
export type OfflineFolder = Pick<CompiledFolder, 'revision' | 'connections' | 'complaints' | 'maskingKeys'>;

/**
 * Compiles resources as the gateway does, away from it: every Secret they name counts as present, with bytes derived from
 * its name. So decisions are those of the gateway, and hash tokens in samples are not.
 */
export async function compileOffline(files: ReadonlyMap<string, FileText>, nowMs: number): Promise<OfflineFolder> {
  const content = createFileMemory().update(files);
  const standIn = async (name: string, key: string): Promise<Uint8Array> =>
    createHash('sha256').update(`stand-in for ${name}/${key}`).digest();
  return compileFolder(content, await readSecrets(content.resources, standIn), nowMs);
}

/** The same for the files of a folder. Rejects when it cannot be read. */
export async function compileFolderOffline(directory: string, nowMs: number): Promise<OfflineFolder> {
  return compileOffline(await readFolder(directory), nowMs);
}
