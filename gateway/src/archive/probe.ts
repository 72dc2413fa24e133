import { createHash } from 'node:crypto';
import { type LockMode, type ObjectStore, ObjectStoreError, type PutOutcome } from './object-store.js';

/**
 * What a store was seen to do, never what it says of itself. `lock`: the bucket has Object Lock. `retained`: a locked version
 * shows mode and date. `undeletable`: deleting it was refused, with a governance bypass too. `creation`: `If-None-Match: *`
 * lets exactly one of several writers win. `replacement`: the same for `If-Match`. `versions`: versions can be listed.
 * `erasable`: an object without a lock can be deleted, which key files need. `checksums`: SHA-256 is kept and shown.
 */
export const CHECKS = [
  'lock',
  'retained',
  'undeletable',
  'creation',
  'replacement',
  'versions',
  'erasable',
  'checksums',
] as const;

export type Check = (typeof CHECKS)[number];

/** What a store can do, as `writer.open` records it. */
export type StoreCapabilities = Readonly<Record<Check, boolean>>;

/** What each check that fails means, for the operator. */
const FAILURES: Readonly<Record<Check, string>> = {
  lock: 'the bucket has no Object Lock, or the gateway may not ask for its configuration',
  retained: 'a locked object does not show its mode and date',
  undeletable: 'a locked object could be deleted with the credential of the gateway',
  creation: 'If-None-Match is ignored, so an object can be overwritten unnoticed',
  replacement: 'If-Match is ignored, so two gateways could replace each other’s registry',
  versions: 'versions of objects cannot be listed',
  erasable: 'objects without a lock cannot be deleted (does the bucket lock by default?), so no key could be destroyed',
  checksums: 'SHA-256 checksums are not kept; objects are read back whole instead',
};

/** Without these a store cannot hold records that nobody can take back. */
const REQUIRED: readonly Check[] = CHECKS.filter((check) => check !== 'checksums');

export interface ProbeDeps {
  readonly store: ObjectStore;
  readonly nowMs: () => number;
  readonly random: (byteCount: number) => Uint8Array;
  readonly mode: LockMode;
}

/** Objects of a probe lie under this name and are no part of a recording. */
export const PROBE_FOLDER = 'probe/';
/** Long enough for every step, short enough to be swept away by the next start. */
const PROBE_LOCK_MS = 120_000;
/** Other gateways may be in the middle of their probes. */
const SWEEP_AFTER_MS = 10 * 60_000;
const MOST_SWEPT = 100;
const RACERS = 4;

/** Tries everything with small objects of its own. Rejects with `ObjectStoreError` when the store cannot be used at all. */
export async function probeStore({ store, nowMs, random, mode }: ProbeDeps): Promise<StoreCapabilities> {
  const folder = `${PROBE_FOLDER}${Buffer.from(random(8)).toString('hex')}`;
  const lock = { mode, retainUntilMs: Math.ceil((nowMs() + PROBE_LOCK_MS) / 1000) * 1000 };
  await sweep(store, nowMs() - SWEEP_AFTER_MS);
  const hasLock = await answers(async () => (await store.lockConfiguration()).enabled);
  const path = `${folder}/locked`;
  const bytes = Buffer.from(`${folder} locked\n`, 'utf8');
  const put = await putLocked(store, path, bytes, hasLock ? lock : undefined);
  const version = put.outcome === 'created' ? put.version : undefined;
  const head = await store.head(path, version);
  if (head === undefined || head.bytes !== bytes.byteLength) throw new ObjectStoreError('probe', 'broken', 'NotStored');
  const isRetained = head.lock?.mode === mode && Math.abs(head.lock.retainUntilMs - lock.retainUntilMs) < 1000;
  const creation = (await isCreationConditional(store, folder, path)) && (await holds(store, path, bytes));
  const versions = version !== undefined && (await isVersionListed(store, path, version));
  // Last with this object: a store that only pretends loses it here.
  const undeletable = hasLock && version !== undefined && (await isUndeletable(store, path, version));
  return {
    lock: hasLock,
    retained: hasLock && isRetained,
    undeletable,
    creation,
    replacement: await isReplacementConditional(store, `${folder}/swapped`),
    versions,
    erasable: await isErasable(store, `${folder}/plain`),
    checksums: head.sha256 === sha256Hex(bytes),
  };
}

