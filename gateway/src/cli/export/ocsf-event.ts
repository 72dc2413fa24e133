import type { EntryValue, LogRecord } from '../../recording/index.js';
import { listIn, listOf, numberIn, objectIn, stringIn } from '../fields.js';
import { bodyBytes } from '../session-digest.js';
import { type Exchange, recordsOf } from './exchanges.js';
import {
  actorOf,
  agentOf,
  databaseOf,
  delegationOf,
  type EventSource,
  frameOf,
  type Json,
  sessionOf,
  sourceEndpoint,
  targetEndpoint,
  userOf,
} from './ocsf-parts.js';
import {
  ACTION,
  AUTHENTICATION,
  activityOf,
  type Captioned,
  CHUNK_ACTIVITY,
  DATASTORE_ACTIVITY,
  DISPOSITION,
  LOGOFF,
  LOGON,
  OPENID,
  SEVERITY,
  STATUS,
} from './ocsf-schema.js';
import type { Opening } from './openings.js';
import { rulesOf, verdictOf } from './verdict.js';

const UNREADABLE_TEXT = '(the text cannot be read here)';

/** A statement, from its submission to its answer. Undefined where no record speaks of it. */
export function statementEvent(
  exchange: Exchange,
  opening: Opening | undefined,
  source: EventSource,
): Json | undefined {
  const records = recordsOf(exchange);
  const first = records[0];
  if (first === undefined) return undefined;
  const request = exchange.requests.at(-1);
  const statementClass = stringIn(request?.leaf.fields, 'cls') ?? 'UNKNOWN';
  const activity = activityOf(statementClass);
  const verdict = verdictOf(exchange);
  const rules = rulesOf(exchange);
  const decision = objectIn(request?.leaf.fields, 'dec');
  const policy = {
    name: rules.length === 0 ? 'no rule' : rules.join(', '),
    uid: stringIn(decision, 'pol'),
    is_applied: true,
    desc: listIn(decision, 'reasons').join('; ') || undefined,
  };
  const objects = listIn(request?.leaf.fields, 'objects');
  const [table] = objects;
  const frame = {
    record: first,
    ocsfClass: DATASTORE_ACTIVITY,
    activity,
    severity: verdict.severity,
    status: verdict.status,
    timeMs: first.leaf.timeMs,
    message: `${statementClass}: ${verdict.disposition[1].toLowerCase()}, ${verdict.status[1].toLowerCase()}`,
  };
  return {
    ...datastoreFrame(frame, opening, source),
    status_code: stringIn(exchange.answer?.leaf.fields, 'code'),
    status_detail: verdict.detail,
    action_id: verdict.action[0],
    action: verdict.action[1],
    disposition_id: verdict.disposition[0],
    disposition: verdict.disposition[1],
    database: databaseOf(request ?? first, opening),
    ...(table === undefined ? {} : { table: { name: table.split('.').at(-1), uid: table } }),
    policy,
    ...authorizationsOf(exchange, rules),
    query_info: queryInfo(exchange),
    unmapped: unmappedOf(exchange, records, { opening, source, objects }),
  };
}

/** What both kinds of datastore events have in common. */
function datastoreFrame(frame: Parameters<typeof frameOf>[0], opening: Opening | undefined, source: EventSource): Json {
  const agent = hasAgents(source) ? agentOf(frame.record, opening) : undefined;
  const profiles = ['security_control', ...(agent === undefined ? [] : ['ai_operation'])];
  return {
    ...frameOf(frame, source, profiles),
    actor: actorOf(frame.record, opening),
    ai_agent: agent,
    src_endpoint: sourceEndpoint(frame.record, opening),
    dst_endpoint: targetEndpoint(frame.record, opening),
  };
}

/** `ai_agent` came after 1.8. */
function hasAgents({ ocsfVersion }: EventSource): boolean {
  return ocsfVersion !== '1.8.0';
}

