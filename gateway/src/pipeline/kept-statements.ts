import { createHash } from 'node:crypto';
import { deny, errorMessage, GatewayError } from '../errors.js';
import { isSamePrincipal } from '../identity/index.js';
import { type JsonObject, parseJson, type StatementRequest, stringifyJson } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import type { Sealer, Store } from '../store/index.js';
import type { Log } from '../telemetry/index.js';
import { requestKey, statementKey } from './keys.js';

/** What the store keeps of a statement. `request` and `answer` are sealed: they hold text and rows. */
export interface KeptStatement {
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
  /** Every answer waits for its record, whatever the mode. */
  readonly isStrict: boolean;
  readonly code: string | null;
  readonly message: string | null;
  readonly answer: string | null;
}

/** How a statement ended. */
export interface StatementEnd {
  readonly state: 'success' | 'failed';
  readonly code: string | null;
  readonly message: string | null;
}

/** The statement a request id stands for, and the digest of what was asked. */
export interface FirstRequest {
  readonly queryId: string;
  readonly digest: string;
}

/**
 * Statements as every gateway sees them: who asked what, and how it ended. A request id is taken once, so a repeated
 * request finds its statement instead of running again.
 */
export interface KeptStatements {
  load(queryId: string): Promise<KeptStatement | undefined>;
  /** The statement, if it belongs to the same principal on the same connection; others learn nothing. */
  loadOwn(session: Session, queryId: string): Promise<KeptStatement | undefined>;
  /**
   * Keeps a new statement and takes its request id for it. When the id is taken, the first request with it comes back and
   * nothing new is kept.
   */
  create(session: Session, request: StatementRequest, queryId: string, origin: string): Promise<FirstRequest | 'new'>;
  /** The statement a request id of the session stands for. */
  firstOf(sessionId: string, requestId: string): Promise<FirstRequest | undefined>;
  /** From now on every answer about the statement waits for its record, at every gateway. */
  demandStrict(kept: KeptStatement): Promise<KeptStatement>;
  /** Takes back a statement that was not started. */
  forget(sessionId: string, requestId: string, queryId: string): Promise<void>;
  /** Keeps the end. A lost store does not take back what is already recorded and done, so this never rejects. */
  end(kept: KeptStatement, answer: Buffer, end: StatementEnd): Promise<void>;
  /** What was asked. */
  requestOf(kept: KeptStatement): StatementRequest;
  /** The answer that was given; undefined when it was too large to keep. */
  answerOf(kept: KeptStatement): Buffer | undefined;
}

export interface KeptStatementsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: { nowMs(): number };
  readonly log: Log;
  readonly limits: { readonly resultSeconds: number };
}

/** How long an unfinished statement is remembered; beyond the longest approval. */
const OPEN_SECONDS = 7 * 86_400;
/** Larger answers are not kept for repetition; the driver would have to run the statement again. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Answers up to this size are kept for the whole result time, larger ones only while a driver may still retry. */
const SMALL_ANSWER_BYTES = 65_536;
const RETRY_WINDOW_SECONDS = 600;

export function createKeptStatements(deps: KeptStatementsDeps): KeptStatements {
  const { store, sealer, clock } = deps;

  const unsealed = (text: string, queryId: string): string => {
    const opened = sealer.open(text, statementKey(queryId));
    if (opened === undefined) throw new GatewayError('a kept statement does not open', deny.internal(queryId, true));
    return opened;
  };

  const load = async (queryId: string): Promise<KeptStatement | undefined> => {
    const stored = await store.get(statementKey(queryId));
    return stored === undefined ? undefined : (JSON.parse(stored.value) as KeptStatement);
  };

  const firstOf = async (sessionId: string, requestId: string): Promise<FirstRequest | undefined> => {
    const stored = await store.get(requestKey(sessionId, requestId));
    return stored === undefined ? undefined : (JSON.parse(stored.value) as FirstRequest);
  };

  const replace = async (kept: KeptStatement, ttlSeconds: number): Promise<void> => {
    const key = statementKey(kept.queryId);
    for (;;) {
      const current = await store.get(key);
      if (current === undefined) return;
      if (await store.replace(key, current.version, JSON.stringify(kept), ttlSeconds)) return;
    }
  };

  const writeEnd = async (kept: KeptStatement, answer: Buffer, end: StatementEnd): Promise<void> => {
    const key = statementKey(kept.queryId);
    const fits = answer.length <= MAX_KEPT_BYTES;
    const ttlSeconds = answer.length <= SMALL_ANSWER_BYTES ? deps.limits.resultSeconds : RETRY_WINDOW_SECONDS;
    const ended: KeptStatement = {
      ...kept,
      ...end,
      endedAtMs: clock.nowMs(),
      answer: fits ? sealer.seal(answer.toString('utf8'), key) : null,
    };
    await replace(ended, ttlSeconds);
  };

  return {
    load,

    async loadOwn(session, queryId) {
      const kept = await load(queryId);
      const isOwn =
        kept !== undefined && isSamePrincipal(kept, session.principal) && kept.connection === session.connection;
      return isOwn ? kept : undefined;
    },

    async create(session, request, queryId, origin) {
      const kept: KeptStatement = {
        queryId,
        sessionId: session.id,
        issuer: session.principal.issuer,
        subject: session.principal.subject,
        connection: session.connection,
        origin,
        request: sealer.seal(stringifyRequest(request), statementKey(queryId)),
        submittedAtMs: clock.nowMs(),
        endedAtMs: null,
        state: 'open',
        isStrict: false,
        code: null,
        message: null,
        answer: null,
      };
      // First the statement, then its request id: a gateway that stops in between leaves a statement nobody names.
      await store.create(statementKey(queryId), JSON.stringify(kept), OPEN_SECONDS);
      const taken: FirstRequest = { queryId, digest: digestOf(request) };
      if (await store.create(requestKey(session.id, request.requestId), JSON.stringify(taken), OPEN_SECONDS))
        return 'new';
      await store.delete(statementKey(queryId));
      const first = await firstOf(session.id, request.requestId);
      return first ?? { queryId, digest: '' };
    },

    firstOf,

    async demandStrict(kept) {
      const strict = { ...kept, isStrict: true };
      await replace(strict, OPEN_SECONDS);
      return strict;
    },

    async forget(sessionId, requestId, queryId) {
      await Promise.all([store.delete(requestKey(sessionId, requestId)), store.delete(statementKey(queryId))]);
    },

    async end(kept, answer, end) {
      try {
        await writeEnd(kept, answer, end);
      } catch (error) {
        deps.log.warn('the end of a statement is not kept', { queryId: kept.queryId, error: errorMessage(error) });
      }
    },

    requestOf: (kept) => parseRequest(unsealed(kept.request, kept.queryId)),

    answerOf: (kept) => (kept.answer === null ? undefined : Buffer.from(unsealed(kept.answer, kept.queryId))),
  };
}

/** What makes two requests with one id the same request. */
export function digestOf(request: StatementRequest): string {
  const bindings = request.bindings === undefined ? '' : stringifyJson(request.bindings);
  return createHash('sha256')
    .update(JSON.stringify([request.sqlText, bindings, request.describeOnly, request.parameters]))
    .digest('hex');
}

function stringifyRequest(request: StatementRequest): string {
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

function parseRequest(text: string): StatementRequest {
  const kept = parseJson(text) as unknown as Omit<StatementRequest, 'bindings' | 'queryContext'> & {
    readonly bindings: JsonObject | null;
    readonly queryContext: JsonObject | null;
  };
  return { ...kept, bindings: kept.bindings ?? undefined, queryContext: kept.queryContext ?? undefined };
}
