import { createHash } from 'node:crypto';
import { digestIn } from '@piste/verifier';
import type { LogRecord } from '../../recording/index.js';
import { numberIn, objectIn, stringIn } from '../fields.js';
import { type Exchange, recordsOf } from './exchanges.js';

/** One entry of an HTTP archive 1.2. */
export interface HarEntry {
  readonly startedDateTime: string;
  /** Milliseconds. */
  readonly time: number;
  readonly request: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
  readonly cache: Readonly<Record<string, never>>;
  readonly timings: Readonly<Record<string, number>>;
  readonly comment: string;
}

/** The archive wants whole URLs; the recording does not name the host drivers used. */
const HOST = 'https://gateway.invalid';
const JSON_TYPE = 'application/json';
const CHUNK_TYPE = 'application/octet-stream';
const UNKNOWN = -1;

interface Call {
  readonly record: LogRecord;
  readonly endMs: number;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  /** Text of the request's body, where it is recorded. */
  readonly sent?: string | undefined;
  readonly status: number;
  readonly content: Content;
  readonly comment: string;
}

interface Content {
  readonly size: number;
  readonly mimeType: string;
  readonly text?: string;
  readonly encoding?: 'base64';
  readonly comment?: string;
}

function toEntry({ record, endMs, method, path, query = [], sent, status, content, comment }: Call): HarEntry {
  const startMs = record.leaf.timeMs;
  const time = Math.max(0, endMs - startMs);
  const search = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const common = { httpVersion: 'HTTP/1.1', cookies: [], headers: [], headersSize: UNKNOWN };
  return {
    startedDateTime: toIso(startMs),
    time,
    request: {
      ...common,
      method,
      url: `${HOST}${path}${search === '' ? '' : `?${search}`}`,
      queryString: query.map(([name, value]) => ({ name, value })),
      bodySize: sent === undefined ? (method === 'GET' ? 0 : UNKNOWN) : Buffer.byteLength(sent, 'utf8'),
      ...(sent === undefined ? {} : { postData: { mimeType: JSON_TYPE, text: sent } }),
    },
    response: {
      ...common,
      status,
      statusText: status === 200 ? 'OK' : '',
      redirectURL: '',
      bodySize: content.text === undefined ? UNKNOWN : content.size,
      content,
    },
    cache: {},
    // Only when the request was recorded and when its answer was is known, so all of it is waiting.
    timings: { blocked: UNKNOWN, dns: UNKNOWN, connect: UNKNOWN, ssl: UNKNOWN, send: 0, wait: time, receive: 0 },
    comment,
  };
}

