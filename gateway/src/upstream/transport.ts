import { Agent, type Dispatcher } from 'undici';
import { errorCode } from '../errors.js';

/** One HTTP exchange with Snowflake or its object storage. */
export interface UpstreamRequest {
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest silence before the head, and then between bytes. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Nothing came back, or not whole. `sent` says whether the request may have reached the other side. */
export class TransportError extends Error {
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
    this.sent = sent;
  }
}

export interface Transport {
  /** One attempt. Throws `TransportError`; redirects are answers like any other. */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const CONNECT_TIMEOUT_MS = 10_000;
/** Below the idle limits usual in front of Snowflake, so that a pooled connection is not found dead. */
const KEEP_ALIVE_MS = 30_000;

/** Keep-alive connections to any origin; HTTP/1.1, as all drivers speak. */
export function createTransport(options: { readonly connectionsPerOrigin?: number } = {}): Transport {
  const agent = new Agent({
    connections: options.connectionsPerOrigin ?? 256,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
  });

  return {
    async request(request) {
      try {
        const response = await agent.request({
          origin: request.origin,
          method: request.method,
          path: request.path,
          headers: request.headers,
          body: request.body ?? null,
          headersTimeout: request.timeoutMs,
          bodyTimeout: request.timeoutMs,
          ...(request.signal === undefined ? {} : { signal: request.signal }),
        });
        return {
          status: response.statusCode,
          headers: response.headers,
          body: await readBounded(response.body, request.maxBytes),
        };
      } catch (error) {
        if (error instanceof TransportError) throw error;
        const code = errorCode(error) ?? 'UNKNOWN';
        throw new TransportError(`no answer from upstream (${code})`, !NEVER_SENT.has(code), { cause: error });
      }
    },
    close: () => agent.close(),
  };
}

async function readBounded(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  for await (const part of body) {
    const bytes = Buffer.from(part as Uint8Array);
    total += bytes.length;
    if (total > maxBytes) {
      body.destroy();
      throw new TransportError('the answer is larger than allowed', true);
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts, total);
}
