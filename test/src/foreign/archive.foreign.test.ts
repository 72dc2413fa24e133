import { setTimeout as delay } from 'node:timers/promises';
import { describe } from '@jest/globals';
import { openObjectStore } from '@piste/gateway/dist/archive/index.js';
import { type ArchivePlace, describeArchive } from '../object-store/archive-contract.js';
import { startVersitygw } from '../object-store/versitygw.js';

async function startPlace(): Promise<ArchivePlace> {
  const server = await startVersitygw();
  await server.makeBucket('recordings', true);
  await server.makeBucket('plain', false);
  const { endpoint, credentialsFile } = server;
  return {
    environment: {
      PISTE_ARCHIVE_URL: 's3://recordings/gateway',
      PISTE_ARCHIVE_ENDPOINT: endpoint,
      PISTE_ARCHIVE_CREDENTIALS_FILE: credentialsFile,
    },
    open: () =>
      openObjectStore(
        { bucket: 'recordings', prefix: 'gateway', endpoint, region: 'us-east-1', credentialsFile },
        (milliseconds) => delay(milliseconds),
      ),
    halt: server.halt,
    resume: server.resume,
    stop: server.stop,
  };
}

describe('a gateway with an archive on versitygw', () => describeArchive(startPlace, 'long'));
