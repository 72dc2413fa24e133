import type { ObjectStore, ObjectVersion } from './object-store.js';
import { ObjectStoreError } from './object-store.js';
import { askable, NO_VERSION } from './object-version.js';
import { PROBE_FOLDER } from './probe.js';

/** What the registry says was archived; `SegmentAnnouncement` has this shape. */
export interface RegisteredObject {
  readonly key: string;
  readonly version: string | undefined;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly retainUntilMs: number | undefined;
}

export interface RegisteredSegment {
  readonly entries: RegisteredObject;
  readonly bodies: RegisteredObject | undefined;
  /** The registry says that its bodies were removed. */
  readonly isPruned?: boolean;
}

/**
 * What only the store can tell. `shadow-version`: a later version hides the archived one. `delete-marker`: so does a marker.
 * `missing-object`: archived, promised still, and gone. `pruned-object`: gone after its time. `object-mismatch`: other bytes.
 * `short-retention`: locked for less than promised, or in a weaker way. `unregistered-object`: a segment nobody announced.
 */
export type ObjectFindingCode =
  | 'shadow-version'
  | 'delete-marker'
  | 'missing-object'
  | 'pruned-object'
  | 'object-mismatch'
  | 'short-retention'
  | 'unregistered-object'
  | 'no-versions';

export interface ObjectFinding {
  readonly severity: 'note' | 'cannot-conclude' | 'tampered';
  readonly code: ObjectFindingCode;
  readonly message: string;
  readonly path: string;
}

export interface ObjectFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When it was stored, by the store's clock; 0 where the store does not tell. */
  readonly modifiedMs: number;
}

/** A recording in a bucket, with the paths it has in a directory. */
export interface ObjectSource {
  readonly label: string;
  list(): Promise<readonly ObjectFile[]>;
  read(path: string, from: number, length: number): Promise<Uint8Array>;
  /**
   * Compares what the registry says with what the store holds, version by version. Without a registry only what needs none is
   * looked at.
   */
  objectFindings(segments: readonly RegisteredSegment[] | undefined, nowMs: number): Promise<readonly ObjectFinding[]>;
  close(): Promise<void>;
}

/** Objects that come and go as a matter of course: their newest version counts. */
const CHANGING = /^registry\/(?!tile\/)/;
const SEGMENT = /^[0-9A-HJKMNP-TV-Z]{26}\/\d{8}\.sf[rb]$/;
const KEY = /^[0-9A-HJKMNP-TV-Z]{26}\/keys\//;
const HEADS_AT_ONCE = 16;
/** Stores keep whole seconds. */
const ROUNDING_MS = 1000;

/**
 * Reads the archive by version: of an object that is written once the oldest version, whatever was laid over it; of the
 * checkpoint the newest; of a key the newest, and none where a delete marker lies over it. `start` leaves out paths that start
 * otherwise. Owns the store.
 */
export function openObjectSource(store: ObjectStore, start = ''): ObjectSource {
  let listing: Promise<Listing> | undefined;
  const listed = (): Promise<Listing> => {
    listing ??= listStore(store, start);
    return listing;
  };

  return Object.freeze({
    label: store.label,
    async list() {
      const { chosen } = await listed();
      return [...chosen].map(([path, { bytes, modifiedMs }]) => ({ path, size: bytes, modifiedMs }));
    },
    async read(path: string, from: number, length: number) {
      const version = (await listed()).chosen.get(path);
      const bytes = version === undefined ? undefined : await store.getRange(path, askable(version), from, length);
      if (bytes === undefined) throw new ObjectStoreError('get', 'refused', 'NoSuchObject');
      return bytes;
    },
    async objectFindings(segments: readonly RegisteredSegment[] | undefined, nowMs: number) {
      return examine(store, await listed(), segments, nowMs);
    },
    close: async () => store.close(),
  });
}

interface Listing {
  readonly hasVersions: boolean;
  /** Newest first. */
  readonly versions: ReadonlyMap<string, readonly ObjectVersion[]>;
  readonly chosen: ReadonlyMap<string, ObjectVersion>;
}

async function listStore(store: ObjectStore, start: string): Promise<Listing> {
  const all = await allVersions(store, start);
  const versions = Map.groupBy(
    all.found.filter(({ path }) => path !== '' && !path.startsWith(PROBE_FOLDER)),
    ({ path }) => path,
  );
  const chosen = new Map<string, ObjectVersion>();
  for (const [path, ofPath] of versions) {
    const version = choose(path, ofPath);
    if (version !== undefined) chosen.set(path, version);
  }
  return { hasVersions: all.hasVersions, versions, chosen };
}

