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

/** An approval was asked for, is for what was asked, and was voted for by somebody else than the one who asked: the first of these that it is not. */
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
  return isOwn ? fault('approved-by-requester', 'approved by the one who asked') : [];
}

function isForText(outcome: Outcome, request: Request): boolean {
  const { statementHash } = outcome;
  if (request.textUnread || statementHash === undefined || !isComparable(outcome, request)) return true;
  return statementHash === request.computedStatement;
}
