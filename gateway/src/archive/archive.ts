import type { Log } from '../telemetry/log.js';
import { destroyObject } from './keys.js';
import type { ObjectStore } from './object-store.js';
import { complaintsAbout, probeStore, type StoreCapabilities, shortcomingsOf } from './probe.js';
import type { Retention } from './retention.js';
import type { Announce } from './ship-segment.js';
import { type ArchiveMetrics, createShipper, type LiveLog } from './shipper.js';
import { createSpool, type SpoolLimits } from './spool.js';

/** `required`: a store without working locks is refused. `none`: any store, said loudly and recorded. */
export type Worm = 'required' | 'none';

export interface ArchiveOptions {
  readonly worm: Worm;
  readonly retention: Retention;
  readonly spool: SpoolLimits;
  readonly shipEverySeconds: number;
  /** Keep what is archived on the local disk, too. */
  readonly keepLocal: boolean;
}

export interface ArchiveDeps {
  readonly store: ObjectStore;
  readonly options: ArchiveOptions;
  /** The recording directory. */
  readonly directory: string;
  readonly nowMs: () => number;
  readonly random: (byteCount: number) => Uint8Array;
  readonly timers: { every(milliseconds: number, run: () => void): () => void };
  readonly log: Log;
  readonly metrics?: ArchiveMetrics | undefined;
}

/** What the archive was found to be, for `writer.open`. Integers and plain words only. */
export type ArchiveDescription = Readonly<{
  url: string;
  worm: Worm;
  mode: string;
  entriesDays: number;
  bodiesDays: number;
  can: StoreCapabilities;
}>;

/** The archive of one gateway: an object store to which the recording moves. */
export interface Archive {
  readonly store: ObjectStore;
  readonly description: ArchiveDescription;
  /** Undefined: the store locks nothing, which only `worm: none` permits. */
  readonly retention: Retention | undefined;
  /** Tells how many bytes a commit made durable: they wait for the archive from now on. */
  committed(bytes: number): void;
  /**
   * Why a record of this kind is refused at present, or nothing. Beyond a bound nothing new may begin; where it is the disk
   * that fills, no results either. What ends something is always let through.
   */
  readonly refuses: (kind: string, letsRun: boolean) => string | undefined;
  /** For readiness: why new work is refused, or nothing. */
  readonly trouble: string | undefined;
  /** Begins to ship: what former processes left at once, then what `live` finishes. */
  start(live: LiveLog, announce: Announce | undefined): void;
  /** Stops the clock and ships what is there, for at most `withinMs`. The log must have been closed. */
  close(withinMs: number): Promise<void>;
  /** Destroys an archived key file with all its versions. */
  destroyKey(path: string): Promise<'destroyed' | 'refused'>;
}

/** The store is not one that records may be entrusted to. */
export class ArchiveUnfit extends Error {
  constructor(label: string, complaints: readonly string[]) {
    super(`${label} cannot hold the recording: ${complaints.join('; ')}`);
    this.name = 'ArchiveUnfit';
  }
}

/**
 * Probes the store and prepares to ship to it. Rejects with `ArchiveUnfit` when `worm` is required and the store only pretends,
 * with `ObjectStoreError` when it does not answer.
 */
export async function openArchive(deps: ArchiveDeps): Promise<Archive> {
  const { store, options, log, nowMs } = deps;
  const { retention } = options;
  const can = await probeStore({ store, nowMs, random: deps.random, mode: retention.mode });
  judge(deps, can);
  const spool = createSpool(options.spool, nowMs);
  const locks = can.lock && can.retained ? retention : undefined;
  let stop: (() => void) | undefined;
  let shipper: ReturnType<typeof createShipper> | undefined;

  return Object.freeze({
    store,
    description: {
      url: store.label,
      worm: options.worm,
      mode: locks === undefined ? 'none' : retention.mode.toLowerCase(),
      entriesDays: locks?.entriesDays ?? 0,
      bodiesDays: locks?.bodiesDays ?? 0,
      can,
    },
    retention: locks,
    committed: (bytes: number) => spool.grew(bytes),
    refuses(kind: string, letsRun: boolean) {
      const { blocked } = spool;
      if (blocked === undefined) return undefined;
      const isRefused = letsRun || BEGINNINGS.has(kind) || (blocked === 'bytes' && RESULTS.has(kind));
      return isRefused ? TROUBLE[blocked] : undefined;
    },
    get trouble() {
      return spool.blocked === undefined ? undefined : TROUBLE[spool.blocked];
    },
    start(live: LiveLog, announce: Announce | undefined) {
      shipper = createShipper({
        ...deps,
        retention: locks,
        keepLocal: options.keepLocal,
        announce,
        spool,
        metrics: deps.metrics,
      });
      shipper.follow(live);
      shipper.nudge();
      stop = deps.timers.every(options.shipEverySeconds * 1000, () => shipper?.nudge());
    },
    async close(withinMs: number) {
      stop?.();
      const isDone = await Promise.race([shipper?.round() ?? true, after(withinMs)]);
      if (isDone !== true) log.warn('records wait for the archive; the next start ships them', { bytes: spool.bytes });
      store.close();
    },
    destroyKey: (path: string) => destroyObject(store, path),
  });
}

const BEGINNINGS: ReadonlySet<string> = new Set(['session.open', 'request']);
const RESULTS: ReadonlySet<string> = new Set(['response', 'chunk', 'chunk.piece']);
const TROUBLE = {
  lag: 'records have waited too long for the archive',
  bytes: 'too much waits for the archive',
} as const;

function judge({ store, options, log }: ArchiveDeps, can: StoreCapabilities): void {
  if (options.worm === 'required') {
    const complaints = complaintsAbout(can);
    if (complaints.length > 0) throw new ArchiveUnfit(store.label, complaints);
    return;
  }
  log.warn('the archive need not be write-once: whoever can write to it can take records away', {
    store: store.label,
    complaints: shortcomingsOf(can).join('; '),
  });
}

async function after(milliseconds: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), milliseconds).unref();
  });
}
