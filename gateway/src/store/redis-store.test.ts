import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { parseRedisUrl } from './redis-connection.js';
import { type RedisProcess, startRedisProcess } from './redis-process.js';
import { createRedisStore, type RedisStoreDeps } from './redis-store.js';
import type { Store } from './store.js';
import { describeStoreContract } from './store-contract.js';
import { StoreUnavailable } from './store-unavailable.js';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const isAnswering = (store: Store) =>
  store.ping().then(
    () => true,
    () => false,
  );

async function eventually<T>(isSo: () => Promise<T | undefined | false>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const result = await isSo();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) throw new Error(`did not happen within ${withinMs} ms`);
    await pause(20);
  }
}

describeStoreContract('the Redis store', async () => {
  const server = await startRedisProcess();
  return {
    open: () => createRedisStore({ url: server.url, keyPrefix: 'piste:' }),
    pass: (seconds) => pause(seconds * 1000),
    dispose: () => server.dispose(),
  };
});

describe('the Redis store and its server', () => {
  let server: RedisProcess;
  let open: Store[] = [];
  beforeAll(async () => {
    server = await startRedisProcess({ password: 'pass:w@rd/1' });
  });
  afterAll(() => server?.dispose());
  beforeEach(() => server.start());
  afterEach(async () => {
    server.thaw();
    for (const store of open) await store.close();
    open = [];
  });

  function connect(more: Partial<RedisStoreDeps> = {}): Store {
    const store = createRedisStore({ url: server.url, keyPrefix: 'piste:', commandTimeoutMs: 10_000, ...more });
    open.push(store);
    return store;
  }

  /** How the call failed. A timer says whether it was in time: on a busy machine it comes late as those of the store do. */
  async function failure(call: Promise<unknown>, withinMs = 1_000): Promise<unknown> {
    const outcome = call.then(
      () => 'no failure',
      (thrown: unknown) => thrown,
    );
    return Promise.race([outcome, pause(withinMs).then(() => `nothing within ${withinMs} ms`)]);
  }

  test('two prefixes on one server do not meet', async () => {
    const one = connect({ keyPrefix: 'one:' });
    const two = connect({ keyPrefix: 'two:' });
    let calls = 0;
    await two.watch('key', () => (calls += 1));
    expect(await one.create('key', 'x', 60)).toBe(true);
    expect(await two.get('key')).toBeUndefined();
    expect(await two.keys('', 10)).toEqual([]);
    expect(await two.create('key', 'y', 60)).toBe(true);
    await eventually(async () => calls > 0);
    expect(calls).toBe(1);
    expect(await one.keys('', 10)).toEqual(['key']);
  });

  test('a flushed script cache goes unnoticed', async () => {
    const store = connect();
    await store.create('scripted', 'x', 60);
    const admin = new Redis(server.url);
    await admin.script('FLUSH');
    admin.disconnect();
    const version = (await store.get('scripted'))?.version ?? '';
    expect(await store.replace('scripted', version, 'y', 60)).toBe(true);
    expect(await store.touch('scripted', 60)).toBe(true);
    expect(await store.delete('scripted')).toBe(true);
  });

  test('a server that ends is StoreUnavailable within the timeout, and its return is noticed', async () => {
    const store = connect({ commandTimeoutMs: 400 });
    await eventually(() => isAnswering(store));
    await server.stop();
    for (const call of [
      () => store.get('x'),
      () => store.create('x', 'y', 60),
      () => store.keys('', 1),
      () => store.ping(),
    ]) {
      expect(await failure(call())).toBeInstanceOf(StoreUnavailable);
    }
    await pause(600);
    // Once the loss is plain, nobody waits any more.
    expect(await failure(store.get('x'), 400)).toBeInstanceOf(StoreUnavailable);
    await server.start();
    await eventually(() => store.create('back', 'x', 60).catch(() => false));
    expect((await store.get('back'))?.value).toBe('x');
  });

  test('a server that holds the line but answers nothing is StoreUnavailable within the timeout, then at once', async () => {
    const store = connect({ commandTimeoutMs: 600 });
    await eventually(() => isAnswering(store));
    server.freeze();
    const [error] = await Promise.all([failure(store.get('x'), 1_050), failure(store.create('y', 'z', 60), 1_050)]);
    expect(error).toBeInstanceOf(StoreUnavailable);
    // The mute connection is dropped after twice the timeout, and the grace for a new one passes.
    await pause(1_500);
    expect(await failure(store.get('x'), 400)).toBeInstanceOf(StoreUnavailable);
    server.thaw();
    await eventually(() => isAnswering(store));
  });

  test('tells its metrics whether it is up and how long each call took', async () => {
    const told: unknown[] = [];
    let nowMs = 0;
    const metrics = { up: (isUp: boolean) => told.push(isUp), call: (...label: unknown[]) => told.push(label) };
    const store = connect({
      metrics,
      stopwatch: () => {
        nowMs += 5;
        return nowMs;
      },
    });
    await store.create('measured', 'x', 60);
    await store.get('measured');
    expect(told).toEqual([false, true, ['create', 0.005], ['get', 0.005]]);
    await server.stop();
    await failure(store.ping());
    expect(told.slice(4)).toContainEqual(['ping', 0.005]);
    await eventually(async () => told.slice(4).includes(false));
    await server.start();
    await eventually(() => isAnswering(store));
    expect(told.filter((one) => typeof one === 'boolean')).toEqual([false, true, false, true]);
  });

  test('a server that was never there is StoreUnavailable, for watchers too', async () => {
    await server.stop();
    const store = connect({ commandTimeoutMs: 400 });
    for (const call of [store.get('x'), store.watch('x', () => undefined)]) {
      expect(await failure(call)).toBeInstanceOf(StoreUnavailable);
    }
    await server.start();
    await eventually(() => isAnswering(store));
    let calls = 0;
    await eventually(() => store.watch('x', () => (calls += 1)).catch(() => undefined));
    await store.create('x', 'y', 60);
    await eventually(async () => calls > 0);
  });

  test('after a reconnect every watcher is called once and goes on hearing', async () => {
    const store = connect();
    const writer = connect();
    const calls = new Map<string, number>();
    for (const key of ['w1', 'w2', 'w3']) await store.watch(key, () => calls.set(key, (calls.get(key) ?? 0) + 1));
    await server.stop();
    await server.start();
    await eventually(async () => calls.size === 3);
    expect([...calls.values()]).toEqual([1, 1, 1]);
    await eventually(() => writer.create('w2', 'x', 60).catch(() => false));
    await eventually(async () => calls.get('w2') === 2);
    expect(calls.get('w1')).toBe(1);
  });

  test('commands sent while the server is away are not run when it returns', async () => {
    const store = connect();
    await store.ping();
    await server.stop();
    await Promise.allSettled(Array.from({ length: 200 }, (_, at) => store.create(`late/${at}`, 'x', 60)));
    await server.start();
    await eventually(() => isAnswering(store));
    expect(await store.keys('late/', 500)).toEqual([]);
  });

  test('a wrong password is StoreUnavailable, and neither it nor any value shows in errors and log lines', async () => {
    const lines: unknown[] = [];
    const log = {
      info: (...line: unknown[]) => void lines.push(line),
      warn: (...line: unknown[]) => void lines.push(line),
    };
    const url = server.url.replace(/:[^:@/]+@/, ':Wr0ng-Secret@');
    const refused = await failure(connect({ url, log, commandTimeoutMs: 400 }).create('key', 'Sealed-Value', 60));
    expect(refused).toBeInstanceOf(StoreUnavailable);
    const store = connect({ log, commandTimeoutMs: 400 });
    await eventually(() => isAnswering(store));
    server.freeze();
    const lost = await failure(store.create('key', 'Sealed-Value', 60));
    expect(lost).toBeInstanceOf(StoreUnavailable);
    expect(String(lost)).toContain('Command timed out');
    expect(JSON.stringify(lines)).toContain('WRONGPASS');
    const seen = inspect([refused, lost, lines], { depth: 10, showHidden: true });
    expect(lines.length).toBeGreaterThan(0);
    expect(seen).not.toContain('Wr0ng-Secret');
    expect(seen).not.toContain('Sealed-Value');
    expect(seen).not.toContain('w@rd');
    expect(seen).not.toContain(encodeURIComponent('w@rd'));
  });
});

