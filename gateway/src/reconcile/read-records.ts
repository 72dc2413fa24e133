import { type LogDamage, type LogRecord, type OpenKey, type RecordingSource, readLog } from '@piste/verifier';

/**
 * Streams the records of recordings, directories or sources, with the bodies that reconciling compares and, where they can be opened,
 * the blinds of their digests; returns where logs stop making sense. Rejects when one cannot be read.
 */
export async function* readRecords(
  recordings: readonly (string | RecordingSource)[],
  openKey?: OpenKey,
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const keepBody = (name: string): boolean => name === 'sql';
  const damages: LogDamage[] = [];
  for (const recording of recordings) damages.push(...(yield* readLog(recording, { keepBody, openKey })));
  return damages;
}
