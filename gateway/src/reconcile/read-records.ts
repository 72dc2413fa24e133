import { type LogRecord, type OpenKey, type RecordingSource, readLog } from '@piste/verifier';

/** Streams the records of recordings, directories or sources, with the bodies that reconciling compares. Rejects when one cannot be read. */
export async function* readRecords(
  recordings: readonly (string | RecordingSource)[],
  openKey?: OpenKey,
): AsyncGenerator<LogRecord> {
  const keepBody = (name: string): boolean => name === 'sql';
  for (const recording of recordings) yield* readLog(recording, { keepBody, openKey });
}
