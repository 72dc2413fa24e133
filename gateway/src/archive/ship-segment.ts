import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentName } from '@piste/verifier';
import type { ObjectStore } from './object-store.js';
import { lockFor, type Retention } from './retention.js';
import { type ShippedObject, shipObject } from './ship-object.js';
import { splitSegment } from './split-segment.js';

/** One segment of one log, as the registry is told of it. */
export interface SegmentAnnouncement {
  /** ULID of the log: the folder of its objects. */
  readonly log: string;
  /** Undefined for a segment of which not even the header was written. */
  readonly origin: string | undefined;
  readonly seg: number;
  /** Index of its first record, and number of records under a commit. */
  readonly first: number;
  readonly count: number;
  readonly entries: ShippedObject;
  /** Undefined for a segment of which not even the header was written. */
  readonly bodies: ShippedObject | undefined;
  /** It ends the log: nothing comes after it. */
  readonly isEnd: boolean;
}

export interface ShipSegmentDeps {
  readonly store: ObjectStore;
  readonly directory: string;
  /** Undefined: no locks, which only `worm: none` permits. */
  readonly retention: Retention | undefined;
  readonly nowMs: () => number;
}

export interface LogSegment {
  readonly ulid: string;
  readonly segment: number;
  /** A former process may have archived it: looking first saves sending it. */
  readonly mayBeThere: boolean;
}

/**
 * Archives one finished segment as two objects: bodies first, so that records never stand there without them. The file is
 * left as it is. Undefined, and nothing is archived, where the archive has its records and its bodies were removed since. Rejects
 * like `shipObject`.
 */
export async function shipSegment(
  { store, directory, retention, nowMs }: ShipSegmentDeps,
  { ulid: log, segment, mayBeThere }: LogSegment,
): Promise<SegmentAnnouncement | undefined> {
  const split = splitSegment(await readFile(join(directory, log, segmentName(segment))));
  if (mayBeThere && split.bodies !== undefined && (await isPruned(store, { ulid: log, segment }))) return undefined;
  const ship = (form: 'sfr' | 'sfb', pieces: readonly Uint8Array[], days: number): Promise<ShippedObject> =>
    shipObject(store, {
      path: `${log}/${segmentName(segment, form)}`,
      bytes: Buffer.concat(pieces),
      lock: retention === undefined ? undefined : lockFor(retention.mode, days, nowMs()),
      mayBeThere,
    });
  const bodies = split.bodies === undefined ? undefined : await ship('sfb', split.bodies, retention?.bodiesDays ?? 0);
  const entries = await ship('sfr', split.entries, retention?.entriesDays ?? 0);
  return {
    log,
    origin: split.origin,
    seg: segment,
    first: split.first,
    count: split.count,
    entries,
    bodies,
    isEnd: split.isEnd,
  };
}

/**
 * Whether the records of a segment are archived and its bodies are not, in no version: they were removed since, for bodies are
 * archived first. What was removed is not to be put back.
 */
async function isPruned(store: ObjectStore, { ulid, segment }: Pick<LogSegment, 'ulid' | 'segment'>): Promise<boolean> {
  if ((await store.head(`${ulid}/${segmentName(segment, 'sfr')}`, undefined)) === undefined) return false;
  const path = `${ulid}/${segmentName(segment, 'sfb')}`;
  return !(await store.listVersions(path)).some((found) => found.path === path && !found.marker);
}

/**
 * Tells the registry of an archived segment; resolves when that is durable there. A crash may repeat an announcement, with
 * the same content: it must be harmless.
 */
export type Announce = (segment: SegmentAnnouncement) => Promise<void>;

/** Fields of the registry's entry `segment`. */
export interface SegmentFields {
  readonly [member: string]: string | number | ObjectFields;
}

interface ObjectFields {
  readonly [member: string]: string | number | null;
}

/** What the registry records of an archived segment; undefined for one that holds nothing of its log. */
export function toSegmentFields(segment: SegmentAnnouncement): SegmentFields | undefined {
  const { origin, seg, first, count, entries, bodies } = segment;
  if (origin === undefined) return undefined;
  return {
    origin,
    seg,
    first,
    count,
    entries: toObjectFields(entries),
    ...(bodies === undefined ? {} : { bodies: toObjectFields(bodies) }),
  };
}

function toObjectFields({ key, version, sha256, bytes, retainUntilMs }: ShippedObject): ObjectFields {
  return { key, version: version ?? null, sha256, bytes, retain: retainUntilMs ?? null };
}

/** Tells a registry of segments, given how it appends the fields of an entry `segment`. */
export function announceBy(append: (fields: SegmentFields) => Promise<unknown>): Announce {
  return async (segment) => {
    const fields = toSegmentFields(segment);
    if (fields !== undefined) await append(fields);
  };
}

/** Reads the fields back, as `openObjectSource` compares them with the store; undefined when they are not of this shape. */
export function parseSegmentFields(
  fields: Readonly<Record<string, unknown>>,
): { readonly entries: ShippedObject; readonly bodies: ShippedObject | undefined } | undefined {
  const entries = parseObjectFields(fields['entries']);
  const bodies = fields['bodies'] === undefined ? undefined : parseObjectFields(fields['bodies']);
  if (entries === undefined || (fields['bodies'] !== undefined && bodies === undefined)) return undefined;
  return { entries, bodies };
}

function parseObjectFields(value: unknown): ShippedObject | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { key, version, sha256, bytes, retain } = value as Readonly<Record<string, unknown>>;
  if (typeof key !== 'string' || typeof sha256 !== 'string' || typeof bytes !== 'number') return undefined;
  return {
    key,
    version: typeof version === 'string' ? version : undefined,
    sha256,
    bytes,
    retainUntilMs: typeof retain === 'number' ? retain : undefined,
  };
}
