import { deny, GatewayError } from '../errors.js';
import { inflate, isGzip } from '../protocol/index.js';
import { type Transport, TransportError } from './transport.js';

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
    const url = new URL(source.url);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && deps.allowInsecureUpstream)) {
      throw new GatewayError('a chunk is not offered over https', deny.upstreamUnexpected('a result part without TLS'));
    }
    for (const delayMs of [...RETRY_DELAYS_MS, undefined]) {
      const bytes = await download(deps, url, source.headers);
      if (bytes === 'too-large')
        throw new GatewayError('a chunk is too large', deny.tooLarge('A result part', `${deps.maxChunkBytes} bytes`));
      if (bytes !== undefined) return bytes;
      if (delayMs !== undefined) await deps.sleep(delayMs);
    }
    throw new GatewayError('a chunk cannot be fetched', deny.upstreamUnavailable(true));
  };
}

async function download(
  deps: ChunkDeps,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Buffer | 'too-large' | undefined> {
  try {
    const response = await deps.transport.request({
      origin: url.origin,
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, 'accept-encoding': 'gzip' },
      timeoutMs: CHUNK_TIMEOUT_MS,
      maxBytes: deps.maxChunkBytes,
    });
    if (response.status !== 200) return undefined;
    return isGzip(response.body) ? await inflate(response.body, deps.maxChunkBytes) : response.body;
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}
