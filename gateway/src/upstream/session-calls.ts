import { randomUUID } from 'node:crypto';
import { deny, GatewayError } from '../errors.js';
import { objectAt, SESSION_CODES, textAt, type UpstreamBody } from '../protocol/index.js';
import { CALL_TIMEOUT_MS, type Call, type MakeCall, RETRY_DELAYS_MS } from './calls.js';
import type { Endpoint } from './endpoint.js';

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
  /** Records that new tokens are about to be asked for. Rejects where they must not be. */
  recordRenewal(): Promise<void>;
}

/** A call inside a session. Throws `GatewayError` (PISTE-1006) when the session is gone. */
export type MakeSessionCall = (
  endpoint: Endpoint,
  box: TokenBox,
  request: Omit<Call, 'token' | 'service'>,
) => Promise<UpstreamBody>;

const MAX_RENEWALS = 2;
const GONE: ReadonlySet<string> = new Set([
  SESSION_CODES.sessionGone,
  SESSION_CODES.tokenInvalid,
  SESSION_CODES.tokenExpired,
]);

const sessionGone = (): GatewayError =>
  new GatewayError('the session with Snowflake is gone', deny.sessionEnded('Snowflake closed it'));

/** Calls in a session: an expired token is renewed and the call repeated, a lost session ends it. */
export function createSessionCalls(call: MakeCall): MakeSessionCall {
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
    await box.recordRenewal();
    const answer = await call(endpoint, {
      method: 'POST',
      path: `/session/token-request?requestId=${randomUUID()}`,
      body: { oldSessionToken: stale.token, requestType: 'RENEW' },
      token: stale.masterToken,
      service: stale.service,
      timeoutMs: CALL_TIMEOUT_MS,
      retries: RETRY_DELAYS_MS,
    });
    const data = objectAt(answer.json, 'data') ?? {};
    const token = textAt(data, 'sessionToken');
    const masterToken = textAt(data, 'masterToken');
    if (answer.json['success'] !== true || token === undefined || masterToken === undefined) return undefined;
    const renewed = { ...stale, token, masterToken };
    await box.replace(renewed);
    return renewed;
  };

  return async (endpoint, box, request) => {
    let tokens = box.current();
    for (let renewed = 0; ; renewed += 1) {
      const answer = await call(endpoint, { ...request, token: tokens.token, service: tokens.service });
      const code = textAt(answer.json, 'code') ?? '';
      if (code !== SESSION_CODES.tokenExpired || renewed >= MAX_RENEWALS) {
        if (GONE.has(code)) throw sessionGone();
        return answer;
      }
      const fresh = await renew(endpoint, box, tokens);
      if (fresh === undefined) throw sessionGone();
      tokens = fresh;
    }
  };
}
