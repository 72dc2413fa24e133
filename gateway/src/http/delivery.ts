import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendReply } from '../protocol/index.js';
import { type Answer, spendAnswer } from '../recording/index.js';
import type { Log } from '../telemetry/index.js';
import type { Outbox } from './outbox.js';

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
  readonly outbox: Outbox;
}

export interface Reply {
  readonly status: number;
  readonly answer: Answer;
  readonly contentType: 'application/json' | 'application/octet-stream';
  /** Called once when the bytes are gone, whether anybody took them or not. */
  readonly gone?: () => void;
}

/**
 * Writes one answer to a driver. Nothing else writes to one: bytes that the recording did not hand out as an answer, or
 * handed out before, do not leave, and the connection ends instead. Resolves when the bytes are gone; a driver that takes none for
 * long is cut off.
 */
export async function deliver(
  { log, metrics, outbox }: DeliveryDeps,
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  const { answer, gone } = reply;
  if (!spendAnswer(answer)) {
    metrics.refused();
    log.error('an answer without its record was not sent');
    response.destroy();
    gone?.();
    return;
  }
  count(metrics, answer);
  const { status, contentType } = reply;
  const leaving = outbox.follow(answer.bytes.length, () => response.destroy());
  try {
    await sendReply(request, response, { status, contentType, body: answer.bytes }, leaving.moved);
  } finally {
    leaving.done();
    gone?.();
  }
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
