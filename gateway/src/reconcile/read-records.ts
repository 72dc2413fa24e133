import { type LogRecord, type OpenKey, readLog } from '@piste/verifier';

/** Streams the records of recording directories with the bodies that reconciling compares. Rejects when one cannot be read. */
export async function* readRecords(directories: readonly string[], openKey?: OpenKey): AsyncGenerator<LogRecord> {
  const keepBody = (name: string): boolean => name === 'sql';
  for (const directory of directories) yield* readLog(directory, { keepBody, openKey });
}
