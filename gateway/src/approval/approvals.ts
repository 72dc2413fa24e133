import { deny, GatewayError } from '../errors.js';
import type { Principal } from '../identity/principal.js';
import type {
  Approval,
  ApprovalState,
  ApprovalSubject,
  RedeemRefusal,
  Vote,
  VoteRefusal,
  WithdrawReason,
} from './approval.js';
import { toVoteEntry } from './approval-entries.js';
import { isApprovalId } from './approval-id.js';
import { createLifecycle, type LifecycleDeps, type Loaded, retryRaces } from './lifecycle.js';
import { approvalKeys as keys, toVisible } from './stored-approval.js';
import { type Ballot, checkBallot, tally } from './voting.js';
import { realTimers, type Timers, waitUntilDecided } from './waiting.js';

export interface ApprovalsDeps extends LifecycleDeps {
  readonly timers?: Timers;
}

export type VoteResult =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly refusal: VoteRefusal };

export type RedeemResult =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly refusal: RedeemRefusal };

/**
 * Statements that wait for people.
 *
 * All state is in the store, so any gateway may ask, vote, wait or finish. A yes covers this statement, once, and nothing
 * wider: `redeem` gives it out a single time. Not deciding in time is a no. What is decided stays decided.
 * Every method rejects with StoreUnavailable when the store is lost and with the error of `record` when the record is;
 * both mean that nothing may run.
 *
 * What the record says: `approval.request` before anyone can see the request, `approval.vote` before a vote counts,
 * `decision` before the end is final. When another write comes between recording a vote and counting it, the vote is
 * tried again; if it is refused then, a second `approval.vote` with `refused` takes it back. A gateway that stops
 * between two steps leaves the next to another, so an `approval.request` or `decision` may appear twice, word for word
 * the same; two different decisions of one approval never do. `votes` of the decision lists those that counted.
 */
