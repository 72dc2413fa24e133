import type { ObjectStore } from './object-store.js';

/**
 * Destroys an archived object that has no lock: every version of it, for on a bucket with versions a plain delete only hides.
 * A delete marker stays where the store has such, and says that the key is not merely missing. `refused`: a version is
 * locked or held, and is still there.
 */
export async function destroyObject(store: ObjectStore, path: string): Promise<'destroyed' | 'refused'> {
  await store.remove(path, undefined);
  const versions = (await store.listVersions(path)).filter((found) => found.path === path && !found.marker);
  for (const { version } of versions) {
    if ((await store.remove(path, version)) === 'refused') return 'refused';
  }
  const left = (await store.listVersions(path)).filter((found) => found.path === path && !found.marker);
  return left.length === 0 ? 'destroyed' : 'refused';
}
