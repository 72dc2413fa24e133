import { segmentName } from '@piste/verifier';
import type { ObjectStore, ObjectVersion } from './object-store.js';

/**
 * Destroys an archived object that has no lock: every version of it, for on a bucket with versions a plain delete only hides.
 * A delete marker stays where the store has such, and says that the key is not merely missing. `refused`: a version is
 * locked or held, and is still there.
 */
export async function destroyObject(store: ObjectStore, path: string): Promise<'destroyed' | 'refused'> {
  await store.remove(path, undefined);
  return removeVersions(store, path);
}

/** What may be erased in a bucket: the shape the registry asks of a place it erases in. */
export interface ObjectErasure {
  readonly label: string;
  /** Removes every version of a session key; false when there was none. Rejects when it is held. */
  removeKey(ulid: string, number: number): Promise<boolean>;
  /** Removes the archived bodies of a segment; false when there were none. Rejects while they are locked or held. */
  removeBodies(ulid: string, segment: number): Promise<boolean>;
}

export function createObjectErasure(store: ObjectStore): ObjectErasure {
  const erase = async (path: string, act: typeof destroyObject): Promise<boolean> => {
    if ((await versionsOf(store, path)).length === 0) return false;
    if ((await act(store, path)) === 'refused') throw new Error(`${path} is locked or held in the archive`);
    return true;
  };
  return Object.freeze({
    label: store.label,
    removeKey: (ulid: string, number: number) => erase(`${ulid}/keys/${number}.age`, destroyObject),
    // Without a delete marker, which over a segment would look like somebody's attempt to hide it.
    removeBodies: (ulid: string, segment: number) => erase(`${ulid}/${segmentName(segment, 'sfb')}`, removeVersions),
  });
}

async function removeVersions(store: ObjectStore, path: string): Promise<'destroyed' | 'refused'> {
  for (const { version } of await versionsOf(store, path)) {
    if ((await store.remove(path, version)) === 'refused') return 'refused';
  }
  return (await versionsOf(store, path)).length === 0 ? 'destroyed' : 'refused';
}

async function versionsOf(store: ObjectStore, path: string): Promise<readonly ObjectVersion[]> {
  return (await store.listVersions(path)).filter((found) => found.path === path && !found.marker);
}
