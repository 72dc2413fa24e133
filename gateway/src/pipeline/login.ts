import { type Denial, deny } from '../errors.js';
import type { Identity, Principal } from '../identity/index.js';
import { isAllowedParameter } from '../policy/index.js';
import {
  clientParameters,
  encodeBody,
  encodeParameters,
  failure,
  filterParameters,
  type Json,
  type JsonObject,
  type LoginRequest,
  loginAnswer,
  loginHead,
  parseJson,
  stringifyJson,
} from '../protocol/index.js';
import type { Entry, Recording } from '../recording/index.js';
import { type Connection, findConnection, type Resources } from '../resources/index.js';
import type { Sessions } from '../session/index.js';
import type { Log } from '../telemetry/index.js';
import type { Endpoint, LoggedIn, Snowflake, UpstreamCredential } from '../upstream/index.js';
import type { Answer } from './answer.js';
import { contextFields, parameterBodies, textBody, whoFields } from './entries.js';

export interface LoginDeps {
  readonly resources: Pick<Resources, 'current'>;
  readonly identity: Identity;
  readonly sessions: Sessions;
  readonly snowflake: Snowflake;
  readonly recording: Recording;
  readonly endpointOf: (connectionName: string) => Endpoint | undefined;
  readonly credentialOf: (connectionName: string) => UpstreamCredential | undefined;
  readonly log: Log;
  readonly onLogin: (connection: string, issuer: string, result: 'accepted' | 'refused', reason: string) => void;
  readonly onSession: (change: 1 | -1, connection: string) => void;
}

interface Refusal {
  readonly denial: Denial;
  readonly reason: string;
  readonly issuer: string | undefined;
  /** Snowflake's number of the session it had opened by then. */
  readonly opened?: string;
}

/** The walk of a login: connection → token → admission → role → record → Snowflake → record → tokens. */
export async function logIn(deps: LoginDeps, request: LoginRequest): Promise<Answer> {
  const connection = findConnection(deps.resources.current(), request.account);
  if (connection === undefined) {
    const available = [...deps.resources.current().connections.keys()].slice(0, 10);
    return refuseLogin(deps, request, undefined, {
      denial: deny.unknownConnection(request.account.replace(/[^\w.-]/g, '?').slice(0, 80), available),
      reason: 'unknown-connection',
      issuer: undefined,
    });
  }
  const admitted = await admit(deps, request, connection);
  if ('denial' in admitted) return refuseLogin(deps, request, connection, admitted);
  return openSession(deps, request, connection, admitted);
}

interface Admitted {
  readonly principal: Principal;
  readonly role: string;
  readonly sessionParameters: Readonly<Record<string, Json>>;
}

async function admit(deps: LoginDeps, request: LoginRequest, connection: Connection): Promise<Admitted | Refusal> {
  const { spec } = connection.resource;
  const audience = spec.issuers[0]?.audience ?? '';
  if (request.credential === undefined || request.credential === '') {
    return { denial: deny.noToken(audience), reason: 'no-token', issuer: undefined };
  }
  const trusted = { name: connection.name, issuers: spec.issuers, allowedGroups: spec.allowedGroups };
  const verified = await deps.identity.verify(request.credential, trusted);
  if (!verified.ok) {
    return { denial: verified.refusal.denial, reason: verified.refusal.kind, issuer: verified.refusal.issuer };
  }
  const { principal } = verified;
  const role = request.role === undefined ? (spec.defaults?.role ?? spec.allowedRoles[0]) : storedName(request.role);
  if (role === undefined || !connection.policy.allowedRoles.includes(role)) {
    return {
      denial: deny.roleNotOffered(role ?? 'none', connection.policy.allowedRoles),
      reason: 'role',
      issuer: principal.issuer,
    };
  }
  const { passed, refused } = filterParameters(request.sessionParameters, isAllowedParameter);
  if (refused !== undefined) {
    return { denial: deny.parameterNotAllowed(refused), reason: 'parameter', issuer: principal.issuer };
  }
  return { principal, role, sessionParameters: passed };
}

/** A name as Snowflake stores it: quoted exactly, otherwise upper case. */
function storedName(name: string): string {
  return name.length >= 2 && name.startsWith('"') && name.endsWith('"')
    ? name.slice(1, -1).replaceAll('""', '"')
    : name.toUpperCase();
}

const quotedName = (name: string): string =>
  /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

