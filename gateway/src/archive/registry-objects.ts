import { createHash } from 'node:crypto';
import { type ObjectStore, ObjectStoreError } from './object-store.js';
import { lockFor, type Retention } from './retention.js';

const FOLDER = 'registry/';
const CHECKPOINT = 'checkpoint';
/** Whole tiles and bundles. Partial ones are superseded, and a lock would keep every one of them. */
const LASTING = /^tile\/(?!.*\.p\/)/;
const MAX_OBJECT_BYTES = 16 * 1024 * 1024;

/** The registry's files in the bucket; the shape the registry asks of a place to live in. */
export interface RegistryObjects {
  readonly label: string;
  get(path: string): Promise<{ readonly bytes: Uint8Array; readonly version: string } | undefined>;
  putIfAbsent(path: string, bytes: Uint8Array): Promise<'written' | 'same' | 'other'>;
  compareAndPutCheckpoint(expected: string | undefined, bytes: Uint8Array): Promise<boolean>;
  remove(paths: readonly string[]): Promise<void>;
}

export interface RegistryObjectsDeps {
  readonly store: ObjectStore;
  /** Whole tiles are locked as records are; undefined: no locks. */
  readonly retention: Retention | undefined;
  readonly nowMs: () => number;
}

/**
 * Objects below `registry/`. `compareAndPutCheckpoint` rests on `If-Match`: use it only with a store whose probe says
 * `replacement`. A call whose outcome stays unknown after its tries rejects with `ObjectStoreError`.
 */
export function createRegistryObjects({ store, retention, nowMs }: RegistryObjectsDeps): RegistryObjects {
  return Object.freeze({
    label: `${store.label}/registry`,
    async get(path: string) {
      const found = await store.get(`${FOLDER}${path}`, MAX_OBJECT_BYTES);
      return found === undefined ? undefined : { bytes: found.bytes, version: found.etag };
    },
    async putIfAbsent(path: string, bytes: Uint8Array) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const isLasting = retention !== undefined && LASTING.test(path);
      const lock = isLasting ? lockFor(retention.mode, retention.entriesDays, nowMs()) : undefined;
      const put = await store.putIfAbsent(`${FOLDER}${path}`, bytes, { sha256, lock });
      if (put.outcome === 'created') return 'written';
      const found = await store.get(`${FOLDER}${path}`, MAX_OBJECT_BYTES);
      return found !== undefined && Buffer.compare(found.bytes, bytes) === 0 ? 'same' : 'other';
    },
    async compareAndPutCheckpoint(expected: string | undefined, bytes: Uint8Array) {
      return (await store.compareAndPut(`${FOLDER}${CHECKPOINT}`, bytes, expected)).outcome === 'swapped';
    },
    async remove(paths: readonly string[]) {
      for (const path of paths) await removeVersions(store, `${FOLDER}${path}`);
    },
  });
}

/** With every version, and without a delete marker, which would look like somebody's attempt to hide something. */
async function removeVersions(store: ObjectStore, path: string): Promise<void> {
  try {
    const versions = (await store.listVersions(path)).filter((found) => found.path === path);
    for (const { version } of versions) await store.remove(path, version);
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.kind !== 'refused') throw error;
    await store.remove(path, undefined);
  }
}
