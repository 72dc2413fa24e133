import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { JWK } from 'jose';
import { errors, exportJWK, generateKeyPair } from 'jose';
import type { IssuerKeys } from './issuer-keys.js';
import { createIssuerKeys, IssuerUnavailable } from './issuer-keys.js';

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const MINUTE = 60_000;

/** An issuer whose answers a test can change. */
interface World {
  nowMs: number;
  status: number;
  document: (path: string, url: string) => unknown;
  readonly fetches: string[];
  readonly url: string;
  readonly keys: IssuerKeys;
}

const closing: Array<() => void> = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function newKey(kid: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
}

const keysAndDiscovery = (keys: readonly JWK[]) => (path: string, url: string) =>
  path === '/keys' ? { keys } : { issuer: url, jwks_uri: `${url}/keys` };

async function newWorld(keys: readonly JWK[]): Promise<World> {
  const fetches: string[] = [];
  const server = createServer((request, response) => {
    fetches.push(request.url ?? '');
    response.writeHead(world.status, { location: '/elsewhere' });
    response.end(JSON.stringify(world.document(request.url ?? '', world.url)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const issuerKeys = createIssuerKeys({
    clock: () => world.nowMs,
    log: silent,
    fetch: (url, init) => fetch(url, init),
    allowInsecureIssuers: false,
  });
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const world: World = {
    nowMs: 1_000_000,
    status: 200,
    document: keysAndDiscovery(keys),
    fetches,
    url,
    keys: issuerKeys,
  };
  return world;
}

const find = (world: World, kid: string, jwksUri?: string) =>
  world.keys.find({ url: world.url, jwksUri }, { alg: 'ES256', kid }, { payload: '', signature: '' });

describe('keys of an issuer', () => {
  test('are found by discovery, or straight at the given address', async () => {
    const world = await newWorld([await newKey('a')]);
    await find(world, 'a');
    expect(world.fetches).toEqual(['/.well-known/openid-configuration', '/keys']);
    await find(world, 'a', `${world.url}/keys`);
    expect(world.fetches).toHaveLength(3);
  });

  test('are fetched once for many tokens at once', async () => {
    const world = await newWorld([await newKey('a')]);
    await Promise.all(Array.from({ length: 20 }, () => find(world, 'a')));
    expect(world.fetches).toHaveLength(2);
  });

  test('are fetched again for a new key id, but only once per cool-down for made-up ones', async () => {
    const world = await newWorld([await newKey('a')]);
    await find(world, 'a');
    world.nowMs += MINUTE;
    world.document = keysAndDiscovery([await newKey('b')]);
    await find(world, 'b');
    const before = world.fetches.length;
    for (const kid of ['x', 'y', 'z']) await expect(find(world, kid)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
    expect(world.fetches).toHaveLength(before);
  });

  test('that were withdrawn are forgotten after ten minutes', async () => {
    const world = await newWorld([await newKey('a')]);
    await find(world, 'a');
    world.document = keysAndDiscovery([await newKey('b')]);
    world.nowMs += 11 * MINUTE;
    await expect(find(world, 'a')).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
  });

  test('serve for an hour while the issuer fails, and no longer', async () => {
    const world = await newWorld([await newKey('a')]);
    await find(world, 'a');
    world.status = 500;
    world.nowMs += 59 * MINUTE;
    await find(world, 'a');
    world.nowMs += 2 * MINUTE;
    await expect(find(world, 'a')).rejects.toBeInstanceOf(IssuerUnavailable);
  });

  test('are not asked for again during the cool-down after a failure, and are after it', async () => {
    const world = await newWorld([await newKey('a')]);
    world.status = 503;
    await expect(find(world, 'a')).rejects.toBeInstanceOf(IssuerUnavailable);
    await expect(find(world, 'a')).rejects.toBeInstanceOf(IssuerUnavailable);
    expect(world.fetches).toHaveLength(1);
    world.status = 200;
    world.nowMs += MINUTE;
    await find(world, 'a');
  });

  const unusable: ReadonlyArray<readonly [string, (path: string, url: string) => unknown]> = [
    [
      'the discovery document names another issuer',
      (_path, url) => ({ issuer: `${url}/other`, jwks_uri: `${url}/keys` }),
    ],
    [
      'the keys are at a plain http address of another machine',
      (_path, url) => ({ issuer: url, jwks_uri: 'http://keys.example/keys' }),
    ],
    [
      'the key document is not a key set',
      (path, url) => (path === '/keys' ? { keys: 'none' } : { issuer: url, jwks_uri: `${url}/keys` }),
    ],
    [
      'the key document is too large',
      (path, url) =>
        path === '/keys' ? { keys: [], pad: 'x'.repeat(300_000) } : { issuer: url, jwks_uri: `${url}/keys` },
    ],
  ];
  test.each(unusable)('cannot be had when %s', async (_what, document) => {
    const world = await newWorld([await newKey('a')]);
    world.document = document;
    await expect(find(world, 'a')).rejects.toBeInstanceOf(IssuerUnavailable);
  });

  test('cannot be had through a redirect', async () => {
    const world = await newWorld([await newKey('a')]);
    world.status = 302;
    await expect(find(world, 'a')).rejects.toBeInstanceOf(IssuerUnavailable);
    expect(world.fetches).not.toContain('/elsewhere');
  });
});
