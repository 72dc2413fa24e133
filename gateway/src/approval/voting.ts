import { quoteHumanText } from '../errors.js';
import { isSamePrincipal, type Principal } from '../identity/principal.js';
import type { ApprovalDemand, Quorum } from '../policy/decision.js';
import type { Approval, ApprovalSubject, Vote, VoteRefusal } from './approval.js';

/** What a person says about a request. `bindingHash` is that of the request as it was shown to them. */
export interface Ballot {
  readonly choice: 'approve' | 'deny';
  readonly reason: string | undefined;
  readonly bindingHash: string;
  readonly channel: Vote['channel'];
}

/** Reason why this voter's ballot cannot count on a pending approval, or nothing. */
export function checkBallot(approval: Approval, voter: Principal, ballot: Ballot): VoteRefusal | undefined {
  if (isOwnRequest(approval.subject, voter)) return 'own-request';
  if (!approval.subject.demand.quorums.some((quorum) => isMember(quorum, voter))) return 'not-an-approver';
  if (approval.votes.some((vote) => isSamePrincipal(vote.voter, voter))) return 'already-voted';
  if (ballot.choice === 'deny' && quoteHumanText(ballot.reason ?? '') === '') return 'reason-missing';
  if (ballot.bindingHash !== approval.subject.bindingHash) return 'hash-mismatch';
  return undefined;
}

/** What the votes say together: one deny decides; a yes needs every quorum; nothing while the question is open. */
export function tally(demand: ApprovalDemand, votes: readonly Vote[]): 'approved' | 'denied' | undefined {
  if (votes.some((vote) => vote.choice === 'deny')) return 'denied';
  // A demand that names nobody is met by nobody.
  if (demand.quorums.length === 0) return undefined;
  return demand.quorums.every((quorum) => isMet(quorum, votes)) ? 'approved' : undefined;
}

/** True when enough different persons of this quorum approve. One person may count in several quorums, once in each. */
function isMet(quorum: Quorum, votes: readonly Vote[]): boolean {
  const members: Vote['voter'][] = [];
  for (const { choice, voter } of votes) {
    if (choice !== 'approve' || !isMember(quorum, voter)) continue;
    if (!members.some((member) => isSamePrincipal(member, voter))) members.push(voter);
  }
  return members.length >= approvalsNeeded(quorum);
}

/** A rule that asks for approval never means none. */
export function approvalsNeeded({ minApprovals }: Quorum): number {
  return Math.max(1, minApprovals);
}

/** True when the quorum names the person or one of their groups. */
export function isMember(quorum: Quorum, person: Vote['voter']): boolean {
  if (person.groups.some((group) => quorum.groups.includes(group))) return true;
  return quorum.users.some((entry) => {
    const hash = entry.indexOf('#');
    // An entry with '#' is never a bare subject: otherwise any issuer could hand out the subject "iss#sub" of another.
    if (hash < 0) return entry !== '' && entry === person.subject;
    return entry.slice(0, hash) === person.issuer && entry.slice(hash + 1) === person.subject;
  });
}

/**
 * True when the voter is the requester, the person on whose behalf it works, or another agent of that person.
 * Requesters are compared by issuer and subject. A delegator is only a claimed name, so it is compared with all the
 * voter is called by, without regard to case; that may bar a namesake, never admit the person.
 */
function isOwnRequest({ requester }: ApprovalSubject, voter: Principal): boolean {
  if (isSamePrincipal(requester, voter)) return true;
  const requesterActsFor = fold(requester.delegator);
  const voterActsFor = fold(voter.delegator);
  if (requesterActsFor !== '' && (namesOf(voter).includes(requesterActsFor) || requesterActsFor === voterActsFor))
    return true;
  return voterActsFor !== '' && namesOf(requester).includes(voterActsFor);
}

function namesOf(person: Principal): readonly string[] {
  return [person.name, person.subject, `${person.issuer}#${person.subject}`].map(fold);
}

function fold(name: string | undefined): string {
  return (name ?? '').normalize('NFKC').trim().toLowerCase();
}
