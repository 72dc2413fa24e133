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

/** More bytes came than the request allows; the same request again would bring them again. */
export class AnswerTooLarge extends TransportError {
  constructor() {
    super('the answer is larger than allowed', true);
    this.name = 'AnswerTooLarge';
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
    request: (request) =>
      new Promise((resolve, reject) => {
        agent.dispatch(
          {
            origin: request.origin,
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body ?? null,
            headersTimeout: request.timeoutMs,
            bodyTimeout: request.timeoutMs,
          },
          createCollector(request, resolve, reject),
        );
      }),
    close: () => agent.close(),
  };
}

function toTransportError(error: unknown): TransportError {
  const code = errorCode(error) ?? 'UNKNOWN';
  return new TransportError(`no answer from upstream (${code})`, !NEVER_SENT.has(code), { cause: error });
}

/** Collects one answer. Without a stream between the socket and the buffer a small exchange costs half. */
function createCollector(
  { maxBytes, signal }: UpstreamRequest,
  resolve: (response: UpstreamResponse) => void,
  reject: (error: TransportError) => void,
): Dispatcher.DispatchHandler {
  const parts: Buffer[] = [];
  let total = 0;
  let status = 0;
  let headers: UpstreamResponse['headers'] = {};
  let exchange: Dispatcher.DispatchController | undefined;

  const fail = (error: unknown): void => {
    signal?.removeEventListener('abort', abort);
    reject(error instanceof TransportError ? error : toTransportError(error));
  };
  const abort = (): void => {
    const error = new TransportError('the exchange was cancelled', exchange !== undefined);
    exchange?.abort(error);
    fail(error);
  };
  signal?.addEventListener('abort', abort, { once: true });

  return {
    onRequestStart(controller) {
      exchange = controller;
      if (signal?.aborted === true) abort();
    },
    onResponseStart(_controller, statusCode, received) {
      status = statusCode;
      headers = received;
    },
    onResponseData(controller, part) {
      total += part.length;
      if (total <= maxBytes) parts.push(part);
      else controller.abort(new AnswerTooLarge());
    },
    onResponseEnd() {
      signal?.removeEventListener('abort', abort);
      resolve({ status, headers, body: Buffer.concat(parts, total) });
    },
    onResponseError(_controller, error) {
      fail(error);
    },
  };
}
