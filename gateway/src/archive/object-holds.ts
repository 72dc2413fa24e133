import type { ObjectStore } from './object-store.js';
import { askable } from './object-version.js';

/** Objects that can be put under a legal hold: segments and session keys. The registry has to stay changeable. */
const HOLDABLE = /^[0-9A-HJKMNP-TV-Z]{26}\/(\d{8}\.sf[rb]|keys\/(0|[1-9]\d{0,14})\.age)$/;

/** Legal holds in a bucket: the shape the registry asks of a place. */
export interface ObjectHolds {
  readonly label: string;
  /** Paths of the segments and session keys of which any version is there. */
  list(): Promise<readonly string[]>;
  /**
   * Sets or lifts the hold of every version, and reads back that it is so. Resolves to the number of versions that had to be
   * changed. Rejects with `ObjectStoreError`, or when the store says something else afterwards.
   */
  setHold(path: string, hold: boolean): Promise<number>;
}

export function createObjectHolds(store: ObjectStore): ObjectHolds {
  return Object.freeze({
    label: store.label,
    async list() {
      const found = (await store.listVersions('')).filter(({ path, marker }) => !marker && HOLDABLE.test(path));
      return [...new Set(found.map(({ path }) => path))];
    },
    async setHold(path: string, hold: boolean) {
      const versions = (await store.listVersions(path)).filter((found) => found.path === path && !found.marker);
      let changed = 0;
      for (const found of versions) {
        const version = askable(found);
        if ((await store.head(path, version))?.hold === hold) continue;
        await store.setHold(path, version, hold);
        if ((await store.head(path, version))?.hold !== hold)
          throw new Error(`the store does not show the hold as ${hold ? 'set' : 'lifted'}`);
        changed += 1;
      }
      return changed;
    },
  });
}
