import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { type ArchivePlace, describeArchive } from './archive-contract.js';
import { startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

async function startPlace(): Promise<ArchivePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-credentials-'));
  const credentials = join(directory, 'credentials');
  await writeFile(credentials, '[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n');
  const fake = await startFakeS3({ plainBucket: true });
  return {
    environment: {
      PISTE_ARCHIVE_URL: `s3://${fake.bucketName}/gateway`,
      PISTE_ARCHIVE_ENDPOINT: fake.endpoint,
      PISTE_ARCHIVE_CREDENTIALS_FILE: credentials,
    },
    open: async () => openFakeStore(fake, 'gateway'),
    halt: async () => fake.fail({ fault: 'reset' }),
    resume: async () => fake.heal(),
    async stop() {
      await fake.stop();
      await rm(directory, { recursive: true });
    },
  };
}

describe('a gateway with an archive', () => describeArchive(startPlace, 'short'));
