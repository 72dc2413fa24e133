import { setTimeout as delay } from 'node:timers/promises';
import { type Finding, openDirectory, type RecordingSource } from '@piste/verifier';
import { examineArchive, openObjectSource, openObjectStore } from '../archive/index.js';
import { parseArchiveUrl } from '../config/index.js';
import type { CliIo } from './io.js';
import { UsageError } from './io.js';

/** Where a recording lies, as a person names it. */
export interface Place {
  readonly source: RecordingSource;
  /** What is to say beside the recording's bytes: of a bucket, what only the store can tell. */
  examine(): Promise<readonly Finding[]>;
}

/** Opens a directory, or `s3://bucket/prefix` with the endpoint, region and credentials of `PISTE_ARCHIVE_…`. */
export async function openPlace(name: string, io: CliIo): Promise<Place> {
  if (!name.startsWith('s3://')) return { source: openDirectory(name), examine: () => Promise.resolve([]) };
  const place = parseArchiveUrl(name);
  if (place === undefined) throw new UsageError(`${name} is not s3://bucket/prefix`);
  const { environment } = io;
  const store = await openObjectStore(
    {
      ...place,
      endpoint: environment['PISTE_ARCHIVE_ENDPOINT'] || undefined,
      region: environment['PISTE_ARCHIVE_REGION'] || 'us-east-1',
      credentialsFile: environment['PISTE_ARCHIVE_CREDENTIALS_FILE'] || undefined,
    },
    async (milliseconds) => delay(milliseconds),
  );
  const source = openObjectSource(store);
  return {
    source,
    examine: async () =>
      (await examineArchive(source, io.nowMs())).map(({ severity, code, message }) => ({ severity, code, message })),
  };
}
