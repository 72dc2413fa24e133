import { deny, GatewayError } from '../errors.js';
import { inflate, isGzip } from '../protocol/index.js';
import { AnswerTooLarge, type Transport, TransportError } from './transport.js';

/** A result part in object storage: URL and headers are capabilities and stay inside the gateway. */
export interface ChunkSource {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ChunkDeps {
  readonly transport: Transport;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly maxChunkBytes: number;
  readonly allowInsecureUpstream: boolean;
}

/** Silence allowed from object storage; Python drivers give up after 7 s, and retry. */
const CHUNK_TIMEOUT_MS = 30_000;
const RETRY_DELAYS_MS = [200, 800];

/**
 * Downloads and inflates one chunk. Throws `GatewayError` with a text that never holds the URL.
 */
export function createChunkFetcher(deps: ChunkDeps): (source: ChunkSource) => Promise<Buffer> {
  return async (source) => {
    const url = URL.canParse(source.url) ? new URL(source.url) : undefined;
    const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && deps.allowInsecureUpstream);
    if (url === undefined || !isAllowed) {
      throw new GatewayError('a chunk is not offered over https', deny.upstreamUnexpected('a result part without TLS'));
    }
    let lost: Lost = 'unavailable';
    for (const delayMs of [...RETRY_DELAYS_MS, undefined]) {
      const bytes = await download(deps, url, source.headers);
      if (bytes === 'too-large') {
        throw new GatewayError('a chunk is too large', deny.answerTooLarge('A part of the result', deps.maxChunkBytes));
      }
      if (typeof bytes !== 'string') return bytes;
      lost = bytes;
      if (delayMs !== undefined) await deps.sleep(delayMs);
    }
    throw lost === 'gone'
      ? new GatewayError('a chunk is no longer offered', deny.resultPartGone())
      : new GatewayError('a chunk cannot be fetched', deny.resultPartUnavailable());
  };
}

/** `gone`: object storage answered that it does not give this part. It can mean so for a moment only, so that too is tried again. */
type Lost = 'unavailable' | 'gone';

const isGone = (status: number): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429;

async function download(
  deps: ChunkDeps,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Buffer | 'too-large' | Lost> {
  try {
    const response = await deps.transport.request({
      origin: url.origin,
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, 'accept-encoding': 'gzip' },
      timeoutMs: CHUNK_TIMEOUT_MS,
      maxBytes: deps.maxChunkBytes,
    });
    if (response.status !== 200) return isGone(response.status) ? 'gone' : 'unavailable';
    if (!isGzip(response.body)) return response.body;
    return (await inflate(response.body, deps.maxChunkBytes)) ?? 'unavailable';
  } catch (error) {
    if (error instanceof AnswerTooLarge) return 'too-large';
    if (error instanceof TransportError) return 'unavailable';
    throw error;
  }
}
