import { deny, errorMessage, GatewayError } from '../errors.js';
import type { Decision } from '../policy/index.js';
import { encodeBody, failure, snowflakeFailure } from '../protocol/index.js';
import { type Entry, unrecordedAnswer } from '../recording/index.js';
import type { Session } from '../session/index.js';
import { readStatement } from '../sql/index.js';
import { acquireLease, releaseLease, renewLease } from '../store/index.js';
import { afterRun } from './after-run.js';
import type { Answer } from './answer.js';
import type { StatementDeps } from './deps.js';
import { refusedStatementEntry } from './entries.js';
import type { Delivered, Received } from './exchange.js';
import type { KeptStatement, KeptStatements } from './kept-statements.js';
import { abortKey, leaseKey } from './keys.js';
import { queryWalk } from './query.js';
import { type Timers, within } from './waiting.js';
import { HandedOver, isStop, type StageTimer, type Stop } from './walk.js';

/** Statements that this gateway walks. */
export interface Walks {
  /** Sees to it that an open statement is walked, here if nowhere else; false when another gateway does it. */
  start(queryId: string, session: Session): Promise<boolean>;
  /** The end of a statement walked here; undefined when it is not. */
  endOf(queryId: string): Promise<Answer | undefined> | undefined;
  /** Cancels a statement, wherever it is walked. */
  cancel(queryId: string): Promise<void>;
  /** Cancels what one session has under way here. */
  cancelAll(sessionId: string): Promise<void>;
  countOf(sessionId: string): number;
  running(): number;
  /** True once this gateway stops: nothing is started any more. */
  isStopping(): boolean;
  drain(milliseconds: number): Promise<void>;
}

export interface WalksDeps extends StatementDeps {
  readonly timers: Timers;
  /** This process, in leases. */
  readonly holder: string;
  readonly onSession: (change: 1 | -1, connection: string) => void;
}

/** A statement of a gateway that died is taken over after this. */
const LEASE_SECONDS = 15;
const LEASE_RENEW_MS = 5_000;
/** A cancellation is remembered as long as a statement may still be on its way to a gateway. */
const ABORT_SECONDS = 3_600;

/** How a stopped statement counts in metrics. */
const ENDED_AS: Readonly<Record<Stop['outcome'], string>> = {
  blocked: 'blocked',
  denied: 'denied',
  expired: 'expired',
  cancelled: 'cancelled',
  failed: 'error',
  withheld: 'error',
  refused: 'error',
};

interface Running {
  readonly sessionId: string;
  readonly controller: AbortController;
  /** The answer; undefined when this gateway stops and the statement goes on elsewhere. */
  readonly end: Promise<Answer | undefined>;
}

