import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Reply } from './http.js';
import type { ChunkGuard } from './options.js';

/** An entry of `data.chunks`. */
export type ChunkReference = {
  readonly url: string;
  readonly rowCount: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
};

/** The chunk fields of a query response. */
export type ChunkFields = {
  readonly chunks: readonly ChunkReference[];
  readonly chunkHeaders?: Readonly<Record<string, string>>;
  readonly qrmk?: string;
};

/** One part of a result, before compression. */
export type ChunkPart = { readonly body: Uint8Array; readonly rowCount: number };

type Stored = { readonly body: Buffer; readonly key: string };

const headerPrefix = 'x-amz-server-side-encryption-customer';
/** Chunks kept at most; the oldest go first. Far more than any test holds, far less than memory. */
const maxChunks = 10_000;

/**
 * Result chunks behind unguessable URLs on a port of their own, as an object store would serve them: no token, no
 * cookie, gzip, and the SSE-C headers when the guard asks for them.
 */
export class Chunks {
  readonly #guard: ChunkGuard;
  readonly #baseUrl: () => string;
  readonly #stored = new Map<string, Stored>();
  #fetches = 0;

  constructor(guard: ChunkGuard, baseUrl: () => string) {
    this.#guard = guard;
    this.#baseUrl = baseUrl;
  }

  /** How many chunks have been served. */
  get fetches(): number {
    return this.#fetches;
  }

  resetCounters(): void {
    this.#fetches = 0;
  }

  /** Stores the parts of one answer under new URLs. */
  publish(parts: readonly ChunkPart[]): ChunkFields {
    const key = randomBytes(32).toString('base64');
    const chunks = parts.map(({ body, rowCount }) => {
      const compressed = gzipSync(body);
      const capability = randomBytes(24).toString('base64url');
      this.#stored.set(capability, { body: compressed, key });
      return {
        url: `${this.#baseUrl()}/results/${capability}`,
        rowCount,
        uncompressedSize: body.length,
        compressedSize: compressed.length,
      };
    });
    for (const oldest of this.#stored.keys()) {
      if (this.#stored.size <= maxChunks) break;
      this.#stored.delete(oldest);
    }
    if (this.#guard === 'open') return { chunks };
    return this.#guard === 'headers' ? { chunks, chunkHeaders: guardHeaders(key), qrmk: key } : { chunks, qrmk: key };
  }

  /** Answers a GET on the chunk port: 404 for an unknown capability, 403 without the right headers. */
  serve(request: IncomingMessage): Reply {
    const capability = /^\/results\/([\w-]+)$/.exec(request.url ?? '')?.[1];
    const found = capability === undefined ? undefined : this.#stored.get(capability);
    if (found === undefined) return refuse(404, 'NoSuchKey');
    if (!this.#mayRead(request, found.key)) return refuse(403, 'AccessDenied');
    this.#fetches += 1;
    const headers = { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' };
    return { status: 200, headers, body: found.body };
  }

  #mayRead(request: IncomingMessage, key: string): boolean {
    if (this.#guard === 'open') return true;
    const wanted = guardHeaders(key);
    const names =
      this.#guard === 'headers' ? Object.keys(wanted) : [`${headerPrefix}-algorithm`, `${headerPrefix}-key`];
    return names.every((name) => request.headers[name] === wanted[name]);
  }
}

function guardHeaders(key: string): Readonly<Record<string, string>> {
  return {
    [`${headerPrefix}-algorithm`]: 'AES256',
    [`${headerPrefix}-key`]: key,
    [`${headerPrefix}-key-md5`]: createHash('md5').update(Buffer.from(key, 'base64')).digest('base64'),
  };
}

function refuse(status: number, code: string): Reply {
  const body = Buffer.from(`<Error><Code>${code}</Code></Error>`);
  return { status, headers: { 'content-type': 'application/xml' }, body };
}
