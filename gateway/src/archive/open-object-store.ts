import type { ObjectStore } from './object-store.js';
import type { ArchiveLocation } from './s3-client.js';
import type { Sleep } from './store-calls.js';

/** Longest time of one try of one call, and how many tries it has. */
export interface CallLimits {
  readonly callTimeoutMs: number;
  readonly tries: number;
}

/** The objects at a location. Loads the SDK, which a gateway without an archive need not; sends nothing yet. */
export async function openObjectStore(
  location: ArchiveLocation,
  sleep: Sleep,
  limits?: CallLimits,
): Promise<ObjectStore> {
  const [{ createS3Client }, { createS3Store }] = await Promise.all([
    import('./s3-client.js'),
    import('./s3-store.js'),
  ]);
  const { bucket, prefix } = location;
  return createS3Store({ client: createS3Client(location), bucket, prefix, sleep, ...limits });
}