async function openSession(
  deps: LoginDeps,
  request: LoginRequest,
  connection: Connection,
  admitted: Admitted,
): Promise<Answer> {
  const { principal } = admitted;
  // Asked here, as a session that Snowflake opened and no record may name would be left behind.
  if (deps.recording.refusesNew(connection.name) !== undefined)
    return refuseLogin(deps, request, connection, {
      denial: deny.cannotRecord(),
      reason: 'cannot-record',
      issuer: principal.issuer,
    });
  const endpoint = deps.endpointOf(connection.name);
  const credential = deps.credentialOf(connection.name);
  if (endpoint === undefined || credential === undefined) {
    return refuseLogin(deps, request, connection, {
      denial: deny.upstreamLogin(),
      reason: 'no-credential',
      issuer: principal.issuer,
    });
  }
  const fields = { op: 'login', outcome: 'admitted', connection: connection.name, who: whoFields(principal) };
  await deps.recording.note({ kind: 'control', sessionId: undefined, fields, bodies: [] }, connection.name);
  const { defaults } = connection.resource.spec;
  const answer = await deps.snowflake.login(endpoint, credential, {
    clientApp: request.clientApp,
    clientVersion: request.clientVersion,
    database: request.database ?? defaults?.database,
    schema: request.schema ?? defaults?.schema,
    warehouse: request.warehouse ?? defaults?.warehouse,
    role: quotedName(admitted.role),
    sessionParameters: admitted.sessionParameters,
  });
  if (!answer.ok) {
    deps.log.error('Snowflake refused the gateway', { connection: connection.name, code: answer.code });
    return refuseLogin(deps, request, connection, {
      denial: deny.upstreamLogin(),
      reason: 'upstream-refused',
      issuer: principal.issuer,
    });
  }
  return keepSession(deps, request, connection, admitted, answer.login);
}

async function keepSession(
  deps: LoginDeps,
  request: LoginRequest,
  connection: Connection,
  admitted: Admitted,
  login: LoggedIn,
): Promise<Answer> {
  const { principal } = admitted;
  const granted = login.context.role;
  if (granted === null || !connection.policy.allowedRoles.includes(granted)) {
    const denial = deny.roleNotOffered(granted ?? 'none', connection.policy.allowedRoles);
    const opened = login.tokens.sessionId;
    return refuseLogin(deps, request, connection, { denial, reason: 'role', issuer: principal.issuer, opened });
  }
  const limits = connection.resource.spec.session;
  const tag = admitted.sessionParameters['QUERY_TAG'];
  const { session, tokens } = await deps.sessions.open({
    principal,
    connection: connection.name,
    account: connection.resource.spec.account.identifier,
    clientApp: request.clientApp,
    clientVersion: request.clientVersion,
    context: {
      database: login.context.database ?? undefined,
      schema: login.context.schema ?? undefined,
      warehouse: login.context.warehouse ?? undefined,
      role: granted,
    },
    parameters: stringifyJson(admitted.sessionParameters),
    claimedPurpose: typeof tag === 'string' && tag !== '' ? tag.slice(0, 500) : undefined,
    upstream: login.tokens,
    idleTimeoutSeconds: limits.idleTimeoutSeconds,
    maxLifetimeSeconds: limits.maxLifetimeSeconds,
  });
  // Its bytes hold the session's tokens: the record knows them by their digest only.
  const head = headOf(request, principal, login);
  const bytes = encodeBody(loginAnswer(head, tokens));
  const opening: Entry = {
    kind: 'session.open',
    sessionId: session.id,
    fields: {
      who: whoFields(principal),
      connection: connection.name,
      account: session.account,
      client: { app: request.clientApp, version: request.clientVersion },
      ctx: contextFields(session.context),
      up: { sess: login.tokens.sessionId },
    },
    bodies: [
      textBody('head', stringifyJson(head)),
      ...parameterBodies(encodeParameters({ session: admitted.sessionParameters, statement: {} })),
    ],
  };
  const answer = await deps.recording.recordAnswer(opening, bytes, { connection: connection.name });
  deps.onLogin(connection.name, principal.issuer, 'accepted', 'ok');
  deps.onSession(1, connection.name);
  return answer;
}

/** What the driver is told besides its tokens. */
function headOf(request: LoginRequest, principal: Principal, login: LoggedIn): JsonObject {
  return loginHead({
    displayUserName: principal.name,
    serverVersion: login.serverVersion,
    sessionId: parseJson(login.tokens.sessionId) ?? 0,
    parameters: clientParameters(login.parameters, request.clientApp),
    context: login.context,
  });
}

async function refuseLogin(
  deps: LoginDeps,
  request: LoginRequest,
  connection: Connection | undefined,
  refusal: Refusal,
): Promise<Answer> {
  const entry: Entry = {
    kind: 'session.refused',
    sessionId: undefined,
    fields: {
      reason: refusal.reason,
      code: refusal.denial.code,
      connection: connection?.name ?? null,
      issuer: refusal.issuer ?? null,
      client: { app: request.clientApp, version: request.clientVersion },
      ...(refusal.opened === undefined ? {} : { up: { sess: refusal.opened } }),
    },
    bodies: [],
  };
  const answer = await deps.recording.recordAnswer(entry, encodeBody(failure(refusal.denial)), {
    connection: connection?.name,
  });
  deps.onLogin(connection?.name ?? 'none', refusal.issuer ?? 'none', 'refused', refusal.reason);
  return answer;
}
