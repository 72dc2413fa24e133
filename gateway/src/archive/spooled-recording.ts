import { isUlid, parseSegmentFileName, type RecordingSource } from '@piste/verifier';
import type { ObjectFile, ObjectSource } from './object-source.js';

/** The records of a recording directory and of the archive its segments move to, as one recording. */
export interface SpooledRecording {
  /** Each segment once. Archived ones without their bodies. Reads what was there when this was made. */
  readonly source: RecordingSource;
  /** Logs (ULID) of which nothing lies in the directory, also those left out: their writers may hold more than they archived. */
  readonly copies: ReadonlySet<string>;
}

/**
 * Lists the directory and then the archive: a segment that leaves the one is in the other before. Of logs that lie only in the
 * archive, those are left out to which nothing was added since `sinceMs`. A segment that leaves the disk after it was listed
 * cannot be read (`ENOENT`): look again. Rejects when either cannot be listed.
 */
export async function viewSpooledRecording(
  local: RecordingSource,
  objects: ObjectSource,
  sinceMs: number,
): Promise<SpooledRecording> {
  const here = (await local.list()).filter(({ path }) => segmentOf(path) !== undefined);
  const hereSegments = new Set(here.map(({ path }) => segmentOf(path)));
  const hereLogs = new Set(here.map(({ path }) => logOf(path)));
  const records = (await objects.list()).filter(({ path }) => path.endsWith('.sfr') && segmentOf(path) !== undefined);
  const young = youngLogs(records, sinceMs);
  const there = records.filter(
    ({ path }) => !hereSegments.has(segmentOf(path)) && (hereLogs.has(logOf(path)) || young.has(logOf(path))),
  );
  const archived = new Set(there.map(({ path }) => path));
  const files = [...here, ...there];
  return {
    source: Object.freeze({
      label: `${local.label} and ${objects.label}`,
      list: () => Promise.resolve(files),
      read: (path: string, from: number, length: number) =>
        archived.has(path) ? objects.read(path, from, length) : local.read(path, from, length),
      close: () => objects.close(),
    }),
    copies: new Set(records.map(({ path }) => logOf(path)).filter((log) => !hereLogs.has(log))),
  };
}

/** A log grows by its last segment; where the store does not tell when, every log is young. */
function youngLogs(records: readonly ObjectFile[], sinceMs: number): ReadonlySet<string> {
  const isYoung = ({ modifiedMs }: ObjectFile): boolean => modifiedMs === 0 || modifiedMs >= sinceMs;
  return new Set(records.filter(isYoung).map(({ path }) => logOf(path)));
}

const logOf = (path: string): string => path.slice(0, path.indexOf('/'));

/** Log and number of a segment, whatever its form; undefined for other files. */
function segmentOf(path: string): string | undefined {
  const log = logOf(path);
  const place = isUlid(log) ? parseSegmentFileName(path.slice(log.length + 1)) : undefined;
  return place === undefined ? undefined : `${log} ${place.segment}`;
}
