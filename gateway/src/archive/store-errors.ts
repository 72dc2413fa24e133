import { ObjectStoreError, type StoreFailure } from './object-store.js';

/** What one failed call to the store means. `precondition` and `missing` are answers, the rest are failures. */
export type CallFailure =
  | { readonly kind: 'precondition' | 'missing' | 'range' }
  | { readonly kind: StoreFailure; readonly reason: string };

/** Names under which stores ask to come back later, whatever the status. */
const PASSING = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'ConditionalRequestConflict',
  'OperationAborted',
  'InternalError',
  'ServiceUnavailable',
]);
const REASON = /^[A-Za-z0-9_.-]{1,60}$/;

/**
 * Reads what the SDK threw. Of an error only its name, code and status are used: texts of stores quote requests, and
 * requests carry credentials.
 */
export function readFailure(error: unknown): CallFailure {
  if (error instanceof ObjectStoreError) return { kind: error.kind, reason: error.reason };
  const status = statusOf(error);
  const reason = reasonOf(error);
  if (PASSING.has(reason)) return { kind: 'unavailable', reason };
  switch (status) {
    case undefined:
      return { kind: 'unavailable', reason };
    case 404:
      return reason === 'NoSuchBucket' ? { kind: 'refused', reason } : { kind: 'missing' };
    case 412:
      return { kind: 'precondition' };
    case 416:
      return { kind: 'range' };
    case 408:
    case 429:
      return { kind: 'unavailable', reason };
    default:
      if (status >= 500) return { kind: 'unavailable', reason };
      return status >= 400 ? { kind: 'refused', reason } : { kind: 'broken', reason };
  }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const candidates = ['code' in error ? error.code : undefined, 'name' in error ? error.name : undefined];
  const word = candidates.find((value): value is string => typeof value === 'string' && REASON.test(value));
  return word ?? 'unknown';
}
