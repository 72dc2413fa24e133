import { randomUUID } from 'node:crypto';
import { deny, GatewayError } from '../errors.js';
import type { Binding } from '../policy/binding.js';
import { bindingHash } from '../policy/binding.js';
import { isPermit } from '../policy/permit.js';
import {
  arrayAt,
  inflate,
  isGzip,
  isJsonObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  parseJson,
  parseUpstreamAnswer,
  SESSION_CODES,
  stringifyJson,
  textAt,
  type UpstreamAnswer,
  upstreamSessionParameters,
} from '../protocol/index.js';
import { isRequestReceipt, type RequestReceipt } from '../recording/index.js';
import { createProofs, type Proof, type UpstreamCredential } from './credential.js';
import type { Endpoint } from './endpoint.js';
import { AnswerTooLarge, type Transport, TransportError, type UpstreamResponse } from './transport.js';

/** Snowflake's tokens of one session. */
export interface UpstreamTokens {
  readonly token: string;
  readonly masterToken: string;
  readonly sessionId: string;
  readonly service: string | undefined;
}

/** Where the tokens of a session are kept, so that a renewal by any gateway is seen by all. */
export interface TokenBox {
  current(): UpstreamTokens;
  /** Tokens as another gateway may have renewed them; undefined when the session is gone. */
  reload(): Promise<UpstreamTokens | undefined>;
  replace(tokens: UpstreamTokens): Promise<void>;
}

/** A statement ready to leave. `binding` must hash to what the receipt's permit was made for. */
export interface OutgoingStatement {
  readonly binding: Binding;
  readonly bindings: JsonObject | undefined;
  readonly describeOnly: boolean;
  readonly parameters: Readonly<Record<string, Json>>;
  /** What the client says the statement is for; stands in the query tag beside the record's place. */
  readonly claimedPurpose: string | undefined;
  readonly queryContext: JsonObject | undefined;
  /** The same for every attempt: Snowflake runs one request id once. */
  readonly requestId: string;
}

export interface UpstreamLogin {
  readonly clientApp: string;
  readonly clientVersion: string;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly warehouse: string | undefined;
  readonly role: string | undefined;
  /** Client-chosen session parameters, already filtered. */
  readonly sessionParameters: Readonly<Record<string, Json>>;
}

export interface LoggedIn {
  readonly tokens: UpstreamTokens;
  readonly context: { database: string | null; schema: string | null; warehouse: string | null; role: string | null };
  readonly parameters: readonly Json[];
  readonly serverVersion: string;
}

export type LoginAnswer =
  | { readonly ok: true; readonly login: LoggedIn }
  | { readonly ok: false; readonly code: string };

/** The only door through which anything leaves for Snowflake. */
export interface Snowflake {
  login(endpoint: Endpoint, credential: UpstreamCredential, login: UpstreamLogin): Promise<LoginAnswer>;
  /**
   * Sends a recorded statement and waits for its end, however long that takes. Throws `GatewayError` (PISTE-1702) when
   * Snowflake is out of reach, and refuses to send anything but what the receipt's permit was made for.
   */
  forward(
    receipt: RequestReceipt,
    endpoint: Endpoint,
    box: TokenBox,
    statement: OutgoingStatement,
    signal: AbortSignal,
  ): Promise<Exclude<UpstreamAnswer, { kind: 'in-progress' }>>;
  heartbeat(endpoint: Endpoint, box: TokenBox): Promise<boolean>;
  logout(endpoint: Endpoint, box: TokenBox): Promise<void>;
}

export interface SnowflakeDeps {
  readonly transport: Transport;
  readonly clock: { nowMs(): number };
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly maxBodyBytes: number;
  /** Told about every exchange, for metrics. */
  readonly onRequest?: (connection: string, result: 'ok' | 'error' | 'unavailable', milliseconds: number) => void;
}

const LOGIN_TIMEOUT_MS = 9_000;
const CALL_TIMEOUT_MS = 10_000;
/** Snowflake holds a statement or a poll for about 45 s. */
const STATEMENT_TIMEOUT_MS = 90_000;
const RETRY_DELAYS_MS = [250, 1000, 3000];
/** Pause between polls that answer at once, so that an upstream that does not hold them is not hammered. */
const MIN_POLL_MS = 100;
const USER_AGENT = 'Piste/0.1';

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: JsonObject;
  readonly token: string | undefined;
  readonly service: string | undefined;
  readonly timeoutMs: number;
  readonly retries: readonly number[];
  readonly signal?: AbortSignal;
  /** Told when an attempt may have taken effect although its answer is lost. */
  readonly onLost?: () => void;
}

