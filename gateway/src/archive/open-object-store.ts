import type { ObjectStore } from './object-store.js';
import { type ArchiveLocation, createS3Client } from './s3-client.js';
import { createS3Store } from './s3-store.js';
import type { Sleep } from './store-calls.js';

/** The objects at a location. Nothing is sent before the first call. */
export function openObjectStore(location: ArchiveLocation, sleep: Sleep): ObjectStore {
  return createS3Store({
    client: createS3Client(location),
    bucket: location.bucket,
    prefix: location.prefix,
    sleep,
  });
}
