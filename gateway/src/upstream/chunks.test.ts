import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GatewayError } from '../errors.js';
import { type ChunkDeps, createChunkFetcher } from './chunks.js';
import { createTransport, type Transport } from './transport.js';

const BODY = '["1","a"],["2",null]';
const SIGNED = '/results/part?X-Amz-Signature=5ecre7';

describe('a part of a result', () => {
  let transport: Transport;
  let server: Server;
  let answers: ((response: ServerResponse) => void)[];
  let received: { readonly url: string; readonly headers: Readonly<Record<string, unknown>> }[];
  let slept: number[];

  beforeEach(async () => {
    answers = [];
    received = [];
    slept = [];
    server = createServer((request, response) => {
      received.push({ url: request.url ?? '', headers: request.headers });
      const answer = answers.shift() ?? ((whole: ServerResponse) => whole.end(BODY));
      answer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    transport = createTransport();
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await transport.close();
  });

  const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetchPart = (changes: Partial<ChunkDeps> = {}, url = `${origin()}${SIGNED}`) =>
    createChunkFetcher({
      transport,
      sleep: async (milliseconds) => void slept.push(milliseconds),
      maxChunkBytes: 1_000,
      allowInsecureUpstream: true,
      ...changes,
    })({ url, headers: { 'x-amz-server-side-encryption-customer-key': 'c2VjcmV0' } });
  const failureOf = async (part: Promise<Buffer>): Promise<GatewayError> => {
    const outcome: unknown = await part.catch((error: unknown) => error);
    if (outcome instanceof GatewayError) return outcome;
    throw new Error('the part was not refused as it should');
  };
  const withStatus = (status: number) => (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'text/plain' }).end(`refused at ${SIGNED}`);
  const dead = (response: ServerResponse): void => void response.destroy();

  test('comes with its query, the headers of its result and no token', async () => {
    expect((await fetchPart()).toString()).toBe(BODY);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      url: SIGNED,
      headers: { 'x-amz-server-side-encryption-customer-key': 'c2VjcmV0', 'accept-encoding': 'gzip' },
    });
    expect(received[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['said to be', { 'content-encoding': 'gzip' }],
    ['not said to be', {}],
  ])('is unpacked when it is compressed and %s', async (_how, headers) => {
    answers = [(response) => void response.writeHead(200, headers).end(gzipSync(BODY))];
    expect((await fetchPart()).toString()).toBe(BODY);
  });

  test.each<readonly [string, (response: ServerResponse) => void]>([
    ['403', withStatus(403)],
    ['404', withStatus(404)],
    ['500', withStatus(500)],
    ['503', withStatus(503)],
    ['204', withStatus(204)],
    ['a redirect', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['a connection that dies', dead],
    [
      'half an answer',
      (response) => void response.writeHead(200, { 'content-length': 99 }).write('[', () => dead(response)),
    ],
    [
      'broken compression',
      (response) => void response.end(Buffer.concat([gzipSync(BODY).subarray(0, 12), Buffer.from('x')])),
    ],
  ])('is asked for again after %s', async (_what, fault) => {
    answers = [fault, fault];
    expect((await fetchPart()).toString()).toBe(BODY);
    expect(slept).toEqual([200, 800]);
  });

  test.each([
    [[403, 403, 403], 'PISTE-1105'],
    [[503, 503, 404], 'PISTE-1105'],
    [[404, 404, 503], 'PISTE-1702'],
    [[429, 429, 429], 'PISTE-1702'],
    [[408, 408, 408], 'PISTE-1702'],
  ])('that is refused with %j for good ends with %s', async (statuses, code) => {
    answers = statuses.map(withStatus);
    expect((await failureOf(fetchPart())).denial.code).toBe(code);
    expect(received).toHaveLength(3);
  });

  test('never shows its address when it fails, nor what the other side said', async () => {
    const ways: readonly (readonly [Partial<ChunkDeps>, string, readonly ((response: ServerResponse) => void)[]])[] = [
      [{}, `${origin()}${SIGNED}`, [403, 403, 403].map(withStatus)],
      [{}, `${origin()}${SIGNED}`, [dead, dead, dead]],
      [{ maxChunkBytes: 5 }, `${origin()}${SIGNED}`, []],
      [{ allowInsecureUpstream: false }, `${origin()}${SIGNED}`, []],
      [{}, `ftp://127.0.0.1:1${SIGNED}`, []],
      [{}, `no address ${SIGNED}`, []],
    ];
    for (const [changes, url, faults] of ways) {
      answers = [...faults];
      const { message, denial } = await failureOf(fetchPart(changes, url));
      expect(`${message} ${denial.message}`).not.toMatch(/5ecre7|results|127\.0|Signature|refused at/);
    }
  });

  test.each<readonly [string, (response: ServerResponse) => void]>([
    ['as it comes', (response) => void response.end('x'.repeat(1_001))],
    ['once it is unpacked', (response) => void response.end(gzipSync('x'.repeat(100_000)))],
  ])('that is too large %s is refused at once', async (_when, answer) => {
    answers = [answer];
    expect((await failureOf(fetchPart())).denial).toMatchObject({
      code: 'PISTE-1503',
      message: expect.stringMatching(/larger than 1000 bytes.*not run again/),
    });
    expect(received).toHaveLength(1);
  });

  test('is not asked for over plain http unless that is allowed by name', async () => {
    expect((await failureOf(fetchPart({ allowInsecureUpstream: false }))).denial.message).toMatch(/without TLS/);
    expect(received).toEqual([]);
  });
});
