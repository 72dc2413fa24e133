import { createHash } from 'node:crypto';
import type { Denial } from '../errors.js';
import { deny } from '../errors.js';
import type { Binding } from './binding.js';
import { bindingHash } from './binding.js';
import type { Decision } from './decision.js';

const permitBrand: unique symbol = Symbol('permit');

/** What the gateway may run on its own account: its log-in's settings, the reading of catalogues and of the query history. */
export type InternalPurpose = 'login' | 'use' | 'alter-session' | 'catalogue' | 'history' | 'close';

/** Why the statement may run: a rule or default allowed it, people approved it, or the gateway itself wrote it. */
export type PermitVerdict = 'allow' | 'approved' | 'internal';

/** What policy says about one exact statement in one exact place. */
export interface PermitDetails {
  /** `hashStatement` of the text and binds that may be sent. */
  readonly statementHash: string;
  readonly connection: string;
  readonly verdict: PermitVerdict;
  /** `bindingHash` of text, binds, account, role and context; undefined only where nothing is forwarded by it. */
  readonly bindingHash?: string;
  /** Revision of the snapshot that decided. */
  readonly policyRevision?: string;
  /** The approval that gave the right. */
  readonly approvalId?: string;
  /** Its record is durable before it leaves, whatever the mode. */
  readonly isStrict?: boolean;
  /** Why the gateway runs its own statement. */
  readonly purpose?: InternalPurpose;
}

/**
 * Leave to run exactly one statement text with exactly these binds. Only this module makes one; recording turns it into a
 * receipt, and forwarding asks for the receipt. A structurally equal object is not a permit.
 */
export interface Permit extends PermitDetails {
  readonly [permitBrand]: true;
}

/** How an approval ended, as far as the permit depends on it. */
export interface ApprovalOutcome {
  readonly id: string;
  readonly state: 'pending' | 'approved' | 'denied' | 'expired' | 'withdrawn';
  readonly bindingHash: string;
}

const issued = new WeakSet<object>();

/** Makes a permit. Called by policy after its own verdict, or after an approval bound to the same hash; by nobody else. */
export function issuePermit(details: PermitDetails): Permit {
  const permit: Permit = Object.freeze({ [permitBrand]: true as const, ...details });
  issued.add(permit);
  return permit;
}

/** The permit of a decision that allows. Any other decision is a broken promise of the caller and throws. */
export function permitFor(decision: Decision, binding: Binding): Permit {
  if (decision.verdict !== 'allow') throw new TypeError('only an allowing decision gives a permit');
  return issuePermit({ ...detailsOf(binding), ...demandOf(decision), verdict: 'allow' });
}

/**
 * The permit of a held decision that people approved. A binding other than the approved one is refused with PISTE-1305;
 * an outcome other than `approved` is a broken promise of the caller and throws.
 */
export function permitApproved(
  decision: Decision,
  outcome: ApprovalOutcome,
  binding: Binding,
): { readonly ok: true; readonly permit: Permit } | { readonly ok: false; readonly denial: Denial } {
  if (decision.verdict !== 'hold') throw new TypeError('only a held decision can be approved');
  if (outcome.state !== 'approved') throw new TypeError(`an approval that is ${outcome.state} gives no permit`);
  const details = detailsOf(binding);
  if (outcome.bindingHash !== details.bindingHash) {
    return { ok: false, denial: deny.changedAfterApproval(outcome.id, outcome.bindingHash, details.bindingHash) };
  }
  const permit = issuePermit({
    ...details,
    ...demandOf(decision),
    verdict: 'approved',
    approvalId: outcome.id,
  });
  return { ok: true, permit };
}

/** The permit of a statement of the gateway's own. Never for a text that a caller wrote or that holds a caller's words. */
export function permitInternal(purpose: InternalPurpose, binding: Binding): Permit {
  return issuePermit({ ...detailsOf(binding), verdict: 'internal', purpose });
}

function demandOf({ policyRevision, strictBy }: Decision): { policyRevision: string; isStrict: boolean } {
  return { policyRevision, isStrict: strictBy !== undefined };
}

function detailsOf(binding: Binding): { statementHash: string; connection: string; bindingHash: string } {
  return {
    statementHash: hashStatement(binding.canonicalText, binding.binds),
    connection: binding.connection,
    bindingHash: bindingHash(binding),
  };
}

/** True only for permits made by this module in this process. */
export function isPermit(value: unknown): value is Permit {
  return typeof value === 'object' && value !== null && issued.has(value);
}

/**
 * SHA-256 (hex) that names one statement: the text that will be sent and its binds as JSON text, byte for byte. The text's
 * length comes first, so no text and binds can be shifted into each other; absent binds differ from empty ones.
 */
export function hashStatement(text: string | Uint8Array, binds: string | Uint8Array | undefined): string {
  const textBytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  const hash = createHash('sha256').update(`${textBytes.byteLength}\n`).update(textBytes);
  return (binds === undefined ? hash.update('-') : hash.update('+').update(binds)).digest('hex');
}
