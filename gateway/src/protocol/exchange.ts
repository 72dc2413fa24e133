import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** One answer on the driver surface. */
export interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: 'application/json' | 'application/octet-stream';
}

/** Path and query of a request. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Smaller answers are not worth compressing. */
const GZIP_FROM_BYTES = 2_048;
/** Compression takes longer than a local network; only mid-sized answers gain. */
const GZIP_UP_TO_BYTES = 1_048_576;

const compress = promisify(gzip);

/** Families of paths drivers use: they retry or misread any status but 200. */
const DRIVER_PATHS = /^\/(session|queries|monitoring|telemetry)(\/|$)/;

/** The target of a request line; undefined for what is none. */
export function parseTarget(url: string | undefined): Target | undefined {
  if (url === undefined || !url.startsWith('/') || url.length > 8_192) return undefined;
  const mark = url.indexOf('?');
  return mark === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Status of a refusal of a path that is not offered: drivers are told in their own way, API clients as they expect it. */
export function statusOfUnknown(target: Target | undefined): 200 | 403 {
  return target !== undefined && DRIVER_PATHS.test(target.path) ? 200 : 403;
}

/** The whole body, or undefined past the limit; the rest of a too large one is read and thrown away. Rejects when cut off. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let total = 0;
    request.on('data', (bytes: Buffer) => {
      total += bytes.length;
      if (total <= maxBytes) parts.push(bytes);
      else parts.length = 0;
    });
    request.once('end', () => resolve(total <= maxBytes ? Buffer.concat(parts, total) : undefined));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the request was cut off')));
    if (request.destroyed) reject(new Error('the request was cut off'));
  });
}

/** Scheme, host and port under which the caller reached this server, as far as its Host header can be believed. */
export function originOf(request: IncomingMessage): string {
  const { localAddress = '127.0.0.1', localPort = 80 } = request.socket;
  const host = request.headers.host;
  const scheme = 'encrypted' in request.socket ? 'https' : 'http';
  return `${scheme}://${host !== undefined && /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : `${localAddress}:${localPort}`}`;
}

/** Bytes handed to a connection at once, so that it shows whether anybody takes them. */
const STEP_BYTES = 262_144;

/**
 * Sends an answer, compressed where the caller takes that and it gains. Resolves when the operating system has all of it, or the
 * connection ended. `moved` hears how many bytes are left.
 */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  moved: (leftBytes: number) => void = () => undefined,
): Promise<void> {
  const accepts = String(request.headers['accept-encoding'] ?? '').includes('gzip');
  const size = reply.body.length;
  const isWorthIt = reply.contentType === 'application/json' && size >= GZIP_FROM_BYTES && size <= GZIP_UP_TO_BYTES;
  const body = accepts && isWorthIt ? await compress(reply.body, { level: 1 }) : reply.body;
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    ...(body === reply.body ? {} : { 'content-encoding': 'gzip' }),
  });
  if (response.destroyed) return;
  const gone = Promise.withResolvers<void>();
  response.once('finish', gone.resolve).once('close', gone.resolve);
  let at = 0;
  for (; body.length - at > STEP_BYTES; at += STEP_BYTES) {
    if (response.write(body.subarray(at, at + STEP_BYTES))) continue;
    const drained = Promise.withResolvers<void>();
    response.once('drain', drained.resolve);
    await Promise.race([drained.promise, gone.promise]);
    response.off('drain', drained.resolve);
    if (response.destroyed) return;
    moved(body.length - at - STEP_BYTES);
  }
  response.end(body.subarray(at));
  await gone.promise;
}
