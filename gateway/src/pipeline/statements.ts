import { createHash, randomUUID } from 'node:crypto';
import { deny, errorMessage, GatewayError } from '../errors.js';
import { isSamePrincipal } from '../identity/index.js';
import {
  type Envelope,
  encodeEnvelope,
  failure,
  inProgress,
  type JsonObject,
  parseJson,
  type StatementRequest,
  snowflakeFailure,
  stringifyJson,
  success,
} from '../protocol/index.js';
import type { Session } from '../session/index.js';
import { readStatement } from '../sql/index.js';
import { acquireLease, releaseLease, renewLease, type Sealer } from '../store/index.js';
import { afterRun } from './after-run.js';
import type { StatementDeps } from './deps.js';
import { controlEntry, refusedEntry, textBody } from './entries.js';
import type { Received } from './exchange.js';
import { abortKey, leaseKey, pollKey, requestKey, statementKey } from './keys.js';
import { queryWalk } from './query.js';
import { HandedOver, isStop, type StageTimer, type Stop } from './walk.js';

/** An answer whose record is durable: the bytes of a JSON body. */
export type Answer = Buffer;

/**
 * Statements from submission to end. Each gets one query id, is walked by one gateway at a time, and is remembered so that
 * a repeated request or a poll finds it, here or on another gateway.
 */
export interface Statements {
  /** Answers within the hold time: the result, the refusal, or "still running". */
  submit(session: Session, request: StatementRequest, origin: string): Promise<Answer>;
  /** Waits for a statement of the same principal, up to the hold time. */
  poll(session: Session, queryId: string): Promise<Answer>;
  abortRequest(session: Session, requestId: string): Promise<Answer>;
  abortQuery(session: Session, queryId: string): Promise<Answer>;
  /** Status of one statement, as drivers ask for asynchronous ones. */
  monitor(session: Session, queryId: string): Promise<Answer>;
  /** Cancels what the session still has under way. */
  abandon(sessionId: string): Promise<void>;
  /** Statements under way in this gateway. */
  running(): number;
  /**
   * Lets go of statements that wait for people and starts no more: they go on at another gateway or after the restart.
   * Resolves when nothing is under way here any more, or after `milliseconds`.
   */
  drain(milliseconds: number): Promise<void>;
}

export interface StatementsDeps extends StatementDeps {
  readonly sealer: Sealer;
  readonly timers: {
    after(milliseconds: number, run: () => void): () => void;
    every(milliseconds: number, run: () => void): () => void;
  };
  /** This process, in leases. */
  readonly holder: string;
  readonly onSession: (change: 1 | -1, connection: string) => void;
}

/** What the store keeps of a statement. `request` and `answer` are sealed: they hold text and rows. */
interface Kept {
  readonly queryId: string;
  readonly sessionId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly connection: string;
  readonly origin: string;
  readonly request: string;
  readonly submittedAtMs: number;
  readonly endedAtMs: number | null;
  readonly state: 'open' | 'success' | 'failed';
  readonly code: string | null;
  readonly message: string | null;
  readonly answer: string | null;
}

/** A statement of a gateway that died is taken over after this. */
const LEASE_SECONDS = 15;
const LEASE_RENEW_MS = 5_000;
/** How long an unfinished statement is remembered; beyond the longest approval. */
const OPEN_SECONDS = 7 * 86_400;
const REMOTE_LOOK_MS = 1_000;
/** The Node driver asks for an earlier request's result by repeating its id with this text; it is never run. */
const NODE_RESEND = "SELECT 'Error retrieving query results for request id: ";

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
  readonly requestId: string;
  readonly controller: AbortController;
  /** The answer; undefined when this gateway stops and the statement goes on elsewhere. */
  readonly end: Promise<Answer | undefined>;
}

