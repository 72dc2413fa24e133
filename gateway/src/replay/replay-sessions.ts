import { deny } from '../errors.js';
import {
  arrayAt,
  clientParameters,
  type Envelope,
  encodeEnvelope,
  failure,
  inProgress,
  isJsonObject,
  isResend,
  type Json,
  type JsonObject,
  type LoginRequest,
  type LoginTokens,
  loginAnswer,
  loginHead,
  parseJson,
  renewalAnswer,
  type StatementRequest,
  scannedQueryId,
  snowflakeFailure,
  statusOf,
  success,
  textAt,
} from '../protocol/index.js';
import type { RecordedSession, RecordedStatement } from './recorded-session.js';
import { encodeAnswer, hasParts } from './replay-answers.js';
import { statementKey } from './statement-key.js';

export interface ReplayDeps {
  readonly recorded: RecordedSession;
  readonly random: (byteCount: number) => Buffer;
  readonly clock: { nowMs(): number };
  /** Told of every statement that was asked; `why` of those that were not answered from the recording. */
  readonly onStatement: (sqlText: string, why: string | undefined) => void;
}

/** One driver that replays: it runs through the recording on its own. */
export interface ReplaySession {
  readonly master: string;
  /** How often each statement was asked. */
  readonly asked: Map<string, number>;
  readonly byRequest: Map<string, { readonly key: string; readonly statement: RecordedStatement | undefined }>;
  readonly answered: Map<string, RecordedStatement>;
}

/** Sessions of a replay. Nothing here reaches beyond the recording. */
export interface ReplaySessions {
  /** Any credential opens a session: there is nothing behind it but the recording. */
  logIn(request: LoginRequest): Buffer;
  authenticate(token: string | undefined): ReplaySession | undefined;
  renew(masterToken: string | undefined): Buffer;
  logOut(session: ReplaySession): Buffer;
  submit(session: ReplaySession, request: StatementRequest, origin: string): Buffer;
  poll(session: ReplaySession, queryId: string, origin: string): Buffer;
  monitor(session: ReplaySession, queryId: string): Buffer;
  abortRequest(session: ReplaySession, requestId: string): Buffer;
  abortQuery(session: ReplaySession, queryId: string): Buffer;
  /** One part of a result; undefined where the recording has none. */
  part(capability: string, index: number): Buffer | undefined;
}

const TOKEN_BYTES = 32;
const TOKEN_SECONDS = 86_400;
const NOT_RECORDED = 'this statement is not in it';

const encode = (envelope: Envelope): Buffer => Buffer.from(encodeEnvelope(envelope));

