import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { complaintsAbout, type ObjectStore, openObjectStore, probeStore } from '@piste/gateway/dist/archive/index.js';
import { describeStore } from '../object-store/store-contract.js';
import { type S3Server, startVersitygw } from '../object-store/versitygw.js';

let server: S3Server;
let locked: ObjectStore;
const stores: ObjectStore[] = [];

async function open(bucket: string): Promise<ObjectStore> {
  const store = await openObjectStore(
    {
      bucket,
      prefix: 'gateway/a',
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentialsFile: server.credentialsFile,
    },
    (milliseconds) => delay(milliseconds),
  );
  stores.push(store);
  return store;
}

beforeAll(async () => {
  server = await startVersitygw();
  await server.makeBucket('locked', true);
  await server.makeBucket('plain', false);
  locked = await open('locked');
}, 60_000);
afterAll(async () => {
  for (const store of stores) store.close();
  await server?.stop();
});

describe('versitygw', () => describeStore(() => locked));

test('the probe finds everything there', async () => {
  const can = await probeStore({
    store: await open('locked'),
    nowMs: Date.now,
    random: randomBytes,
    mode: 'COMPLIANCE',
  });
  expect(Object.entries(can).filter(([, holds]) => !holds)).toEqual([]);
});

test('the probe sees that the root account may bypass governance locks', async () => {
  const can = await probeStore({
    store: await open('locked'),
    nowMs: Date.now,
    random: randomBytes,
    mode: 'GOVERNANCE',
  });
  expect(complaintsAbout(can)).toEqual([
    'undeletable: a locked object could be deleted with the credential of the gateway',
  ]);
});

test('the probe refuses a bucket without locks', async () => {
  const can = await probeStore({
    store: await open('plain'),
    nowMs: Date.now,
    random: randomBytes,
    mode: 'GOVERNANCE',
  });
  expect(can).toMatchObject({ lock: false, retained: false, undeletable: false });
});
