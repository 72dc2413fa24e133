import { randomBytes } from 'node:crypto';
import type { Entry } from '@piste/verifier';
import type { Principal } from '../identity/principal.js';
import { bindingHash } from '../policy/binding.js';
import type { ApprovalDemand, Quorum } from '../policy/decision.js';
import type { Store } from '../store/index.js';
import type { ApprovalSubject } from './approval.js';
import { type Approvals, type ApprovalsDeps, createApprovals } from './approvals.js';
import type { Ballot } from './voting.js';

/** Builders for the tests of this room. */

export const ISSUER = 'https://issuer.example';

export function person(subject: string, more: Partial<Principal> = {}): Principal {
  return {
    issuer: ISSUER,
    subject,
    name: `${subject}@example.com`,
    groups: [],
    agent: undefined,
    instance: undefined,
    delegator: undefined,
    task: undefined,
    tokenDigest: '00'.repeat(32),
    ...more,
  };
}

export function quorum(more: Partial<Quorum> = {}): Quorum {
  return { rule: 'writes-need-a-human', groups: ['data-owners'], users: [], minApprovals: 1, ...more };
}

export function demand(quorums: readonly Quorum[], timeoutSeconds = 600): ApprovalDemand {
  return { rules: quorums.map(({ rule }) => rule), quorums, timeoutSeconds, messages: [] };
}

export function subject(more: Partial<ApprovalSubject> = {}): ApprovalSubject {
  const bound = {
    canonicalText: 'DELETE FROM SALES.PUBLIC.ORDERS WHERE ID = ?',
    binds: '{"1":{"type":"FIXED","value":"7"}}',
    parameters: undefined,
    role: 'AGENT',
    warehouse: 'WH',
    database: 'SALES',
    schema: 'PUBLIC',
    connection: 'sales',
    account: 'acme',
    ...more,
  };
  return {
    queryId: '01b2c3d4-0000-4000-8000-000000000001',
    sessionId: 'session-1',
    requester: person('agent-7', { delegator: 'ana@example.com' }),
    claimedPurpose: undefined,
    class: 'delete',
    submittedText: bound.canonicalText,
    objects: [],
    masks: [],
    demand: demand([quorum()]),
    bindingHash: bindingHash(bound),
    ...bound,
  };
}

export const owner = (name: string, more: Partial<Principal> = {}) =>
  person(name, { groups: ['data-owners'], ...more });

export function yes(bound: ApprovalSubject, more: Partial<Ballot> = {}): Ballot {
  return { choice: 'approve', reason: undefined, bindingHash: bound.bindingHash, channel: 'api', ...more };
}

export function no(bound: ApprovalSubject, more: Partial<Ballot> = {}): Ballot {
  return { choice: 'deny', reason: 'wrong table', bindingHash: bound.bindingHash, channel: 'page', ...more };
}

export interface Gateway {
  readonly approvals: Approvals;
  readonly time: { nowMs: number };
  /** What was recorded, in order; shared by the gateways that were given the same list. */
  readonly entries: Entry[];
}

/** One gateway's approvals over a store. */
export function gateway(store: Store, more: Partial<ApprovalsDeps> = {}, entries: Entry[] = []): Gateway {
  const time = { nowMs: 1_800_000_000_000 };
  const approvals = createApprovals({
    store,
    clock: () => time.nowMs,
    random: randomBytes,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    record: async (entry) => entries.push(entry),
    ...more,
  });
  return { approvals, time, entries };
}