export function createReplaySessions({ recorded, random, clock, onStatement }: ReplayDeps): ReplaySessions {
  const statements = Map.groupBy(recorded.statements, ({ key }) => key);
  const byToken = new Map<string, ReplaySession>();
  const byMaster = new Map<string, ReplaySession>();
  const parts = new Map<string, RecordedStatement>();
  const newToken = (): string => random(TOKEN_BYTES).toString('base64url');

  const tokensOf = (session: ReplaySession): LoginTokens => {
    const token = newToken();
    byToken.set(token, session);
    return { token, masterToken: session.master, tokenSeconds: TOKEN_SECONDS, masterTokenSeconds: TOKEN_SECONDS };
  };

  const answer = (session: ReplaySession, statement: RecordedStatement, origin: string): Buffer => {
    session.answered.set(statement.queryId, statement);
    if (statement.answer === undefined) {
      return encode(failure(deny.notInRecording('its answer to this statement is not there or cannot be read')));
    }
    if (!hasParts(statement.answer)) return encodeAnswer(statement.answer, '');
    const capability = newToken();
    parts.set(capability, statement);
    return encodeAnswer(statement.answer, `${origin}/results/${capability}/`);
  };

  /** The statement a request stands for, or why there is none. The same request twice is one. */
  const find = (session: ReplaySession, request: StatementRequest): RecordedStatement | string => {
    const earlier = session.byRequest.get(request.requestId);
    const key = statementKey(request);
    if (earlier !== undefined) {
      if (earlier.key !== key && !isResend(request.sqlText)) return 'this requestId was used for another statement';
      return earlier.statement ?? NOT_RECORDED;
    }
    const times = session.asked.get(key) ?? 0;
    const statement = statements.get(key)?.[times];
    session.byRequest.set(request.requestId, { key, statement });
    if (statement !== undefined) session.asked.set(key, times + 1);
    if (statement !== undefined) return statement;
    return times === 0 ? NOT_RECORDED : `this statement stands in it ${times === 1 ? 'once' : `${times} times`}`;
  };

  const abort = (statement: RecordedStatement | undefined): Buffer =>
    encode(
      statement === undefined
        ? snowflakeFailure('000605', '02000', 'Identified SQL statement is not currently executing.')
        : success(),
    );

  return {
    logIn(request) {
      const session: ReplaySession = {
        master: newToken(),
        asked: new Map(),
        byRequest: new Map(),
        answered: new Map(),
      };
      byMaster.set(session.master, session);
      return encode(loginAnswer(headFor(recorded, request.clientApp), tokensOf(session)));
    },

    authenticate: (token) => (token === undefined ? undefined : byToken.get(token)),

    renew(masterToken) {
      const session = masterToken === undefined ? undefined : byMaster.get(masterToken);
      if (session === undefined) {
        const { message, sqlState } = deny.sessionEnded('the token is not one of this replay');
        return encode(snowflakeFailure('390114', sqlState, message));
      }
      return encode(renewalAnswer(tokensOf(session), sessionIdOf(recorded)));
    },

    logOut(session) {
      byMaster.delete(session.master);
      for (const [token, owner] of byToken) if (owner === session) byToken.delete(token);
      return encode(success());
    },

    submit(session, request, origin) {
      const scanned = session.answered.get(scannedQueryId(request.sqlText) ?? '');
      const found = scanned ?? find(session, request);
      onStatement(request.sqlText, typeof found === 'string' ? found : undefined);
      if (typeof found === 'string') return encode(failure(deny.notInRecording(found)));
      if (!request.asyncExec) return answer(session, found, origin);
      session.answered.set(found.queryId, found);
      return encode(inProgress(found.queryId));
    },

    poll(session, queryId, origin) {
      const statement = session.answered.get(queryId);
      if (statement === undefined) return encode(failure(deny.unknownQuery(), queryId));
      return answer(session, statement, origin);
    },

    monitor(session, queryId) {
      const statement = session.answered.get(queryId);
      const queries = statement === undefined ? [] : [statusOf(stateOf(statement), clock.nowMs())];
      return encode(success({ queries }));
    },

    abortRequest: (session, requestId) => abort(session.byRequest.get(requestId)?.statement),

    abortQuery: (session, queryId) => abort(session.answered.get(queryId)),

    part: (capability, index) => parts.get(capability)?.chunks.get(index),
  };
}

function stateOf({ queryId, askedAtMs, answer }: RecordedStatement): Parameters<typeof statusOf>[0] {
  const { code = null, message = null, endedAtMs = null } = answer ?? {};
  const state = answer !== undefined && code === null ? 'success' : 'failed';
  return { queryId, state, code, message, submittedAtMs: askedAtMs, endedAtMs };
}

function sessionIdOf({ opening }: RecordedSession): Json {
  const up = (opening['up'] ?? {}) as JsonObject;
  return parseJson(textAt(up, 'sess') ?? '') ?? 0;
}

/** The login as it was answered, with the settings that depend on the kind of driver fit for this one. */
function headFor(recorded: RecordedSession, clientApp: string): JsonObject {
  const head = recorded.loginHead ?? headFromFields(recorded);
  return { ...head, parameters: clientParameters(arrayAt(head, 'parameters') ?? [], clientApp) };
}

function headFromFields(recorded: RecordedSession): JsonObject {
  const { who, ctx } = recorded.opening;
  const named = (fields: unknown, name: string): string | null =>
    isJsonObject(fields as Json | undefined) ? (textAt(fields as JsonObject, name) ?? null) : null;
  return loginHead({
    displayUserName: named(who, 'name') ?? '',
    serverVersion: '9.40.0',
    sessionId: sessionIdOf(recorded),
    parameters: [],
    context: {
      database: named(ctx, 'db'),
      schema: named(ctx, 'sch'),
      warehouse: named(ctx, 'wh'),
      role: named(ctx, 'role'),
    },
  });
}
