import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { blindTag } from '@piste/verifier';
import { createMemoryStore, createRedisStore, createSealer, type Store, StoreUnavailable } from '../store/index.js';
import { type RedisProcess, startRedisProcess } from '../store/redis-process.js';
import { createSessionBlinds } from './session-blinds.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const timers = {
  after: (milliseconds: number, run: () => void) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
/** A busy machine is not a lost store. */
const patient = { after: () => () => undefined };
const SEALER = createSealer(Buffer.alloc(32, 7));

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
});
afterAll(() => redis.dispose());

describe.each(['memory', 'redis'])('blinds in %s', (kind) => {
  let store: Store;
  beforeEach(() => {
    store =
      kind === 'memory'
        ? createMemoryStore({ clock: Date.now })
        : createRedisStore({ url: redis.url, keyPrefix: `${crypto.randomUUID()}:`, log: SILENT });
  });
  afterEach(() => store.close());
  const blindsOf = (over: Store = store, sealer = SEALER, clock: typeof timers = patient) =>
    createSessionBlinds({ store: over, sealer, timers: clock, random: randomBytes, log: SILENT });

  test('are the same at every gateway, whoever asks first, and another for each session', async () => {
    const gateways = [blindsOf(), blindsOf(), blindsOf()];
    const blinds = await Promise.all(gateways.map((blinds) => blinds.of('s')));
    expect(new Set(blinds.map((blind) => Buffer.from(blind).toString('hex'))).size).toBe(1);
    expect(blinds[0]).toHaveLength(32);
    expect(await blindsOf().of('s')).toEqual(blinds[0]);
    expect(await blindsOf().of('other')).not.toEqual(blinds[0]);
  });

  test('lie there sealed, also after the session is over, and are gone once they shall be forgotten', async () => {
    const blinds = blindsOf();
    const blind = Buffer.from(await blinds.of('s'));
    const { value = '' } = (await store.get('blind:s')) ?? {};
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(value).not.toContain(blind.toString(encoding));
    blinds.end('s');
    expect(Buffer.from(await blindsOf().of('s'))).toEqual(blind);
    blinds.forget('s');
    await expect(blindsOf().of('s')).resolves.not.toEqual(Uint8Array.from(blind));
  });

  test('are known to every gateway that can open them, until they are forgotten', async () => {
    const [one, two] = [blindsOf(), blindsOf()];
    expect(await two.known()).toEqual(new Map());
    const made = await Promise.all(Array.from({ length: 70 }, (_, index) => one.of(`s${index}`)));
    const all = new Map(made.map((blind) => [blindTag(blind), blind]));
    expect(await two.known()).toEqual(all);
    expect(await blindsOf(store, createSealer(Buffer.alloc(32, 8))).known()).toEqual(new Map());
    one.forget('s0');
    all.delete(blindTag(made[0] ?? Buffer.alloc(0)));
    for (let attempt = 0; (await store.get('blind:s0')) !== undefined; attempt += 1) expect(attempt).toBeLessThan(1000);
    expect(await two.known()).toEqual(all);
  });

  test('that cannot be opened are made anew, for this gateway alone', async () => {
    const blind = await blindsOf().of('s');
    const stranger = blindsOf(store, createSealer(Buffer.alloc(32, 8)));
    const own = await stranger.of('s');
    expect(own).toHaveLength(32);
    expect(own).not.toEqual(blind);
    expect(await blindsOf().of('s')).toEqual(blind);
  });

  test.each([
    ['is lost', () => Promise.reject(new StoreUnavailable('gone'))],
    ['does not answer', () => new Promise<never>(() => undefined)],
  ])('are made here where the store %s', async (_what, create) => {
    const blinds = blindsOf({ ...store, create, touch: create, delete: create }, SEALER, timers);
    expect(await blinds.of('s')).toHaveLength(32);
    blinds.end('s');
    blinds.forget('s');
  });
});
