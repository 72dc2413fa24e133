import { describe, expect, test } from '@jest/globals';
import type { Principal } from '../identity/principal.js';
import type { Approval, ApprovalSubject, Vote, VoteRefusal } from './approval.js';
import { demand, ISSUER, no, owner, person, quorum, subject, yes } from './approval-fixture.js';
import { type Ballot, checkBallot, isMember, tally } from './voting.js';

function pending(more: Partial<ApprovalSubject> = {}, votes: readonly Vote[] = []): Approval {
  return {
    id: '0'.repeat(26),
    subject: subject(more),
    state: 'pending',
    votes,
    createdAtMs: 0,
    expiresAtMs: 1,
    decidedAtMs: undefined,
  };
}

const vote = (voter: Principal, choice: Vote['choice'] = 'approve'): Vote => ({
  voter,
  choice,
  reason: undefined,
  channel: 'api',
  atMs: 0,
});
const by = (requester: Principal): Partial<ApprovalSubject> => ({ requester });
const S = subject();

interface Case {
  readonly title: string;
  readonly approval: Approval;
  readonly voter: Principal;
  readonly ballot: Ballot;
  readonly refusal: VoteRefusal | undefined;
}

const cases: readonly Case[] = [
  { title: 'an approver says yes', approval: pending(), voter: owner('olga'), ballot: yes(S), refusal: undefined },
  {
    title: 'an approver says no with a reason',
    approval: pending(),
    voter: owner('olga'),
    ballot: no(S),
    refusal: undefined,
  },
  {
    title: 'the requester, though an approver',
    approval: pending(),
    voter: owner('agent-7'),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'the requester saying no',
    approval: pending(),
    voter: owner('agent-7'),
    ballot: no(S),
    refusal: 'own-request',
  },
  {
    title: 'somebody of another issuer with the requester’s subject',
    approval: pending(by(person('agent-7'))),
    voter: owner('agent-7', { issuer: 'https://other.example', name: 'x' }),
    ballot: yes(S),
    refusal: undefined,
  },
  {
    title: 'the delegator by mail',
    approval: pending(),
    voter: owner('u1', { name: 'ANA@Example.com ' }),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'the delegator by subject',
    approval: pending(by(person('a', { delegator: 'U1' }))),
    voter: owner('u1'),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'the delegator by issuer and subject',
    approval: pending(by(person('a', { delegator: `${ISSUER}#u1` }))),
    voter: owner('u1'),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'another agent of the same person',
    approval: pending(),
    voter: owner('agent-8', { delegator: 'Ana@example.com' }),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'an agent that works for the requester',
    approval: pending(by(person('rita'))),
    voter: owner('agent-8', { delegator: 'RITA@example.com' }),
    ballot: yes(S),
    refusal: 'own-request',
  },
  {
    title: 'an empty delegator bars nobody',
    approval: pending(by(person('a', { delegator: '' }))),
    voter: owner('b', { delegator: ' ' }),
    ballot: yes(S),
    refusal: undefined,
  },
  { title: 'a stranger', approval: pending(), voter: person('sam'), ballot: yes(S), refusal: 'not-an-approver' },
  {
    title: 'a stranger saying no',
    approval: pending(),
    voter: person('sam'),
    ballot: no(S),
    refusal: 'not-an-approver',
  },
  {
    title: 'a member of a group of like name',
    approval: pending(),
    voter: person('sam', { groups: ['Data-Owners', 'data-owners-2'] }),
    ballot: yes(S),
    refusal: 'not-an-approver',
  },
  {
    title: 'a demand that names nobody',
    approval: pending({ demand: demand([]) }),
    voter: owner('olga'),
    ballot: yes(S),
    refusal: 'not-an-approver',
  },
  {
    title: 'one who voted',
    approval: pending({}, [vote(owner('olga'))]),
    voter: owner('olga'),
    ballot: no(S),
    refusal: 'already-voted',
  },
  {
    title: 'one of the same name as one who voted',
    approval: pending({}, [vote(owner('olga'))]),
    voter: owner('olga2', { name: 'olga@example.com' }),
    ballot: yes(S),
    refusal: undefined,
  },
  {
    title: 'a no without a reason',
    approval: pending(),
    voter: owner('olga'),
    ballot: no(S, { reason: undefined }),
    refusal: 'reason-missing',
  },
  {
    title: 'a no with a blank reason',
    approval: pending(),
    voter: owner('olga'),
    ballot: no(S, { reason: ' \n\u200B\u202E' }),
    refusal: 'reason-missing',
  },
  {
    title: 'a yes about another text',
    approval: pending(),
    voter: owner('olga'),
    ballot: yes(S, { bindingHash: 'f'.repeat(64) }),
    refusal: 'hash-mismatch',
  },
  {
    title: 'a no about another text',
    approval: pending(),
    voter: owner('olga'),
    ballot: no(S, { bindingHash: '' }),
    refusal: 'hash-mismatch',
  },
];

