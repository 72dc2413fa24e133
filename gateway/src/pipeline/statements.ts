import { randomUUID } from 'node:crypto';
import { type Denial, deny } from '../errors.js';
import {
  type Envelope,
  encodeBody,
  failure,
  inProgress,
  isResend,
  type StatementRequest,
  scannedQueryId,
  snowflakeFailure,
  statusOf,
  success,
} from '../protocol/index.js';
import type { AnswerScope } from '../recording/index.js';
import type { Session } from '../session/index.js';
import type { Sealer } from '../store/index.js';
import type { Answer } from './answer.js';
import { controlEntry, refusedStatementEntry } from './entries.js';
import { createKeptStatements, digestOf, type KeptStatement } from './kept-statements.js';
import { pollKey, statementKey } from './keys.js';
import { changeOrTimeout, within } from './waiting.js';
import { createWalks, type WalksDeps } from './walks.js';

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

export interface StatementsDeps extends WalksDeps {
  readonly sealer: Sealer;
}

/** A statement as far as its answers' records go. */
type Recorded = Pick<KeptStatement, 'queryId' | 'isStrict'>;

/** How often a gateway looks at a statement that another one walks, should the notice of its end be lost. */
const REMOTE_LOOK_MS = 1_000;

export function createStatements(deps: StatementsDeps): Statements {
  const { store, clock, recording, limits } = deps;
  const kept = createKeptStatements(deps);
  const walks = createWalks(deps, kept);

  /** `about`: the statement, or the query id of one that is not kept. */
  const respond = async (
    session: Session,
    op: string,
    outcome: string,
    envelope: Envelope,
    about?: Recorded | string,
  ): Promise<Answer> => {
    const [queryId, statement] = typeof about === 'object' ? [about.queryId, about] : [about, undefined];
    const entry = controlEntry(op, outcome, session.id, { qid: queryId ?? null });
    return recording.recordAnswer(entry, encodeBody(envelope), scopeOf(session, statement));
  };

  const refuse = (session: Session, request: StatementRequest, denial: Denial): Promise<Answer> => {
    const bytes = encodeBody(failure(denial));
    const entry = refusedStatementEntry(request, bytes, session, { code: denial.code });
    return recording.recordAnswer(entry, bytes, scopeOf(session));
  };

  const redeliver = (session: Session, statement: Recorded, outcome: string, bytes: Buffer): Promise<Answer> => {
    const entry = controlEntry('redeliver', outcome, session.id, { qid: statement.queryId });
    return recording.recordAnswer(entry, bytes, scopeOf(session, statement));
  };

  const given = new WeakSet<Answer>();
  /** The end of a statement for one of those who wait for it: the first gets it as it was recorded, others once more. */
  const giveEnd = async (session: Session, queryId: string, end: Answer | undefined): Promise<Answer | undefined> => {
    if (end === undefined) return undefined;
    if (!given.has(end)) {
      given.add(end);
      return end;
    }
    // Nobody knows any more how it is recorded.
    return redeliver(session, (await kept.load(queryId)) ?? { queryId, isStrict: true }, 'again', end.bytes);
  };

  const endedAnswer = async (statement: KeptStatement, session: Session): Promise<Answer> => {
    const bytes = kept.answerOf(statement);
    return bytes === undefined
      ? respond(session, 'redeliver', 'too-large', failure(deny.resultTooOld(), statement.queryId), statement)
      : redeliver(session, statement, statement.state, bytes);
  };

  const ownerOf = async (statement: KeptStatement, session: Session): Promise<Session | undefined> =>
    statement.sessionId === session.id ? session : deps.sessions.load(statement.sessionId);

  /** The end of a statement, or undefined when it has none within the hold time. */
  const waitForEnd = async (queryId: string, session: Session): Promise<Answer | undefined> => {
    const untilMs = clock.nowMs() + limits.holdSeconds * 1000;
    for (;;) {
      const here = walks.endOf(queryId);
      if (here !== undefined)
        return giveEnd(session, queryId, await within(deps.timers, here, untilMs - clock.nowMs()));
      const statement = await kept.load(queryId);
      if (statement === undefined)
        return respond(session, 'poll', 'unknown', failure(deny.unknownQuery(), queryId), queryId);
      if (statement.state !== 'open') return endedAnswer(statement, session);
      const owner = await ownerOf(statement, session);
      // Another gateway may have forwarded it before its session ended.
      if (owner === undefined) return respond(session, 'poll', 'gone', failure(deny.sessionLost(), queryId), statement);
      if (walks.isStopping()) return undefined;
      if (await walks.start(queryId, owner)) continue;
      const leftMs = untilMs - clock.nowMs();
      if (leftMs <= 0) return undefined;
      await changeOrTimeout(deps.timers, store, statementKey(queryId), Math.min(leftMs, REMOTE_LOOK_MS));
    }
  };

  const stillAsking = async (queryId: string): Promise<void> => {
    const seconds = limits.abandonedAfterSeconds;
    if (!(await store.create(pollKey(queryId), '1', seconds))) await store.touch(pollKey(queryId), seconds);
  };

  const answerWithinHold = async (queryId: string, session: Session): Promise<Answer> => {
    await stillAsking(queryId);
    const end = await waitForEnd(queryId, session);
    if (end !== undefined) return end;
    await stillAsking(queryId);
    return respond(session, 'poll', 'in-progress', inProgress(queryId), (await kept.load(queryId)) ?? queryId);
  };

  const mayBegin = (session: Session): Denial | undefined => {
    if (recording.refusesNew(session.connection) !== undefined) return deny.cannotRecord();
    const underWay = walks.countOf(session.id);
    const maximum = limits.maxStatementsPerSession;
    return underWay < maximum ? undefined : deny.tooMany(underWay, maximum);
  };

  /** The query id of a request, new or repeated; a denial when it may not be answered. */
  const take = async (session: Session, request: StatementRequest, origin: string): Promise<string | Denial> => {
    const minted = randomUUID();
    const first = await kept.create(session, request, minted, origin);
    if (first === 'new') {
      const denial = mayBegin(session);
      if (denial === undefined) return minted;
      await kept.forget(session.id, request.requestId, minted);
      return denial;
    }
    if ((await kept.load(first.queryId)) === undefined) return deny.resultTooOld();
    const isSame = first.digest === digestOf(request) || isResend(request.sqlText);
    return isSame ? first.queryId : deny.badRequest('this requestId was used for another statement');
  };

  /** An asynchronous statement has nobody who waits for it, so whoever asks how it is doing keeps it going. */
  const takeOver = async (statement: KeptStatement): Promise<void> => {
    const owner = walks.isStopping() ? undefined : await deps.sessions.load(statement.sessionId);
    if (owner !== undefined) await walks.start(statement.queryId, owner);
  };

  const isHeld = async ({ state, queryId }: KeptStatement): Promise<boolean> =>
    state === 'open' && (await deps.approvals.findByQuery(queryId))?.state === 'pending';

  const abort = async (session: Session, queryId: string | undefined): Promise<Answer> => {
    const statement = queryId === undefined ? undefined : await kept.loadOwn(session, queryId);
    if (statement === undefined) {
      const unknown = snowflakeFailure('000605', '02000', 'Identified SQL statement is not currently executing.');
      return respond(session, 'abort', 'unknown', unknown);
    }
    const answer = await respond(session, 'abort', 'requested', success(), statement);
    if (statement.state === 'open') await walks.cancel(statement.queryId);
    return answer;
  };

  return {
    async submit(session, request, origin) {
      const scanned = scannedQueryId(request.sqlText);
      if (scanned !== undefined && (await kept.loadOwn(session, scanned)) !== undefined) {
        await recording.note(controlEntry('result-scan', 'own', session.id, { qid: scanned }), session.connection);
        return answerWithinHold(scanned, session);
      }
      const taken = await take(session, request, origin);
      if (typeof taken !== 'string') return refuse(session, request, taken);
      if (!request.asyncExec) return answerWithinHold(taken, session);
      const statement = await kept.load(taken);
      if (statement?.state === 'open') await walks.start(taken, session);
      return respond(session, 'submit', 'in-progress', inProgress(taken), statement ?? taken);
    },

    async poll(session, queryId) {
      if ((await kept.loadOwn(session, queryId)) !== undefined) return answerWithinHold(queryId, session);
      return respond(session, 'poll', 'unknown', failure(deny.unknownQuery(), queryId), queryId);
    },

    abortRequest: async (session, requestId) => abort(session, (await kept.firstOf(session.id, requestId))?.queryId),

    abortQuery: (session, queryId) => abort(session, queryId),

    async monitor(session, queryId) {
      const statement = await kept.loadOwn(session, queryId);
      if (statement === undefined) return respond(session, 'monitoring', 'unknown', success({ queries: [] }), queryId);
      await stillAsking(queryId);
      if (statement.state === 'open' && walks.endOf(queryId) === undefined) await takeOver(statement);
      const state = (await isHeld(statement)) ? 'held' : statement.state;
      const queries = [statusOf({ ...statement, state }, clock.nowMs())];
      return respond(session, 'monitoring', statement.state, success({ queries }), statement);
    },

    abandon: (sessionId) => walks.cancelAll(sessionId),

    running: () => walks.running(),

    drain: (milliseconds) => walks.drain(milliseconds),
  };
}

const scopeOf = ({ connection }: Session, statement?: Recorded): AnswerScope => ({
  connection,
  isStrict: statement?.isStrict ?? false,
});
