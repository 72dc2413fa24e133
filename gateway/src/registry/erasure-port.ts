import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { segmentName } from '@piste/verifier';
import { errorCode } from '../errors.js';
import { syncFolder } from './sync-folder.js';

/** Where session keys and archived bodies can be removed: a recording directory, a bucket. Each removal is durable. */
export interface ErasurePort {
  readonly label: string;
  /** Removes every copy of a session key; false when there was none. */
  removeKey(ulid: string, number: number): Promise<boolean>;
  /** Removes the archived bodies of a segment; false when there were none. */
  removeBodies(ulid: string, segment: number): Promise<boolean>;
}

/** Removes files below a recording directory. */
export function createFileErasure(directory: string): ErasurePort {
  const remove = async (path: string): Promise<boolean> => {
    try {
      await rm(path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
    await syncFolder(dirname(path));
    return true;
  };
  return Object.freeze({
    label: directory,
    removeKey: (ulid: string, number: number) => remove(join(directory, ulid, 'keys', `${number}.age`)),
    removeBodies: (ulid: string, segment: number) => remove(join(directory, ulid, segmentName(segment, 'sfb'))),
  });
}
