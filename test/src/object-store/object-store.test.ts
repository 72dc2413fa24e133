import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ObjectStore } from '@piste/gateway/dist/archive/index.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';
import { describeStore } from './store-contract.js';

let fake: FakeS3;
let store: ObjectStore;

beforeAll(async () => {
  fake = await startFakeS3({ slowMs: 400 });
  store = openFakeStore(fake, 'gateway/a', 250);
});
beforeEach(() => fake.heal());
afterAll(async () => {
  store?.close();
  await fake?.stop();
});

describe('the fake', () => describeStore(() => store));

const NOTE = Buffer.from('a checkpoint');
const noSha = { sha256: '' };

test.each(['500', '503', 'reset', 'slow'] as const)('a call is tried again after %s', async (fault) => {
  fake.fail({ fault, method: 'PUT', key: `again-${fault}`, times: 2 });
  expect(await store.compareAndPut(`again-${fault}`, NOTE, undefined)).toMatchObject({ outcome: 'swapped' });
});

test.each(['500', '503', 'reset', 'slow'] as const)(
  'a call ends after a few tries when it is %s for ever',
  async (fault) => {
    const path = `never-${fault}`;
    fake.fail({ fault, method: 'HEAD', key: path });
    const error: unknown = await store.head(path, undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ObjectStoreError', kind: 'unavailable' });
    expect(String(error)).toMatch(/^ObjectStoreError: archive head: unavailable \(\w+\)$/);
    expect(fake.arrived(path)).toBe(3);
  },
);

test('an error never repeats what a store says, nor credentials', async () => {
  fake.fail({ fault: '500', method: 'GET', key: 'quiet' });
  const error: unknown = await store.get('quiet', 10).catch((thrown: unknown) => thrown);
  expect(String(error)).toBe('ObjectStoreError: archive get: unavailable (InternalError)');
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/nobody|nothing|repeats|authorization|signature/i);
});

test('a write whose answer was lost is known by its bytes', async () => {
  fake.fail({ fault: 'lost', method: 'PUT', key: 'lost-answer', times: 1 });
  const made = await store.compareAndPut('lost-answer', NOTE, undefined);
  expect(made.outcome).toBe('swapped');
  const etag = made.outcome === 'swapped' ? made.etag : undefined;
  fake.fail({ fault: 'lost', method: 'PUT', key: 'lost-answer', times: 1 });
  expect(await store.compareAndPut('lost-answer', Buffer.from('next'), etag)).toMatchObject({ outcome: 'swapped' });
  expect(fake.bucket.versions('gateway/a/lost-answer')).toHaveLength(2);
});

test('a write that lost its answer and the race is told so', async () => {
  const made = await store.compareAndPut('raced', NOTE, undefined);
  const etag = made.outcome === 'swapped' ? made.etag : undefined;
  fake.fail({ fault: 'reset', method: 'PUT', key: 'raced', times: 1 });
  const mine = store.compareAndPut('raced', Buffer.from('mine'), etag);
  const theirs = fake.bucket.put('gateway/a/raced', Buffer.from('theirs'), {
    ifNoneMatch: false,
    ifMatch: undefined,
    mode: undefined,
    retainUntilMs: 0,
    hold: false,
  });
  expect(theirs).toMatchObject({ marker: false });
  expect(await mine).toEqual({ outcome: 'changed' });
});

test('an answer that ends early is read again, and is never taken for the whole', async () => {
  await store.compareAndPut('short', Buffer.from('0123456789'), undefined);
  fake.fail({ fault: 'truncated', method: 'GET', key: 'short', times: 1 });
  expect(Buffer.from((await store.getRange('short', undefined, 0, 10)) ?? []).toString('utf8')).toBe('0123456789');
  fake.fail({ fault: 'truncated', method: 'GET', key: 'short' });
  await expect(store.getRange('short', undefined, 0, 10)).rejects.toMatchObject({ name: 'ObjectStoreError' });
});

test('rights that are missing are no outage', async () => {
  const stranger = openFakeStore({ ...fake, bucketName: 'another' });
  await expect(stranger.putIfAbsent('x', NOTE, noSha)).rejects.toMatchObject({
    kind: 'refused',
    reason: 'NoSuchBucket',
  });
  stranger.close();
});