describe('the Redis store over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'piste-tls-'));
  const cert = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  let server: RedisProcess;
  beforeAll(async () => {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    server = await startRedisProcess({ password: 'secret', tls: { cert, key, ca: cert } });
  });
  afterAll(async () => {
    await server?.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  test('speaks TLS to a server whose authority it was given, and watches there too', async () => {
    const url = server.url.replace('127.0.0.1', 'localhost');
    const store = createRedisStore({ url, keyPrefix: 'piste:', tls: { ca: readFileSync(cert, 'utf8') } });
    let calls = 0;
    await store.watch('key', () => (calls += 1));
    expect(await store.create('key', 'x', 60)).toBe(true);
    await eventually(async () => calls === 1);
    await store.close();
  });

  test('refuses a server whose certificate nobody vouches for or that has another name', async () => {
    const url = server.url.replace('127.0.0.1', 'localhost');
    const unknown = createRedisStore({ url, keyPrefix: 'piste:', commandTimeoutMs: 400 });
    await expect(unknown.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await unknown.close();
    const tls = { ca: readFileSync(cert, 'utf8') };
    const misnamed = createRedisStore({ url: server.url, keyPrefix: 'piste:', tls, commandTimeoutMs: 400 });
    await expect(misnamed.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await misnamed.close();
  });

  test('can be closed at any moment of a handshake, and no error of the connection is left to end the process', async () => {
    const url = server.url.replace('127.0.0.1', 'localhost');
    for (let round = 0; round < 60; round += 1) {
      const store = createRedisStore({ url, keyPrefix: 'piste:', commandTimeoutMs: 400 });
      const answer = isAnswering(store);
      await pause(round % 12);
      await store.close();
      expect(await answer).toBe(false);
    }
    // Whatever the last of them still says.
    await pause(200);
  });
});

describe('parseRedisUrl', () => {
  test.each([
    ['redis://host', { host: 'host', port: 6379, db: 0 }],
    ['redis://host:7000/3', { host: 'host', port: 7000, db: 3 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000, db: 0 }],
    ['rediss://127.0.0.1', { host: '127.0.0.1', port: 6379, db: 0, tls: {} }],
    ['redis://:p%40ss@host', { host: 'host', port: 6379, db: 0, password: 'p@ss' }],
    [
      'rediss://me:pass@host/0',
      { host: 'host', port: 6379, db: 0, username: 'me', password: 'pass', tls: { servername: 'host' } },
    ],
  ])('reads %s', (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected);
  });

  test.each([
    '',
    'host:6379',
    'http://:secret@host',
    'redis://:secret@',
    'redis://:secret@host/x',
    'redis://:secret@host?family=6',
    'redis://:secret%ZZ@host',
  ])('refuses %j without repeating it', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(RangeError);
    expect(() => parseRedisUrl(url)).not.toThrow(/secret/);
  });
});
