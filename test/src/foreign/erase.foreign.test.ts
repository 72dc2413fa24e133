import { setTimeout as delay } from 'node:timers/promises';
import { describe } from '@jest/globals';
import { openObjectStore } from '@piste/gateway/dist/archive/index.js';
import { describeErasing, type ErasePlaceInTime } from '../object-store/erase-contract.js';
import { startVersitygw } from '../object-store/versitygw.js';

/** Long enough to be refused first, also on a busy machine, and short enough to wait for. */
const LOCKED_MS = 40_000;

async function startPlace(): Promise<ErasePlaceInTime> {
  const server = await startVersitygw();
  await server.makeBucket('recordings', true);
  const { endpoint, credentialsFile } = server;
  const location = { bucket: 'recordings', prefix: 'gateway', endpoint, region: 'us-east-1', credentialsFile };
  return {
    url: 's3://recordings/gateway',
    environment: { PISTE_ARCHIVE_ENDPOINT: endpoint, PISTE_ARCHIVE_CREDENTIALS_FILE: credentialsFile },
    open: () => openObjectStore(location, (milliseconds) => delay(milliseconds)),
    nowMs: Date.now,
    pass: async (milliseconds) => {
      await delay(milliseconds);
    },
    stop: server.stop,
  };
}

describe('erasing on versitygw', () => describeErasing(startPlace, LOCKED_MS));
