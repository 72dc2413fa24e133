import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../errors.js';
import type { PutOutcome, RegistryStore, StoredObject } from './registry-store.js';
import { syncFolder } from './sync-folder.js';

/** A lock older than this belongs to a process that died: it is held for two writes only. */
const LOCK_STALE_MS = 10_000;
const LOCK_WAIT_MS = 15_000;
const LOCK_RETRY_MS = 4;
const CHECKPOINT = 'checkpoint';
const LOCK = '.lock';

/**
 * A registry in a directory, for gateways on one file system. Files are written aside, synchronised and then given their name,
 * so a name never stands for half a file. Names that start with a dot are this store's own.
 */
export function createFileStore(directory: string): RegistryStore {
  const pathOf = (path: string): string => join(directory, path);
  return Object.freeze({
    label: directory,
    get: (path: string) => readObject(pathOf(path)),
    async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
      await makeFolder(directory, dirname(pathOf(path)));
      const temporary = await writeAside(directory, bytes);
      try {
        await link(temporary, pathOf(path));
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
        const held = await readObject(pathOf(path));
        if (held === undefined || !isSame(held.bytes, bytes)) return 'other';
        await syncFolder(dirname(pathOf(path)));
        return 'same';
      } finally {
        await unlink(temporary);
      }
      await syncFolder(dirname(pathOf(path)));
      return 'written';
    },
    async compareAndPutCheckpoint(expected: string | undefined, bytes: Uint8Array): Promise<boolean> {
      await makeFolder(directory, directory);
      const temporary = await writeAside(directory, bytes);
      try {
        return await withLock(pathOf(LOCK), async () => {
          const held = await readObject(pathOf(CHECKPOINT));
          if (held?.version !== expected) return false;
          await rename(temporary, pathOf(CHECKPOINT));
          await syncFolder(directory);
          return true;
        });
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async remove(paths: readonly string[]): Promise<void> {
      for (const path of paths) await rm(pathOf(path), { force: true });
    },
  });
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function readObject(path: string): Promise<StoredObject | undefined> {
  try {
    const bytes = await readFile(path);
    return { bytes, version: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes a folder and the names on the way to it durable; one that exists is fine. */
async function makeFolder(root: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = folder; at !== dirname(root) && at !== dirname(at); at = dirname(at)) await syncFolder(dirname(at));
}

async function writeAside(directory: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory, `.new-${randomUUID()}`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    // A full disk must not get fuller with every try.
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

/** Holds the lock while `work` runs. What the lock protects stays right even where two processes believe to hold it. */
async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = randomUUID();
  await takeLock(path, owner);
  try {
    return await work();
  } finally {
    if ((await readObject(path))?.bytes.toString() === Buffer.from(owner).toString()) await rm(path, { force: true });
  }
}

async function takeLock(path: string, owner: string): Promise<void> {
  for (const started = Date.now(); ; ) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(owner);
      await file.close();
      return;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    if (await isStale(path)) await breakLock(path);
    else if (Date.now() - started > LOCK_WAIT_MS) throw new Error('the registry is locked by another process');
    else await delay(LOCK_RETRY_MS * (1 + Math.random()));
  }
}

async function isStale(path: string): Promise<boolean> {
  const held = await stat(path).catch(() => undefined);
  return held !== undefined && Date.now() - held.mtimeMs > LOCK_STALE_MS;
}

/** Only one of several breakers gets the name; a lock that was fresh after all comes back unless somebody else has one. */
async function breakLock(path: string): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
    if (!(await isStale(aside))) await link(aside, path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EEXIST') throw error;
  }
  await rm(aside, { force: true });
}
