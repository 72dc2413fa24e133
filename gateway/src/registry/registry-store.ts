/** An object of the registry as a store holds it. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Names exactly these stored bytes to `compareAndPutCheckpoint`: an ETag, a digest. */
  readonly version: string;
}

/** `same`: an object of these very bytes was there. `other`: there is one with other bytes, and it was left alone. */
export type PutOutcome = 'written' | 'same' | 'other';

/**
 * Where the registry's files live: a directory or a bucket. Paths are those below `registry/`, with `/` between names, for
 * instance `tile/entries/000.p/7`. Several processes work on one store at once. Everything a call reports as done is durable.
 * A call whose outcome is unknown rejects; asking again is always safe. No call retries on its own.
 */
export interface RegistryStore {
  /** What a place is called in logs: no credentials. */
  readonly label: string;
  /** Undefined when there is no such object; reads see every write that was reported before (strong consistency). */
  get(path: string): Promise<StoredObject | undefined>;
  /** Creates an object that is never changed. Of two calls at once for one path exactly one sees `written`. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome>;
  /**
   * Replaces `checkpoint`, the only object that changes, if it still is the version `expected` (undefined: if there is none).
   * False, and nothing changed, otherwise.
   */
  compareAndPutCheckpoint(expected: string | undefined, bytes: Uint8Array): Promise<boolean>;
  /** Where the store can: removes objects no checkpoint needs any more. A missing object is fine. */
  remove?(paths: readonly string[]): Promise<void>;
}
