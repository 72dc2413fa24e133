import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSamePrincipal, type Principal } from '../identity/principal.js';
import type { Quorum } from '../policy/decision.js';
import { createMemoryStore } from '../store/index.js';
import type { Approval } from './approval.js';
import { demand, gateway, no, person, quorum, subject, yes } from './approval-fixture.js';

type Act =
  | { readonly kind: 'vote'; readonly who: number; readonly approve: boolean; readonly isBadHash: boolean }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'redeem' }
  | { readonly kind: 'sweep' };

const GROUPS = ['a', 'b', 'c'];
const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      who: fc.nat(7),
      // Mostly yes: one no ends the story.
      approve: fc.nat(9).map((dice) => dice > 0),
      isBadHash: fc.nat(9).map((dice) => dice === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ kind: 'withdraw' }, { kind: 'redeem' }, { kind: 'sweep' }) },
);
const quorums: fc.Arbitrary<Quorum> = fc
  .record({
    groups: fc.subarray(GROUPS),
    users: fc.subarray(['p1', 'p2', 'p6']),
    minApprovals: fc.integer({ min: 0, max: 3 }),
  })
  .map((one) => quorum(one));

/** Persons 0 to 6; 7 is the requester itself, who is in every group. */
function people(memberships: readonly (readonly string[])[]): readonly Principal[] {
  return Array.from({ length: 8 }, (_, at) =>
    person(`p${at}`, { groups: at === 7 ? GROUPS : (memberships[at] ?? []) }),
  );
}

/** The rule, said a second time and otherwise: can each quorum be shown enough different members that said yes? */
function isEnough(approval: Approval, all: readonly Principal[]): boolean {
  const yesSayers = all.filter((one) =>
    approval.votes.some(({ voter, choice }) => choice === 'approve' && isSamePrincipal(voter, one)),
  );
  const { quorums: sets } = approval.subject.demand;
  return (
    sets.length > 0 &&
    sets.every(({ groups, users, minApprovals }) => {
      const members = yesSayers.filter(
        (one) => users.includes(one.subject) || one.groups.some((group) => groups.includes(group)),
      );
      return members.length > 0 && members.length >= minApprovals;
    })
  );
}

describe('any sequence of votes, waits, withdrawals and releases', () => {
  test('never approves without every quorum or after the expiry, never counts anyone twice or the requester, never changes an end', async () => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(quorums, { minLength: 0, maxLength: 3 }),
        fc.array(fc.subarray(GROUPS), { minLength: 7, maxLength: 7 }),
        fc.array(acts, { maxLength: 25 }),
        async (sets, memberships, sequence) => {
          const time = { nowMs: 1_800_000_000_000 };
          const store = createMemoryStore({ clock: () => time.nowMs });
          const { approvals, entries } = gateway(store, { clock: () => time.nowMs });
          const all = people(memberships);
          const asked = subject({ requester: person('p7'), demand: demand(sets, 300) });
          const { id, expiresAtMs } = await approvals.request(asked);
          let ended: Approval | undefined;
          let releases = 0;
          for (const act of sequence) {
            if (act.kind === 'wait') time.nowMs += act.seconds * 1000;
            if (act.kind === 'withdraw') await approvals.withdraw(id, 'cancelled');
            if (act.kind === 'sweep') await approvals.sweep();
            if (act.kind === 'redeem' && (await approvals.redeem(id, asked.bindingHash)).ok) releases += 1;
            if (act.kind === 'vote') {
              const voter = all[act.who] ?? person('nobody');
              const bound = act.isBadHash ? { ...asked, bindingHash: 'no' } : asked;
              const before = await approvals.get(id);
              const result = await approvals.vote(id, voter, act.approve ? yes(bound) : no(bound));
              if (!result.ok) expect((await approvals.get(id))?.votes).toEqual(before?.votes);
              else expect(act.isBadHash).toBe(false);
            }
            const now = await approvals.get(id);
            if (now === undefined) throw new Error('the approval is gone');
            if (ended !== undefined) expect({ ...now, redeemedAtMs: 0 }).toEqual({ ...ended, redeemedAtMs: 0 });
            if (now.state !== 'pending') ended = now;
            if (now.state === 'pending') expect(time.nowMs).toBeLessThan(expiresAtMs);
            expect(now.votes.some(({ voter }) => voter.subject === 'p7')).toBe(false);
            expect(new Set(now.votes.map(({ voter }) => voter.subject)).size).toBe(now.votes.length);
          }
          const last = ended ?? (await approvals.get(id));
          if (last === undefined) throw new Error('the approval is gone');
          const hasNo = last.votes.some(({ choice }) => choice === 'deny');
          expect(last.state === 'denied').toBe(hasNo);
          // Both ways: approved means enough, and enough without a no means approved.
          expect(last.state === 'approved').toBe(isEnough(last, all) && !hasNo);
          if (last.state === 'approved') expect(last.decidedAtMs).toBeLessThan(expiresAtMs);
          expect(releases).toBeLessThanOrEqual(last.state === 'approved' ? 1 : 0);
          const decisions = entries.filter(({ kind }) => kind === 'decision').map(({ fields }) => fields['v']);
          expect(decisions).toEqual(last.state === 'pending' ? [] : [last.state]);
          outcomes.set(last.state, (outcomes.get(last.state) ?? 0) + 1);
        },
      ),
      { numRuns: 400 },
    );
    // The property would hold for a machine that never ends anything; the sequences must reach every end.
    expect([...outcomes.keys()].sort()).toEqual(['approved', 'denied', 'expired', 'pending', 'withdrawn']);
  });
});
