import type { Finding } from './finding.js';
import {
  type Approval,
  isComparable,
  mayBeSame,
  type Outcome,
  type Person,
  type Place,
  precedes,
  type Request,
  type Vote,
} from './statement-facts.js';

/** What the records of one approval say, beside its decision. */
export interface ApprovalRecords {
  /** Held requests of the statement. */
  readonly held: readonly Request[];
  /** Its `approval.request` records with the decision's approval. */
  readonly asked: readonly Approval[];
  /** Votes for it, wherever they stand. */
  readonly votes: readonly (Vote & Place)[];
  /** Who opened the sessions of the held requests. */
  readonly openers: readonly Person[];
}

/** An approval was asked for, is for what was asked, and was voted for by somebody else than the one who asked: the first of these that it is not. */
export function checkApproval(outcome: Outcome, { held, asked, votes, openers }: ApprovalRecords): readonly Finding[] {
  const fault = (code: string, message: string): readonly Finding[] => {
    const { log, index } = outcome;
    return [{ severity: 'tampered', code, message, log, index }];
  };
  if (held.length === 0 || asked.length === 0)
    return fault('approved-without-request', 'an approval of nothing that was asked');
  const isForHeld = held.some((request) => mayBeSame(request, outcome) && isForText(outcome, request));
  if (typeof outcome.hash !== 'string' || !isForHeld || !asked.some((one) => mayBeSame(one, outcome)))
    return fault('approval-mismatch', 'what was approved is not what was asked');
  const cast = votes.filter((vote) => precedes(vote, outcome)).map(({ voter }) => voter);
  const counted = outcome.voters ?? cast;
  if (counted.length === 0 || !counted.every((voter) => isAmong(voter, cast)))
    return fault('approved-without-vote', 'approved, but the votes that would have done it are not recorded');
  const requesters = [...openers, ...held.flatMap(({ requester }) => requester ?? [])];
  return counted.some((voter) => isAmong(voter, requesters))
    ? fault('approved-by-requester', 'approved by the one who asked')
    : [];
}

function isForText(outcome: Outcome, request: Request): boolean {
  const { statementHash } = outcome;
  if (request.textUnread || statementHash === undefined || !isComparable(outcome, request)) return true;
  return statementHash === request.computedStatement;
}

function isAmong(voter: Person | undefined, people: readonly Person[]): boolean {
  return people.some(({ issuer, subject }) => issuer === voter?.issuer && subject === voter.subject);
}
