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

interface OfPermit {
  readonly [receiptBrand]: true;
  readonly permit: Permit;
}

/** The record that lets one statement run is durable. */
export interface DurableRequestReceipt extends OfPermit, Receipt {
  readonly standing: 'durable';
  /** The writer's signature for the statement's `QUERY_TAG` (`tagText`), base64url. */
  readonly tagSignature: string;
}

/** In mode `observe`: the record was not durable in time, or is lost, and the statement runs all the same. */
export interface DeferredRequestReceipt extends OfPermit {
  readonly standing: 'deferred';
  readonly writer: string;
}

/**
 * Leave to run one statement, as far as its record goes. Only `Recording.recordRequest` makes one. Whoever forwards checks
 * that the hash of what it is about to send equals `permit.statementHash`.
 */
export type RequestReceipt = DurableRequestReceipt | DeferredRequestReceipt;

const issued = new WeakSet<object>();

/** For the recording room only, after the commit that holds the record returned. */
export function issueRequestReceipt(permit: Permit, receipt: Receipt, tagSignature: string): DurableRequestReceipt {
  return issue({ [receiptBrand]: true as const, permit, standing: 'durable' as const, ...receipt, tagSignature });
}

/** For the recording room only, and only where the mode waits for nothing. */
export function issueDeferredRequestReceipt(permit: Permit, writer: string): DeferredRequestReceipt {
  return issue({ [receiptBrand]: true as const, permit, standing: 'deferred' as const, writer });
}

function issue<T extends RequestReceipt>(receipt: T): T {
  issued.add(Object.freeze(receipt));
  return receipt;
}

/** True only for receipts this process issued. */
export function isRequestReceipt(value: unknown): value is RequestReceipt {
  return typeof value === 'object' && value !== null && issued.has(value);
}
