import { randomUUID } from 'node:crypto';
import {
  arrayAt,
  isJsonObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  stringifyJson,
  textAt,
  upstreamSessionParameters,
} from '../protocol/index.js';
import { type MakeCall, RETRY_DELAYS_MS } from './calls.js';
import { createProofs, type Proof, type UpstreamCredential } from './credential.js';
import type { Endpoint } from './endpoint.js';
import type { UpstreamTokens } from './session-calls.js';

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

/** Drivers give up on a login after about ten seconds. */
const LOGIN_TIMEOUT_MS = 9_000;

/** Logs the gateway in with its own credential; several keys are tried in their order. Throws `GatewayError` when out of reach. */
export async function logInUpstream(
  call: MakeCall,
  endpoint: Endpoint,
  credential: UpstreamCredential,
  login: UpstreamLogin,
  nowMs: number,
): Promise<LoginAnswer> {
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
    SESSION_PARAMETERS: { ...login.sessionParameters, ...upstreamSessionParameters(login.sessionParameters) },
  });
  let outcome: LoginAnswer = { ok: false, code: 'no-proof' };
  for (const proof of await createProofs(credential, endpoint.account, nowMs)) {
    const answer = await call(endpoint, {
      method: 'POST',
      path: `/session/v1/login-request?${query.toString()}`,
      body: { data: dataWith(proof) },
      token: undefined,
      service: undefined,
      timeoutMs: LOGIN_TIMEOUT_MS,
      retries: RETRY_DELAYS_MS.slice(0, 1),
    });
    outcome = parseLoginAnswer(answer.json);
    if (outcome.ok) break;
  }
  return outcome;
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
