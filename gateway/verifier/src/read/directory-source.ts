import type { Stats } from 'node:fs';
import { constants, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFrom } from './file-access.js';
import type { RecordingSource, SourceFile } from './source.js';

/** A recording directory, or a synchronised copy of a bucket. Holds nothing open between reads. */
export function openDirectory(directory: string): RecordingSource {
  return Object.freeze({
    label: directory,
    list: () => listBelow(directory, ''),
    read: (path: string, from: number, length: number) => readRange(join(directory, path), from, length),
    close: () => Promise.resolve(),
  });
}

async function listBelow(root: string, prefix: string): Promise<readonly SourceFile[]> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true });
  if (entries.length === 0 && prefix !== '') return [{ path: prefix, size: 0 }];
  const lists = await Promise.all(
    entries.map(async (entry): Promise<readonly SourceFile[]> => {
      const path = `${prefix}${entry.name}`;
      if (entry.isDirectory()) return listBelow(root, `${path}/`);
      if (!entry.isFile()) return [{ path, size: 0, special: true }];
      const found = await statOf(join(root, path));
      return found === undefined ? [] : [{ path, size: found.size, modifiedMs: found.mtimeMs }];
    }),
  );
  return lists.flat();
}

/** Undefined for a file that has gone since it was listed: whoever records replaces files beside the logs. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A link put in a file's place is not followed, and a pipe not waited for. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

async function readRange(path: string, from: number, length: number): Promise<Uint8Array> {
  const file = await open(path, FLAGS);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    return await readFrom(file, from, length);
  } finally {
    await file.close();
  }
}
