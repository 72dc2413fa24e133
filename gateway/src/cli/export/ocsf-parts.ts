import type { LogRecord } from '../../recording/index.js';
import { listIn, objectIn, stringIn } from '../fields.js';
import { type Captioned, type OcsfClass, OTHER_USER_TYPE, RELATIONAL } from './ocsf-schema.js';
import type { Opening } from './openings.js';

/** A JSON object; members that are undefined do not stand in the event. */
export type Json = Readonly<Record<string, unknown>>;

/** What stands in every event. */
export interface EventFrame {
  readonly record: LogRecord;
  readonly ocsfClass: OcsfClass;
  readonly activity: Captioned;
  readonly severity: Captioned;
  readonly status: Captioned;
  readonly timeMs: number;
  readonly message: string;
}

export interface EventSource {
  readonly ocsfVersion: string;
  readonly version: string;
}

/** The members every class has. `metadata.uid` names the record that the event stands on. */
export function frameOf(frame: EventFrame, source: EventSource, profiles: readonly string[]): Json {
  const { record, ocsfClass, activity, severity, status, timeMs, message } = frame;
  return {
    category_uid: ocsfClass.categoryUid,
    category_name: ocsfClass.category,
    class_uid: ocsfClass.uid,
    class_name: ocsfClass.name,
    activity_id: activity[0],
    activity_name: activity[1],
    type_uid: ocsfClass.uid * 100 + activity[0],
    type_name: `${ocsfClass.name}: ${activity[1]}`,
    time: timeMs,
    severity_id: severity[0],
    severity: severity[1],
    status_id: status[0],
    status: status[1],
    message,
    metadata: {
      version: source.ocsfVersion,
      product: { name: 'Piste', vendor_name: 'Piste', version: source.version },
      profiles,
      uid: `${record.log}/${record.index}`,
      log_name: record.log,
      sequence: record.index,
      correlation_uid: record.leaf.strand?.sessionId,
      event_code: record.leaf.kind,
    },
  };
}

/** The person or agent of a session, or the little that the record itself says. */
export function userOf(record: LogRecord, opening: Opening | undefined): Json {
  const who = objectIn(opening?.fields, 'who') ?? objectIn(record.leaf.fields, 'who');
  const groups = listIn(who, 'grp').map((name) => ({ name }));
  return {
    name: stringIn(who, 'name') ?? stringIn(who, 'sub') ?? 'unknown',
    uid: stringIn(who, 'sub'),
    ...(stringIn(who, 'agent') === undefined ? {} : { type_id: OTHER_USER_TYPE, type: 'AI agent' }),
    ...(groups.length === 0 ? {} : { groups }),
  };
}

export function sessionOf(record: LogRecord, opening: Opening | undefined): Json {
  return {
    uid: record.leaf.strand?.sessionId,
    issuer: stringIn(objectIn(opening?.fields, 'who'), 'iss'),
    created_time: opening?.timeMs,
    is_remote: true,
  };
}

export function actorOf(record: LogRecord, opening: Opening | undefined): Json {
  const issuer = stringIn(objectIn(opening?.fields ?? record.leaf.fields, 'who'), 'iss');
  return {
    user: userOf(record, opening),
    session: sessionOf(record, opening),
    app_name: clientOf(record, opening),
    ...(issuer === undefined ? {} : { idp: { name: issuer, uid: issuer } }),
  };
}

function clientOf({ leaf }: LogRecord, opening: Opening | undefined): string {
  const client = objectIn(opening?.fields ?? leaf.fields, 'client');
  return [stringIn(client, 'app') ?? 'unknown', stringIn(client, 'version')]
    .filter((text) => text !== undefined)
    .join(' ');
}

/** The agent, where the token named one. Its object is not in the released schema yet. */
export function agentOf(record: LogRecord, opening: Opening | undefined): Json | undefined {
  const who = objectIn(opening?.fields ?? record.leaf.fields, 'who');
  const agent = stringIn(who, 'agent');
  if (agent === undefined) return undefined;
  return { uid: agent, instance_uid: stringIn(who, 'inst'), name: stringIn(who, 'name') ?? agent };
}

/** Where requests came from: the recording names the driver, not its address. */
export function sourceEndpoint(record: LogRecord, opening: Opening | undefined): Json {
  return { svc_name: clientOf(record, opening) };
}

export function targetEndpoint(record: LogRecord, opening: Opening | undefined): Json {
  const fields = opening?.fields ?? record.leaf.fields;
  return { svc_name: 'snowflake', name: stringIn(fields, 'account') ?? stringIn(fields, 'connection') ?? 'unknown' };
}

export function databaseOf(record: LogRecord, opening: Opening | undefined): Json {
  const context = objectIn(record.leaf.fields, 'ctx') ?? objectIn(opening?.fields, 'ctx');
  const fields = opening?.fields ?? record.leaf.fields;
  return {
    name: stringIn(context, 'db') ?? stringIn(fields, 'connection') ?? 'unknown',
    type_id: RELATIONAL[0],
    type: RELATIONAL[1],
  };
}

/** What the token said beside the person. */
export function delegationOf(record: LogRecord, opening: Opening | undefined): Json {
  const who = objectIn(opening?.fields ?? record.leaf.fields, 'who');
  return {
    delegator: stringIn(who, 'del'),
    task: stringIn(who, 'task'),
    connection: stringIn(opening?.fields, 'connection'),
  };
}
