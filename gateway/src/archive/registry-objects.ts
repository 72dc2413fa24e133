import { createHash } from 'node:crypto';
import type { ObjectStore } from './object-store.js';
import { lockFor, type Retention } from './retention.js';

const FOLDER = 'registry/';
const CHECKPOINT = 'checkpoint';
/** Partial tiles are superseded by whole ones; a lock would keep every one of them. */
const PARTIAL = /\.p\/\d+$/;
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
      const isLocked = retention !== undefined && !PARTIAL.test(path);
      const lock = isLocked ? lockFor(retention.mode, retention.entriesDays, nowMs()) : undefined;
      const put = await store.putIfAbsent(`${FOLDER}${path}`, bytes, { sha256, lock });
      if (put.outcome === 'created') return 'written';
      const found = await store.get(`${FOLDER}${path}`, MAX_OBJECT_BYTES);
      return found !== undefined && Buffer.compare(found.bytes, bytes) === 0 ? 'same' : 'other';
    },
    async compareAndPutCheckpoint(expected: string | undefined, bytes: Uint8Array) {
      return (await store.compareAndPut(`${FOLDER}${CHECKPOINT}`, bytes, expected)).outcome === 'swapped';
    },
    async remove(paths: readonly string[]) {
      for (const path of paths) {
        const versions = (await store.listVersions(`${FOLDER}${path}`)).filter(
          (found) => found.path === `${FOLDER}${path}`,
        );
        if (versions.length === 0) await store.remove(`${FOLDER}${path}`, undefined);
        for (const { version } of versions) await store.remove(`${FOLDER}${path}`, version);
      }
    },
  });
}
