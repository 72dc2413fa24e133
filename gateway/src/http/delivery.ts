import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Answer, spendAnswer } from '../recording/index.js';
import type { Log } from '../telemetry/index.js';

/** What is counted where bytes leave. All are uncompressed bytes of answers' bodies. */
export interface DeliveryMetrics {
  delivered(bytes: number): void;
  /** Of those, what a durable record holds. */
  recorded(bytes: number): void;
  /** Of those, what left and stands in no record. */
  unrecorded(bytes: number): void;
  /** An answer that came without the recording's leave, and was not written. */
  refused(): void;
}

export interface DeliveryDeps {
  readonly log: Log;
  readonly metrics: DeliveryMetrics;
}

export interface Reply {
  readonly status: number;
  readonly answer: Answer;
  readonly contentType: 'application/json' | 'application/octet-stream';
}

/** Smaller answers are not worth compressing. */
const GZIP_FROM_BYTES = 2_048;
/** Compression takes longer than a local network; only mid-sized answers gain. */
const GZIP_UP_TO_BYTES = 1_048_576;

const compress = promisify(gzip);

/**
 * Writes one answer to a driver. Nothing else writes to one: bytes that the recording did not hand out as an answer, or
 * handed out before, do not leave, and the connection ends instead.
 */
export async function deliver(
  { log, metrics }: DeliveryDeps,
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  const { answer } = reply;
  if (!spendAnswer(answer)) {
    metrics.refused();
    log.error('an answer without its record was not sent');
    response.destroy();
    return;
  }
  count(metrics, answer);
  const bytes = await encoded(request, reply);
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...(bytes === answer.bytes ? {} : { 'content-encoding': 'gzip' }),
  });
  response.end(bytes);
}

async function encoded(request: IncomingMessage, { answer: { bytes }, contentType }: Reply): Promise<Buffer> {
  const accepts = String(request.headers['accept-encoding'] ?? '').includes('gzip');
  const isWorthIt =
    contentType === 'application/json' && bytes.length >= GZIP_FROM_BYTES && bytes.length <= GZIP_UP_TO_BYTES;
  return accepts && isWorthIt ? compress(bytes, { level: 1 }) : bytes;
}

function count(metrics: DeliveryMetrics, { bytes, standing }: Answer): void {
  metrics.delivered(bytes.length);
  switch (standing.kind) {
    case 'durable':
      metrics.recorded(bytes.length);
      break;
    case 'unrecorded':
      metrics.unrecorded(bytes.length);
      break;
    case 'deferred':
      void standing.written.then((isWritten) => metrics[isWritten ? 'recorded' : 'unrecorded'](bytes.length));
      break;
  }
}
