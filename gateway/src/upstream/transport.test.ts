import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTransport, type Transport, TransportError, type UpstreamRequest } from './transport.js';

describe('an exchange with the other side', () => {
  let transport: Transport;
  let server: Server;
  let answer: (response: ServerResponse) => void;
  let received: string[];

  beforeEach(async () => {
    received = [];
    answer = (response) => response.end('whole');
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.once('end', () => {
        received.push(`${request.method} ${request.url} ${body}`);
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    transport = createTransport();
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await transport.close();
  });

  const requestTo = (more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    method: 'POST',
    path: '/queries?x=1',
    headers: { 'content-type': 'application/json' },
    body: '{"é":1}',
    timeoutMs: 5_000,
    maxBytes: 1_000,
    ...more,
  });

  const failureOf = async (request: UpstreamRequest): Promise<TransportError> => {
    const outcome: unknown = await transport.request(request).catch((error: unknown) => error);
    if (outcome instanceof TransportError) return outcome;
    throw new Error('the exchange did not fail as it should');
  };

  test('brings the answer whole, with status and headers', async () => {
    answer = (response) => {
      response.writeHead(503, { 'x-part': 'one' });
      response.write('first ');
      setImmediate(() => response.end('second'));
    };
    const response = await transport.request(requestTo());
    expect(response).toMatchObject({ status: 503, headers: { 'x-part': 'one' } });
    expect(response.body.toString()).toBe('first second');
    expect(received).toEqual(['POST /queries?x=1 {"é":1}']);
  });

  test('takes the answer and not what is announced before it', async () => {
    answer = (response) => {
      response.writeProcessing();
      response.writeHead(200).end('whole');
    };
    const response = await transport.request(requestTo());
    expect([response.status, response.body.toString()]).toEqual([200, 'whole']);
  });

  test('follows no redirect', async () => {
    answer = (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    expect((await transport.request(requestTo())).status).toBe(302);
  });

  test('fails when the answer is larger than allowed', async () => {
    answer = (response) => response.end('x'.repeat(1_001));
    expect(await failureOf(requestTo())).toMatchObject({ sent: true, message: 'the answer is larger than allowed' });
  });

  test('fails when the answer is cut off, and says that the request was sent', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    };
    expect(await failureOf(requestTo())).toMatchObject({ sent: true });
  });

  test('fails when nobody answers in time', async () => {
    answer = () => undefined;
    expect(await failureOf(requestTo({ timeoutMs: 50 }))).toMatchObject({ sent: true });
  });

  test('says that nothing was sent when nobody listens', async () => {
    const request = requestTo();
    await new Promise((resolve) => server.close(resolve));
    expect(await failureOf(request)).toMatchObject({ sent: false });
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  test('ends when it is cancelled, before it starts and while it waits', async () => {
    expect(await failureOf(requestTo({ signal: AbortSignal.abort() }))).toBeInstanceOf(TransportError);
    const controller = new AbortController();
    answer = () => controller.abort();
    expect(await failureOf(requestTo({ signal: controller.signal }))).toMatchObject({ sent: true });
  });

  test('leaves the connection usable for the next one', async () => {
    await transport.request(requestTo());
    expect((await transport.request(requestTo({ method: 'GET' }))).body.toString()).toBe('whole');
  });
});
