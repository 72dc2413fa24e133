import type { OpenKey } from './body-opener.js';
import { openDirectory } from './directory-source.js';
import { listRecording } from './log-files.js';
import { type ScannedRecord, type ScanProblem, scanLog } from './scan.js';
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
  /** Blinds that are known without a key, by their tags. */
  readonly knownBlinds?: ReadonlyMap<string, Uint8Array> | undefined;
}

/**
 * Streams the records of a recording, log by log, oldest first. Returns where logs stop making sense: records behind such a
 * place are not shown. Takes a directory's path or a source, which the caller closes. Rejects when files cannot be read.
 */
export async function* readLog(
  recording: string | RecordingSource,
  options: ReadOptions | ((name: string) => boolean) = {},
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const {
    keepBody = () => true,
    openKey,
    knownBlinds,
  }: ReadOptions = typeof options === 'function' ? { keepBody: options } : options;
  const source = typeof recording === 'string' ? openDirectory(recording) : recording;
  const damages: LogDamage[] = [];
  for (const files of (await listRecording(source)).logs) {
    const groups = scanLog(files, { keepBody, rootsAt: new Set(), openKey, knownBlinds });
    for (;;) {
      const step = await groups.next();
      if (step.done) {
        const { problem, size } = step.value;
        if (problem !== undefined) damages.push({ log: files.ulid, size, problem });
        break;
      }
      for (const record of step.value) yield { ...record, log: files.ulid };
    }
  }
  return damages;
}