describe('checkBallot', () => {
  test.each(cases)('$title: $refusal', ({ approval, voter, ballot, refusal }) => {
    expect(checkBallot(approval, voter, ballot)).toBe(refusal);
  });
});

describe('isMember', () => {
  const q = (...users: string[]) => quorum({ groups: [], users });
  const impostor = person(`${ISSUER}#olga`, { issuer: 'https://evil.example' });
  test.each([
    ['a bare subject of any issuer', q('olga'), person('olga', { issuer: 'https://other.example' }), true],
    ['issuer and subject', q(`${ISSUER}#olga`), person('olga'), true],
    ['a subject that holds #', q(`${ISSUER}#a#b`), person('a#b'), true],
    [
      'not the same subject of another issuer',
      q(`${ISSUER}#olga`),
      person('olga', { issuer: 'https://other.example' }),
      false,
    ],
    ['not a subject made to look like issuer and subject', q(`${ISSUER}#olga`), impostor, false],
    ['not an issuer that ends in #', q(`${ISSUER}#a#b`), person('b', { issuer: `${ISSUER}#a` }), false],
    ['not by case', q('olga'), person('Olga'), false],
    ['not by display name', q('olga@example.com'), person('olga'), false],
    ['nobody by an empty entry', q(''), person(''), false],
  ])('takes %s', (_title, one, who, expected) => {
    expect(isMember(one, who)).toBe(expected);
  });
});

describe('tally', () => {
  const one = quorum({ rule: 'one' });
  const two = quorum({ rule: 'two', groups: ['security'], minApprovals: 2 });
  const both = (name: string) => person(name, { groups: ['data-owners', 'security'] });
  const sec = (name: string) => person(name, { groups: ['security'] });
  test.each([
    ['nothing yet', [one], [], undefined],
    ['a yes of its one quorum', [one], [vote(owner('a'))], 'approved'],
    ['a yes of a stranger', [one], [vote(person('a'))], undefined],
    ['one of two quorums', [one, two], [vote(owner('a'))], undefined],
    ['two quorums with too few of the second', [one, two], [vote(owner('a')), vote(sec('b'))], undefined],
    ['two quorums, three persons', [one, two], [vote(owner('a')), vote(sec('b')), vote(sec('c'))], 'approved'],
    ['two quorums, two persons of both', [one, two], [vote(both('a')), vote(both('b'))], 'approved'],
    ['the same person twice', [two], [vote(sec('a')), vote(sec('a'))], undefined],
    ['one no among enough yes', [one], [vote(owner('a')), vote(owner('b'), 'deny')], 'denied'],
    ['a quorum of none still wants one', [quorum({ minApprovals: 0 })], [], undefined],
    ['a quorum of a negative number still wants one', [quorum({ minApprovals: -1 })], [vote(owner('a'))], 'approved'],
    ['a quorum of no number', [quorum({ minApprovals: Number.NaN })], [vote(owner('a')), vote(owner('b'))], undefined],
    ['no quorum at all', [], [vote(owner('a'))], undefined],
  ] as const)('%s', (_title, quorums, votes, expected) => {
    expect(tally(demand(quorums), votes)).toBe(expected);
  });
});
