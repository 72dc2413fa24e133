import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  complaintsAbout,
  createRegistryObjects,
  type ObjectStore,
  openObjectSource,
  openObjectStore,
  probeStore,
} from '@piste/gateway/dist/archive/index.js';
import { openRegistryLog } from '@piste/gateway/dist/registry/index.js';
import { testIdentity } from '@piste/gateway/dist/registry/registry-fixture.js';
import { readRegistry } from '@piste/verifier';
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

test('gateways that append to one registry in the bucket at once lose nothing and sign one tree', async () => {
  const nowMs = Date.now;
  const gateways = await Promise.all(
    [1, 2, 3].map(async () => {
      const objects = createRegistryObjects({ store: await open('locked'), retention: undefined, nowMs });
      return openRegistryLog({ store: objects, signer: testIdentity(), nowMs });
    }),
  );
  const places = await Promise.all(
    gateways.flatMap((gateway, number) =>
      Array.from({ length: 6 }, (_, at) => gateway.append([{ kind: 'tick', fields: { note: `${number} ${at}` } }])),
    ),
  );
  expect(new Set(places).size).toBe(18);
  const source = openObjectSource(locked);
  const { registry, findings } = await readRegistry(source);
  expect(findings).toEqual([]);
  const notes = registry?.entries.map(({ fields }) => fields['note']).filter((note) => note !== undefined);
  expect(new Set(notes).size).toBe(18);
}, 60_000);

test('the probe refuses a bucket without locks', async () => {
  const can = await probeStore({
    store: await open('plain'),
    nowMs: Date.now,
    random: randomBytes,
    mode: 'GOVERNANCE',
  });
  expect(can).toMatchObject({ lock: false, retained: false, undeletable: false });
});
