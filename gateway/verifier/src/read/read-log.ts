import { listDirectory } from './log-files.js';
import { type ScannedRecord, type ScanProblem, scanLog } from './scan.js';

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

/**
 * Streams the records of a recording directory, log by log, oldest first. Returns where logs stop making sense: records
 * behind such a place are not shown. Logs that `wantsLog` turns down by their ULID are not read. Rejects when files cannot be
 * read.
 */
export async function* readLog(
  directory: string,
  keepBody: (name: string) => boolean = () => true,
  wantsLog: (ulid: string) => boolean = () => true,
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const damages: LogDamage[] = [];
  for (const files of (await listDirectory(directory)).logs) {
    if (!wantsLog(files.ulid)) continue;
    const records = scanLog(files, { keepBody, rootsAt: new Set() });
    for (;;) {
      const step = await records.next();
      if (step.done) {
        const { problem, size } = step.value;
        if (problem !== undefined) damages.push({ log: files.ulid, size, problem });
        break;
      }
      yield { ...step.value, log: files.ulid };
    }
  }
  return damages;
}