/** What stands in the way of using a store with such capabilities; empty: nothing. */
export function complaintsAbout(capabilities: StoreCapabilities): readonly string[] {
  return REQUIRED.filter((check) => !capabilities[check]).map((check) => `${check}: ${FAILURES[check]}`);
}

/** What a store lacks, whether required or not. */
export function shortcomingsOf(capabilities: StoreCapabilities): readonly string[] {
  return CHECKS.filter((check) => !capabilities[check]).map((check) => `${check}: ${FAILURES[check]}`);
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A store that refuses lock headers outright gets the object without; the checks then say what is missing. */
async function putLocked(
  store: ObjectStore,
  path: string,
  bytes: Uint8Array,
  lock: { readonly mode: LockMode; readonly retainUntilMs: number } | undefined,
): Promise<PutOutcome> {
  const sha256 = sha256Hex(bytes);
  try {
    return await store.putIfAbsent(path, bytes, { sha256, lock });
  } catch (error) {
    if (lock === undefined || !(error instanceof ObjectStoreError) || error.kind !== 'refused') throw error;
    return store.putIfAbsent(path, bytes, { sha256 });
  }
}

async function isUndeletable(store: ObjectStore, path: string, version: string): Promise<boolean> {
  const plain = await store.remove(path, version);
  const bypassed = await store.remove(path, version, true);
  return plain === 'refused' && bypassed === 'refused' && (await store.head(path, version)) !== undefined;
}

/** A second write to a name fails, and of several writers to a fresh one exactly one wins. */
async function isCreationConditional(store: ObjectStore, folder: string, taken: string): Promise<boolean> {
  const attempt = (path: string, text: string): Promise<boolean> => {
    const bytes = Buffer.from(text, 'utf8');
    return answers(
      async () => (await store.putIfAbsent(path, bytes, { sha256: sha256Hex(bytes) })).outcome === 'created',
    );
  };
  if (await attempt(taken, 'second')) return false;
  const wins = await Promise.all(racers((racer) => attempt(`${folder}/race`, `racer ${racer}`)));
  return wins.filter(Boolean).length === 1;
}

async function isReplacementConditional(store: ObjectStore, path: string): Promise<boolean> {
  const swap = (text: string, etag: string | undefined) => store.compareAndPut(path, Buffer.from(text, 'utf8'), etag);
  const first = await swap('first', undefined);
  if (first.outcome !== 'swapped') return false;
  const foreign = `"${'0'.repeat(32)}"`;
  if (await answers(async () => (await swap('foreign', foreign)).outcome === 'swapped')) return false;
  const wins = await Promise.all(
    racers((racer) => answers(async () => (await swap(`racer ${racer}`, first.etag)).outcome === 'swapped')),
  );
  if (wins.filter(Boolean).length !== 1) return false;
  return !(await answers(async () => (await swap('stale', first.etag)).outcome === 'swapped'));
}

async function isVersionListed(store: ObjectStore, path: string, version: string): Promise<boolean> {
  return answers(async () =>
    (await store.listVersions(path)).some((found) => found.version === version && !found.marker),
  );
}

async function isErasable(store: ObjectStore, path: string): Promise<boolean> {
  const bytes = Buffer.from('plain', 'utf8');
  const put = await store.putIfAbsent(path, bytes, { sha256: sha256Hex(bytes) });
  const version = put.outcome === 'created' ? put.version : undefined;
  return (await store.remove(path, version)) === 'removed' && (await store.head(path, version)) === undefined;
}

async function holds(store: ObjectStore, path: string, bytes: Uint8Array): Promise<boolean> {
  const current = await store.get(path, 1024);
  return current !== undefined && Buffer.compare(current.bytes, bytes) === 0;
}

/** What former probes left and may be taken away by now; whatever stays is harmless. */
async function sweep(store: ObjectStore, beforeMs: number): Promise<void> {
  await answers(async () => {
    const old = (await store.listVersions(PROBE_FOLDER)).filter(({ modifiedMs }) => modifiedMs < beforeMs);
    for (const { path, version } of old.slice(0, MOST_SWEPT)) await store.remove(path, version);
    return true;
  });
}

function racers<T>(run: (racer: number) => Promise<T>): readonly Promise<T>[] {
  return Array.from({ length: RACERS }, (_, racer) => run(racer));
}

/** False too where the store refuses the call; an outage is no answer and is thrown. */
async function answers(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ObjectStoreError && error.kind === 'refused') return false;
    throw error;
  }
}