function authorizationsOf({ approvals }: Exchange, rules: readonly string[]): Json {
  const votes = approvals.filter(({ leaf }) => leaf.kind === 'approval.vote');
  if (votes.length === 0) return {};
  const policy = rules.length === 0 ? {} : { policy: { name: rules.join(', '), is_applied: true } };
  return {
    authorizations: votes.map(({ leaf: { fields } }) => {
      const who = `${stringIn(fields, 'sub') ?? '?'} of ${stringIn(fields, 'iss') ?? '?'}`;
      const refused = stringIn(fields, 'refused');
      return {
        decision: `${stringIn(fields, 'choice') ?? '?'} by ${who}${refused === undefined ? '' : ', not counted'}`,
        ...policy,
      };
    }),
  };
}

function queryInfo({ requests, answer, queryId }: Exchange): Json {
  const request = requests.at(-1);
  const text = request?.bodies.get('submitted') ?? request?.bodies.get('sql');
  return {
    uid: queryId,
    query_string: text?.toString('utf8') ?? UNREADABLE_TEXT,
    bytes: answer === undefined ? undefined : bodyBytes(answer, 'rows'),
  };
}

interface UnmappedContext {
  readonly opening: Opening | undefined;
  readonly source: EventSource;
  readonly objects: readonly string[];
}

/** What the schema has no place for. */
function unmappedOf({ requests, answer }: Exchange, records: readonly LogRecord[], context: UnmappedContext): Json {
  const { opening, source, objects } = context;
  const request = requests.at(-1);
  const fields = answer?.leaf.fields;
  const submitted = request?.bodies.get('submitted');
  const sql = request?.bodies.get('sql');
  const isRewritten = sql !== undefined && submitted !== undefined && !sql.equals(submitted);
  const decision = objectIn(request?.leaf.fields, 'dec');
  return {
    records: records.map(({ log, index, leafHash, leaf }) => ({ log, index, kind: leaf.kind, leaf_hash: leafHash })),
    objects,
    role: stringIn(objectIn(request?.leaf.fields, 'ctx'), 'role'),
    warehouse: stringIn(objectIn(request?.leaf.fields, 'ctx'), 'wh'),
    sent_query_string: isRewritten ? sql.toString('utf8') : undefined,
    masked_at_source: maskNames(decision, 'src'),
    masked_columns: listOf(fields, 'masked').length || undefined,
    rows: numberIn(fields, 'rows'),
    chunks: numberIn(fields, 'parts'),
    snowflake_query_id: stringIn(fields, 'upq'),
    duration_ms:
      answer === undefined || records[0] === undefined ? undefined : answer.leaf.timeMs - records[0].leaf.timeMs,
    internal: request?.leaf.fields['internal'] === true ? true : undefined,
    ...delegationOf(request ?? records[0] ?? (answer as LogRecord), opening),
    ...(hasAgents(source) || request === undefined ? {} : { ai_agent: agentOf(request, opening) }),
  };
}

function maskNames(
  decision: Readonly<Record<string, EntryValue>> | undefined,
  list: string,
): readonly string[] | undefined {
  const names = listOf(decision, list).map(
    (mask) =>
      `${stringIn(mask, 'o') ?? '?'}.${stringIn(mask, 'c') ?? '?'} ${stringIn(mask, 'm') ?? '?'} ${stringIn(mask, 'p') ?? '?'}/${stringIn(mask, 'r') ?? '?'}`,
  );
  return names.length === 0 ? undefined : names;
}

