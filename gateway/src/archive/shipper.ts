import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import { KEYS, type LocalLog, type LocalSegment, listLocalLogs, removeLog, removeSegment } from './local-logs.js';
import { type ObjectStore, ObjectStoreError } from './object-store.js';
import type { Retention } from './retention.js';
import { ShipRefused, shipObject } from './ship-object.js';
import { type Announce, type SegmentAnnouncement, shipSegment } from './ship-segment.js';
import type { Spool, SpoolRound } from './spool.js';

/** The log this process writes. */
export interface LiveLog {
  readonly ulid: string;
  /** Ends the segment being written if it holds a commit; resolves to the newest ended segment, 0 for none. */
  finishSegment(): Promise<number>;
}

/** Why something could not be archived. `announce`: the registry. `local`: the local disk. */
export type ShipFailure = 'unavailable' | 'refused' | 'broken' | 'conflict' | 'unlocked' | 'announce' | 'local';

/** What metrics may learn: no names. */
export interface ArchiveMetrics {
  shipped(bytes: number, seconds: number): void;
  failed(why: ShipFailure): void;
  spool(state: { readonly lagSeconds: number; readonly bytes: number; readonly isBlocked: boolean }): void;
}

export interface ShipperDeps {
  readonly store: ObjectStore;
  /** The recording directory. */
  readonly directory: string;
  readonly retention: Retention | undefined;
  /** Keep what is archived on the local disk, too. */
  readonly keepLocal: boolean;
  readonly announce: Announce | undefined;
  readonly spool: Spool;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly metrics: ArchiveMetrics | undefined;
}

/** Moves finished segments to the archive. Rounds never overlap. */
export interface Shipper {
  /** From now on this is the log being written; every other log in the directory has ended. */
  follow(live: LiveLog): void;
  /**
   * Ships what can be shipped now, after a round under way. True when nothing is left. Never rejects: what failed is tried
   * in the next round.
   */
  round(): Promise<boolean>;
  /** Starts a round unless one is under way. */
  nudge(): void;
  /** Why the last round left something behind. */
  readonly lastFailure: ShipFailure | undefined;
}

/** Segments on their way at once: bounds memory to about four segments. */
const SHIPPED_AT_ONCE = 2;
/** A dead writer is silent for minutes before the registry reads how its log ended. */
const ENDS_STAY_MS = 3_600_000;

