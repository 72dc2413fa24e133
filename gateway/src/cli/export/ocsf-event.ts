import type { EntryValue, LogRecord } from '../../recording/index.js';
import { listIn, listOf, numberIn, objectIn, stringIn } from '../fields.js';
import { rowBytes } from '../session-digest.js';
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
  const request = exchange.requests.at(-1) ?? first;
  const { fields } = request.leaf;
  const statementClass = stringIn(fields, 'cls') ?? 'UNKNOWN';
  const verdict = verdictOf(exchange);
  const frame = {
    record: first,
    ocsfClass: DATASTORE_ACTIVITY,
    activity: activityOf(statementClass),
    severity: verdict.severity,
    status: verdict.status,
    timeMs: first.leaf.timeMs,
    message: `${statementClass}: ${verdict.disposition[1].toLowerCase()}, ${verdict.status[1].toLowerCase()}`,
  };
  const [table] = listIn(fields, 'objects');
  return {
    ...datastoreFrame(frame, opening, source),
    status_code: stringIn(exchange.answer?.leaf.fields, 'code'),
    status_detail: verdict.detail,
    ...controlOf(verdict.action, verdict.disposition),
    database: databaseOf(request, opening),
    ...(table === undefined ? {} : { table: { name: table.split('.').at(-1), uid: table } }),
    policy: policyOf(exchange),
    ...authorizationsOf(exchange),
    query_info: queryInfo(exchange),
    unmapped: unmappedOf(exchange, records, { request, opening, source }),
  };
}

/** The members of the profile `security_control` that say what the gateway did. */
function controlOf(action: Captioned, disposition: Captioned): Json {
  return { action_id: action[0], action: action[1], disposition_id: disposition[0], disposition: disposition[1] };
}

function policyOf(exchange: Exchange): Json {
  const decision = objectIn(exchange.requests.at(-1)?.leaf.fields, 'dec');
  const rules = rulesOf(exchange);
  return {
    name: rules.length === 0 ? 'no rule' : rules.join(', '),
    uid: stringIn(decision, 'pol'),
    is_applied: true,
    desc: listIn(decision, 'reasons').join('; ') || undefined,
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

function authorizationsOf(exchange: Exchange): Json {
  const rules = rulesOf(exchange);
  const votes = exchange.approvals.filter(({ leaf }) => leaf.kind === 'approval.vote');
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
    bytes: answer === undefined ? undefined : rowBytes(answer),
  };
}

interface UnmappedContext {
  /** The request that ran, or what else is first recorded of it. */
  readonly request: LogRecord;
  readonly opening: Opening | undefined;
  readonly source: EventSource;
}

/** What the schema has no place for. */
function unmappedOf({ answer }: Exchange, records: readonly LogRecord[], context: UnmappedContext): Json {
  const { request, opening, source } = context;
  const asked = request.leaf.fields;
  const answered = answer?.leaf.fields;
  const sql = request.bodies.get('sql');
  const isRewritten = sql !== undefined && request.bodies.get('submitted')?.equals(sql) === false;
  return {
    records: records.map(({ log, index, leafHash, leaf }) => ({ log, index, kind: leaf.kind, leaf_hash: leafHash })),
    objects: listIn(asked, 'objects'),
    role: stringIn(objectIn(asked, 'ctx'), 'role'),
    warehouse: stringIn(objectIn(asked, 'ctx'), 'wh'),
    sent_query_string: isRewritten ? sql.toString('utf8') : undefined,
    masked_at_source: maskNames(objectIn(asked, 'dec')),
    masked_columns: listOf(answered, 'masked').length || undefined,
    rows: numberIn(answered, 'rows'),
    chunks: numberIn(answered, 'parts'),
    snowflake_query_id: stringIn(answered, 'upq'),
    duration_ms: answer === undefined ? undefined : answer.leaf.timeMs - (records[0] ?? answer).leaf.timeMs,
    internal: asked['internal'] === true ? true : undefined,
    ...delegationOf(request, opening),
    ...(hasAgents(source) ? {} : { ai_agent: agentOf(request, opening) }),
  };
}

function maskNames(decision: Readonly<Record<string, EntryValue>> | undefined): readonly string[] | undefined {
  const names = listOf(decision, 'src').map((mask) => {
    const text = (name: string): string => stringIn(mask, name) ?? '?';
    return `${text('o')}.${text('c')} ${text('m')} ${text('p')}/${text('r')}`;
  });
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
    ...controlOf(action, disposition),
    database: databaseOf(record, opening),
    unmapped: {
      query_id: stringIn(fields, 'qid'),
      chunk: number,
      rows: numberIn(fields, 'rows'),
      bytes: rowBytes(record),
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
    ...controlOf(ACTION.denied, DISPOSITION.rejected),
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
  const control = isEnd ? {} : controlOf(action, disposition);
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
