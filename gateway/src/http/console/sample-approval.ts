import type { Approval, ApprovalSubject } from '../../approval/index.js';

/** For tests: a request of an agent to delete rows, in whatever way a test needs it changed. */
export function sampleSubject(changes: Partial<ApprovalSubject> = {}): ApprovalSubject {
  return {
    queryId: '01b0c0de-0000-4000-8000-000000000001',
    sessionId: 'session-1',
    connection: 'analytics',
    account: 'AB12345',
    requester: {
      issuer: 'https://issuer.example',
      subject: 'report-agent',
      name: 'report-agent@example.com',
      groups: ['agents'],
      agent: 'report-agent',
      instance: 'run-1',
      delegator: 'sam.analyst',
      task: 'T-1',
      tokenDigest: 'd'.repeat(64),
    },
    claimedPurpose: 'cleaning up old orders',
    class: 'DELETE',
    canonicalText: "DELETE FROM SALES.PUBLIC.ORDERS WHERE STATUS = 'void'",
    submittedText: "delete from orders -- harmless\nwhere status = 'void'",
    binds: undefined,
    parameters: undefined,
    role: 'ANALYST',
    warehouse: 'WH_SMALL',
    database: 'SALES',
    schema: 'PUBLIC',
    objects: [{ database: 'SALES', schema: 'PUBLIC', name: 'ORDERS' }],
    masks: [
      {
        index: 1,
        name: 'EMAIL',
        action: { type: 'Redact' },
        policy: 'pii',
        rule: 'mail',
        column: { object: { database: 'SALES', schema: 'PUBLIC', name: 'CUSTOMERS' }, column: 'EMAIL' },
        barrier: 'only',
      },
    ],
    demand: {
      rules: ['hold-deletes'],
      quorums: [{ rule: 'hold-deletes', groups: ['data-owners'], users: [], minApprovals: 1 }],
      timeoutSeconds: 900,
      messages: ['Rows of shared tables are deleted only with the owner.'],
    },
    bindingHash: 'b'.repeat(64),
    ...changes,
  };
}

/** For tests: the approval of that request, pending. */
export function sampleApproval(subject: Partial<ApprovalSubject> = {}, changes: Partial<Approval> = {}): Approval {
  return {
    id: '01kmx9d3h5sampleapproval01',
    subject: sampleSubject(subject),
    state: 'pending',
    votes: [],
    createdAtMs: Date.UTC(2026, 10, 23, 12, 0),
    expiresAtMs: Date.UTC(2026, 10, 23, 12, 15),
    decidedAtMs: undefined,
    ...changes,
  };
}
