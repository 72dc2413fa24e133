import type { ObjectStore } from './object-store.js';
import type { ArchiveLocation } from './s3-client.js';
import type { Sleep } from './store-calls.js';

/** The objects at a location. Loads the SDK, which a gateway without an archive need not; sends nothing yet. */
export async function openObjectStore(location: ArchiveLocation, sleep: Sleep): Promise<ObjectStore> {
  const [{ createS3Client }, { createS3Store }] = await Promise.all([
    import('./s3-client.js'),
    import('./s3-store.js'),
  ]);
  const { bucket, prefix } = location;
  return createS3Store({ client: createS3Client(location), bucket, prefix, sleep });
}