export function createShipper(deps: ShipperDeps): Shipper {
  const { store, directory, spool, log, metrics } = deps;
  const archived = new Set<string>();
  /** Segments whose bodies were removed in the archive: neither archived again nor cleared from here. */
  const pruned = new Set<string>();
  /** Logs whose end was seen to be theirs. */
  const ended = new Set<string>();
  const startedMs = deps.nowMs();
  let live: LiveLog | undefined;
  let lastFailure: ShipFailure | undefined;
  let newestFinished = 0;
  let running = Promise.resolve(true);
  let underWay = 0;

  function round(): Promise<boolean> {
    underWay += 1;
    running = running.then(runRound).finally(() => {
      underWay -= 1;
    });
    return running;
  }

  async function runRound(): Promise<boolean> {
    const round = spool.startRound();
    let failure: ShipFailure | undefined;
    try {
      const finished = await finishSegment();
      const logs = await listLocalLogs(directory);
      const waiting = logs.map((local) => ({ local, segments: waitingOf(local, finished) }));
      round.found(sum(waiting.flatMap(({ segments }) => segments)));
      for (const { local, segments } of waiting) {
        await shipKeys(local);
        failure = (await shipAll(local, segments, round)) ?? failure;
        await clear(local, finished);
      }
    } catch (error) {
      failure = note(error);
    }
    if (failure === undefined) round.complete();
    lastFailure = failure;
    metrics?.spool({ lagSeconds: spool.lagSeconds, bytes: spool.bytes, isBlocked: spool.blocked !== undefined });
    return failure === undefined;
  }

  /** A writer that failed ends nothing any more, but what it had ended before is archived. */
  async function finishSegment(): Promise<number> {
    try {
      newestFinished = (await live?.finishSegment()) ?? 0;
    } catch (error) {
      log.warn('the segment being written cannot be ended', { error: errorMessage(error) });
    }
    return newestFinished;
  }

  function waitingOf(local: LocalLog, finished: number): readonly LocalSegment[] {
    const isWritten = ({ segment }: LocalSegment): boolean => local.ulid === live?.ulid && segment > finished;
    return local.segments.filter((found) => {
      const place = `${local.ulid}/${found.segment}`;
      return !isWritten(found) && !archived.has(place) && !pruned.has(place);
    });
  }

  /** A segment that is refused does not stop the others; an outage does. */
  async function shipAll(
    { ulid }: LocalLog,
    segments: readonly LocalSegment[],
    round: SpoolRound,
  ): Promise<ShipFailure | undefined> {
    let failure: ShipFailure | undefined;
    for (let at = 0; at < segments.length; at += SHIPPED_AT_ONCE) {
      const group = segments.slice(at, at + SHIPPED_AT_ONCE);
      const results = await Promise.allSettled(group.map(({ segment }) => upload(ulid, segment)));
      for (const [index, result] of results.entries()) {
        const found = group[index];
        if (found === undefined) continue;
        if (result.status === 'fulfilled') {
          if (result.value === undefined) pruned.add(`${ulid}/${found.segment}`);
          else {
            await announce(result.value);
            archived.add(`${ulid}/${found.segment}`);
            if (result.value.isEnd) ended.add(ulid);
          }
          round.shipped(found.bytes);
        } else if (result.reason instanceof ShipRefused) failure = note(result.reason);
        else throw result.reason;
      }
    }
    return failure;
  }

  /** Undefined for what was there and may not be put back. */
  async function upload(ulid: string, segment: number): Promise<SegmentAnnouncement | undefined> {
    const startedMs = deps.nowMs();
    const shipped = await shipSegment(deps, { ulid, segment, mayBeThere: ulid !== live?.ulid });
    if (shipped === undefined) {
      const path = `${ulid}/${segment}`;
      log.warn('bodies that were removed in the archive still lie in the recording directory', { path });
      return undefined;
    }
    metrics?.shipped(shipped.entries.bytes + (shipped.bodies?.bytes ?? 0), (deps.nowMs() - startedMs) / 1000);
    return shipped;
  }

  async function announce(segment: SegmentAnnouncement): Promise<void> {
    try {
      await deps.announce?.(segment);
    } catch (error) {
      throw new AnnounceFailed(errorMessage(error));
    }
  }

  /** Wrapped session keys, without a lock: destroying one must stay possible. */
  async function shipKeys({ ulid, keys }: LocalLog): Promise<void> {
    for (const name of keys) {
      const path = `${ulid}/${KEYS}/${name}`;
      if (archived.has(path)) continue;
      if (await isDestroyed(store, path)) {
        log.warn('a key that was destroyed in the archive still lies in the recording directory', { path });
      } else await shipObject(store, { path, bytes: await readFile(join(directory, path)), lock: undefined });
      archived.add(path);
    }
  }

  /**
   * Of a log the first segment stays, which holds its key, and the last that holds a commit: from them the next start, or the
   * registry while this process runs, reads how the log ended. A log that was closed, or ended long ago, goes whole.
   */
  async function clear(local: LocalLog, finished: number): Promise<void> {
    if (deps.keepLocal) return;
    const isLive = local.ulid === live?.ulid;
    const isRead = isLive || (!ended.has(local.ulid) && deps.nowMs() - startedMs < ENDS_STAY_MS);
    const last = isLive ? finished : (local.segments.at(-1)?.segment ?? 0);
    let left = 0;
    for (const { segment } of local.segments) {
      const stays = isRead && (segment === 1 || segment >= last);
      if (!stays && archived.has(`${local.ulid}/${segment}`)) await removeSegment(directory, local.ulid, segment);
      else left += 1;
    }
    if (left === 0 && !isRead) await removeLog(directory, local);
  }

  function note(error: unknown): ShipFailure {
    const why = failureOf(error);
    metrics?.failed(why);
    const fields = { reason: why, error: errorMessage(error) };
    if (why === 'conflict' || why === 'unlocked') log.error('the archive refuses or changes records', fields);
    else log.warn('records could not be archived yet', fields);
    return why;
  }

  return {
    follow: (next) => {
      live = next;
    },
    round,
    nudge() {
      if (underWay === 0) void round();
    },
    get lastFailure() {
      return lastFailure;
    },
  };
}

class AnnounceFailed extends Error {}

function failureOf(error: unknown): ShipFailure {
  if (error instanceof ShipRefused || error instanceof ObjectStoreError) return error.kind;
  return error instanceof AnnounceFailed ? 'announce' : 'local';
}

/** A delete marker over a key and nothing below it is what `destroyKey` leaves. */
async function isDestroyed(store: ObjectStore, path: string): Promise<boolean> {
  const versions = (await store.listVersions(path)).filter((found) => found.path === path);
  return versions.some(({ marker }) => marker) && !versions.some(({ marker }) => !marker);
}

function sum(segments: readonly LocalSegment[]): number {
  return segments.reduce((total, { bytes }) => total + bytes, 0);
}
