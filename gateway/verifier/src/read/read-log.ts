import type { OpenKey } from './body-opener.js';
import { openDirectory } from './directory-source.js';
import { type LogFiles, listRecording } from './log-files.js';
import {
  type ScannedRecord,
  type ScanOptions,
  type ScanProblem,
  type ScanResult,
  type ScanState,
  scanLog,
} from './scan.js';
import type { RecordingSource } from './source.js';

/** A record with its whole bodies, proven by its own log's key; whose key that is, only `verifyDirectories` can say. */
export interface LogRecord extends ScannedRecord {
  /** ULID of its log. */
  readonly log: string;
}

/** Where a log stops being readable. */
export interface LogDamage {
  readonly log: string;
  readonly size: number;
  readonly problem: ScanProblem;
}

export interface ReadOptions {
  /** Bodies to hold; all of them by default. */
  readonly keepBody?: (name: string) => boolean;
  /** Opens session keys; without it encrypted bodies stay unread. */
  readonly openKey?: OpenKey | undefined;
}

/**
 * Streams the records of a recording, log by log, oldest first. Returns where logs stop making sense: records behind such a
 * place are not shown. Takes a directory's path or a source, which the caller closes. Rejects when files cannot be read.
 */
export async function* readLog(
  recording: string | RecordingSource,
  options: ReadOptions | ((name: string) => boolean) = {},
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const { keepBody = () => true, openKey }: ReadOptions =
    typeof options === 'function' ? { keepBody: options } : options;
  const source = typeof recording === 'string' ? openDirectory(recording) : recording;
  const damages: LogDamage[] = [];
  for (const files of (await listRecording(source)).logs) {
    const { problem, size } = yield* readOneLog(files, { keepBody, rootsAt: new Set(), openKey });
    if (problem !== undefined) damages.push({ log: files.ulid, size, problem });
  }
  return damages;
}

/** Streams the records of one log; with a state, those that follow what was read with it before. Returns what `scanLog` does. */
export async function* readOneLog(
  files: LogFiles,
  options: ScanOptions,
  state?: ScanState,
): AsyncGenerator<LogRecord, ScanResult> {
  const groups = scanLog(files, options, state);
  for (;;) {
    const step = await groups.next();
    if (step.done) return step.value;
    for (const record of step.value) yield { ...record, log: files.ulid };
  }
}
