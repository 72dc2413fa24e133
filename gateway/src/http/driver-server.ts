import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Denial, deny, errorMessage, GatewayError } from '../errors.js';
import {
  denialOf,
  type LoginDeps,
  logIn,
  type ResultParts,
  refusedEntry,
  type SessionControl,
  type Statements,
} from '../pipeline/index.js';
import {
  BODY_COMPLAINTS,
  decodeBody,
  encodeEnvelope,
  failure,
  type JsonObject,
  matchRoute,
  originOf,
  type Parsed,
  parseAbort,
  parseLogin,
  parseStatement,
  parseTarget,
  type Reply,
  type Route,
  readBody,
  sendReply,
  statusOfUnknown,
  type Target,
  tokenOf,
} from '../protocol/index.js';
import type { Recording } from '../recording/index.js';
import type { Session } from '../session/index.js';
import type { Log } from '../telemetry/index.js';

export interface DriverServerDeps {
  readonly login: LoginDeps;
  readonly control: SessionControl;
  readonly statements: Statements;
  readonly parts: ResultParts;
  readonly recording: Recording;
  readonly log: Log;
  readonly maxBodyBytes: number;
  /** Origin drivers use; undefined takes the Host header of the request. */
  readonly driverUrl: string | undefined;
  readonly clock: { nowMs(): number };
  readonly onRequest: (route: string, status: number, seconds: number) => void;
}

/** Above the idle time of every driver's pool, so that the driver closes first. */
const KEEP_ALIVE_MS = 75_000;
/** A body has to arrive within this; statements are at most some megabytes. */
const REQUEST_TIMEOUT_MS = 120_000;
/**
 * The driver surface: a fixed table of routes, everything else refused and recorded. A decision is HTTP 200 with a
 * Snowflake error body, because drivers retry or misread any other status.
 */
