import { segmentName } from '@piste/verifier';
import type { ObjectStore, ObjectVersion } from './object-store.js';
import { askable } from './object-version.js';

/**
 * Destroys an archived object that has no lock: every version of it, for on a bucket with versions a plain delete only hides.
 * A delete marker stays where the store has such, and says that the key is not merely missing. `refused`: a version is
 * locked or held, and is still there.
 */
export async function destroyObject(store: ObjectStore, path: string): Promise<'destroyed' | 'refused'> {
  await store.remove(path, undefined);
  return removeVersions(store, path);
}

/** `held`: a version is under a legal hold. `locked`: one is locked until then. */
export type ObjectState =
  | { readonly kind: 'absent' | 'free' | 'held' }
  | { readonly kind: 'locked'; readonly untilMs: number };

/** What may be erased in a bucket: the shape the registry asks of a place it erases in. */
export interface ObjectErasure {
  readonly label: string;
  stateOfKey(ulid: string, number: number): Promise<ObjectState>;
  stateOfBodies(ulid: string, segment: number): Promise<ObjectState>;
  /** Segments, as `<ulid>/<number>`, of whose bodies any version is there. */
  bodies(): Promise<ReadonlySet<string>>;
  /**
   * Removes every version of a session key and looks that none is listed any more; false when there was none. A delete marker
   * keeps a gateway from archiving a copy it still has. Rejects when it is held.
   */
  removeKey(ulid: string, number: number): Promise<boolean>;
  /** Removes the archived bodies of a segment likewise. Rejects while they are locked or held. */
  removeBodies(ulid: string, segment: number): Promise<boolean>;
}

const BODIES = /^([0-9A-HJKMNP-TV-Z]{26})\/(\d{8})\.sfb$/;

export function createObjectErasure(store: ObjectStore, nowMs: () => number = Date.now): ObjectErasure {
  const keyPath = (ulid: string, number: number): string => `${ulid}/keys/${number}.age`;
  const bodiesPath = (ulid: string, segment: number): string => `${ulid}/${segmentName(segment, 'sfb')}`;
  return Object.freeze({
    label: store.label,
    stateOfKey: (ulid: string, number: number) => stateOf(store, keyPath(ulid, number), nowMs()),
    stateOfBodies: (ulid: string, segment: number) => stateOf(store, bodiesPath(ulid, segment), nowMs()),
    async bodies() {
      const found = new Set<string>();
      for (const { path, marker } of await store.listVersions('')) {
        const [, ulid, segment] = marker ? [] : (BODIES.exec(path) ?? []);
        if (ulid !== undefined) found.add(`${ulid}/${Number(segment)}`);
      }
      return found;
    },
    async removeKey(ulid: string, number: number) {
      const path = keyPath(ulid, number);
      const listed = (await store.listVersions(path)).filter((found) => found.path === path);
      const wasThere = listed.some(({ marker }) => !marker);
      if (!wasThere && listed.length > 0) return false;
      if ((await destroyObject(store, path)) === 'refused') throw new Error('the store did not let it go');
      return wasThere;
    },
    async removeBodies(ulid: string, segment: number) {
      const path = bodiesPath(ulid, segment);
      if ((await versionsOf(store, path)).length === 0) return false;
      // Without a delete marker, which over a segment would look like somebody's attempt to hide it.
      if ((await removeVersions(store, path)) === 'refused') throw new Error('it is locked or held in the archive');
      return true;
    },
  });
}

async function stateOf(store: ObjectStore, path: string, nowMs: number): Promise<ObjectState> {
  let untilMs: number | undefined;
  const versions = await versionsOf(store, path);
  for (const version of versions) {
    const head = await store.head(path, askable(version));
    if (head?.hold === true) return { kind: 'held' };
    const lockedMs = head?.lock?.retainUntilMs ?? 0;
    if (lockedMs > nowMs) untilMs = Math.max(untilMs ?? 0, lockedMs);
  }
  if (untilMs !== undefined) return { kind: 'locked', untilMs };
  return { kind: versions.length === 0 ? 'absent' : 'free' };
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
