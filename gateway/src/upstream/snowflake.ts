import { randomUUID } from 'node:crypto';
import { encodePlacelessTag, encodeQueryTag } from '@piste/verifier';
import { deny, GatewayError } from '../errors.js';
import { type Binding, bindingHash } from '../policy/binding.js';
import { isPermit } from '../policy/permit.js';
import {
  type ChosenParameters,
  encodeParameters,
  type JsonObject,
  parseUpstreamAnswer,
  stringifyJson,
  type UpstreamAnswer,
} from '../protocol/index.js';
import { isRequestReceipt, type RequestReceipt } from '../recording/index.js';
import { CALL_TIMEOUT_MS, type CallsDeps, createCalls, RETRY_DELAYS_MS } from './calls.js';
import type { UpstreamCredential } from './credential.js';
import type { Endpoint } from './endpoint.js';
import { type LoginAnswer, logInUpstream, type UpstreamLogin } from './login.js';
import { createSessionCalls, type TokenBox } from './session-calls.js';

/** A statement ready to leave. `binding` must hash to what the receipt's permit was made for. */
export interface OutgoingStatement {
  readonly binding: Binding;
  readonly bindings: JsonObject | undefined;
  /** Keys of masks, beside the caller's own values: no permit and no record names them. */
  readonly keyBindings: JsonObject | undefined;
  readonly describeOnly: boolean;
  /** The caller's own, and those its session has. */
  readonly parameters: ChosenParameters;
  /** What the client says the statement is for; stands in the query tag beside the record's place. */
  readonly claimedPurpose: string | undefined;
  readonly queryContext: JsonObject | undefined;
  /** The same for every attempt: Snowflake runs one request id once. */
  readonly requestId: string;
}

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

/** Snowflake holds a statement or a poll for about 45 s. */
const STATEMENT_TIMEOUT_MS = 90_000;
/** Pause between polls that answer at once, so that an upstream that does not hold them is not hammered. */
const MIN_POLL_MS = 100;
/** A client waits at most 5 s for its logout. */
const LOGOUT_TIMEOUT_MS = 4_000;

export function createSnowflake(deps: CallsDeps): Snowflake {
  const { clock } = deps;
  const call = createCalls(deps);
  const callInSession = createSessionCalls(call);

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
    login: (endpoint, credential, login) => logInUpstream(call, endpoint, credential, login, clock.nowMs()),

    async forward(receipt, endpoint, box, statement, signal) {
      const bindsText = statement.bindings === undefined ? undefined : stringifyJson(statement.bindings);
      const isWhatWasPermitted =
        isRequestReceipt(receipt) &&
        isPermit(receipt.permit) &&
        statement.binding.binds === bindsText &&
        statement.binding.parameters === encodeParameters(statement.parameters) &&
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
              ...statement.parameters.statement,
              QUERY_TAG: queryTag(receipt, statement.claimedPurpose),
              MULTI_STATEMENT_COUNT: 1,
            },
            ...bindingsOf(statement),
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
      return answer.json['success'] === true;
    },

    async logout(endpoint, box) {
      const tokens = box.current();
      await call(endpoint, {
        method: 'POST',
        path: `/session?delete=true&requestId=${randomUUID()}`,
        body: {},
        token: tokens.token,
        service: tokens.service,
        timeoutMs: LOGOUT_TIMEOUT_MS,
        retries: [],
      });
    },
  };
}

/** A key never takes the place of a value of the caller's, nor the other way round. */
function bindingsOf({ bindings = {}, keyBindings = {} }: OutgoingStatement): { bindings?: JsonObject } {
  if (Object.keys(keyBindings).some((number) => Object.hasOwn(bindings, number))) {
    throw new Error('a bind value stands where a key belongs');
  }
  const all = { ...bindings, ...keyBindings };
  return Object.keys(all).length === 0 ? {} : { bindings: all };
}

/**
 * Snowflake keeps the tag with the statement: place and leaf hash of the record that was durable before it left, signed by its
 * writer, and what the client says it is for.
 */
function queryTag(receipt: RequestReceipt, claimedPurpose: string | undefined): string {
  if (receipt.standing === 'deferred') return encodePlacelessTag(receipt.writer, claimedPurpose);
  const { writer, index, leafHash, tagSignature } = receipt;
  return encodeQueryTag({ writer, index, leafHash, signature: tagSignature, claimed: claimedPurpose });
}

/** The same failure for a statement that may have taken effect: the caller must not be told that nothing ran. */
function withUnknownOutcome(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { message, denial } = error;
  if (denial.code === 'PISTE-1702') return new GatewayError(message, deny.upstreamUnavailable(true), { cause: error });
  if (denial.code === 'PISTE-1701') return new GatewayError(message, deny.cannotRecordResult(), { cause: error });
  if (denial.code === 'PISTE-1006') return new GatewayError(message, deny.sessionLost(), { cause: error });
  return error;
}
