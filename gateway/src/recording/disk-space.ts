import { mkdir, statfs } from 'node:fs/promises';
import type { EntryKind } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';

/** A record about to be appended. */
export interface RecordSize {
  readonly bytes: number;
  /** Of records that were taken and wait for the disk. */
  readonly queuedBytes: number;
}

/**
 * Room on the volume of the log. After a failed write nothing is written any more, so records are refused before the volume is
 * full: first what begins something, last what ends it.
 */
export interface DiskSpace {
  /** Why the record must not be written now, or nothing. `letsRun`: a statement would run on it. */
  refuses(kind: EntryKind, letsRun: boolean, size: RecordSize): string | undefined;
  /** A commit made this many bytes durable. */
  committed(bytes: number): void;
  /** For readiness: why new statements are refused, or nothing. */
  readonly trouble: string | undefined;
  close(): void;
}

export interface DiskSpaceDeps {
  readonly directory: string;
  /** Below this nothing new begins; 0: the volume is not looked at. */
  readonly minFreeBytes: number;
  readonly timers: { every(milliseconds: number, run: () => void): () => void };
  readonly log: Log;
  readonly metrics?: { free(bytes: number): void; blocked(isBlocked: boolean): void };
  /** Bytes that the volume still takes from us. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

const LOOK_EVERY_MS = 1_000;
/** Refusals are answers too, and smaller than this. */
const LARGE_RESULT_BYTES = 64 * 1024;
const RESULTS: ReadonlySet<EntryKind> = new Set(['response', 'chunk', 'chunk.piece']);
const BEGINNINGS: ReadonlySet<EntryKind> = new Set(['session.open', 'request']);
const ENDINGS: ReadonlySet<EntryKind> = new Set(['session.close', 'session.refused']);

const LOW = 'the volume of the recording has too little space left';

/** Which share of `minFreeBytes` a record leaves untouched. */
function shareKept(kind: EntryKind, letsRun: boolean, bytes: number): number {
  if (letsRun || BEGINNINGS.has(kind)) return 1;
  if (ENDINGS.has(kind)) return 0;
  return RESULTS.has(kind) && bytes > LARGE_RESULT_BYTES ? 1 / 2 : 1 / 4;
}

/** Looks at the volume, and again every second. Rejects when the folder cannot be made or its volume not be asked. */
export async function openDiskSpace(deps: DiskSpaceDeps): Promise<DiskSpace> {
  const { directory, minFreeBytes, timers, log, metrics, freeBytes = freeBytesOf } = deps;
  if (minFreeBytes === 0) return UNWATCHED;
  let found = 0;
  /** Bytes committed in all, and those of them that the last look may have seen. */
  let committed = 0;
  let seen = 0;
  let isLow = false;

  const left = (queuedBytes: number): number => found - (committed - seen) - queuedBytes;

  async function look(): Promise<void> {
    const before = committed;
    found = await freeBytes(directory);
    seen = before;
    const wasLow = isLow;
    isLow = found < minFreeBytes;
    metrics?.free(found);
    metrics?.blocked(isLow);
    if (isLow && !wasLow) log.error(`${LOW}: nothing new runs`, { bytes: found });
    if (wasLow && !isLow) log.info('the volume of the recording has space again', { bytes: found });
  }

  await mkdir(directory, { recursive: true, mode: 0o700 });
  await look();
  let isLooking = false;
  const stop = timers.every(LOOK_EVERY_MS, () => {
    // A volume that does not answer is asked once; until it does, what was committed since counts.
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((error: unknown) => {
        found = 0;
        isLow = true;
        metrics?.blocked(true);
        log.error('the volume of the recording cannot be asked for its space', { error: errorMessage(error) });
      })
      .finally(() => {
        isLooking = false;
      });
  });
  return Object.freeze({
    refuses(kind: EntryKind, letsRun: boolean, { bytes, queuedBytes }: RecordSize) {
      const share = shareKept(kind, letsRun, bytes);
      return share > 0 && left(queuedBytes) - bytes < minFreeBytes * share ? LOW : undefined;
    },
    committed(bytes: number) {
      committed += bytes;
    },
    get trouble() {
      return left(0) < minFreeBytes ? LOW : undefined;
    },
    close: stop,
  });
}

const UNWATCHED: DiskSpace = Object.freeze({
  refuses: () => undefined,
  committed: () => undefined,
  trouble: undefined,
  close: () => undefined,
});

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