export function createStatements(deps: StatementsDeps): Statements {
  const { store, sealer, clock, recording, limits } = deps;
  const running = new Map<string, Running>();
  const starting = new Map<string, Promise<boolean>>();
  const stopping = new AbortController();

  const respond = async (
    envelope: Envelope,
    op: string,
    outcome: string,
    session: Session,
    queryId?: string,
  ): Promise<Answer> => {
    await recording.append(controlEntry(op, outcome, session.id, { qid: queryId ?? null }));
    return Buffer.from(encodeEnvelope(envelope));
  };

  const refuseRequest = async (session: Session, envelope: ReturnType<typeof deny.badRequest>): Promise<Answer> => {
    await recording.append(refusedEntry('query', envelope, session.id));
    return Buffer.from(encodeEnvelope(failure(envelope)));
  };

  const load = async (queryId: string): Promise<Kept | undefined> => {
    const stored = await store.get(statementKey(queryId));
    return stored === undefined ? undefined : (JSON.parse(stored.value) as Kept);
  };

  const sealed = (text: string, queryId: string): string => sealer.seal(text, statementKey(queryId));

  const unsealed = (text: string, queryId: string): string => {
    const opened = sealer.open(text, statementKey(queryId));
    if (opened === undefined) throw new GatewayError('a kept statement does not open', deny.internal(queryId, true));
    return opened;
  };

  const writeEnd = async (
    kept: Kept,
    answer: Answer,
    state: 'success' | 'failed',
    code: string | null,
    message: string | null,
  ): Promise<void> => {
    const fits = answer.length <= MAX_KEPT_BYTES;
    const ttlSeconds = answer.length <= SMALL_ANSWER_BYTES ? limits.resultSeconds : RETRY_WINDOW_SECONDS;
    const ended: Kept = {
      ...kept,
      state,
      code,
      message,
      endedAtMs: clock.nowMs(),
      answer: fits ? sealed(answer.toString('utf8'), kept.queryId) : null,
    };
    for (;;) {
      const current = await store.get(statementKey(kept.queryId));
      if (current === undefined) return;
      if (await store.replace(statementKey(kept.queryId), current.version, JSON.stringify(ended), ttlSeconds)) return;
    }
  };

  /** Keeps the end of a statement. A lost store does not take back what is already recorded and done. */
  const keepEnd: typeof writeEnd = async (kept, ...end) => {
    try {
      await writeEnd(kept, ...end);
    } catch (error) {
      deps.log.warn('the end of a statement is not kept', { queryId: kept.queryId, error: errorMessage(error) });
    }
  };

  /** Records how a walk stopped; the refusal leaves only after that. */
  const recordStop = async (kept: Kept, stop: Stop): Promise<Answer> => {
    const text = encodeEnvelope(stop.envelope);
    await recording.append({
      kind: stop.outcome === 'withheld' ? 'response.withheld' : 'response',
      sessionId: kept.sessionId,
      fields: {
        qid: kept.queryId,
        code: stop.envelope.code,
        outcome: stop.outcome,
        why: stop.reason,
        rows: 0,
        cols: 0,
      },
      bodies: [textBody('head', text)],
    });
    return Buffer.from(text);
  };

  const runWalk = async (received: Received, kept: Kept): Promise<Answer | undefined> => {
    const { queryId } = received;
    const overhead = createOverhead(deps);
    try {
      const end = await queryWalk.run({ ...deps, stageTimer: overhead.timer }, received);
      deps.metrics.overhead(overhead.milliseconds() / 1000);
      if (isStop(end)) {
        deps.metrics.statement(
          kept.connection,
          readStatement(received.request.sqlText).head.verb,
          ENDED_AS[end.outcome],
        );
        const mayHaveRun = end.outcome === 'failed' || end.outcome === 'withheld';
        const record = (): Promise<Answer> => recordStop(kept, end);
        const answer = await (mayHaveRun ? afterRun(record) : record());
        await keepEnd(kept, answer, 'failed', end.envelope.code, end.envelope.message);
        return answer;
      }
      const decision =
        end.decision.masks.length > 0 ? 'masked' : end.decision.verdict === 'hold' ? 'approved' : 'allowed';
      deps.metrics.statement(kept.connection, end.analysis.verb, decision);
      await keepEnd(kept, end.body, 'success', null, null);
      return end.body;
    } catch (error) {
      if (error instanceof HandedOver) return undefined;
      const wasCancelled = received.signal.aborted;
      const envelope = wasCancelled
        ? snowflakeFailure('000604', '57014', 'SQL execution canceled', queryId)
        : failure(error instanceof GatewayError ? error.denial : deny.internal(queryId, true), queryId);
      if (!wasCancelled) deps.log.error('a statement failed', { queryId, error: errorMessage(error) });
      const stop: Stop = {
        stopped: true,
        envelope,
        outcome: wasCancelled ? 'cancelled' : 'failed',
        reason: envelope.code ?? '',
      };
      deps.metrics.statement(
        kept.connection,
        readStatement(received.request.sqlText).head.verb,
        ENDED_AS[stop.outcome],
      );
      // Without a record nothing was delivered, so the refusal itself is all that may still be said.
      const answer = await recordStop(kept, stop).catch(() => Buffer.from(encodeEnvelope(envelope)));
      await keepEnd(kept, answer, 'failed', envelope.code, envelope.message);
      if (error instanceof GatewayError && error.denial.code === 'PISTE-1006') await endSession(received.session);
      return answer;
    }
  };

  /** Snowflake ended its session, so the client's is over too: the next request says so and the driver connects again. */
  const endSession = async (session: Session): Promise<void> => {
    try {
      await recording.append({
        kind: 'session.close',
        sessionId: session.id,
        fields: { why: 'upstream-gone' },
        bodies: [],
      });
      if ((await deps.sessions.close(session.id)) !== undefined) deps.onSession(-1, session.connection);
    } catch (error) {
      deps.log.warn('a lost session is not closed', { error: errorMessage(error) });
    }
  };

  /** Sees to it that an open statement is walked, here if nowhere else; false when another gateway does it. */
  const start = (queryId: string, session: Session): Promise<boolean> => {
    const under = starting.get(queryId);
    if (under !== undefined) return under;
    const started = startAlone(queryId, session).finally(() => starting.delete(queryId));
    starting.set(queryId, started);
    return started;
  };

  const startAlone = async (queryId: string, session: Session): Promise<boolean> => {
    if (running.has(queryId)) return true;
    if (!(await acquireLease(store, leaseKey(queryId), deps.holder, LEASE_SECONDS))) return false;
    // Whoever held the lease until now may have ended it.
    const kept = await load(queryId);
    if (kept?.state !== 'open') {
      await releaseLease(store, leaseKey(queryId), deps.holder);
      return true;
    }
    await startLeased(kept, session);
    return true;
  };

  const startLeased = async (kept: Kept, session: Session): Promise<void> => {
    const { queryId } = kept;
    const controller = new AbortController();
    const request = parseKept(unsealed(kept.request, queryId));
    const abort = (): void => controller.abort(new Error('cancelled'));
    const stopRenewing = deps.timers.every(LEASE_RENEW_MS, () => {
      renewLease(store, leaseKey(queryId), deps.holder, LEASE_SECONDS).catch((error: unknown) =>
        deps.log.warn('a lease could not be renewed', { queryId, error: errorMessage(error) }),
      );
    });
    const unwatch = await store.watch(abortKey(queryId), abort);
    if ((await store.get(abortKey(queryId))) !== undefined) abort();
    const received: Received = {
      queryId,
      session,
      request,
      receivedAtMs: kept.submittedAtMs,
      origin: kept.origin,
      signal: controller.signal,
      stopping: stopping.signal,
    };
    const settle = async (): Promise<void> => {
      running.delete(queryId);
      stopRenewing();
      unwatch();
      await releaseLease(store, leaseKey(queryId), deps.holder).catch(() => undefined);
    };
    const walkAndSettle = async (): Promise<Answer | undefined> => {
      try {
        return await runWalk(received, kept);
      } finally {
        await settle();
      }
    };
    const end = walkAndSettle();
    running.set(queryId, { sessionId: session.id, requestId: request.requestId, controller, end });
  };

  const endedAnswer = async (kept: Kept, session: Session): Promise<Answer> => {
    if (kept.answer === null)
      return respond(failure(deny.resultTooOld(), kept.queryId), 'redeliver', 'too-large', session, kept.queryId);
    const answer = Buffer.from(unsealed(kept.answer, kept.queryId));
    await recording.append(controlEntry('redeliver', kept.state, session.id, { qid: kept.queryId }));
    return answer;
  };

  /** The end of a statement, or undefined when it has none within the hold time. */
  const waitForEnd = async (queryId: string, session: Session): Promise<Answer | undefined> => {
    const untilMs = clock.nowMs() + limits.holdSeconds * 1000;
    for (;;) {
      const here = running.get(queryId);
      if (here !== undefined) return within(deps, here.end, untilMs - clock.nowMs());
      const kept = await load(queryId);
      if (kept === undefined)
        return respond(failure(deny.unknownQuery(), queryId), 'poll', 'unknown', session, queryId);
      if (kept.state !== 'open') return endedAnswer(kept, session);
      const owner = kept.sessionId === session.id ? session : await deps.sessions.load(kept.sessionId);
      if (owner === undefined)
        return respond(
          failure(deny.sessionEnded('it expired or was closed'), queryId),
          'poll',
          'gone',
          session,
          queryId,
        );
      if (stopping.signal.aborted) return undefined;
      if (await start(queryId, owner)) continue;
      const leftMs = untilMs - clock.nowMs();
      if (leftMs <= 0) return undefined;
      await changeOrTimeout(deps, statementKey(queryId), Math.min(leftMs, REMOTE_LOOK_MS));
    }
  };

  const stillAsking = async (queryId: string): Promise<void> => {
    const key = pollKey(queryId);
    if (!(await store.create(key, '1', limits.abandonedAfterSeconds)))
      await store.touch(key, limits.abandonedAfterSeconds);
  };

  const answerWithinHold = async (queryId: string, session: Session): Promise<Answer> => {
    await stillAsking(queryId);
    const end = await waitForEnd(queryId, session);
    if (end !== undefined) return end;
    await stillAsking(queryId);
    return respond(inProgress(queryId), 'poll', 'in-progress', session, queryId);
  };

  /** An asynchronous statement has nobody who waits for it, so whoever asks how it is doing keeps it going. */
  const takeOver = async (kept: Kept): Promise<void> => {
    const owner = stopping.signal.aborted ? undefined : await deps.sessions.load(kept.sessionId);
    if (owner !== undefined) await start(kept.queryId, owner);
  };

  /** The statement, if it belongs to the same principal on the same connection; others learn nothing. */
  const loadOwn = async (session: Session, queryId: string): Promise<Kept | undefined> => {
    const kept = await load(queryId);
    return kept !== undefined && isSamePrincipal(kept, session.principal) && kept.connection === session.connection
      ? kept
      : undefined;
  };

  const cancel = async (queryId: string): Promise<void> => {
    await store.create(abortKey(queryId), '1', 3600);
    running.get(queryId)?.controller.abort(new Error('cancelled'));
    const approval = await deps.approvals.findByQuery(queryId);
    if (approval?.state === 'pending') await deps.approvals.withdraw(approval.id, 'cancelled');
  };

  const abort = async (session: Session, queryId: string | undefined): Promise<Answer> => {
    const kept = queryId === undefined ? undefined : await loadOwn(session, queryId);
    if (kept === undefined) {
      return respond(
        snowflakeFailure('000605', '02000', 'Identified SQL statement is not currently executing.'),
        'abort',
        'unknown',
        session,
      );
    }
    await recording.append(controlEntry('abort', 'requested', session.id, { qid: kept.queryId }));
    if (kept.state === 'open') await cancel(kept.queryId);
    return Buffer.from(encodeEnvelope(success()));
  };

  const firstOf = async (key: string): Promise<{ readonly queryId: string; readonly digest: string } | undefined> => {
    const stored = await store.get(key);
    return stored === undefined ? undefined : (JSON.parse(stored.value) as { queryId: string; digest: string });
  };

  const queryIdOf = async (session: Session, requestId: string): Promise<string | undefined> =>
    (await firstOf(requestKey(session.id, requestId)))?.queryId;

  const keepNew = async (
    session: Session,
    request: StatementRequest,
    queryId: string,
    origin: string,
  ): Promise<void> => {
    const kept: Kept = {
      queryId,
      sessionId: session.id,
      issuer: session.principal.issuer,
      subject: session.principal.subject,
      connection: session.connection,
      origin,
      request: sealed(stringifyKept(request), queryId),
      submittedAtMs: clock.nowMs(),
      endedAtMs: null,
      state: 'open',
      code: null,
      message: null,
      answer: null,
    };
    await store.create(statementKey(queryId), JSON.stringify(kept), OPEN_SECONDS);
  };

  const countOf = (sessionId: string): number => {
    let count = 0;
    for (const entry of running.values()) if (entry.sessionId === sessionId) count += 1;
    return count;
  };

  return {
    async submit(session, request, origin) {
      const scanned = scannedQueryId(request.sqlText);
      if (scanned !== undefined && (await loadOwn(session, scanned)) !== undefined) {
        await recording.append(controlEntry('result-scan', 'own', session.id, { qid: scanned }));
        return answerWithinHold(scanned, session);
      }
      const digest = digestOf(request);
      const minted: string = randomUUID();
      const key = requestKey(session.id, request.requestId);
      let queryId = minted;
      // The statement is kept before its request id is taken: a gateway that stops in between leaves a statement nobody names.
      await keepNew(session, request, minted, origin);
      if (!(await store.create(key, JSON.stringify({ queryId: minted, digest }), OPEN_SECONDS))) {
        await store.delete(statementKey(minted));
        const first = await firstOf(key);
        if (first === undefined || (await load(first.queryId)) === undefined)
          return refuseRequest(session, deny.resultTooOld());
        if (first.digest !== digest && !request.sqlText.startsWith(NODE_RESEND)) {
          return refuseRequest(session, deny.badRequest('this requestId was used for another statement'));
        }
        queryId = first.queryId;
      } else if (countOf(session.id) >= limits.maxStatementsPerSession) {
        await Promise.all([store.delete(key), store.delete(statementKey(minted))]);
        return refuseRequest(session, deny.tooMany(countOf(session.id), limits.maxStatementsPerSession));
      }
      if (!request.asyncExec) return answerWithinHold(queryId, session);
      const kept = await load(queryId);
      if (kept?.state === 'open') await start(queryId, session);
      return respond(inProgress(queryId), 'submit', 'in-progress', session, queryId);
    },

    async poll(session, queryId) {
      if ((await loadOwn(session, queryId)) === undefined) {
        return respond(failure(deny.unknownQuery(), queryId), 'poll', 'unknown', session, queryId);
      }
      return answerWithinHold(queryId, session);
    },

    abortRequest: async (session, requestId) => abort(session, await queryIdOf(session, requestId)),

    abortQuery: (session, queryId) => abort(session, queryId),

    async monitor(session, queryId) {
      const kept = await loadOwn(session, queryId);
      if (kept !== undefined) await stillAsking(queryId);
      if (kept?.state === 'open' && !running.has(queryId)) await takeOver(kept);
      const queries = kept === undefined ? [] : [await statusOf(deps, kept)];
      return respond(success({ queries }), 'monitoring', kept?.state ?? 'unknown', session, queryId);
    },

    async abandon(sessionId) {
      for (const [queryId, entry] of running) if (entry.sessionId === sessionId) await cancel(queryId);
    },

    running: () => running.size,

    async drain(milliseconds) {
      stopping.abort();
      const ends = Promise.allSettled([...running.values()].map((entry) => entry.end));
      await within(deps, ends, milliseconds);
    },
  };
}

