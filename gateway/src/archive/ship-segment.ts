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
  readonly seg: number;
  /** Index of its first record, and number of records under a commit. */
  readonly first: number;
  readonly count: number;
  readonly entries: ShippedObject;
  /** Undefined for a segment of which not even the header was written. */
  readonly bodies: ShippedObject | undefined;
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
 * left as it is. Rejects like `shipObject`.
 */
export async function shipSegment(
  { store, directory, retention, nowMs }: ShipSegmentDeps,
  { ulid: log, segment, mayBeThere }: LogSegment,
): Promise<SegmentAnnouncement> {
  const split = splitSegment(await readFile(join(directory, log, segmentName(segment))));
  const ship = (form: 'sfr' | 'sfb', pieces: readonly Uint8Array[], days: number): Promise<ShippedObject> =>
    shipObject(store, {
      path: `${log}/${segmentName(segment).replace(/seg$/, form)}`,
      bytes: Buffer.concat(pieces),
      lock: retention === undefined ? undefined : lockFor(retention.mode, days, nowMs()),
      mayBeThere,
    });
  const bodies = split.bodies === undefined ? undefined : await ship('sfb', split.bodies, retention?.bodiesDays ?? 0);
  const entries = await ship('sfr', split.entries, retention?.entriesDays ?? 0);
  return { log, seg: segment, first: split.first, count: split.count, entries, bodies };
}