export function createSnowflake(deps: SnowflakeDeps): Snowflake {
  const { transport, clock } = deps;

  const attempt = async (endpoint: Endpoint, call: Call): Promise<UpstreamResponse> => {
    const startedMs = clock.nowMs();
    const headers: Record<string, string> = {
      accept: call.path.startsWith('/queries') ? 'application/snowflake' : 'application/json',
      'accept-encoding': 'gzip',
      'user-agent': USER_AGENT,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(call.token === undefined ? {} : { authorization: `Snowflake Token="${call.token}"` }),
      ...(call.service === undefined ? {} : { 'x-snowflake-service': call.service }),
    };
    try {
      const response = await transport.request({
        origin: endpoint.origin,
        method: call.method,
        path: call.path,
        headers,
        timeoutMs: call.timeoutMs,
        maxBytes: deps.maxBodyBytes,
        ...(call.body === undefined ? {} : { body: stringifyJson(call.body) }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      deps.onRequest?.(endpoint.connection, response.status === 200 ? 'ok' : 'error', clock.nowMs() - startedMs);
      return response;
    } catch (error) {
      deps.onRequest?.(endpoint.connection, 'unavailable', clock.nowMs() - startedMs);
      throw error;
    }
  };

  /** One JSON answer with HTTP 200, with bounded retries of transport faults. Whoever carries a statement says what a failure means for it. */
  const call = async (endpoint: Endpoint, request: Call): Promise<JsonObject> => {
    for (const delayMs of [...request.retries, undefined]) {
      try {
        const response = await attempt(endpoint, request);
        if (response.status === 200) {
          const body = await parseBody(response.body, deps.maxBodyBytes);
          if (body !== undefined) return body;
        }
        request.onLost?.();
      } catch (error) {
        if (error instanceof AnswerTooLarge) {
          throw new GatewayError('an answer is too large', deny.answerTooLarge('The answer', deps.maxBodyBytes));
        }
        if (!(error instanceof TransportError)) throw error;
        if (request.signal?.aborted === true) throw error;
        if (error.sent) request.onLost?.();
      }
      if (delayMs === undefined) break;
      await deps.sleep(delayMs, request.signal);
    }
    throw new GatewayError('Snowflake did not answer', deny.upstreamUnavailable(false));
  };

  const renewals = new Map<string, Promise<UpstreamTokens | undefined>>();

  /** Renews once per session however many requests need it; undefined when the session is really gone. */
  const renew = (endpoint: Endpoint, box: TokenBox, stale: UpstreamTokens): Promise<UpstreamTokens | undefined> => {
    const running = renewals.get(stale.masterToken);
    if (running !== undefined) return running;
    const renewal = renewOnce(endpoint, box, stale).finally(() => renewals.delete(stale.masterToken));
    renewals.set(stale.masterToken, renewal);
    return renewal;
  };

  const renewOnce = async (
    endpoint: Endpoint,
    box: TokenBox,
    stale: UpstreamTokens,
  ): Promise<UpstreamTokens | undefined> => {
    const stored = await box.reload();
    if (stored === undefined || stored.token !== stale.token) return stored;
    const answer = await call(endpoint, {
      method: 'POST',
      path: `/session/token-request?requestId=${randomUUID()}`,
      body: { oldSessionToken: stale.token, requestType: 'RENEW' },
      token: stale.masterToken,
      service: stale.service,
      timeoutMs: CALL_TIMEOUT_MS,
      retries: RETRY_DELAYS_MS,
    });
    const data = objectAt(answer, 'data') ?? {};
    const token = textAt(data, 'sessionToken');
    const masterToken = textAt(data, 'masterToken');
    if (answer['success'] !== true || token === undefined || masterToken === undefined) return undefined;
    const renewed = { ...stale, token, masterToken };
    await box.replace(renewed);
    return renewed;
  };

  /** A call inside a session: an expired token is renewed and the call repeated, a lost session ends it. */
  const callInSession = async (
    endpoint: Endpoint,
    box: TokenBox,
    request: Omit<Call, 'token' | 'service'>,
  ): Promise<JsonObject> => {
    let tokens = box.current();
    for (let renewed = 0; ; renewed += 1) {
      const answer = await call(endpoint, { ...request, token: tokens.token, service: tokens.service });
      const code = textAt(answer, 'code');
      if (code !== SESSION_CODES.tokenExpired || renewed >= 2) {
        if (
          code === SESSION_CODES.sessionGone ||
          code === SESSION_CODES.tokenInvalid ||
          code === SESSION_CODES.tokenExpired
        ) {
          throw new GatewayError('the session with Snowflake is gone', deny.sessionEnded('Snowflake closed it'));
        }
        return answer;
      }
      const fresh = await renew(endpoint, box, tokens);
      if (fresh === undefined)
        throw new GatewayError('the session with Snowflake is gone', deny.sessionEnded('Snowflake closed it'));
      tokens = fresh;
    }
  };

  const pollToEnd = async (
    endpoint: Endpoint,
    box: TokenBox,
    first: UpstreamAnswer,
    signal: AbortSignal,
  ): Promise<Exclude<UpstreamAnswer, { kind: 'in-progress' }>> => {
    let answer = first;
    while (answer.kind === 'in-progress') {
      const startedMs = clock.nowMs();
      const body = await callInSession(endpoint, box, {
        method: 'GET',
        path: answer.getResultUrl,
        timeoutMs: STATEMENT_TIMEOUT_MS,
        retries: RETRY_DELAYS_MS,
        signal,
      });
      answer = parseUpstreamAnswer(body);
      const pauseMs = MIN_POLL_MS - (clock.nowMs() - startedMs);
      if (answer.kind === 'in-progress' && pauseMs > 0) await deps.sleep(pauseMs, signal);
    }
    return answer;
  };

  return {
    async login(endpoint, credential, login) {
      const query = new URLSearchParams({ requestId: randomUUID() });
      for (const [key, value] of Object.entries({
        databaseName: login.database,
        schemaName: login.schema,
        warehouse: login.warehouse,
        roleName: login.role,
      })) {
        if (value !== undefined) query.set(key, value);
      }
      const dataWith = (proof: Proof): JsonObject => ({
        CLIENT_APP_ID: login.clientApp,
        CLIENT_APP_VERSION: login.clientVersion,
        ACCOUNT_NAME: endpoint.account,
        ...proof,
        SECONDARY_ROLES: 'NONE',
        CLIENT_ENVIRONMENT: { APPLICATION: 'Piste', OS: 'Linux' },
        SESSION_PARAMETERS: { ...login.sessionParameters, ...upstreamSessionParameters() },
      });
      let outcome: LoginAnswer = { ok: false, code: 'no-proof' };
      for (const proof of await createProofs(credential, endpoint.account, clock.nowMs())) {
        const answer = await call(endpoint, {
          method: 'POST',
          path: `/session/v1/login-request?${query.toString()}`,
          body: { data: dataWith(proof) },
          token: undefined,
          service: undefined,
          timeoutMs: LOGIN_TIMEOUT_MS,
          retries: RETRY_DELAYS_MS.slice(0, 1),
        });
        outcome = parseLoginAnswer(answer);
        if (outcome.ok) break;
      }
      return outcome;
    },

    async forward(receipt, endpoint, box, statement, signal) {
      const bindsText = statement.bindings === undefined ? undefined : stringifyJson(statement.bindings);
      const isWhatWasPermitted =
        isRequestReceipt(receipt) &&
        isPermit(receipt.permit) &&
        statement.binding.binds === bindsText &&
        statement.binding.connection === endpoint.connection &&
        statement.binding.account === endpoint.account &&
        bindingHash(statement.binding) === receipt.permit.bindingHash;
      if (!isWhatWasPermitted) throw new Error('the statement is not the one that was permitted and recorded');
      let mayHaveRun = false;
      const abort = async (): Promise<void> => {
        await callInSession(endpoint, box, {
          method: 'POST',
          path: `/queries/v1/abort-request?requestId=${randomUUID()}`,
          body: { requestId: statement.requestId },
          timeoutMs: CALL_TIMEOUT_MS,
          retries: [],
        }).catch(() => undefined);
      };
      try {
        const body = await callInSession(endpoint, box, {
          method: 'POST',
          path: `/queries/v1/query-request?requestId=${statement.requestId}`,
          body: {
            sqlText: statement.binding.canonicalText,
            asyncExec: false,
            describeOnly: statement.describeOnly,
            isInternal: receipt.permit.verdict === 'internal',
            sequenceId: 1,
            querySubmissionTime: clock.nowMs(),
            parameters: {
              ...statement.parameters,
              QUERY_TAG: queryTag(receipt, statement.claimedPurpose),
              MULTI_STATEMENT_COUNT: 1,
            },
            ...(statement.bindings === undefined ? {} : { bindings: statement.bindings }),
            ...(statement.queryContext === undefined ? {} : { queryContextDTO: statement.queryContext }),
          },
          timeoutMs: STATEMENT_TIMEOUT_MS,
          retries: RETRY_DELAYS_MS,
          signal,
          onLost: () => {
            mayHaveRun = true;
          },
        });
        const answer = parseUpstreamAnswer(body);
        mayHaveRun ||= answer.kind === 'in-progress';
        return await pollToEnd(endpoint, box, answer, signal);
      } catch (error) {
        if (signal.aborted) await abort();
        const isCallersOwn = receipt.permit.verdict !== 'internal' && !statement.describeOnly;
        throw mayHaveRun && isCallersOwn ? withUnknownOutcome(error) : error;
      }
    },

    async heartbeat(endpoint, box) {
      const answer = await callInSession(endpoint, box, {
        method: 'POST',
        path: `/session/heartbeat?requestId=${randomUUID()}`,
        body: {},
        timeoutMs: CALL_TIMEOUT_MS,
        retries: RETRY_DELAYS_MS.slice(0, 1),
      });
      return answer['success'] === true;
    },

    async logout(endpoint, box) {
      const tokens = box.current();
      await call(endpoint, {
        method: 'POST',
        path: `/session?delete=true&requestId=${randomUUID()}`,
        body: {},
        token: tokens.token,
        service: tokens.service,
        timeoutMs: 4_000,
        retries: [],
      });
    },
  };
}

const MAX_QUERY_TAG_CHARACTERS = 2_000;

/**
 * Snowflake keeps the tag with the statement: place and leaf hash of the record that was durable before it left, and what the
 * client says it is for.
 */
function queryTag(receipt: RequestReceipt, claimedPurpose: string | undefined): string {
  const tag = { piste: 1, w: receipt.writer, i: receipt.index, r: receipt.leafHash.slice(0, 22) };
  const withClaim = JSON.stringify({ ...tag, u: claimedPurpose });
  return withClaim.length <= MAX_QUERY_TAG_CHARACTERS ? withClaim : JSON.stringify(tag);
}

/** The same failure for a statement that may have taken effect: the caller must not be told that nothing ran. */
function withUnknownOutcome(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { message, denial } = error;
  if (denial.code === 'PISTE-1702') return new GatewayError(message, deny.upstreamUnavailable(true), { cause: error });
  if (denial.code === 'PISTE-1006') return new GatewayError(message, deny.sessionLost(), { cause: error });
  return error;
}

async function parseBody(bytes: Buffer, maxBytes: number): Promise<JsonObject | undefined> {
  const plain = isGzip(bytes) ? await inflate(bytes, maxBytes) : bytes;
  if (plain === 'too-large') throw new AnswerTooLarge();
  if (plain === undefined) return undefined;
  const value = parseJson(plain.toString('utf8'));
  return isJsonObject(value) ? value : undefined;
}

function parseLoginAnswer(answer: JsonObject): LoginAnswer {
  const data = objectAt(answer, 'data') ?? {};
  const token = textAt(data, 'token');
  const masterToken = textAt(data, 'masterToken');
  if (answer['success'] !== true || token === undefined || masterToken === undefined) {
    return { ok: false, code: textAt(answer, 'code') ?? 'none' };
  }
  const parameters = arrayAt(data, 'parameters') ?? [];
  const info = objectAt(data, 'sessionInfo') ?? {};
  const service = parameters.find((entry) => isJsonObject(entry) && entry['name'] === 'SERVICE_NAME');
  return {
    ok: true,
    login: {
      tokens: {
        token,
        masterToken,
        sessionId: digitsOf(data),
        service: isJsonObject(service) ? textAt(service, 'value') || undefined : undefined,
      },
      context: {
        database: textAt(info, 'databaseName') ?? null,
        schema: textAt(info, 'schemaName') ?? null,
        warehouse: textAt(info, 'warehouseName') ?? null,
        role: textAt(info, 'roleName') ?? null,
      },
      parameters,
      serverVersion: textAt(data, 'serverVersion') ?? '9.0.0',
    },
  };
}

/** Session numbers may exceed 2^53: their digits are kept. */
function digitsOf(data: JsonObject): string {
  const value = data['sessionId'];
  const text = value === undefined || value === null ? '' : stringifyJson(value).replace(/"/g, '');
  return /^[0-9]{1,20}$/.test(text) ? text : String(numberAt(data, 'sessionId') ?? 0);
}
