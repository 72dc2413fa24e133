import type { Approval, VoteRefusal } from '../../approval/approval.js';
import type { Denial } from '../../errors.js';
import { deny } from '../../errors.js';

const STATUS: Readonly<Record<VoteRefusal, number>> = {
  'unknown-request': 404,
  'already-decided': 409,
  'own-request': 403,
  'not-an-approver': 403,
  'already-voted': 409,
  'reason-missing': 422,
  'hash-mismatch': 409,
};

const WORDS: Readonly<Record<VoteRefusal, string>> = {
  'unknown-request': 'there is no such request',
  'already-decided': 'the request is already decided',
  'own-request': 'you asked for it yourself or it runs on your behalf, so somebody else must decide',
  'not-an-approver': 'no rule of the request names you as a person who may approve it',
  'already-voted': 'you have already voted on this request',
  'reason-missing': 'a denial needs a reason',
  'hash-mismatch': 'it was for another text or context than the request has now',
};

/** Why a vote was not counted, for people and for callers of the API. */
export interface ShownRefusal {
  readonly status: number;
  readonly words: string;
  readonly denial: Denial;
}

export function showVoteRefusal(refusal: VoteRefusal, approval: Approval, presentedHash: string): ShownRefusal {
  return { status: STATUS[refusal], words: WORDS[refusal], denial: denialOf(refusal, approval, presentedHash) };
}

function denialOf(refusal: VoteRefusal, approval: Approval, presentedHash: string): Denial {
  if (refusal === 'unknown-request') return deny.unknownRequest();
  if (refusal === 'hash-mismatch')
    return deny.changedAfterApproval(approval.id, presentedHash.replace(/[^\w]/g, ''), approval.subject.bindingHash);
  return deny.voteNotCounted(WORDS[refusal]);
}
