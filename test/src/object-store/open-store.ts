import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '@piste/gateway/dist/archive/index.js';
import { createS3Store } from '@piste/gateway/dist/archive/s3-store.js';
import type { FakeS3 } from './fake-s3.js';

const CALL_TIMEOUT_MS = 5_000;

/** The gateway's store over a fake, without waiting between tries. */
export function openFakeStore(fake: FakeS3, prefix = 'gateway/a', callTimeoutMs = CALL_TIMEOUT_MS): ObjectStore {
  return createS3Store({
    client: new S3Client({
      endpoint: fake.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
    bucket: fake.bucketName,
    prefix,
    sleep: () => Promise.resolve(),
    callTimeoutMs,
  });
}
