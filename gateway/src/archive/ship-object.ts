import { sha256OfPieces } from './hash.js';
import { type ObjectHead, type ObjectLock, type ObjectStore, ObjectStoreError } from './object-store.js';

/** An object that is in the archive: read back by version, with its checksum and its lock. */
export interface ShippedObject {
  /** Path below the archive's prefix, which is also the path in a recording directory. */
  readonly key: string;
  /** Undefined where the store keeps no versions. */
  readonly version: string | undefined;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Until when the store promises to keep it; undefined without a lock. */
  readonly retainUntilMs: number | undefined;
}

export interface ObjectToShip {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly lock: ObjectLock | undefined;
  /** Look before sending. */
  readonly mayBeThere?: boolean;
}

/** `conflict`: other bytes stand under the name. `unlocked`: the store did not lock what it was asked to lock. */
export class ShipRefused extends Error {
  readonly kind: 'conflict' | 'unlocked';

  constructor(kind: 'conflict' | 'unlocked', path: string) {
    super(
      kind === 'conflict' ? `other bytes are archived as ${path}` : `${path} is archived without the promised lock`,
    );
    this.name = 'ShipRefused';
    this.kind = kind;
  }
}

/** A lock that ends a little earlier than one asked for now is one that an earlier try got. */
const EARLIER_TRY_MS = 86_400_000;
const EXISTS = { outcome: 'exists' } as const;
const READ_BYTES = 8 * 1024 * 1024;

/**
 * Puts an object where nothing was, and reads back that it is there. An object with the same bytes is success, so a try may
 * be repeated at any time. Rejects with `ShipRefused` or `ObjectStoreError`.
 */
export async function shipObject(
  store: ObjectStore,
  { path, bytes, lock, mayBeThere = false }: ObjectToShip,
): Promise<ShippedObject> {
  const sha256 = await sha256OfPieces([bytes]);
  const wanted = { path, bytes: bytes.byteLength, sha256 };
  const isThere = mayBeThere && (await store.head(path, undefined)) !== undefined;
  const put = isThere ? EXISTS : await store.putIfAbsent(path, bytes, { sha256, lock });
  const version = put.outcome === 'created' ? put.version : await findVersion(store, wanted);
  const head = await readBack(store, wanted, version);
  const kept = lock === undefined ? head.lock : await confirmLock(store, wanted, head, lock);
  return { key: path, version: head.version, sha256, bytes: wanted.bytes, retainUntilMs: kept?.retainUntilMs };
}

interface Wanted {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The version an earlier try wrote. A delete marker over it hides the name, not the version. */
async function findVersion(store: ObjectStore, wanted: Wanted): Promise<string | undefined> {
  const listed = (await store.listVersions(wanted.path)).filter(({ path, marker }) => path === wanted.path && !marker);
  for (const { version } of listed.toReversed()) {
    const asked = version === 'null' ? undefined : version;
    const head = await store.head(wanted.path, asked);
    if (head !== undefined && (await isSame(store, wanted, head))) return asked;
  }
  throw new ShipRefused('conflict', wanted.path);
}

async function readBack(store: ObjectStore, wanted: Wanted, version: string | undefined): Promise<ObjectHead> {
  const head = await store.head(wanted.path, version);
  if (head === undefined || !(await isSame(store, wanted, head))) throw new ShipRefused('conflict', wanted.path);
  return { ...head, version: head.version ?? version };
}

/** By the checksum the store keeps; where it keeps none, by the bytes. */
async function isSame(store: ObjectStore, { path, bytes, sha256 }: Wanted, head: ObjectHead): Promise<boolean> {
  if (head.bytes !== bytes) return false;
  if (head.sha256 !== undefined) return head.sha256 === sha256;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes; at += READ_BYTES) {
    const piece = await store.getRange(path, head.version, at, Math.min(READ_BYTES, bytes - at));
    if (piece === undefined) return false;
    pieces.push(piece);
  }
  return (await sha256OfPieces(pieces)) === sha256;
}

/** What an earlier try locked under a shorter promise is locked for longer. */
async function confirmLock(
  store: ObjectStore,
  { path }: Wanted,
  head: ObjectHead,
  lock: ObjectLock,
): Promise<ObjectLock> {
  if (isKept(head.lock, lock)) return head.lock;
  try {
    await store.setLock(path, head.version, lock);
  } catch (error) {
    if (error instanceof ObjectStoreError && error.kind === 'refused') throw new ShipRefused('unlocked', path);
    throw error;
  }
  const again = (await store.head(path, head.version))?.lock;
  if (!isKept(again, lock)) throw new ShipRefused('unlocked', path);
  return again;
}

function isKept(found: ObjectLock | undefined, asked: ObjectLock): found is ObjectLock {
  if (found === undefined || (asked.mode === 'COMPLIANCE' && found.mode !== 'COMPLIANCE')) return false;
  return found.retainUntilMs >= asked.retainUntilMs - EARLIER_TRY_MS;
}