export function createWalks(deps: WalksDeps, kept: KeptStatements): Walks {
  const { store } = deps;
  const running = new Map<string, Running>();
  const starting = new Map<string, Promise<boolean>>();
  const stopping = new AbortController();

  const startAlone = async (queryId: string, session: Session): Promise<boolean> => {
    if (running.has(queryId)) return true;
    if (!(await acquireLease(store, leaseKey(queryId), deps.holder, LEASE_SECONDS))) return false;
    // Whoever held the lease until now may have ended it.
    const statement = await kept.load(queryId);
    if (statement?.state === 'open') await startLeased(statement, session);
    else await releaseLease(store, leaseKey(queryId), deps.holder);
    return true;
  };

  const startLeased = async (statement: KeptStatement, session: Session): Promise<void> => {
    const { queryId } = statement;
    const controller = new AbortController();
    const abort = (): void => controller.abort(new Error('cancelled'));
    const stopRenewing = deps.timers.every(LEASE_RENEW_MS, () => {
      renewLease(store, leaseKey(queryId), deps.holder, LEASE_SECONDS).catch((error: unknown) =>
        deps.log.warn('a lease could not be renewed', { queryId, error: errorMessage(error) }),
      );
    });
    const unwatch = await store.watch(abortKey(queryId), abort);
    if ((await store.get(abortKey(queryId))) !== undefined) abort();
    const received = {
      queryId,
      session,
      request: kept.requestOf(statement),
      receivedAtMs: statement.submittedAtMs,
      origin: statement.origin,
      signal: controller.signal,
      stopping: stopping.signal,
    };
    const walkAndSettle = async (): Promise<Answer | undefined> => {
      try {
        return await runWalk(deps, kept, received, statement);
      } finally {
        running.delete(queryId);
        stopRenewing();
        unwatch();
        await releaseLease(store, leaseKey(queryId), deps.holder).catch(() => undefined);
      }
    };
    running.set(queryId, { sessionId: session.id, controller, end: walkAndSettle() });
  };

  const cancel = async (queryId: string): Promise<void> => {
    await store.create(abortKey(queryId), '1', ABORT_SECONDS);
    running.get(queryId)?.controller.abort(new Error('cancelled'));
    const approval = await deps.approvals.findByQuery(queryId);
    if (approval?.state === 'pending') await deps.approvals.withdraw(approval.id, 'cancelled');
  };

  return {
    start(queryId, session) {
      const under = starting.get(queryId);
      if (under !== undefined) return under;
      const started = startAlone(queryId, session).finally(() => starting.delete(queryId));
      starting.set(queryId, started);
      return started;
    },

    endOf: (queryId) => running.get(queryId)?.end,

    cancel,

    async cancelAll(sessionId) {
      for (const [queryId, entry] of running) if (entry.sessionId === sessionId) await cancel(queryId);
    },

    countOf: (sessionId) => [...running.values()].filter((entry) => entry.sessionId === sessionId).length,

    running: () => running.size,

    isStopping: () => stopping.signal.aborted,

    async drain(milliseconds) {
      stopping.abort();
      const ends = Promise.allSettled([...running.values()].map((entry) => entry.end));
      await within(deps.timers, ends, milliseconds);
    },
  };
}

/** One statement on its walk, as far as this gateway has come with it. */
interface Walking {
  readonly received: Received;
  statement: KeptStatement;
  /** Its `request` stands in a log: what refuses it from then on is its answer. */
  isAsked: boolean;
}

/** One statement from beginning to end. Undefined: this gateway stops and another one goes on with it. */
async function runWalk(
  deps: WalksDeps,
  kept: KeptStatements,
  given: Omit<Received, 'onDecided' | 'onRequestRecorded'>,
  statement: KeptStatement,
): Promise<Answer | undefined> {
  const overhead = createOverhead(deps.stageTimer);
  const onRequestRecorded = (): void => {
    walk.isAsked = true;
  };
  const onDecided = async ({ strictBy }: Decision): Promise<void> => {
    if (strictBy !== undefined && !walk.statement.isStrict) walk.statement = await kept.demandStrict(walk.statement);
  };
  const walk: Walking = { received: { ...given, onDecided, onRequestRecorded }, statement, isAsked: false };
  try {
    const end = await queryWalk.run({ ...deps, stageTimer: overhead.timer }, walk.received);
    deps.metrics.overhead(overhead.milliseconds() / 1000);
    return await (isStop(end) ? stopped(deps, kept, walk, end) : delivered(deps, kept, walk.statement, end));
  } catch (error) {
    if (error instanceof HandedOver) return undefined;
    return failed(deps, kept, walk, error);
  }
}

async function delivered(
  deps: WalksDeps,
  kept: KeptStatements,
  statement: KeptStatement,
  end: Delivered,
): Promise<Answer> {
  const { decision, analysis, answer } = end;
  const word = decision.masks.length > 0 ? 'masked' : decision.verdict === 'hold' ? 'approved' : 'allowed';
  deps.metrics.statement(statement.connection, analysis.verb, word);
  await kept.end(statement, answer.bytes, { state: 'success', code: null, message: null });
  return answer;
}

async function stopped(deps: WalksDeps, kept: KeptStatements, walk: Walking, stop: Stop): Promise<Answer> {
  const { received, statement } = walk;
  countStop(deps, received, stop);
  const mayHaveRun = stop.outcome === 'failed' || stop.outcome === 'withheld';
  const record = (): Promise<Answer> => recordStop(deps, walk, stop);
  const answer = await (mayHaveRun ? afterRun(record) : record());
  await kept.end(statement, answer.bytes, {
    state: 'failed',
    code: stop.envelope.code,
    message: stop.envelope.message,
  });
  return answer;
}

