import { hash } from 'node:crypto';
import type { Entry } from '@piste/verifier';
import type { Receipt } from './receipt.js';
import { RecordingUnavailable } from './recording-unavailable.js';

/** How far the record of an answer is when its bytes leave. */
export type Standing =
  /** On stable storage, under a signed commit. */
  | { readonly kind: 'durable'; readonly receipt: Receipt }
  /** The recording mode lets the bytes go ahead of their record. Resolves, never rejects: true once it is durable. */
  | { readonly kind: 'deferred'; readonly written: Promise<boolean> }
  /** The recording failed and these bytes say no more than that. */
  | { readonly kind: 'unrecorded' };

const answerBrand: unique symbol = Symbol('answer');

/**
 * Bytes for a driver together with where their record stands. Only the recording room makes one, and whoever writes to a
 * socket writes nothing else. It serves once: the same bytes delivered again are another answer with a record of its own.
 */
export interface Answer {
  readonly [answerBrand]: true;
  /** Uncompressed, as the record's `out` counts and hashes them. */
  readonly bytes: Buffer;
  readonly standing: Standing;
}

/** Refusals are small; anything larger is not one. */
const MAX_NOTICE_BYTES = 8_192;

const unspent = new WeakSet<object>();

/** For the recording room only. */
export function issueAnswer(bytes: Buffer, standing: Standing): Answer {
  const answer: Answer = Object.freeze({ [answerBrand]: true as const, bytes, standing });
  unspent.add(answer);
  return answer;
}

/** True once for each answer the recording made: the bytes may leave now. */
export function spendAnswer(answer: unknown): answer is Answer {
  return typeof answer === 'object' && answer !== null && unspent.delete(answer);
}

/**
 * A refusal that says nothing could be recorded: the one answer without a record. Throws what it is given unless that is
 * the recording's own failure, and for bytes too long to be a refusal.
 */
export function unrecordedAnswer(failure: unknown, refusal: Buffer): Answer {
  if (!(failure instanceof RecordingUnavailable)) throw failure;
  if (refusal.length > MAX_NOTICE_BYTES) throw new RangeError('an answer without a record is a short refusal');
  return issueAnswer(refusal, { kind: 'unrecorded' });
}

/** The entry with the count and the SHA-256 of the bytes it lets leave. */
export function withDelivered(entry: Entry, bytes: Buffer): Entry {
  const out = { len: bytes.length, sha: hash('sha256', bytes, 'hex') };
  return { ...entry, fields: { ...entry.fields, out } };
}
