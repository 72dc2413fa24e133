import type { Earliest } from './earliest.js';
import type { Finding } from './finding.js';
import type { People, Votes } from './people.js';
import { type Approval, isComparable, mayBeSame, type Outcome, type Request } from './statement-facts.js';

/** What the records of one approval say, beside its decision. */
export interface ApprovalRecords {
  /** Held requests of the statement. */
  readonly held: readonly Request[];
  /** Its `approval.request` records with the decision's approval. */
  readonly asked: readonly Approval[];
  readonly votes: Votes;
  /** Who asked, by the held requests themselves and by the openings of their sessions. */
  readonly requesters: readonly People[];
  /** Votes by those. */
  readonly ownVotes: () => Earliest;
}

/**
 * An approval was asked for, is for what was asked, was voted for by somebody else than the one who asked, and by as many of those as
 * every rule wanted: the first of these that it is not.
 */
export function checkApproval(
  outcome: Outcome,
  { held, asked, votes, requesters, ownVotes }: ApprovalRecords,
): readonly Finding[] {
  const fault = (code: string, message: string): readonly Finding[] => {
    const { log, index } = outcome;
    return [{ severity: 'tampered', code, message, log, index }];
  };
  if (held.length === 0 || asked.length === 0)
    return fault('approved-without-request', 'an approval of nothing that was asked');
  const isForHeld = held.some((request) => mayBeSame(request, outcome) && isForText(outcome, request));
  if (typeof outcome.hash !== 'string' || !isForHeld || !asked.some((one) => mayBeSame(one, outcome)))
    return fault('approval-mismatch', 'what was approved is not what was asked');
  const { voters } = outcome;
  const isCast =
    voters === undefined
      ? votes.precede(outcome)
      : voters.length > 0 && voters.every((voter) => voter !== undefined && votes.include(voter, outcome));
  if (!isCast)
    return fault('approved-without-vote', 'approved, but the votes that would have done it are not recorded');
  const isOwn =
    voters === undefined
      ? ownVotes().precedes(outcome)
      : voters.some((voter) => voter !== undefined && requesters.some((people) => people.has(voter)));
  if (isOwn) return fault('approved-by-requester', 'approved by the one who asked');
  const isEnough = asked.every(
    ({ quorums }) => quorums?.every((quorum) => votes.meet(quorum, outcome, voters)) === true,
  );
  return isEnough ? [] : fault('approved-by-too-few', 'approved by fewer than a rule asked for, or by others');
}

function isForText(outcome: Outcome, request: Request): boolean {
  const { statementHash } = outcome;
  if (request.textUnread || statementHash === undefined || !isComparable(outcome, request)) return true;
  return statementHash === request.computedStatement;
}