async function allVersions(
  store: ObjectStore,
  start: string,
): Promise<{ hasVersions: boolean; found: readonly ObjectVersion[] }> {
  try {
    const found = await store.listVersions(start);
    return { hasVersions: found.every(({ version }) => version !== NO_VERSION), found };
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.kind !== 'refused') throw error;
  }
  const found = (await store.list(start)).map(({ path, bytes }) => ({
    path,
    bytes,
    version: NO_VERSION,
    latest: true,
    marker: false,
    modifiedMs: 0,
  }));
  return { hasVersions: false, found };
}

function choose(path: string, versions: readonly ObjectVersion[]): ObjectVersion | undefined {
  const newest = versions[0];
  if (KEY.test(path)) return newest?.marker === true ? undefined : newest;
  const bytes = versions.filter(({ marker }) => !marker);
  return CHANGING.test(path) ? bytes[0] : bytes.at(-1);
}

async function examine(
  store: ObjectStore,
  listing: Listing,
  segments: readonly RegisteredSegment[] | undefined,
  nowMs: number,
): Promise<readonly ObjectFinding[]> {
  const objects = (segments ?? []).flatMap(({ entries, bodies, isPruned = false }) => [
    { ...entries, isPruned: false },
    ...(bodies === undefined ? [] : [{ ...bodies, isPruned }]),
  ]);
  const registered = new Set(objects.map(({ key }) => key));
  const findings: ObjectFinding[] = [];
  if (!listing.hasVersions)
    findings.push(
      say('cannot-conclude', 'no-versions', '', 'the store keeps no versions, so nothing shows what was replaced'),
    );
  for (const [path, versions] of listing.versions)
    findings.push(...examineName(path, versions, segments === undefined || registered.has(path)));
  for (let at = 0; at < objects.length; at += HEADS_AT_ONCE) {
    const group = objects.slice(at, at + HEADS_AT_ONCE);
    findings.push(...(await Promise.all(group.map((object) => examineObject(store, listing, object, nowMs)))).flat());
  }
  return findings;
}

function examineName(
  path: string,
  versions: readonly ObjectVersion[],
  isRegistered: boolean,
): readonly ObjectFinding[] {
  if (CHANGING.test(path) || KEY.test(path)) return [];
  const findings: ObjectFinding[] = [];
  const count = versions.filter(({ marker }) => !marker).length;
  if (count > 1) findings.push(say('tampered', 'shadow-version', path, `${count} versions of an object written once`));
  if (versions.some(({ marker }) => marker))
    findings.push(say('tampered', 'delete-marker', path, 'somebody tried to delete the object'));
  if (!isRegistered && count > 0 && SEGMENT.test(path))
    findings.push(say('cannot-conclude', 'unregistered-object', path, 'no entry of the registry announces the object'));
  return findings;
}

async function examineObject(
  store: ObjectStore,
  { versions }: Listing,
  object: RegisteredObject & { readonly isPruned: boolean },
  nowMs: number,
): Promise<readonly ObjectFinding[]> {
  const { key, version, retainUntilMs } = object;
  // Without a lock nothing was promised for a time: only an entry that says so lets it go.
  const isPromised = retainUntilMs === undefined ? !object.isPruned : retainUntilMs > nowMs;
  const isListed = versions.get(key)?.some((found) => !found.marker && (version ?? found.version) === found.version);
  const head = isListed === true ? await store.head(key, version) : undefined;
  if (head === undefined) {
    if (!isPromised) return [say('note', 'pruned-object', key, 'gone after the time it was promised for')];
    return [say('tampered', 'missing-object', key, 'the registered version is gone before its time')];
  }
  if (head.bytes !== object.bytes || (head.sha256 !== undefined && head.sha256 !== object.sha256))
    return [say('tampered', 'object-mismatch', key, 'the registered version holds other bytes')];
  if (retainUntilMs === undefined || !isPromised) return [];
  const isKept = head.lock !== undefined && head.lock.retainUntilMs >= retainUntilMs - ROUNDING_MS;
  return isKept ? [] : [say('tampered', 'short-retention', key, 'locked for less time than the registry says')];
}

function say(
  severity: ObjectFinding['severity'],
  code: ObjectFindingCode,
  path: string,
  message: string,
): ObjectFinding {
  return { severity, code, path, message: path === '' ? message : `${path}: ${message}` };
}
