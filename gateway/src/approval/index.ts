export type {
  Approval,
  ApprovalState,
  ApprovalSubject,
  RedeemRefusal,
  Vote,
  VoteRefusal,
  WithdrawReason,
} from './approval.js';
export {
  type Approvals,
  type ApprovalsDeps,
  createApprovals,
  type RedeemResult,
  type VoteResult,
} from './approvals.js';
export type { ApprovalMetrics } from './lifecycle.js';
export { type Ballot, tally } from './voting.js';
export type { Timers } from './waiting.js';