/** Larger answers are not kept for repetition; the driver would have to run the statement again. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Answers up to this size are kept for the whole result time, larger ones only while a driver may still retry. */
const SMALL_ANSWER_BYTES = 65_536;
const RETRY_WINDOW_SECONDS = 600;

/**
 * Python and JDBC fetch the result of an asynchronous statement by this text. For a query id of the gateway it is answered
 * from what was delivered, masked as it was; any other RESULT_SCAN is read like every statement, and refused.
 */
const RESULT_SCAN =
  /^\s*select\s+\*\s+from\s+table\s*\(\s*result_scan\s*\(\s*'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'\s*\)\s*\)\s*;?\s*$/i;

function scannedQueryId(sqlText: string): string | undefined {
  return RESULT_SCAN.exec(sqlText)?.[1];
}

function digestOf(request: StatementRequest): string {
  const bindings = request.bindings === undefined ? '' : stringifyJson(request.bindings);
  return createHash('sha256')
    .update(JSON.stringify([request.sqlText, bindings, request.describeOnly]))
    .digest('hex');
}

function stringifyKept(request: StatementRequest): string {
  return stringifyJson({
    requestId: request.requestId,
    sqlText: request.sqlText,
    asyncExec: request.asyncExec,
    describeOnly: request.describeOnly,
    bindings: request.bindings ?? null,
    parameters: request.parameters,
    queryContext: request.queryContext ?? null,
  });
}

