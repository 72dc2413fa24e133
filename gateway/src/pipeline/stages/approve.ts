import { type Approval, tally } from '../../approval/index.js';
import { deny } from '../../errors.js';
import { type Decision, permitApproved, permitFor } from '../../policy/index.js';
import type { StatementDeps } from '../deps.js';
import { heldEntry } from '../entries.js';
import type { Decided, Permitted } from '../exchange.js';
import { keepAlive } from '../keep-alive.js';
import { pollKey } from '../keys.js';
import { refuse, refuseAsSnowflake } from '../refusals.js';
import { createTokenBox } from '../token-box.js';
import { HandedOver, isStop, type Stop } from '../walk.js';
import { analyzeStage } from './analyze.js';
import { decideStatement } from './decide.js';
import { identifyStage } from './identify.js';

/** One look at the approval; between looks the driver's presence and the session with Snowflake are kept up. */
const LOOK_MS = 10_000;
const HEARTBEAT_MS = 900_000;

/** Waits for people where the decision says so. The driver meanwhile polls a query that is still running. */
export async function approveStage(deps: StatementDeps, decided: Decided): Promise<Permitted | Stop> {
  const { decision } = decided;
  if (decision.verdict === 'allow') return { ...decided, permit: permitFor(decision, decided.binding) };
  if (decided.request.describeOnly) {
    return { ...decided, permit: permitFor({ ...decision, verdict: 'allow' }, decided.binding) };
  }
  const approval = await ask(deps, decided, decision);
  const outcome = await waitForPeople(deps, decided, approval);
  if (isStop(outcome)) return outcome;
  return resume(deps, decided, outcome);
}

async function ask(
  deps: StatementDeps,
  decided: Decided,
  decision: Decided['decision'] & { verdict: 'hold' },
): Promise<Approval> {
  const known = await deps.approvals.findByQuery(decided.queryId);
  if (known === undefined) await deps.recording.append(heldEntry(decided));
  decided.onRequestRecorded();
  if (known !== undefined) return known;
  const { session, request, binding } = decided;
  deps.metrics.statement(decided.connection.name, decided.analysis.verb, 'held');
  return deps.approvals.request({
    queryId: decided.queryId,
    sessionId: session.id,
    connection: decided.connection.name,
    account: session.account,
    requester: session.principal,
    claimedPurpose: session.claimedPurpose,
    class: decision.class,
    canonicalText: decided.canonicalText,
    submittedText: request.sqlText,
    binds: binding.binds,
    parameters: binding.parameters,
    role: binding.role,
    warehouse: binding.warehouse,
    database: binding.database,
    schema: binding.schema,
    objects: decision.objects,
    masks: decision.masks,
    demand: decision.approval,
    ...(decision.strictBy === undefined ? {} : { strictBy: decision.strictBy }),
    bindingHash: decided.bindingHash,
  });
}

/** The approved approval, or how the waiting ended. */
async function waitForPeople(deps: StatementDeps, decided: Decided, asked: Approval): Promise<Approval | Stop> {
  const { queryId, signal, stopping, request } = decided;
  const box = createTokenBox(deps, decided.session);
  const endpoint = deps.endpointOf(decided.connection.name);
  let heartbeatAtMs = deps.clock.nowMs();
  for (let approval = asked; ; ) {
    if (approval.state !== 'pending') return conclude(queryId, approval);
    try {
      approval = await deps.approvals.wait(approval.id, {
        timeoutMs: LOOK_MS,
        signal: AbortSignal.any([signal, stopping]),
      });
    } catch (error) {
      if (!signal.aborted) throw stopping.aborted ? new HandedOver() : error;
      approval = (await deps.approvals.withdraw(approval.id, 'cancelled')) ?? approval;
      return withdrawn(queryId);
    }
    if (!request.asyncExec && (await deps.store.get(pollKey(queryId))) === undefined) {
      approval = (await deps.approvals.withdraw(approval.id, 'client-gone')) ?? approval;
    }
    if (endpoint !== undefined && deps.clock.nowMs() - heartbeatAtMs >= HEARTBEAT_MS) {
      heartbeatAtMs = deps.clock.nowMs();
      await keepAlive(deps, { sessionId: decided.session.id, queryId, endpoint, box });
    }
  }
}

function conclude(queryId: string, approval: Approval): Approval | Stop {
  const { demand } = approval.subject;
  switch (approval.state) {
    case 'pending':
    case 'approved':
      return approval;
    case 'denied': {
      const vote = approval.votes.find((candidate) => candidate.choice === 'deny');
      const atUtc = new Date(approval.decidedAtMs ?? approval.createdAtMs).toISOString();
      return refuse(
        queryId,
        deny.approvalDenied(vote?.voter.name ?? 'an approver', atUtc, vote?.reason, approval.id),
        'denied',
      );
    }
    case 'expired': {
      const groups = demand.quorums.flatMap((quorum) => [...quorum.groups, ...quorum.users]);
      return refuse(
        queryId,
        deny.approvalExpired(Math.max(1, Math.round(demand.timeoutSeconds / 60)), groups),
        'expired',
      );
    }
    case 'withdrawn':
      return withdrawn(queryId);
  }
}

/** Snowflake's own code for a cancelled statement: drivers know it. */
function withdrawn(queryId: string): Stop {
  const denial = deny.approvalWithdrawn();
  return refuseAsSnowflake(queryId, '000604', denial.sqlState, denial.message, 'cancelled');
}

/**
 * After the yes the statement is looked at again as things stand now: a changed session or catalogue changes the binding
 * hash, a policy that became stricter applies, and so does a rule that asks for other people than those who said yes. The
 * yes is taken last and once, so a gateway that stops from here on leaves a statement that is not run again.
 */
async function resume(deps: StatementDeps, held: Decided, approval: Approval): Promise<Permitted | Stop> {
  const identified = await identifyStage(deps, held);
  if (isStop(identified)) return identified;
  const analyzed = await analyzeStage(deps, identified);
  if (isStop(analyzed)) return analyzed;
  const now = stillStrict(decideStatement(deps, analyzed), approval);
  await held.onDecided(now.decision);
  if ('denial' in now) return refuse(held.queryId, now.denial, 'blocked');
  const outcome = { id: approval.id, state: approval.state, bindingHash: approval.subject.bindingHash };
  const holding = { ...held.decision, ...now.decision, verdict: 'hold', approval: approval.subject.demand } as const;
  const permitted = permitApproved(holding, outcome, now.binding);
  if (!permitted.ok) return refuse(held.queryId, permitted.denial, 'refused');
  if (now.decision.verdict === 'hold' && tally(now.decision.approval, approval.votes) !== 'approved') {
    const { bindingHash } = approval.subject;
    return refuse(held.queryId, deny.changedAfterApproval(approval.id, bindingHash, now.bindingHash), 'refused');
  }
  const redeemed = await deps.approvals.redeem(approval.id, now.bindingHash);
  if (!redeemed.ok) return refuse(held.queryId, deny.approvalSpent(approval.id), 'refused');
  return { ...now, permit: permitted.permit };
}

/** What was held to be recorded in `strict` is, also when its policy asks for less by now. */
function stillStrict<T extends { readonly decision: Decision }>(now: T, { subject }: Approval): T {
  const strictBy = [...new Set([...(subject.strictBy ?? []), ...(now.decision.strictBy ?? [])])].sort();
  return strictBy.length === 0 ? now : { ...now, decision: { ...now.decision, strictBy } };
}
