import type { Permit } from '../policy/permit.js';

const receiptBrand: unique symbol = Symbol('receipt');

/** Where a durable record stands. */
export interface Receipt {
  /** Origin of the writer's log. */
  readonly writer: string;
  readonly index: number;
  /** RFC 6962 leaf hash, hex. */
  readonly leafHash: string;
  /** Number within its session's strand of this log; absent for records of no session. */
  readonly strandNumber?: number;
}

/** What the writer gives for a record that lets a statement run. */
export interface TaggedReceipt extends Receipt {
  /** Absent for other records. */
  readonly tagSignature?: string;
}

/**
 * Proof that the record which lets one statement run is durable. Only `Recording.recordRequest` makes one. Whoever forwards
 * checks that the hash of what it is about to send equals `permit.statementHash`.
 */
export interface RequestReceipt extends Receipt {
  readonly [receiptBrand]: true;
  readonly permit: Permit;
  /** The writer's signature for the statement's `QUERY_TAG` (`tagText`), base64url. */
  readonly tagSignature: string;
}

const issued = new WeakSet<object>();

/** For the recording room only, after the commit that holds the record returned. */
export function issueRequestReceipt(permit: Permit, receipt: Receipt, tagSignature: string): RequestReceipt {
  const requestReceipt: RequestReceipt = Object.freeze({
    [receiptBrand]: true as const,
    permit,
    ...receipt,
    tagSignature,
  });
  issued.add(requestReceipt);
  return requestReceipt;
}

/** True only for receipts this process issued. */
export function isRequestReceipt(value: unknown): value is RequestReceipt {
  return typeof value === 'object' && value !== null && issued.has(value);
}