async function failed(deps: WalksDeps, kept: KeptStatements, walk: Walking, error: unknown): Promise<Answer> {
  const { received, statement } = walk;
  const { queryId } = statement;
  const wasCancelled = received.signal.aborted;
  const envelope = wasCancelled
    ? snowflakeFailure('000604', '57014', 'SQL execution canceled', queryId)
    : failure(error instanceof GatewayError ? error.denial : deny.internal(queryId, true), queryId);
  if (!wasCancelled) deps.log.error('a statement failed', { queryId, error: errorMessage(error) });
  const outcome = wasCancelled ? 'cancelled' : 'failed';
  const stop: Stop = { stopped: true, envelope, outcome, reason: envelope.code ?? '' };
  countStop(deps, received, stop);
  // Without a record nothing was delivered, so the refusal itself is all that may still be said.
  const answer = await recordStop(deps, walk, stop).catch((unrecorded: unknown) =>
    unrecordedAnswer(unrecorded, encodeBody(envelope)),
  );
  await kept.end(statement, answer.bytes, { state: 'failed', code: envelope.code, message: envelope.message });
  if (error instanceof GatewayError && error.denial.code === 'PISTE-1006') await endSession(deps, received.session);
  return answer;
}

function countStop(deps: WalksDeps, { session, request }: Received, stop: Stop): void {
  deps.metrics.statement(session.connection, readStatement(request.sqlText).head.verb, ENDED_AS[stop.outcome]);
}

/** Records how a walk stopped; the refusal leaves only after that. */
async function recordStop(deps: WalksDeps, walk: Walking, stop: Stop): Promise<Answer> {
  const { received, statement } = walk;
  const { sessionId, queryId, connection, isStrict } = statement;
  const bytes = encodeBody(stop.envelope);
  const fields = { qid: queryId, code: stop.envelope.code, outcome: stop.outcome, why: stop.reason };
  const upq = stop.upstreamQueryId === undefined ? {} : { upq: stop.upstreamQueryId };
  const entry: Entry = (await isAsked(deps, walk))
    ? {
        kind: stop.outcome === 'withheld' ? 'response.withheld' : 'response',
        sessionId,
        fields: { ...fields, rows: 0, cols: 0, ...upq },
        bodies: [{ name: 'head', bytes }],
      }
    : refusedStatementEntry(received.request, bytes, received.session, fields);
  return deps.recording.recordAnswer(entry, bytes, { connection, isStrict });
}

/** A walk that goes on with what another gateway began stands behind the `request` of that one, where people were asked. */
async function isAsked({ approvals }: WalksDeps, walk: Walking): Promise<boolean> {
  if (walk.isAsked) return true;
  return (await approvals.findByQuery(walk.statement.queryId).catch(() => undefined)) !== undefined;
}

/** Snowflake ended its session, so the client's is over too: the next request says so and the driver connects again. */
async function endSession(deps: WalksDeps, session: Session): Promise<void> {
  try {
    const fields = { why: 'upstream-gone' };
    const close: Entry = { kind: 'session.close', sessionId: session.id, fields, bodies: [] };
    await deps.recording.note(close, session.connection);
    if ((await deps.sessions.close(session.id)) !== undefined) deps.onSession(-1, session.connection);
  } catch (error) {
    deps.log.warn('a lost session is not closed', { error: errorMessage(error) });
  }
}

/** Adds up what the stages took, without the waiting for Snowflake and for people. */
function createOverhead(stageTimer: StageTimer): { readonly timer: StageTimer; milliseconds(): number } {
  let total = 0;
  const timer: StageTimer = {
    nowMs: () => stageTimer.nowMs(),
    stageTook(stage, milliseconds) {
      stageTimer.stageTook(stage, milliseconds);
      // Loading the catalogue happens inside `analyze` and asks Snowflake.
      if (stage === 'catalogue') total -= milliseconds;
      else if (stage !== 'approve' && stage !== 'forward') total += milliseconds;
    },
  };
  return { timer, milliseconds: () => Math.max(0, total) };
}