function toIso(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

function placesOf(records: readonly LogRecord[]): string {
  return records.map(({ log, index, leaf }) => `${leaf.kind} ${log}/${index}`).join(', ');
}

/** A statement as one exchange: what the driver sent, and the answer it got in the end, however often it asked for it. */
export function statementEntry(exchange: Exchange): HarEntry {
  const { requests, answer } = exchange;
  const records = recordsOf(exchange);
  const first = records[0];
  if (first === undefined) throw new TypeError('an exchange without records');
  const requestId = stringIn(requests[0]?.leaf.fields, 'rid');
  return toEntry({
    record: first,
    endMs: answer?.leaf.timeMs ?? first.leaf.timeMs,
    method: 'POST',
    path: '/queries/v1/query-request',
    query: requestId === undefined ? [] : [['requestId', requestId]],
    sent: requests.length === 0 ? undefined : sentBody(requests.at(-1)),
    status: answer === undefined ? 0 : 200,
    content: answer === undefined ? { ...NO_BODY, comment: 'no answer is recorded' } : answerContent(answer),
    comment: placesOf(records),
  });
}

/** What of the driver's request is recorded. */
function sentBody(request: LogRecord | undefined): string | undefined {
  const text = request?.bodies.get('submitted') ?? request?.bodies.get('sql');
  if (text === undefined) return undefined;
  const binds = request?.bodies.get('binds');
  const isDescribe = stringIn(request?.leaf.fields, 'op') === 'describe';
  const members = [
    `"sqlText":${JSON.stringify(text.toString('utf8'))}`,
    ...(isDescribe ? ['"describeOnly":true'] : []),
    // As recorded: a number in it may have more digits than a double keeps.
    ...(binds === undefined ? [] : [`"bindings":${binds.toString('utf8')}`]),
    ...sentParameters(request?.bodies.get('parameters')),
  ];
  return `{${members.join(',')}}`;
}

/** The parameters of the statement alone: those of its session were sent before. */
function sentParameters(body: Buffer | undefined): readonly string[] {
  const recorded: unknown = body === undefined ? undefined : parsed(body);
  const isWhole = typeof recorded === 'object' && recorded !== null && 'statement' in recorded;
  return isWhole ? [`"parameters":${JSON.stringify(recorded.statement)}`] : [];
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const NO_BODY: Content = { size: 0, mimeType: JSON_TYPE };
const TAIL = '},"code":null,"message":null,"success":true}';

/** The delivered bytes, put together as docs/recording-format.md says; whether they are those that left, their digest tells. */
function answerContent(answer: LogRecord): Content {
  const head = answer.bodies.get('head')?.toString('utf8');
  if (head === undefined || answer.unread.size > 0) return unrecorded(answer);
  const rows = answer.bodies.get('rows');
  const text = rows === undefined ? head : `{"data":${head.slice(0, -1)}${rowsOf(answer, rows)}${TAIL}`;
  const sha = stringIn(objectIn(answer.leaf.fields, 'out'), 'sha');
  const own = digestIn(answer.blind, 'out', createHash('sha256').update(text, 'utf8').digest('hex'));
  const isOther = sha !== undefined && own !== undefined && sha !== own;
  const comment = isOther ? { comment: OTHER_BYTES } : {};
  return { size: Buffer.byteLength(text, 'utf8'), mimeType: JSON_TYPE, text, ...comment };
}

const OTHER_BYTES =
  'not byte for byte what left: of tokens and of the paths of result chunks the recording holds digests only';

/** How long a body was of which nothing else is recorded. */
function unrecorded({ leaf, unread }: LogRecord): Content {
  const comment = unread.size > 0 ? 'the body cannot be read here' : 'the body is not recorded';
  return { ...NO_BODY, size: numberIn(objectIn(leaf.fields, 'out'), 'len') ?? 0, comment };
}

function rowsOf({ leaf }: LogRecord, rows: Buffer): string {
  return stringIn(leaf.fields, 'fmt') === 'arrow'
    ? `,"rowsetBase64":"${rows.toString('base64')}"`
    : `,"rowset":${rows.toString('utf8')}`;
}

/** A part of a large result. The path that opens it is not recorded. */
export function chunkEntry(record: LogRecord): HarEntry {
  const { kind, fields, timeMs } = record.leaf;
  return toEntry({
    record,
    endMs: timeMs,
    method: 'GET',
    path: `/results/not-recorded/${numberIn(fields, 'n') ?? 0}`,
    status: kind === 'chunk' ? 200 : WITHHELD_STATUS,
    content: kind === 'chunk' ? chunkContent(record) : answerContent(record),
    comment: `${placesOf([record])} of query ${stringIn(fields, 'qid') ?? '?'}`,
  });
}

/** A chunk that is refused is a failed transfer to its driver. */
const WITHHELD_STATUS = 502;

function chunkContent(record: LogRecord): Content {
  const rows = record.bodies.get('rows');
  if (rows === undefined) return unrecorded(record);
  const size = rows.byteLength;
  return stringIn(record.leaf.fields, 'fmt') === 'arrow'
    ? { size, mimeType: CHUNK_TYPE, text: rows.toString('base64'), encoding: 'base64' }
    : { size, mimeType: CHUNK_TYPE, text: rows.toString('utf8') };
}

type Path = readonly ['GET' | 'POST', string, (readonly (readonly [string, string])[])?];

const CONTROL_PATHS: Readonly<Record<string, Path>> = {
  heartbeat: ['POST', '/session/heartbeat'],
  renew: ['POST', '/session/token-request'],
  'token-request': ['POST', '/session/token-request'],
  telemetry: ['POST', '/telemetry/send'],
  'query-request': ['POST', '/queries/v1/query-request'],
  submit: ['POST', '/queries/v1/query-request'],
  abort: ['POST', '/queries/v1/abort-request'],
  'abort-request': ['POST', '/queries/v1/abort-request'],
};

/** Calls about one statement. */
const QUERY_PATHS: Readonly<Record<string, (queryId: string) => Path>> = {
  poll: (queryId) => ['GET', `/queries/${encodeURIComponent(queryId)}/result`],
  redeliver: (queryId) => ['GET', `/queries/${encodeURIComponent(queryId)}/result`],
  abort: (queryId) => ['POST', `/queries/${encodeURIComponent(queryId)}/abort-request`],
  monitoring: (queryId) => ['GET', `/monitoring/queries/${encodeURIComponent(queryId)}`],
};

/** Log-in, log-out and the small calls of a session, of which the recording keeps that they were made, not what they said. */
export function controlEntry(record: LogRecord): HarEntry | undefined {
  const path = pathOf(record);
  if (path === undefined) return undefined;
  const { fields, kind, timeMs } = record.leaf;
  const [method, name, query = []] = path;
  const outcome = stringIn(fields, 'outcome') ?? stringIn(fields, 'code');
  return toEntry({
    record,
    endMs: timeMs,
    method,
    path: name,
    query,
    status: 200,
    content: answerContent(record),
    comment: `${placesOf([record])}${outcome === undefined ? '' : `: ${outcome}`}${kind === 'session.refused' ? ' refused' : ''}`,
  });
}

function pathOf({ leaf: { kind, fields } }: LogRecord): Path | undefined {
  if (kind === 'session.open' || kind === 'session.refused') return ['POST', '/session/v1/login-request'];
  if (kind === 'session.close')
    return stringIn(fields, 'why') === 'logout' ? ['POST', '/session', [['delete', 'true']]] : undefined;
  const operation = stringIn(fields, 'op') ?? '';
  const queryId = stringIn(fields, 'qid');
  if (kind === 'request.refused') return operation === 'query' ? CONTROL_PATHS['query-request'] : undefined;
  if (kind !== 'control') return undefined;
  if (queryId !== undefined && Object.hasOwn(QUERY_PATHS, operation)) return QUERY_PATHS[operation]?.(queryId);
  return Object.hasOwn(CONTROL_PATHS, operation) ? CONTROL_PATHS[operation] : undefined;
}
