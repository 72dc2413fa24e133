import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isUlid, parseSegmentFileName, segmentName } from '@piste/verifier';
import { errorCode } from '../errors.js';
import { syncFolder } from './sync-folder.js';

/** `held`: by a legal hold of the place itself. `locked`: until that time, whoever asks. */
export type ErasureState =
  | { readonly kind: 'absent' | 'free' | 'held' }
  | { readonly kind: 'locked'; readonly untilMs: number };

/** A place where session keys and archived bodies can be removed: a recording directory, a bucket. Each removal is durable. */
export interface ErasurePort {
  readonly label: string;
  stateOfKey(ulid: string, number: number): Promise<ErasureState>;
  stateOfBodies(ulid: string, segment: number): Promise<ErasureState>;
  /** Segments, as `<ulid>/<number>`, of which it has bodies that can be removed without their records. */
  bodies(): Promise<ReadonlySet<string>>;
  /** Removes every copy of a session key; false when there was none. */
  removeKey(ulid: string, number: number): Promise<boolean>;
  /** Removes the bodies of an archived segment; false when there were none. */
  removeBodies(ulid: string, segment: number): Promise<boolean>;
}

/** The segment's part without bodies. */
export type ToRecords = (segment: Buffer) => readonly Uint8Array[];

/**
 * Removes files below a recording directory. With `toRecords`, which is for a directory beside an archive, a whole segment is
 * replaced by its records: else its bodies would stay, and the next start would archive them again.
 */
export function createFileErasure(directory: string, toRecords?: ToRecords): ErasurePort {
  const keyPath = (ulid: string, number: number): string => join(directory, ulid, 'keys', `${number}.age`);
  const bodiesPath = (ulid: string, segment: number): string => join(directory, ulid, segmentName(segment, 'sfb'));
  const wholePath = (ulid: string, segment: number): string => join(directory, ulid, segmentName(segment));
  const stateOf = async (...paths: readonly string[]): Promise<ErasureState> => {
    const found = await Promise.all(paths.map(isThere));
    return { kind: found.includes(true) ? 'free' : 'absent' };
  };
  return Object.freeze({
    label: directory,
    stateOfKey: (ulid: string, number: number) => stateOf(keyPath(ulid, number)),
    stateOfBodies: (ulid: string, segment: number) =>
      stateOf(bodiesPath(ulid, segment), ...(toRecords === undefined ? [] : [wholePath(ulid, segment)])),
    bodies: () => listBodies(directory, toRecords === undefined ? ['sfb'] : ['sfb', 'seg']),
    removeKey: (ulid: string, number: number) => remove(keyPath(ulid, number)),
    async removeBodies(ulid: string, segment: number) {
      const removed = await remove(bodiesPath(ulid, segment));
      if (toRecords === undefined) return removed;
      const records = join(directory, ulid, segmentName(segment, 'sfr'));
      return (await keepRecords(wholePath(ulid, segment), records, toRecords)) || removed;
    },
  });
}

async function remove(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function listBodies(directory: string, forms: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const ulid of (await readdir(directory)).filter(isUlid)) {
    for (const name of await readdir(join(directory, ulid)).catch(emptyWhenGone)) {
      const place = parseSegmentFileName(name);
      if (place !== undefined && forms.includes(place.form)) found.add(`${ulid}/${place.segment}`);
    }
  }
  return found;
}

function emptyWhenGone(error: unknown): readonly string[] {
  if (errorCode(error) === 'ENOENT') return [];
  throw error;
}

/** The records are durable before the whole segment goes. False when there is no whole segment. */
async function keepRecords(whole: string, records: string, toRecords: ToRecords): Promise<boolean> {
  const bytes = await readFile(whole).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return false;
  const aside = `${records}.new`;
  const file = await open(aside, 'w', 0o600);
  try {
    for (const piece of toRecords(bytes)) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, records);
  await syncFolder(dirname(records));
  return remove(whole);
}