/** A part of a large result that was fetched, or withheld. */
export function chunkEvent(record: LogRecord, opening: Opening | undefined, source: EventSource): Json {
  const { kind, fields, timeMs } = record.leaf;
  const isWithheld = kind === 'response.withheld';
  const number = numberIn(fields, 'n') ?? 0;
  const [action, disposition] = isWithheld
    ? [ACTION.denied, DISPOSITION.blocked]
    : [ACTION.allowed, DISPOSITION.allowed];
  const frame = {
    record,
    ocsfClass: DATASTORE_ACTIVITY,
    activity: CHUNK_ACTIVITY,
    severity: isWithheld ? SEVERITY.medium : SEVERITY.informational,
    status: isWithheld ? STATUS.failure : STATUS.success,
    timeMs,
    message: `result chunk ${number}: ${isWithheld ? 'withheld' : 'delivered'}`,
  };
  return {
    ...datastoreFrame(frame, opening, source),
    status_code: stringIn(fields, 'code'),
    action_id: action[0],
    action: action[1],
    disposition_id: disposition[0],
    disposition: disposition[1],
    database: databaseOf(record, opening),
    unmapped: {
      query_id: stringIn(fields, 'qid'),
      chunk: number,
      rows: numberIn(fields, 'rows'),
      bytes: bodyBytes(record, 'rows'),
      leaf_hash: record.leafHash,
    },
  };
}

/** A request that never became a statement. */
export function refusalEvent(record: LogRecord, opening: Opening | undefined, source: EventSource): Json {
  const { fields, timeMs } = record.leaf;
  const operation = stringIn(fields, 'op') ?? 'unknown';
  const activity: Captioned = operation === 'query' ? activityOf('SELECT') : [99, operation];
  const frame = {
    record,
    ocsfClass: DATASTORE_ACTIVITY,
    activity,
    severity: SEVERITY.medium,
    status: STATUS.failure,
    timeMs,
    message: `${operation}: refused before it became a statement`,
  };
  return {
    ...datastoreFrame(frame, opening, source),
    status_code: stringIn(fields, 'code'),
    action_id: ACTION.denied[0],
    action: ACTION.denied[1],
    disposition_id: DISPOSITION.rejected[0],
    disposition: DISPOSITION.rejected[1],
    database: databaseOf(record, opening),
    unmapped: { leaf_hash: record.leafHash },
  };
}

/** A log-in, one that was refused, or a log-out. */
export function authenticationEvent(record: LogRecord, opening: Opening | undefined, source: EventSource): Json {
  const { kind, fields, timeMs } = record.leaf;
  const isRefused = kind === 'session.refused';
  const isEnd = kind === 'session.close';
  const frame = {
    record,
    ocsfClass: AUTHENTICATION,
    activity: isEnd ? LOGOFF : LOGON,
    severity: isRefused ? SEVERITY.medium : SEVERITY.informational,
    status: isRefused ? STATUS.failure : STATUS.success,
    timeMs,
    message: isEnd ? 'session closed' : isRefused ? 'log-in refused' : 'session opened',
  };
  const [action, disposition] = isRefused
    ? [ACTION.denied, DISPOSITION.rejected]
    : [ACTION.allowed, DISPOSITION.allowed];
  const control = isEnd
    ? {}
    : { action_id: action[0], action: action[1], disposition_id: disposition[0], disposition: disposition[1] };
  const agent = agentOf(record, opening);
  const profiles = [
    ...(isEnd ? [] : ['security_control']),
    ...(hasAgents(source) && agent !== undefined ? ['ai_operation'] : []),
  ];
  return {
    ...frameOf(frame, source, profiles),
    ...control,
    ...(hasAgents(source) ? { ai_agent: agent } : {}),
    status_code: stringIn(fields, 'code'),
    status_detail: stringIn(fields, 'why') ?? stringIn(fields, 'reason'),
    user: userOf(record, opening),
    session: isRefused ? undefined : sessionOf(record, opening),
    auth_protocol_id: OPENID[0],
    auth_protocol: OPENID[1],
    is_remote: true,
    service: { name: 'Piste gateway' },
    src_endpoint: sourceEndpoint(record, opening),
    dst_endpoint: targetEndpoint(record, opening),
    unmapped: {
      leaf_hash: record.leafHash,
      ...delegationOf(record, opening),
      issuer: stringIn(fields, 'issuer'),
      ...(hasAgents(source) ? {} : { ai_agent: agent }),
    },
  };
}
