import type { Principal } from '../identity/principal.js';
import type { ApprovalDemand, MaskObligation } from '../policy/decision.js';
import type { ObjectName } from '../sql/facts.js';

/** Everything a person needs to decide, and everything the yes is bound to. */
export interface ApprovalSubject {
  /** The gateway's query id: one approval per query. */
  readonly queryId: string;
  readonly sessionId: string;
  readonly connection: string;
  readonly account: string;
  readonly requester: Principal;
  /** Claimed, not verified: from QUERY_TAG or the like. */
  readonly claimedPurpose: string | undefined;
  readonly class: string;
  /** The text that will run, byte for byte. */
  readonly canonicalText: string;
  /** The text as the driver sent it, for the exact-bytes view. */
  readonly submittedText: string;
  /** Bind values by placeholder, as JSON text; undefined when there are none. */
  readonly binds: string | undefined;
  /** Session parameters under which it runs, as JSON text; undefined where the requester set none. */
  readonly parameters: string | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly objects: readonly ObjectName[];
  readonly masks: readonly MaskObligation[];
  readonly demand: ApprovalDemand;
  /** The policies and rules that want it recorded in `strict`; absent where none does. */
  readonly strictBy?: readonly string[];
  /** SHA-256 (hex) over canonical text, binds, parameters, role, connection and context: what was approved is what runs. */
  readonly bindingHash: string;
}

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'withdrawn';

export interface Vote {
  readonly voter: Pick<Principal, 'issuer' | 'subject' | 'name' | 'groups'>;
  readonly choice: 'approve' | 'deny';
  readonly reason: string | undefined;
  readonly channel: 'api' | 'page';
  readonly atMs: number;
}

export interface Approval {
  /** Short, unguessable, URL-safe. */
  readonly id: string;
  readonly subject: ApprovalSubject;
  readonly state: ApprovalState;
  readonly votes: readonly Vote[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly decidedAtMs: number | undefined;
  /** Why it was withdrawn; only with state `withdrawn`. */
  readonly withdrawnBecause?: WithdrawReason;
  /** When the one statement it allows was released; only with state `approved`. */
  readonly redeemedAtMs?: number;
}

export type WithdrawReason = 'cancelled' | 'client-gone' | 'session-ended';

/** Why a vote was not counted. */
export type VoteRefusal =
  | 'unknown-request'
  | 'already-decided'
  | 'own-request'
  | 'not-an-approver'
  | 'already-voted'
  | 'reason-missing'
  | 'hash-mismatch';

/** Why an approval does not release a statement. */
export type RedeemRefusal = 'unknown-request' | 'not-approved' | 'hash-mismatch' | 'already-redeemed';
