import type { Entry } from '@piste/verifier';
import { deny, GatewayError } from '../errors.js';
import type { Sealer, Store } from '../store/index.js';
import type { Log } from '../telemetry/log.js';
import type { Approval, ApprovalState, ApprovalSubject, Vote } from './approval.js';
import { toDecisionEntry, toRequestEntry } from './approval-entries.js';
import { newApprovalId } from './approval-id.js';
import { decodeStored, encodeStored, approvalKeys as keys, type StoredApproval } from './stored-approval.js';

/** Where numbers go. Each event is told once, by the gateway whose write made it so. */
export interface ApprovalMetrics {
  /** An approval ended; once for each rule that asked for it. `channel` is that of the deciding vote. */
  approvals?(rule: string, outcome: Exclude<ApprovalState, 'pending'>, channel: Vote['channel'] | 'none'): void;
  /** From the request to its end. */
  decisionSeconds?(outcome: Exclude<ApprovalState, 'pending'>, seconds: number): void;
  /** How many are open, as last counted by `sweep`. */
  pending?(count: number): void;
  /** Age of the oldest open one, 0 when there is none, as last seen by `sweep`. */
  oldestPending?(seconds: number): void;
}

export interface LifecycleDeps {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
  /** Resolves when the entry is safe. Whatever it rejects with, the step it should precede does not happen. */
  readonly record: (entry: Entry) => Promise<unknown>;
  readonly metrics?: ApprovalMetrics;
  /** Seals statements and binds in the store, and keeps others who can write there from forging a yes. */
  readonly sealer?: Sealer;
}

export interface Loaded {
  readonly stored: StoredApproval;
  readonly version: string;
}

/** The only writer of stored approvals: every change is a comparison of versions in the store. */
export interface Lifecycle {
  /** Makes the approval of a query exist and be recorded; does nothing when it does already. */
  open(subject: ApprovalSubject): Promise<void>;
  /** The present state, after ending what has expired and finishing what another gateway left half closed. */
  settled(queryId: string): Promise<Loaded | 'unknown'>;
  /** False when another write came first. */
  replace(from: Loaded, phase: 'open' | 'closed', approval: Approval): Promise<boolean>;
  /** Fixes the outcome, records it, makes it count. False when another write came first. */
  end(from: Loaded, ended: Approval): Promise<boolean>;
}

/** How long an ended approval can still be read. */
const RETENTION_SECONDS = 24 * 3600;
/** After so long, a closing that is not closed was left by a gateway that stopped, and anyone finishes it. */
const TAKE_OVER_MS = 5_000;
/** Every lost race means that another write won, so this many in a row means a fault. */
const MAX_ATTEMPTS = 200;

/** Repeats `step` until it gives a result; undefined means that it lost a race. */
export async function retryRaces<T>(step: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const result = await step();
    if (result !== undefined) return result;
  }
  throw new GatewayError('an approval changes without end', deny.storeUnavailable());
}

