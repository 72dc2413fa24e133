import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Denial, deny, errorMessage } from '../errors.js';
import {
  type BodyDigest,
  denialOf,
  digestOfBody,
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
  encodeBody,
  failure,
  type JsonObject,
  matchRoute,
  originOf,
  type Parsed,
  parseAbort,
  parseLogin,
  parseStatement,
  parseTarget,
  type Route,
  readBody,
  statusOfUnknown,
  type Target,
  tokenOf,
} from '../protocol/index.js';
import { type Answer, type Recording, unrecordedAnswer } from '../recording/index.js';
import type { Session } from '../session/index.js';
import type { Log } from '../telemetry/index.js';
import { type DeliveryMetrics, deliver, type Reply } from './delivery.js';
import { answerNoise } from './noise.js';
import type { Outbox } from './outbox.js';

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
  readonly metrics: DeliveryMetrics;
  readonly outbox: Outbox;
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
  answerNoise(server, (why) =>
    deps.recording.append(refusedEntry('http', deny.badRequest('not HTTP'), undefined, { why })),
  );
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
  const reply = await answerOf(deps, { request, response }, route, target).catch(async (error: unknown) => {
    const denial = denialOf(error, randomUUID(), deps.log);
    const answer = await refuse(deps, name, denial).catch((failed: unknown) =>
      unrecordedAnswer(failed, encodeBody(failure(denial))),
    );
    return jsonReply(answer, route?.name === 'chunk' ? chunkStatus(denial) : 200);
  });
  // A gateway that stops wants its drivers to connect to another one.
  response.shouldKeepAlive &&= server.listening;
  await deliver(deps, request, response, reply);
  deps.onRequest(name, reply.status, (deps.clock.nowMs() - startedMs) / 1000);
}

async function answerOf(
  deps: DriverServerDeps,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  route: Route | undefined,
  target: Target | undefined,
): Promise<Reply> {
  if (route === undefined || target === undefined) return refuseUnknown(deps, request, target);
  if (route.name === 'chunk') return serveChunk(deps, route, response);
  const bytes = await readBody(request, deps.maxBodyBytes);
  if (bytes === undefined)
    return jsonReply(await refuse(deps, route.name, deny.badRequest(BODY_COMPLAINTS['too-large'])));
  const body = await decodeBody(bytes, deps.maxBodyBytes);
  const sent: Sent = { query: target.query, bytes };
  if (!body.ok) return jsonReply(await refuse(deps, route.name, deny.badRequest(BODY_COMPLAINTS[body.why]), sent));
  return jsonReply(await dispatch(deps, request, route, { ...sent, body: body.value }));
}

interface Sent {
  readonly query: URLSearchParams;
  /** The body as it came. */
  readonly bytes: Buffer;
}

async function dispatch(
  deps: DriverServerDeps,
  request: IncomingMessage,
  route: Exclude<Route, { name: 'chunk' }>,
  sent: Sent & { readonly body: JsonObject },
): Promise<Answer> {
  const { control, statements } = deps;
  const { query, body } = sent;
  const token = tokenOf(request.headers.authorization);
  switch (route.name) {
    case 'login':
      return parsed(deps, route.name, parseLogin(body, query), sent, (login) => logIn(deps.login, login));
    case 'token-request':
      return control.renew(token);
    case 'telemetry':
      return control.swallowTelemetry(digestOfBody(sent.bytes));
    case 'heartbeat':
      return inSession(deps, route.name, token, (session) => control.heartbeat(session));
    case 'logout':
      return inSession(deps, route.name, token, (session) => control.logout(session));
    case 'query-request':
      return inSession(deps, route.name, token, (session) =>
        parsed(deps, route.name, parseStatement(body, query), sent, (statement) =>
          statements.submit(session, statement, deps.driverUrl ?? originOf(request)),
        ),
      );
    case 'abort-request':
      return inSession(deps, route.name, token, (session) =>
        parsed(deps, route.name, parseAbort(body), sent, (requestId) => statements.abortRequest(session, requestId)),
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
  work: (session: Session) => Promise<Answer>,
): Promise<Answer> {
  const authenticated = await deps.control.authenticate(token);
  return authenticated.ok ? work(authenticated.session) : deps.control.refuseToken(authenticated.refusal, op);
}

async function parsed<T>(
  deps: DriverServerDeps,
  op: string,
  result: Parsed<T>,
  sent: Sent,
  work: (value: T) => Promise<Answer>,
): Promise<Answer> {
  return result.ok ? work(result.value) : refuse(deps, op, deny.badRequest(result.why), sent);
}

/** A login's body can hold a password, which a digest would let somebody guess. */
function namedBody(op: string, sent: Sent | undefined): { readonly in?: BodyDigest | { readonly len: number } } {
  if (sent === undefined) return {};
  return { in: op === 'login' ? { len: sent.bytes.length } : digestOfBody(sent.bytes) };
}

function refuse(deps: DriverServerDeps, op: string, denial: Denial, sent?: Sent): Promise<Answer> {
  const entry = refusedEntry(op, denial, undefined, namedBody(op, sent));
  return deps.recording.recordAnswer(entry, encodeBody(failure(denial)));
}

/** As long as what opens a result: a path that holds one, however escaped, must not tell it to whoever reads the record. */
const CAPABILITIES = /[A-Za-z0-9_%-]{32,}/g;

/** Drivers are told in their own way; an API client expects a status it understands. */
async function refuseUnknown(
  deps: DriverServerDeps,
  request: IncomingMessage,
  target: Target | undefined,
): Promise<Reply> {
  const denial = deny.unknownEndpoint();
  const path = (target?.path ?? '')
    .replace(/[^\x21-\x7e]/g, '?')
    .replace(CAPABILITIES, '*')
    .slice(0, 200);
  const method = (request.method ?? '').slice(0, 10);
  // To HEAD Node sends no body, whatever it is given.
  const bytes = method === 'HEAD' ? Buffer.alloc(0) : encodeBody(failure(denial));
  const answer = await deps.recording.recordAnswer(refusedEntry('unknown', denial, undefined, { method, path }), bytes);
  request.resume();
  return jsonReply(answer, statusOfUnknown(target));
}

/** Drivers ask again for a part that is answered with 5xx, many times; not for one that is gone. */
const chunkStatus = (denial: Denial): number => (denial.code === 'PISTE-1105' ? 404 : 502);

async function serveChunk(
  deps: DriverServerDeps,
  { capability, index }: Extract<Route, { name: 'chunk' }>,
  response: ServerResponse,
): Promise<Reply> {
  const nobodyWaits = new AbortController();
  response.once('close', () => nobodyWaits.abort());
  const part = await deps.parts.serve(capability, index, nobodyWaits.signal);
  if (part === undefined) return jsonReply(await refuse(deps, 'chunk', deny.unknownQuery()), 404);
  return part.ok
    ? { status: 200, answer: part.answer, contentType: 'application/octet-stream', gone: part.gone }
    : jsonReply(part.answer, chunkStatus(part.denial));
}

const jsonReply = (answer: Answer, status = 200): Reply => ({ status, answer, contentType: 'application/json' });
