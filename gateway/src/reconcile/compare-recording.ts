import type { RecordingSource } from '@piste/verifier';
import {
  type ArchiveLocation,
  type ObjectSource,
  openObjectSource,
  openObjectStore,
  viewSpooledRecording,
} from '../archive/index.js';
import { errorCode, errorMessage } from '../errors.js';
import type { HistoryRow } from './history-row.js';
import type { TagUse } from './judge-late.js';
import { readRecords } from './read-records.js';
import { reconcile } from './reconcile.js';
import type { ReconcileOptions } from './reconcile-options.js';
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

/** Statements may run for two days by default; a day is left for clocks. Logs that ended earlier have no rows in a history from `fromMs` on. */
const OLDEST_MS = 3 * 86_400_000;
/** Each time a segment left the disk while it was about to be read. */
const ATTEMPTS = 5;

/**
 * Compares rows with the records of a gateway that records at this moment. Where the archive cannot be read, the records on the
 * disk are compared and nothing is concluded to be complete.
 */
export async function compareRecording(
  { directory, archive }: RecordingPlace,
  rows: readonly HistoryRow[],
  options: ReconcileOptions,
  open: (location: ArchiveLocation) => Promise<ObjectSource> = openArchived,
): Promise<Compared> {
  const compareWith = async (
    recording: string | RecordingSource,
    more: Partial<ReconcileOptions>,
  ): Promise<Compared> => {
    const tags = new Map<string, TagUse>();
    const tellTag = (place: string, use: TagUse): void => void tags.set(place, use);
    return {
      report: await reconcile(readRecords([recording], undefined, options.blinds), rows, {
        ...options,
        ...more,
        tellTag,
      }),
      tags,
    };
  };
  if (archive === undefined) return compareWith(directory, {});
  let complaint = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let objects: ObjectSource | undefined;
    try {
      objects = await open(archive);
      const sinceMs = (options.statementsSinceMs ?? 0) - OLDEST_MS;
      const { source, copies } = await viewSpooledRecording(directory, objects, sinceMs);
      return await compareWith(source, { copies });
    } catch (error) {
      complaint = errorMessage(error);
      if (errorCode(error) !== 'ENOENT') break;
    } finally {
      await objects?.close();
    }
  }
  return compareWith(directory, { recordingComplaint: `the archive cannot be read: ${complaint}` });
}

async function openArchived(location: ArchiveLocation): Promise<ObjectSource> {
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void setTimeout(resolve, milliseconds));
  return openObjectSource(await openObjectStore(location, sleep));
}