export function createLifecycle(deps: LifecycleDeps): Lifecycle {
  const { store, clock, log, record, metrics, sealer } = deps;

  async function load(queryId: string): Promise<Loaded | undefined> {
    const key = keys.query(queryId);
    const found = await store.get(key);
    return found && { stored: decodeStored(found.value, key, sealer), version: found.version };
  }

  /** Life in the store: a day beyond its end, or beyond the latest end it can have. */
  function ttlSeconds({ phase, approval }: StoredApproval): number {
    const openMs = phase === 'closed' ? 0 : Math.max(0, approval.expiresAtMs - clock());
    return openMs / 1000 + RETENTION_SECONDS;
  }

  function toStored(phase: StoredApproval['phase'], approval: Approval): StoredApproval {
    return { format: 1, phase, sinceMs: clock(), approval };
  }

  async function replace(from: Loaded, phase: StoredApproval['phase'], approval: Approval): Promise<boolean> {
    const key = keys.query(approval.subject.queryId);
    const next = toStored(phase, approval);
    return store.replace(key, from.version, encodeStored(next, key, sealer), ttlSeconds(next));
  }

  async function open(subject: ApprovalSubject): Promise<void> {
    const draft = toDraft(subject, clock(), deps.random);
    const key = keys.query(subject.queryId);
    await retryRaces(async () => {
      const loaded = await load(subject.queryId);
      if (loaded !== undefined) return (await announce(loaded, subject)) || undefined;
      const next = toStored('announcing', draft);
      await store.create(key, encodeStored(next, key, sealer), ttlSeconds(next));
      return undefined;
    });
  }

  /** Records what is not open yet, and opens it. False when another write came first. */
  async function announce(loaded: Loaded, subject: ApprovalSubject): Promise<boolean> {
    const { phase, approval } = loaded.stored;
    checkBinding(approval, subject);
    if (phase !== 'announcing') return true;
    // Also reached for an announcement that another gateway left: the entry is the same, whoever writes it.
    await record(toRequestEntry(approval));
    const ttl = ttlSeconds(loaded.stored);
    await store.create(keys.id(approval.id), subject.queryId, ttl);
    await store.create(keys.open(approval.id), subject.queryId, ttl);
    return replace(loaded, 'open', approval);
  }

  async function end(from: Loaded, ended: Approval): Promise<boolean> {
    if (!(await replace(from, 'closing', ended))) return false;
    await finish(ended.subject.queryId);
    return true;
  }

  async function finish(queryId: string): Promise<void> {
    const loaded = await load(queryId);
    if (loaded?.stored.phase !== 'closing') return;
    const { approval } = loaded.stored;
    await record(toDecisionEntry(approval));
    if (await replace(loaded, 'closed', approval)) report(approval);
    await store.delete(keys.open(approval.id));
    await store.touch(keys.id(approval.id), RETENTION_SECONDS);
  }

  function report({ id, state, subject, votes, createdAtMs, decidedAtMs = createdAtMs }: Approval): void {
    log.info('approval ended', { approvalId: id, queryId: subject.queryId, outcome: state });
    if (state === 'pending') return;
    const isVoted = state === 'approved' || state === 'denied';
    const channel = (isVoted ? votes.at(-1)?.channel : undefined) ?? 'none';
    for (const rule of subject.demand.rules) metrics?.approvals?.(rule, state, channel);
    metrics?.decisionSeconds?.(state, (decidedAtMs - createdAtMs) / 1000);
  }

  async function settled(queryId: string): Promise<Loaded | 'unknown'> {
    return retryRaces(async () => {
      const loaded = await load(queryId);
      if (loaded === undefined) return 'unknown';
      const { phase, approval, sinceMs } = loaded.stored;
      const now = clock();
      if (phase === 'open' && now >= approval.expiresAtMs) {
        await end(loaded, { ...approval, state: 'expired', decidedAtMs: approval.expiresAtMs });
        return undefined;
      }
      if (phase === 'closing' && now - sinceMs >= TAKE_OVER_MS) {
        // Writing it anew makes the others wait for this one.
        if (await replace(loaded, 'closing', approval)) await finish(queryId);
        return undefined;
      }
      return loaded;
    });
  }

  return { open, settled, replace, end };
}

function toDraft(subject: ApprovalSubject, nowMs: number, random: (bytes: number) => Uint8Array): Approval {
  const { timeoutSeconds } = subject.demand;
  if (!(timeoutSeconds > 0)) throw new RangeError('an approval needs a positive timeoutSeconds');
  return {
    id: newApprovalId(nowMs, random),
    subject,
    state: 'pending',
    votes: [],
    createdAtMs: nowMs,
    expiresAtMs: nowMs + timeoutSeconds * 1000,
    decidedAtMs: undefined,
  };
}

function checkBinding(existing: Approval, { bindingHash }: ApprovalSubject): void {
  const bound = existing.subject.bindingHash;
  if (bound === bindingHash) return;
  throw new GatewayError(
    'a query id stands for two statements',
    deny.changedAfterApproval(existing.id, bound, bindingHash),
  );
}
