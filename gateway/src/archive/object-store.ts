/** How a version is locked against deletion and overwriting (S3 Object Lock). */
export type LockMode = 'COMPLIANCE' | 'GOVERNANCE';

export interface ObjectLock {
  readonly mode: LockMode;
  /** Whole seconds: stores keep no more. */
  readonly retainUntilMs: number;
}

/** What a new object is stored with. */
export interface PutOptions {
  /** SHA-256 of the bytes, hex; sent along, so that a store refuses bytes that changed on the way. */
  readonly sha256: string;
  readonly lock?: ObjectLock | undefined;
  readonly hold?: boolean | undefined;
}

/** `exists`: something is stored under that name already; nothing was written. */
export type PutOutcome =
  | { readonly outcome: 'created'; readonly version: string | undefined; readonly etag: string }
  | { readonly outcome: 'exists' };

/** `changed`: the object is not the one the caller saw; nothing was written. */
export type SwapOutcome = { readonly outcome: 'swapped'; readonly etag: string } | { readonly outcome: 'changed' };

/** One version as the store tells it. */
export interface ObjectHead {
  readonly version: string | undefined;
  readonly bytes: number;
  readonly etag: string;
  /** SHA-256 of the whole object, hex, where the store keeps it. */
  readonly sha256: string | undefined;
  readonly lock: ObjectLock | undefined;
  readonly hold: boolean;
}

/** One line of a listing of versions. */
export interface ObjectVersion {
  readonly path: string;
  readonly version: string;
  readonly bytes: number;
  readonly latest: boolean;
  /** A delete marker: the name is hidden, the versions below it remain. */
  readonly marker: boolean;
  readonly modifiedMs: number;
}

export interface ObjectItem {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Objects below one prefix of one bucket. Paths are relative to the prefix, `/` between their parts. Every call ends within
 * its time; what fails for a reason that may pass was tried again already. Rejects with `ObjectStoreError` only.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix`, for messages. */
  readonly label: string;
  /** Writes a name that does not exist yet (`If-None-Match: *`). */
  putIfAbsent(path: string, bytes: Uint8Array, options: PutOptions): Promise<PutOutcome>;
  /** Replaces the object whose ETag the caller saw (`If-Match`), or creates it (`undefined`: it must not exist). */
  compareAndPut(path: string, bytes: Uint8Array, etag: string | undefined): Promise<SwapOutcome>;
  /** Undefined when there is no such version, or no current one. */
  head(path: string, version: string | undefined): Promise<ObjectHead | undefined>;
  /** Bytes `[from, from + length)`, fewer at the end of the object. Undefined when there is no such version. */
  getRange(path: string, version: string | undefined, from: number, length: number): Promise<Uint8Array | undefined>;
  /** The current object, up to `maxBytes`; undefined when there is none. */
  get(
    path: string,
    maxBytes: number,
  ): Promise<{ readonly bytes: Uint8Array; readonly etag: string; readonly version: string | undefined } | undefined>;
  /** Current objects whose path starts so. */
  list(start: string): Promise<readonly ObjectItem[]>;
  /** Every version and delete marker whose path starts so, newest first within a path. */
  listVersions(start: string): Promise<readonly ObjectVersion[]>;
  /**
   * Deletes one version, or without one hides the name behind a delete marker. `bypass` asks to ignore a governance lock.
   * `refused`: the store does not let it go.
   */
  remove(path: string, version: string | undefined, bypass?: boolean): Promise<'removed' | 'refused'>;
  /** Lengthens (or where allowed changes) the lock of a version. */
  setLock(path: string, version: string | undefined, lock: ObjectLock): Promise<void>;
  setHold(path: string, version: string | undefined, hold: boolean): Promise<void>;
  /** Whether the bucket was made with Object Lock, and whether it locks every object by itself. */
  lockConfiguration(): Promise<{ readonly enabled: boolean; readonly defaultRetention: boolean }>;
  close(): void;
}

/**
 * `unavailable`: no answer, or one that asks to come back. `refused`: the store said no (rights, a bad request).
 * `broken`: an answer that is none, such as fewer bytes than announced.
 */
export type StoreFailure = 'unavailable' | 'refused' | 'broken';

/** A call that could not be done. The message holds the operation and the store's error name, never its text. */
export class ObjectStoreError extends Error {
  readonly kind: StoreFailure;
  /** The store's own name of the error, such as `SlowDown`, or Node's code. */
  readonly reason: string;

  constructor(operation: string, kind: StoreFailure, reason: string) {
    super(`archive ${operation}: ${kind} (${reason})`);
    this.name = 'ObjectStoreError';
    this.kind = kind;
    this.reason = reason;
  }
}
