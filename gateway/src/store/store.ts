/** A stored value and the version a replacement must name. */
export interface Versioned {
  readonly value: string;
  readonly version: string;
}

/**
 * State that outlives a request, shared by every gateway that opens the same store: memory or Redis.
 *
 * Every call rejects with `StoreUnavailable` when the store cannot be reached; callers refuse the request then.
 * A value expires `ttlSeconds` after its last write. All writes of one key are totally ordered. A write that rejected may
 * have taken place. Lives that are not above 0 and at most a year, and text that is not well-formed Unicode, are a RangeError.
 */
export interface Store {
  get(key: string): Promise<Versioned | undefined>;
  /** Writes only if the key does not exist; false when it does. */
  create(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Writes only if the key still has `version`; false when it changed or is gone. */
  replace(key: string, version: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Extends the life of a key; false when it is gone. */
  touch(key: string, ttlSeconds: number): Promise<boolean>;
  /** Removes the key, only if it still has `version` when one is given; true when it was there. */
  delete(key: string, version?: string): Promise<boolean>;
  /** Keys that start with `prefix`, at most `limit`, in no order. For inboxes and sweeps, not for the hot path. */
  keys(prefix: string, limit: number): Promise<readonly string[]>;
  /**
   * Calls `onChange` after every create, replace or delete of `key`, by whichever gateway, at least once and possibly
   * late; a watcher must read the value itself and also look on its own from time to time. Returns the way to stop.
   */
  watch(key: string, onChange: () => void): Promise<() => void>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
