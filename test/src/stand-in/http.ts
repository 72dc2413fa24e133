import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { pause } from './execution.js';
import type { Faults } from './faults.js';

const decompress = promisify(gunzip);
const compress = promisify(gzip);

/** Node closes idle connections after 5 s by default; drivers keep theirs for 30 s and Snowflake's balancer for 60 s. */
const keepAliveMilliseconds = 90_000;
/** Drivers know no limit; the stand-in stops at what one test machine can hold. */
const maxBodyBytes = 256 * 1024 * 1024;

/** A listening server and how to end it. */
export type Listener = { readonly port: number; readonly close: () => Promise<void> };

/** What a handler answers; the listener sends it. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

type Handler = (request: IncomingMessage) => Promise<Reply>;

/** Listens; waiting faults hit before or after the handler. `close` ends idle and active connections. */
export async function listen(
  where: { readonly host: string; readonly port: number },
  faults: Faults,
  handle: Handler,
): Promise<Listener> {
  const server = createServer((request, response) => {
    serve(faults, request, response, handle).catch(() => request.socket.destroy());
  });
  server.keepAliveTimeout = keepAliveMilliseconds;
  server.headersTimeout = keepAliveMilliseconds + 5000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where.port, where.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: async () => await close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function serve(
  faults: Faults,
  request: IncomingMessage,
  response: ServerResponse,
  handle: Handler,
): Promise<void> {
  const fault = faults.take(request.url ?? '/');
  if (fault?.kind === 'reset') {
    request.socket.destroy();
    return;
  }
  if (fault?.kind === 'status') {
    request.resume();
    response.writeHead(fault.status ?? 503, { 'content-type': 'text/plain' }).end('injected fault');
    return;
  }
  if (fault?.kind === 'delay') await pause(fault.delayMilliseconds ?? 1000, new AbortController().signal);
  const { status, headers, body } = await handle(request);
  if (fault?.kind === 'reset-after') {
    request.socket.destroy();
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': body.length });
  if (fault?.kind === 'truncate') {
    response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
    return;
  }
  response.end(body);
}

/** The body, decompressed if its first bytes are gzip's, whatever the headers say. @throws Error above the limit. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBodyBytes) throw new Error('request body too large');
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  return body[0] === 0x1f && body[1] === 0x8b ? await decompress(body) : body;
}

/** JSON text, compressed if the client takes gzip. */
export async function jsonReply(request: IncomingMessage, body: unknown, status = 200): Promise<Reply> {
  const text = Buffer.from(JSON.stringify(body));
  const zips = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  return {
    status,
    headers: { 'content-type': 'application/json', ...(zips && { 'content-encoding': 'gzip' }) },
    body: zips ? await compress(text) : text,
  };
}