function parseKept(text: string): StatementRequest {
  const kept = parseJson(text) as unknown as Omit<StatementRequest, 'bindings' | 'queryContext'> & {
    readonly bindings: JsonObject | null;
    readonly queryContext: JsonObject | null;
  };
  return { ...kept, bindings: kept.bindings ?? undefined, queryContext: kept.queryContext ?? undefined };
}

/** Adds up what the stages took, without the waiting for Snowflake and for people. */
function createOverhead(deps: StatementsDeps): { readonly timer: StageTimer; milliseconds(): number } {
  let total = 0;
  const timer: StageTimer = {
    nowMs: () => deps.stageTimer.nowMs(),
    stageTook(stage, milliseconds) {
      deps.stageTimer.stageTook(stage, milliseconds);
      // Loading the catalogue happens inside `analyze` and asks Snowflake.
      if (stage === 'catalogue') total -= milliseconds;
      else if (stage !== 'approve' && stage !== 'forward') total += milliseconds;
    },
  };
  return { timer, milliseconds: () => Math.max(0, total) };
}

async function statusOf(deps: StatementsDeps, kept: Kept): Promise<JsonObject> {
  const approval = kept.state === 'open' ? await deps.approvals.findByQuery(kept.queryId) : undefined;
  const waiting = approval?.state === 'pending';
  const status =
    kept.state === 'success'
      ? 'SUCCESS'
      : kept.state === 'failed'
        ? 'FAILED_WITH_ERROR'
        : waiting
          ? 'QUEUED'
          : 'RUNNING';
  return {
    id: kept.queryId,
    status,
    state:
      kept.state === 'success' ? 'SUCCEEDED' : kept.state === 'failed' ? 'FAILED' : waiting ? 'QUEUED' : 'EXECUTING',
    errorCode: kept.code ?? '',
    errorMessage: kept.message ?? '',
    startTime: kept.submittedAtMs,
    endTime: kept.endedAtMs ?? 0,
    totalDuration: (kept.endedAtMs ?? deps.clock.nowMs()) - kept.submittedAtMs,
    stats: {},
  };
}

/** The value, or undefined when it takes longer. */
async function within<T>(deps: StatementsDeps, value: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let cancelTimer = (): void => undefined;
  const timeout = new Promise<undefined>((resolve) => {
    cancelTimer = deps.timers.after(Math.max(0, milliseconds), () => resolve(undefined));
  });
  try {
    return await Promise.race([value, timeout]);
  } finally {
    cancelTimer();
  }
}

async function changeOrTimeout(deps: StatementsDeps, key: string, milliseconds: number): Promise<void> {
  let changed = (): void => undefined;
  const change = new Promise<void>((resolve) => {
    changed = resolve;
  });
  const unwatch = await deps.store.watch(key, () => changed());
  try {
    await within(deps, change, milliseconds);
  } finally {
    unwatch();
  }
}
