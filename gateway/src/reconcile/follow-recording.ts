import { openDirectory, type RecordingSource } from '@piste/verifier';
import {
  type ArchiveLocation,
  type ObjectSource,
  openObjectSource,
  openObjectStore,
  viewSpooledRecording,
} from '../archive/index.js';
import { errorCode, errorMessage } from '../errors.js';
import { createFollowedLogs } from './followed-logs.js';
import type { HistoryRow } from './history-row.js';
import type { TagUse } from './judge-late.js';
import { judgeRows } from './reconcile.js';
import type { ReconcileOptions } from './reconcile-options.js';
import type { RecordIndex } from './record-index.js';
import type { ReconcileReport } from './report.js';

/** What one comparison found. */
export interface Compared {
  readonly report: ReconcileReport;
  /** Queries under signed tags whose records are not here, by writer and index: the next comparison must know them. */
  readonly tags: ReadonlyMap<string, TagUse>;
}

/** Where a gateway's records are. */
export interface RecordingPlace {
  readonly directory: string;
  /** Where its segments move to; undefined: they stay. */
  readonly archive: ArchiveLocation | undefined;
}

/** A gateway's recording, of which each comparison reads only what it grew by. */
export interface FollowedRecording {
  /**
   * Compares rows with the records as they are at this moment. Not two at a time. Where the archive cannot be read, the records on the disk
   * and those read before are compared and nothing is concluded to be complete. Rejects when the records cannot be read.
   */
  compare(rows: readonly HistoryRow[], options: ReconcileOptions): Promise<Compared>;
}

const DAY_MS = 86_400_000;
/** Statements may run for two days by default; a day is left for clocks. Logs that ended earlier have no rows in a history from `fromMs` on. */
const OLDEST_MS = 3 * DAY_MS;
/** A history reaches seven days back and statements run for seven days at most; a day is left for clocks. */
const KEPT_MS = 15 * DAY_MS;
/** Statements that are kept from one comparison to the next: about half a kilobyte each. */
export const MAX_KEPT_STATEMENTS = 500_000;
/** Between a record and the start of what it lets run, at most. */
const START_DELAY_MS = 3_600_000;
/** Each time a segment left the disk while it was about to be read. */
const ATTEMPTS = 5;

export interface FollowOptions {
  readonly keptStatements?: number;
  /** Opens the directory to read. */
  readonly openLocal?: (directory: string) => RecordingSource;
}

/** Follows the recording of a gateway that records at this moment. */
export function followRecording(
  { directory, archive }: RecordingPlace,
  open: (location: ArchiveLocation) => Promise<ObjectSource> = openArchived,
  { keptStatements = MAX_KEPT_STATEMENTS, openLocal = openDirectory }: FollowOptions = {},
): FollowedRecording {
  const followed = createFollowedLogs();
  const local = openLocal(directory);

  /** Reads what the recording grew by. What it returns says how far its logs can be trusted to be here. */
  async function readOn(sinceMs: number): Promise<Partial<ReconcileOptions>> {
    if (archive === undefined) {
      await followed.read(local, 'all');
      return {};
    }
    let complaint = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      let objects: ObjectSource | undefined;
      try {
        objects = await open(archive);
        const { source, copies } = await viewSpooledRecording(local, objects, sinceMs - OLDEST_MS);
        await followed.read(source, copies);
        return { copies };
      } catch (error) {
        complaint = errorMessage(error);
        if (errorCode(error) !== 'ENOENT') break;
      } finally {
        await objects?.close();
      }
    }
    const copies = await followed.read(local, 'part');
    return { copies, recordingComplaint: `the archive cannot be read: ${complaint}` };
  }

  return {
    async compare(rows, options) {
      const sinceMs = options.statementsSinceMs ?? 0;
      if (isForgotten(followed.records().index, rows, sinceMs)) followed.restart();
      const more = await readOn(sinceMs);
      const tags = new Map<string, TagUse>();
      const tellTag = (place: string, use: TagUse): void => void tags.set(place, use);
      const records = followed.records();
      const report = await judgeRows(records, rows, { ...options, ...more, tellTag });
      records.index.forget(options.nowMs - KEPT_MS, keptStatements);
      return { report, tags };
    },
  };
}

/** Whether a statement is forgotten that rows may stand for, or that is to be judged. */
function isForgotten({ forgottenUntilMs }: RecordIndex, rows: readonly HistoryRow[], sinceMs: number): boolean {
  const oldestMs = rows.reduce((oldest, { startMs }) => Math.min(oldest, startMs), sinceMs);
  return forgottenUntilMs > 0 && forgottenUntilMs > oldestMs - START_DELAY_MS;
}

async function openArchived(location: ArchiveLocation): Promise<ObjectSource> {
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void setTimeout(resolve, milliseconds));
  return openObjectSource(await openObjectStore(location, sleep));
}