export interface Approvals {
  /**
   * Opens the approval of a query, or returns the one it has. Rejects with GatewayError (PISTE-1305) when the query id
   * already stands for another `bindingHash`.
   */
  request(subject: ApprovalSubject): Promise<Approval>;
  get(id: string): Promise<Approval | undefined>;
  findByQuery(queryId: string): Promise<Approval | undefined>;
  /** Newest first. Looks at no more than 10,000 approvals; ended ones are kept for a day. */
  list(filter: { readonly state?: ApprovalState; readonly limit: number }): Promise<readonly Approval[]>;
  /**
   * Resolves as soon as the approval has ended, or after `timeoutMs` with it still pending. Rejects with the signal's
   * reason when aborted, and with GatewayError when the approval is unknown (the store lost it: nothing may run).
   */
  wait(id: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Approval>;
  /** Counts one person's choice. It is recorded before it counts; a refusal leaves everything as it was. */
  vote(id: string, voter: Principal, ballot: Ballot): Promise<VoteResult>;
  /**
   * Ends a pending approval because nobody waits for it any more. Returns it as it then is: already approved or denied,
   * when the vote came first; undefined when unknown.
   */
  withdraw(id: string, why: WithdrawReason): Promise<Approval | undefined>;
  /**
   * Takes the yes for the one statement with this hash. The first call wins, across gateways; run the statement only
   * then. A yes that was taken and not used is spent.
   */
  redeem(id: string, bindingHash: string): Promise<RedeemResult>;
  /** Ends what has expired, finishes what a stopped gateway left half closed, and counts what stays open. Call it now and then. */
  sweep(): Promise<number>;
}

/** Identifiers looked at by one listing, and approvals read at a time. */
const MAX_LISTED = 10_000;
const LIST_BATCH = 50;
/** Longest reason kept, in characters. */
const MAX_REASON_CHARACTERS = 2_000;

export function createApprovals(deps: ApprovalsDeps): Approvals {
  const { store, clock, log, record } = deps;
  const lifecycle = createLifecycle(deps);

  async function findByQuery(queryId: string): Promise<Approval | undefined> {
    const loaded = await lifecycle.settled(queryId);
    return loaded === 'unknown' ? undefined : toVisible(loaded.stored);
  }

  /** The query an identifier stands for, if it is one. */
  async function queryOf(id: string): Promise<string | undefined> {
    return isApprovalId(id) ? (await store.get(keys.id(id)))?.value : undefined;
  }

  /** The settled approval with this identifier, unless it was not announced yet. */
  async function settledById(id: string, queryId: string | undefined): Promise<Loaded | undefined> {
    const loaded = queryId === undefined ? 'unknown' : await lifecycle.settled(queryId);
    if (loaded === 'unknown' || loaded.stored.phase === 'announcing') return undefined;
    return loaded.stored.approval.id === id ? loaded : undefined;
  }

  async function get(id: string): Promise<Approval | undefined> {
    const loaded = await settledById(id, await queryOf(id));
    return loaded && toVisible(loaded.stored);
  }

  async function getKnown(id: string): Promise<Approval> {
    const approval = await get(id);
    if (approval === undefined) throw lost();
    return approval;
  }

  async function vote(id: string, voter: Principal, ballot: Ballot): Promise<VoteResult> {
    const queryId = await queryOf(id);
    const cast = toVote(voter, ballot, clock());
    let isRecorded = false;
    const outcome = await retryRaces<'counted' | VoteRefusal>(async () => {
      const loaded = await settledById(id, queryId);
      if (loaded === undefined) return 'unknown-request';
      const { phase, approval } = loaded.stored;
      const refusal = phase === 'open' ? checkBallot(approval, voter, ballot) : 'already-decided';
      if (refusal !== undefined) {
        if (isRecorded) await record(toVoteEntry(approval, cast, refusal));
        return refusal;
      }
      if (!isRecorded) await record(toVoteEntry(approval, cast));
      isRecorded = true;
      // Recording takes time, and a vote that lands after the end is none.
      const now = clock();
      if (now >= approval.expiresAtMs) return undefined;
      const counted = { ...approval, votes: [...approval.votes, cast] };
      const verdict = tally(approval.subject.demand, counted.votes);
      const isWritten =
        verdict === undefined
          ? await lifecycle.replace(loaded, 'open', counted)
          : await lifecycle.end(loaded, { ...counted, state: verdict, decidedAtMs: now });
      return isWritten ? 'counted' : undefined;
    });
    if (outcome === 'counted') return { ok: true, approval: await getKnown(id) };
    log.warn('vote refused', { approvalId: id, reason: outcome });
    return { ok: false, refusal: outcome };
  }

  async function withdraw(id: string, why: WithdrawReason): Promise<Approval | undefined> {
    const queryId = await queryOf(id);
    await retryRaces(async () => {
      const loaded = await settledById(id, queryId);
      if (loaded?.stored.phase !== 'open') return true;
      const withdrawn = { state: 'withdrawn', withdrawnBecause: why, decidedAtMs: clock() } as const;
      return (await lifecycle.end(loaded, { ...loaded.stored.approval, ...withdrawn })) || undefined;
    });
    return get(id);
  }

  async function redeem(id: string, bindingHash: string): Promise<RedeemResult> {
    const queryId = await queryOf(id);
    return retryRaces<RedeemResult>(async () => {
      const loaded = await settledById(id, queryId);
      if (loaded === undefined) return { ok: false, refusal: 'unknown-request' };
      const { phase, approval } = loaded.stored;
      if (phase !== 'closed' || approval.state !== 'approved') return { ok: false, refusal: 'not-approved' };
      if (approval.subject.bindingHash !== bindingHash) return { ok: false, refusal: 'hash-mismatch' };
      if (approval.redeemedAtMs !== undefined) return { ok: false, refusal: 'already-redeemed' };
      const redeemed: Approval = { ...approval, redeemedAtMs: clock() };
      return (await lifecycle.replace(loaded, 'closed', redeemed)) ? { ok: true, approval: redeemed } : undefined;
    });
  }

  /** Identifiers under a prefix, newest first: they begin with the time. */
  async function idsUnder(prefix: string): Promise<readonly string[]> {
    const found = await store.keys(prefix, MAX_LISTED);
    return found
      .map((key) => key.slice(prefix.length))
      .sort()
      .reverse();
  }

  async function list(filter: {
    readonly state?: ApprovalState;
    readonly limit: number;
  }): Promise<readonly Approval[]> {
    const { state, limit } = filter;
    const ids = await idsUnder(state === 'pending' ? keys.allOpen : keys.allIds);
    const listed: Approval[] = [];
    for (let at = 0; at < ids.length && listed.length < limit; at += LIST_BATCH) {
      for (const approval of await Promise.all(ids.slice(at, at + LIST_BATCH).map(get))) {
        if (approval !== undefined && (state === undefined || approval.state === state)) listed.push(approval);
      }
    }
    return listed.slice(0, limit);
  }

  async function sweep(): Promise<number> {
    let open = 0;
    let oldestMs = clock();
    for (const id of await idsUnder(keys.allOpen)) {
      const loaded = await settledById(id, await queryOf(id));
      if (loaded === undefined) continue;
      if (loaded.stored.phase === 'closed') {
        // A mark left by a gateway that stopped before removing it.
        await store.delete(keys.open(id));
        continue;
      }
      open += 1;
      oldestMs = Math.min(oldestMs, loaded.stored.approval.createdAtMs);
    }
    deps.metrics?.pending?.(open);
    deps.metrics?.oldestPending?.((clock() - oldestMs) / 1000);
    return open;
  }

  return Object.freeze({
    async request(subject: ApprovalSubject) {
      await lifecycle.open(subject);
      const approval = await findByQuery(subject.queryId);
      if (approval === undefined) throw lost();
      return approval;
    },
    get,
    findByQuery,
    list,
    async wait(id: string, { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal }) {
      const queryId = await queryOf(id);
      if (queryId === undefined) throw lost();
      return waitUntilDecided({
        look: () => getKnown(id),
        watch: (onChange) => store.watch(keys.query(queryId), onChange),
        clock,
        timers: deps.timers ?? realTimers,
        timeoutMs,
        signal,
      });
    },
    vote,
    withdraw,
    redeem,
    sweep,
  });
}

/** An approval that existed and is gone: the store lost data, so nobody knows what was decided. */
function lost(): GatewayError {
  return new GatewayError('an approval is not in the store', deny.storeUnavailable());
}

function toVote(voter: Principal, ballot: Ballot, atMs: number): Vote {
  const { issuer, subject, name, groups } = voter;
  const reason = ballot.reason?.trim().slice(0, MAX_REASON_CHARACTERS).toWellFormed();
  return {
    voter: { issuer, subject, name, groups },
    choice: ballot.choice,
    reason: reason === '' ? undefined : reason,
    channel: ballot.channel,
    atMs,
  };
}
