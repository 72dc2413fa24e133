import { type ObjectStore, openObjectStore } from '../archive/index.js';
import { parseArchiveUrl } from '../config/index.js';
import { type CliIo, UsageError } from './io.js';

/** The store at `s3://bucket/prefix`, with the endpoint, region and credentials of `PISTE_ARCHIVE_…`. Sends nothing yet. */
export async function openArchiveStore(
  name: string,
  { environment, sleep }: Pick<CliIo, 'environment' | 'sleep'>,
): Promise<ObjectStore> {
  const place = parseArchiveUrl(name);
  if (place === undefined) throw new UsageError(`${name} is not s3://bucket/prefix`);
  return openObjectStore(
    {
      ...place,
      endpoint: environment['PISTE_ARCHIVE_ENDPOINT'] || undefined,
      region: environment['PISTE_ARCHIVE_REGION'] || 'us-east-1',
      credentialsFile: environment['PISTE_ARCHIVE_CREDENTIALS_FILE'] || undefined,
    },
    sleep,
  );
}
