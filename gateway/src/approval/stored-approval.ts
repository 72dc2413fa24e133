import { deny, GatewayError } from '../errors.js';
import type { Sealer } from '../store/index.js';
import type { Approval } from './approval.js';

/**
 * What the store holds for one query, and how far it is:
 *
 *     announcing ──► open ──► closing ──► closed
 *         │ record            ▲    │ record
 *         │ approval.request  │    │ decision
 *                        votes, expiry, withdrawal
 *
 * Nothing is visible before `open`. In `closing` the outcome is fixed, so the decision can be recorded before it takes
 * effect, and recorded again by another gateway if the first one stopped: both entries then say the same.
 */
export interface StoredApproval {
  readonly format: 1;
  readonly phase: 'announcing' | 'open' | 'closing' | 'closed';
  /** When this phase began. */
  readonly sinceMs: number;
  readonly approval: Approval;
}

/** Where things lie in the store. Identifiers point to query ids, since the query is what may exist only once. */
export const approvalKeys = {
  query: (queryId: string) => `approval/query/${queryId}`,
  id: (id: string) => `approval/id/${id}`,
  open: (id: string) => `approval/open/${id}`,
  allIds: 'approval/id/',
  allOpen: 'approval/open/',
} as const;

/** What callers may see: an approval counts as given only once its decision is recorded; a no counts at once. */
export function toVisible(stored: StoredApproval): Approval | undefined {
  if (stored.phase === 'announcing') return undefined;
  if (stored.phase === 'closing' && stored.approval.state === 'approved') {
    return { ...stored.approval, state: 'pending', decidedAtMs: undefined };
  }
  return stored.approval;
}

export function encodeStored(stored: StoredApproval, key: string, sealer: Sealer | undefined): string {
  const text = JSON.stringify(stored);
  return sealer === undefined ? text : sealer.seal(text, key);
}

/** Reads what `encodeStored` wrote. Throws GatewayError when it is anything else: altered, or of another version. */
export function decodeStored(value: string, key: string, sealer: Sealer | undefined): StoredApproval {
  const text = sealer === undefined ? value : sealer.open(value, key);
  const stored = text === undefined ? undefined : parseJson(text);
  if (!isStored(stored)) throw new GatewayError('a stored approval cannot be read', deny.storeUnavailable());
  return stored;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function isStored(value: unknown): value is StoredApproval {
  if (!isRecord(value) || value['format'] !== 1 || !isRecord(value['approval'])) return false;
  const { id, subject, votes, expiresAtMs } = value['approval'];
  return typeof id === 'string' && isRecord(subject) && Array.isArray(votes) && typeof expiresAtMs === 'number';
}
