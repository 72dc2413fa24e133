import type { IncomingMessage } from 'node:http';
import type { Binds } from './binds.js';
import { control } from './control.js';
import { pause } from './execution.js';
import { SnowflakeFailure, toFailure } from './failures.js';
import { jsonReply, type Reply, readBody } from './http.js';
import { logIn } from './login-session.js';
import { resultFormat, textOf } from './parameters.js';
import { type Call, type Parts, toFields } from './parts.js';
import { type Query, type QueryRequest, statusOf } from './queries.js';
import { type Envelope, finished, inProgress, refusal, success } from './responses.js';
import type { Session } from './sessions.js';

/** Answers one request on the Snowflake port. Refusals are HTTP 200 with `success: false`, as Snowflake's are. */
export async function route(parts: Parts, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://stand-in');
  const call: Call = {
    path: `${request.method ?? 'GET'} ${url.pathname}`,
    query: url.searchParams,
    body: parseJson(await readBody(request)),
    authorization: request.headers.authorization,
  };
  if (url.pathname.startsWith('/stand-in/')) {
    const found = await control(parts, call);
    return await jsonReply(request, found ?? { error: 'no such control' }, found === undefined ? 404 : 200);
  }
  try {
    const envelope = await answer(parts, call);
    if (envelope !== undefined) return await jsonReply(request, envelope);
    return await jsonReply(request, refusal(new SnowflakeFailure('390404', '02000', 'Not found')), 404);
  } catch (error) {
    return await jsonReply(request, refusal(toFailure(error)));
  }
}

async function answer(parts: Parts, call: Call): Promise<Envelope | undefined> {
  switch (call.path) {
    case 'POST /session/v1/login-request':
      return await logIn(parts, call);
    case 'POST /session/token-request':
      return renew(parts, call);
    case 'POST /telemetry/send':
    case 'POST /telemetry/send/sessionless':
      parts.counts.telemetry += 1;
      return success(null);
  }
  const [, id = '', verb = ''] = /^\w+ \/queries\/([\w-]{36})\/(result|abort-request)$/.exec(call.path) ?? [];
  const monitored = /^GET \/monitoring\/queries\/([\w-]+)$/.exec(call.path)?.[1];
  const known = [
    'POST /session',
    'POST /session/heartbeat',
    'POST /queries/v1/query-request',
    'POST /queries/v1/abort-request',
  ];
  if (!known.includes(call.path) && verb === '' && monitored === undefined) return undefined;
  const session = parts.sessions.authenticate(call.authorization);
  if (monitored !== undefined) return monitor(parts, session, monitored);
  if (verb === 'result') return await poll(parts, session, id);
  if (verb === 'abort-request' || call.path === 'POST /queries/v1/abort-request')
    return cancel(parts, session, call, id);
  if (call.path === 'POST /session/heartbeat') {
    parts.counts.heartbeats += 1;
    return success(null);
  }
  if (call.path === 'POST /session') {
    parts.counts.logouts += 1;
    parts.sessions.delete(session);
    return success(null);
  }
  return await submit(parts, session, call);
}

function renew(parts: Parts, call: Call): Envelope {
  const { session, tokens } = parts.sessions.renew(call.authorization);
  parts.counts.renewals += 1;
  return success({
    sessionToken: tokens.sessionToken,
    validityInSecondsST: parts.settings.sessionTokenSeconds,
    masterToken: tokens.masterToken,
    validityInSecondsMT: parts.settings.masterTokenSeconds,
    sessionId: session.id,
  });
}

async function submit(parts: Parts, session: Session, call: Call): Promise<Envelope> {
  const request = readRequest(call);
  const statementsBefore = parts.queries.repeated;
  const query = parts.queries.submit(session, request);
  if (parts.queries.repeated === statementsBefore) parts.counts.statements += 1;
  if (request.asyncExec) return inProgress(query, '333334');
  return await wait(parts, query, '333333');
}

async function poll(parts: Parts, session: Session, id: string): Promise<Envelope> {
  parts.counts.polls += 1;
  const query = parts.queries.find(id, session);
  if (query === undefined) throw new SnowflakeFailure('000709', '02000', `Statement ${id} not found`);
  return await wait(parts, query, '333334');
}

async function wait(parts: Parts, query: Query, code: '333333' | '333334'): Promise<Envelope> {
  if (query.holdPolls > 0) {
    query.holdPolls -= 1;
    return inProgress(query, code);
  }
  const timer = new AbortController();
  const timeout = pause(parts.settings.holdMilliseconds, timer.signal).catch(() => undefined);
  await Promise.race([query.done, timeout]);
  timer.abort();
  if (query.outcome === undefined) return inProgress(query, code);
  return finished(query, {
    format: resultFormat(query.session.clientApp, query.session.parameters, query.request.parameters),
    partBytes: parts.settings.resultPartBytes,
    chunks: parts.chunks,
    now: parts.clock(),
  });
}

function cancel(parts: Parts, session: Session, call: Call, id: string): Envelope {
  const fields = toFields(call.body);
  if (id === '') parts.queries.cancelRequest(session, textOf(fields['requestId']));
  else parts.queries.cancelQuery(session, id);
  parts.counts.cancels += 1;
  return success(null);
}

function monitor(parts: Parts, session: Session, id: string): Envelope {
  const query = parts.queries.find(id, session);
  if (query === undefined) return success({ queries: [] });
  const failure = query.outcome?.ok === false ? query.outcome.failure : undefined;
  return success({
    queries: [
      {
        id,
        status: statusOf(query),
        state: statusOf(query),
        errorCode: failure?.code ?? null,
        errorMessage: failure?.message ?? null,
        sqlText: query.request.sqlText,
        startTime: query.startTime,
        endTime: query.endTime ?? 0,
        sessionId: query.session.id,
        totalDuration: (query.endTime ?? parts.clock()) - query.startTime,
        warehouseName: query.session.warehouse ?? null,
        stats: { scanBytes: 0, producedRows: query.outcome?.ok === true ? query.outcome.result.table.rows.length : 0 },
      },
    ],
  });
}

function readRequest(call: Call): QueryRequest {
  const fields = toFields(call.body);
  if (typeof fields['bindStage'] === 'string')
    throw new SnowflakeFailure('000002', '0A000', "Unsupported feature 'bindStage'.");
  return {
    requestId: call.query.get('requestId') ?? call.query.get('request_id') ?? crypto.randomUUID(),
    sqlText: textOf(fields['sqlText']),
    binds: (fields['bindings'] ?? {}) as Binds,
    parameters: toFields(fields['parameters']),
    asyncExec: fields['asyncExec'] === true,
    describeOnly: fields['describeOnly'] === true,
    isInternal: fields['isInternal'] === true,
  };
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch {
    return {};
  }
}
