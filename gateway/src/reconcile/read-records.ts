import { type LogRecord, readLog } from '@piste/verifier';

/** Streams the records of recording directories with the bodies that reconciling compares. Rejects when one cannot be read. */
export async function* readRecords(directories: readonly string[]): AsyncGenerator<LogRecord> {
  for (const directory of directories) yield* readLog(directory, (name) => name === 'sql');
}
