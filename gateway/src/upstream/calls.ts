import { deny, GatewayError } from '../errors.js';
import {
  inflate,
  isGzip,
  isJsonObject,
  type JsonObject,
  parseJson,
  splitAnswer,
  stringifyJson,
  type UpstreamBody,
} from '../protocol/index.js';
import type { Endpoint } from './endpoint.js';
import { AnswerTooLarge, type Transport, TransportError, type UpstreamResponse } from './transport.js';

/** One JSON request to Snowflake. */
export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: JsonObject;
  readonly token: string | undefined;
  readonly service: string | undefined;
  readonly timeoutMs: number;
  readonly retries: readonly number[];
  readonly signal?: AbortSignal;
  /** Told when an attempt may have taken effect although its answer is lost. */
  readonly onLost?: () => void;
}

/** One JSON answer with HTTP 200, or `GatewayError` (PISTE-1702, PISTE-1503) after bounded retries of transport faults. */
export type MakeCall = (endpoint: Endpoint, call: Call) => Promise<UpstreamBody>;

export interface CallsDeps {
  readonly transport: Transport;
  readonly clock: { nowMs(): number };
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly maxBodyBytes: number;
  /** Told about every exchange, for metrics. */
  readonly onRequest?: (connection: string, result: 'ok' | 'error' | 'unavailable', milliseconds: number) => void;
}

export const CALL_TIMEOUT_MS = 10_000;
export const RETRY_DELAYS_MS = [250, 1000, 3000];
const USER_AGENT = 'Piste/0.1';

/** Makes calls. Whoever carries a statement says what a failure means for it. */
export function createCalls(deps: CallsDeps): MakeCall {
  const { transport, clock } = deps;

  const attempt = async (endpoint: Endpoint, call: Call): Promise<UpstreamResponse> => {
    const startedMs = clock.nowMs();
    const headers: Record<string, string> = {
      accept: call.path.startsWith('/queries') ? 'application/snowflake' : 'application/json',
      'accept-encoding': 'gzip',
      'user-agent': USER_AGENT,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(call.token === undefined ? {} : { authorization: `Snowflake Token="${call.token}"` }),
      ...(call.service === undefined ? {} : { 'x-snowflake-service': call.service }),
    };
    try {
      const response = await transport.request({
        origin: endpoint.origin,
        method: call.method,
        path: call.path,
        headers,
        timeoutMs: call.timeoutMs,
        maxBytes: deps.maxBodyBytes,
        ...(call.body === undefined ? {} : { body: stringifyJson(call.body) }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      deps.onRequest?.(endpoint.connection, response.status === 200 ? 'ok' : 'error', clock.nowMs() - startedMs);
      return response;
    } catch (error) {
      deps.onRequest?.(endpoint.connection, 'unavailable', clock.nowMs() - startedMs);
      throw error;
    }
  };

  return async (endpoint, request) => {
    for (const delayMs of [...request.retries, undefined]) {
      try {
        const response = await attempt(endpoint, request);
        if (response.status === 200) {
          const body = await parseBody(response.body, deps.maxBodyBytes);
          if (body !== undefined) return body;
        }
        request.onLost?.();
      } catch (error) {
        if (error instanceof AnswerTooLarge) {
          throw new GatewayError('an answer is too large', deny.answerTooLarge('The answer', deps.maxBodyBytes));
        }
        if (!(error instanceof TransportError)) throw error;
        if (request.signal?.aborted === true) throw error;
        if (error.sent) request.onLost?.();
      }
      if (delayMs === undefined) break;
      await deps.sleep(delayMs, request.signal);
    }
    throw new GatewayError('Snowflake did not answer', deny.upstreamUnavailable(false));
  };
}

async function parseBody(bytes: Buffer, maxBytes: number): Promise<UpstreamBody | undefined> {
  const plain = isGzip(bytes) ? await inflate(bytes, maxBytes) : bytes;
  if (plain === 'too-large') throw new AnswerTooLarge();
  if (plain === undefined) return undefined;
  const split = splitAnswer(plain);
  if (!split.ok) return undefined;
  const json = parseJson(split.head);
  return isJsonObject(json) ? { json, rowset: split.rowset, rowsetBase64: split.rowsetBase64 } : undefined;
}
