import { type LogDamage, type LogRecord, type OpenKey, type RecordingSource, readLog } from '@piste/verifier';

/**
 * Streams the records of recordings, directories or sources, with the bodies that reconciling compares and the blinds of their digests; returns where logs stop
 * making sense. Rejects when one cannot be read.
 */
export async function* readRecords(
  recordings: readonly (string | RecordingSource)[],
  openKey?: OpenKey,
  knownBlinds?: ReadonlyMap<string, Uint8Array>,
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const keepBody = (name: string): boolean => name === 'sql';
  const damages: LogDamage[] = [];
  for (const recording of recordings) damages.push(...(yield* readLog(recording, { keepBody, openKey, knownBlinds })));
  return damages;
}