export function serveDrivers(server: Server, deps: DriverServerDeps): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    handle(deps, server, request, response).catch((error: unknown) => {
      deps.log.error('an answer could not be sent', { error: errorMessage(error) });
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = 30_000;
}

async function handle(
  deps: DriverServerDeps,
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedMs = deps.clock.nowMs();
  const target = parseTarget(request.url);
  const route = target === undefined ? undefined : matchRoute(request.method ?? '', target.path, target.query);
  const name = route?.name ?? 'unknown';
  const reply = await answerOf(deps, request, route, target).catch(async (error: unknown) => {
    const denial = denialOf(error, randomUUID(), deps.log);
    // Whoever refuses with a denial has recorded it; of anything else nobody has written down a thing.
    if (!(error instanceof GatewayError)) {
      await deps.recording.append(refusedEntry(name, denial, undefined)).catch(() => undefined);
    }
    return route?.name === 'chunk'
      ? plainReply(chunkStatus(denial), denial)
      : jsonReply(Buffer.from(encodeEnvelope(failure(denial))));
  });
  // A gateway that stops wants its drivers to connect to another one.
  response.shouldKeepAlive &&= server.listening;
  await sendReply(request, response, reply);
  deps.onRequest(name, reply.status, (deps.clock.nowMs() - startedMs) / 1000);
}

async function answerOf(
  deps: DriverServerDeps,
  request: IncomingMessage,
  route: Route | undefined,
  target: Target | undefined,
): Promise<Reply> {
  if (route === undefined || target === undefined) return refuseUnknown(deps, request, target);
  if (route.name === 'chunk') return serveChunk(deps, route.capability, route.index);
  const bytes = await readBody(request, deps.maxBodyBytes);
  if (bytes === undefined) return refuse(deps, route.name, deny.badRequest(BODY_COMPLAINTS['too-large']));
  const body = await decodeBody(bytes, deps.maxBodyBytes);
  if (!body.ok) return refuse(deps, route.name, deny.badRequest(BODY_COMPLAINTS[body.why]));
  return jsonReply(await dispatch(deps, request, route, target.query, body.value));
}

async function dispatch(
  deps: DriverServerDeps,
  request: IncomingMessage,
  route: Exclude<Route, { name: 'chunk' }>,
  query: URLSearchParams,
  body: JsonObject,
): Promise<Buffer> {
  const { control, statements } = deps;
  const token = tokenOf(request.headers.authorization);
  switch (route.name) {
    case 'login':
      return parsed(deps, route.name, parseLogin(body, query), (login) => logIn(deps.login, login));
    case 'token-request':
      return control.renew(token);
    case 'telemetry':
      return control.swallowTelemetry();
    case 'heartbeat':
      return inSession(deps, route.name, token, (session) => control.heartbeat(session));
    case 'logout':
      return inSession(deps, route.name, token, (session) => control.logout(session));
    case 'query-request':
      return inSession(deps, route.name, token, (session) =>
        parsed(deps, route.name, parseStatement(body, query), (statement) =>
          statements.submit(session, statement, deps.driverUrl ?? originOf(request)),
        ),
      );
    case 'abort-request':
      return inSession(deps, route.name, token, (session) =>
        parsed(deps, route.name, parseAbort(body), (requestId) => statements.abortRequest(session, requestId)),
      );
    case 'query-result':
      return inSession(deps, route.name, token, (session) => statements.poll(session, route.queryId));
    case 'query-abort':
      return inSession(deps, route.name, token, (session) => statements.abortQuery(session, route.queryId));
    case 'monitoring':
      return inSession(deps, route.name, token, (session) => statements.monitor(session, route.queryId));
  }
}

async function inSession(
  deps: DriverServerDeps,
  op: string,
  token: string | undefined,
  work: (session: Session) => Promise<Buffer>,
): Promise<Buffer> {
  const authenticated = await deps.control.authenticate(token);
  return authenticated.ok ? work(authenticated.session) : deps.control.refuseToken(authenticated.refusal, op);
}

async function parsed<T>(
  deps: DriverServerDeps,
  op: string,
  result: Parsed<T>,
  work: (value: T) => Promise<Buffer>,
): Promise<Buffer> {
  if (result.ok) return work(result.value);
  return (await refuse(deps, op, deny.badRequest(result.why))).body;
}

async function refuse(deps: DriverServerDeps, op: string, denial: Denial): Promise<Reply> {
  await deps.recording.append(refusedEntry(op, denial, undefined));
  return jsonReply(Buffer.from(encodeEnvelope(failure(denial))));
}

/** Drivers are told in their own way; an API client expects a status it understands. */
async function refuseUnknown(
  deps: DriverServerDeps,
  request: IncomingMessage,
  target: Target | undefined,
): Promise<Reply> {
  const denial = deny.unknownEndpoint();
  const path = (target?.path ?? '').replace(/[^\x21-\x7e]/g, '?').slice(0, 200);
  const method = (request.method ?? '').slice(0, 10);
  await deps.recording.append(refusedEntry('unknown', denial, undefined, { method, path }));
  request.resume();
  return plainReply(statusOfUnknown(target), denial);
}

/** Drivers ask again for a part that is answered with 5xx, many times; not for one that is gone. */
const chunkStatus = (denial: Denial): number => (denial.code === 'PISTE-1105' ? 404 : 502);

async function serveChunk(deps: DriverServerDeps, capability: string, index: number): Promise<Reply> {
  const bytes = await deps.parts.serve(capability, index);
  if (bytes !== undefined) return { status: 200, body: bytes, contentType: 'application/octet-stream' };
  const denial = deny.unknownQuery();
  await deps.recording.append(refusedEntry('chunk', denial, undefined));
  return plainReply(404, denial);
}

const jsonReply = (body: Buffer): Reply => ({ status: 200, body, contentType: 'application/json' });

const plainReply = (status: number, denial: Denial): Reply => ({
  status,
  body: Buffer.from(encodeEnvelope(failure(denial))),
  contentType: 'application/json',
});
