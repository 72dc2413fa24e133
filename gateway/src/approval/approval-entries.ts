import type { Entry, EntryValue } from '@piste/verifier';
import type { Approval, Vote, VoteRefusal } from './approval.js';
import { approvalsNeeded } from './voting.js';

/** Says that a statement is held, for whom to decide and until when. */
export function toRequestEntry({ id, subject, expiresAtMs }: Approval): Entry {
  return entry('approval.request', subject.sessionId, {
    qid: subject.queryId,
    apr: id,
    hash: subject.bindingHash,
    rules: subject.demand.rules.map(wellFormed),
    quorums: subject.demand.quorums.map((quorum) => ({
      rule: wellFormed(quorum.rule),
      n: approvalsNeeded(quorum),
      grp: quorum.groups.map(wellFormed),
      usr: quorum.users.map(wellFormed),
    })),
    expires: Math.floor(expiresAtMs),
    cls: subject.class,
  });
}

/** Says what a person chose. With `refused`, that a choice recorded just before did not count, and why. */
export function toVoteEntry({ id, subject }: Approval, vote: Vote, refused?: VoteRefusal): Entry {
  return entry('approval.vote', subject.sessionId, {
    apr: id,
    qid: subject.queryId,
    iss: vote.voter.issuer,
    sub: vote.voter.subject,
    name: vote.voter.name,
    grp: groupsThatCount(subject, vote.voter).map(wellFormed),
    choice: vote.choice,
    reason: vote.reason ?? null,
    channel: vote.channel,
    ...(refused === undefined ? {} : { refused }),
  });
}

/** Says how it ended, and which votes counted. The same approval gives the same entry, whoever writes it. */
export function toDecisionEntry({ id, subject, state, votes, withdrawnBecause }: Approval): Entry {
  return entry('decision', subject.sessionId, {
    qid: subject.queryId,
    apr: id,
    v: state,
    hash: subject.bindingHash,
    votes: votes.map(({ voter, choice }) => ({
      iss: wellFormed(voter.issuer),
      sub: wellFormed(voter.subject),
      choice,
    })),
    ...(withdrawnBecause === undefined ? {} : { why: withdrawnBecause }),
  });
}

/** Of the voter's groups, those on which a rule counts the vote. */
function groupsThatCount({ demand }: Approval['subject'], { groups }: Vote['voter']): readonly string[] {
  const named = new Set(demand.quorums.flatMap((quorum) => quorum.groups));
  return groups.filter((group) => named.has(group));
}

/** Claims may hold lone surrogates, which the record's encoding cannot. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function entry(kind: Entry['kind'], sessionId: string, fields: Record<string, EntryValue>): Entry {
  const clean = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? wellFormed(value) : value,
  ]);
  return { kind, sessionId, fields: Object.fromEntries(clean), bodies: [] };
}
