import type { Permit } from '../policy/permit.js';

const receiptBrand: unique symbol = Symbol('receipt');

/** Where a durable record stands. */
export interface Receipt {
  /** Origin of the writer's log. */
  readonly writer: string;
  readonly index: number;
  /** RFC 6962 leaf hash, hex. */
  readonly leafHash: string;
  /** The record's number in its session's strand of this log; undefined without a session. */
  readonly strandNumber: number | undefined;
}

/**
 * Proof that the record which lets one statement run is durable. Only `Recording.recordRequest` makes one. Whoever forwards
 * checks that the hash of what it is about to send equals `permit.statementHash`.
 */
export interface RequestReceipt extends Receipt {
  readonly [receiptBrand]: true;
  readonly permit: Permit;
}

const issued = new WeakSet<object>();

/** For the recording room only, after the commit that holds the record returned. */
export function issueRequestReceipt(permit: Permit, receipt: Receipt): RequestReceipt {
  const requestReceipt: RequestReceipt = Object.freeze({ [receiptBrand]: true as const, permit, ...receipt });
  issued.add(requestReceipt);
  return requestReceipt;
}

/** True only for receipts this process issued. */
export function isRequestReceipt(value: unknown): value is RequestReceipt {
  return typeof value === 'object' && value !== null && issued.has(value);
}
