import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Denial, deny } from '../errors.js';
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
  SESSION_CODES,
  sendReply,
  snowflakeFailure,
  statusOfUnknown,
  success,
  tokenOf,
} from '../protocol/index.js';
import { isAskedByName } from './loopback.js';
import type { ReplaySession, ReplaySessions } from './replay-sessions.js';

/** As much as a gateway takes by default. */
const MAX_BODY_BYTES = 67_108_864;

/** The driver surface of a replay: the routes of the gateway, answered from a recording alone. */
export function serveReplay(server: Server, sessions: ReplaySessions): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answerOf(sessions, request)
      .then((reply) => sendReply(request, response, reply))
      .catch(() => response.destroy());
  });
}

async function answerOf(sessions: ReplaySessions, request: IncomingMessage): Promise<Reply> {
  const isMeant = isAskedByName(request.headers.host, request.socket.localAddress);
  const target = isMeant ? parseTarget(request.url) : undefined;
  const route = target === undefined ? undefined : matchRoute(request.method ?? '', target.path, target.query);
  if (route === undefined || target === undefined) {
    request.resume();
    return refusal(statusOfUnknown(target), deny.unknownEndpoint());
  }
  if (route.name === 'chunk') {
    const body = sessions.part(route.capability, route.index);
    if (body !== undefined) return { status: 200, body, contentType: 'application/octet-stream' };
    // Drivers ask again for what is answered with 5xx.
    return refusal(404, deny.notInRecording('this part of the result was never fetched'));
  }
  const bytes = await readBody(request, MAX_BODY_BYTES);
  const body =
    bytes === undefined ? ({ ok: false, why: 'too-large' } as const) : await decodeBody(bytes, MAX_BODY_BYTES);
  if (!body.ok) return refusal(200, deny.badRequest(BODY_COMPLAINTS[body.why]));
  const answer = dispatch(sessions, { request, route, query: target.query, body: body.value });
  return { status: 200, body: answer, contentType: 'application/json' };
}

const refusal = (status: number, denial: Denial): Reply => ({
  status,
  body: encodeRefusal(denial),
  contentType: 'application/json',
});

const encodeRefusal = (denial: Denial): Buffer => Buffer.from(encodeEnvelope(failure(denial)));

interface Call {
  readonly request: IncomingMessage;
  readonly route: Exclude<Route, { name: 'chunk' }>;
  readonly query: URLSearchParams;
  readonly body: JsonObject;
}

function dispatch(sessions: ReplaySessions, { request, route, query, body }: Call): Buffer {
  const token = tokenOf(request.headers.authorization);
  const done = (): Buffer => Buffer.from(encodeEnvelope(success()));
  const inSession = (work: (session: ReplaySession) => Buffer): Buffer => {
    const session = sessions.authenticate(token);
    return session === undefined ? sessionGone() : work(session);
  };
  switch (route.name) {
    case 'login':
      return parsed(parseLogin(body, query), (login) => sessions.logIn(login));
    case 'token-request':
      return sessions.renew(token);
    case 'telemetry':
      return done();
    case 'heartbeat':
      return inSession(done);
    case 'logout':
      return inSession((session) => sessions.logOut(session));
    case 'query-request':
      return inSession((session) =>
        parsed(parseStatement(body, query), (statement) => sessions.submit(session, statement, originOf(request))),
      );
    case 'abort-request':
      return inSession((session) => parsed(parseAbort(body), (id) => sessions.abortRequest(session, id)));
    case 'query-result':
      return inSession((session) => sessions.poll(session, route.queryId, originOf(request)));
    case 'query-abort':
      return inSession((session) => sessions.abortQuery(session, route.queryId));
    case 'monitoring':
      return inSession((session) => sessions.monitor(session, route.queryId));
  }
}

function sessionGone(): Buffer {
  const { message } = deny.sessionEnded('the token is not one of this replay');
  return Buffer.from(encodeEnvelope(snowflakeFailure(SESSION_CODES.sessionGone, '08003', message)));
}

function parsed<T>(result: Parsed<T>, work: (value: T) => Buffer): Buffer {
  return result.ok ? work(result.value) : encodeRefusal(deny.badRequest(result.why));
}
