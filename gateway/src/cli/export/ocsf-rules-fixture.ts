// What the Open Cybersecurity Schema Framework says of the classes that exports write, for tests: attributes that are required,
// attributes that exist, numbers of enumerations, and sets of which one must be there. From github.com/ocsf/ocsf-schema, the
// release of 1.8.0 and, for `ai_agent`, its main branch of July 2026.

interface ObjectRule {
  readonly required: readonly string[];
  readonly known: readonly string[];
  /** At least one of these is there. */
  readonly anyOf?: readonly string[];
  readonly enums?: Readonly<Record<string, readonly number[]>>;
  /** Attributes that are objects, or lists of objects. */
  readonly objects?: Readonly<Record<string, string>>;
}

const BASE_REQUIRED = ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'];
const BASE_KNOWN = [
  ...BASE_REQUIRED,
  'activity_name',
  'category_name',
  'class_name',
  'message',
  'severity',
  'status',
  'status_code',
  'status_detail',
  'status_id',
  'type_name',
  'unmapped',
];
const CONTROL = ['action', 'action_id', 'authorizations', 'disposition', 'disposition_id', 'policy'];
const range = (last: number): readonly number[] => [...Array.from({ length: last + 1 }, (_, id) => id), 99];
const BASE_ENUMS = { severity_id: range(6), status_id: range(2), action_id: range(4), disposition_id: range(27) };

const CLASSES: Readonly<Record<number, ObjectRule & { readonly categoryUid: number }>> = {
  6005: {
    categoryUid: 6,
    required: [...BASE_REQUIRED, 'actor', 'src_endpoint'],
    known: [
      ...BASE_KNOWN,
      ...CONTROL,
      'actor',
      'ai_agent',
      'database',
      'dst_endpoint',
      'query_info',
      'src_endpoint',
      'table',
    ],
    anyOf: ['database', 'databucket', 'table'],
    enums: { ...BASE_ENUMS, activity_id: range(10) },
    objects: {
      actor: 'actor',
      ai_agent: 'ai_agent',
      authorizations: 'authorization',
      database: 'database',
      dst_endpoint: 'network_endpoint',
      metadata: 'metadata',
      policy: 'policy',
      query_info: 'query_info',
      src_endpoint: 'network_endpoint',
      table: 'entity',
    },
  },
  3002: {
    categoryUid: 3,
    required: [...BASE_REQUIRED, 'user'],
    known: [
      ...BASE_KNOWN,
      ...CONTROL,
      'ai_agent',
      'auth_protocol',
      'auth_protocol_id',
      'dst_endpoint',
      'is_remote',
      'service',
      'session',
      'src_endpoint',
      'user',
    ],
    anyOf: ['service', 'dst_endpoint'],
    enums: { ...BASE_ENUMS, activity_id: range(7), auth_protocol_id: range(12) },
    objects: {
      ai_agent: 'ai_agent',
      dst_endpoint: 'network_endpoint',
      metadata: 'metadata',
      service: 'entity',
      session: 'session',
      src_endpoint: 'network_endpoint',
      user: 'user',
    },
  },
};

const OBJECTS: Readonly<Record<string, ObjectRule>> = {
  actor: {
    required: [],
    known: ['app_name', 'app_uid', 'authorizations', 'idp', 'process', 'session', 'user'],
    anyOf: ['process', 'user', 'session', 'app_name', 'app_uid'],
    objects: { user: 'user', session: 'session', idp: 'entity' },
  },
  ai_agent: {
    required: [],
    known: ['uid', 'instance_uid', 'name', 'type', 'type_id', 'version'],
    anyOf: ['name', 'uid'],
  },
  authorization: { required: [], known: ['decision', 'policy'], objects: { policy: 'policy' } },
  database: {
    required: ['type_id'],
    known: ['name', 'uid', 'type', 'type_id'],
    anyOf: ['name', 'uid'],
    enums: { type_id: range(8) },
  },
  entity: { required: [], known: ['name', 'uid', 'version'], anyOf: ['name', 'uid'] },
  group: { required: [], known: ['name', 'uid'], anyOf: ['name', 'uid'] },
  metadata: {
    required: ['product', 'version'],
    known: ['correlation_uid', 'event_code', 'log_name', 'product', 'profiles', 'sequence', 'uid', 'version'],
    objects: { product: 'product' },
  },
  network_endpoint: {
    required: [],
    known: ['ip', 'uid', 'name', 'hostname', 'svc_name'],
    anyOf: ['ip', 'uid', 'name', 'hostname', 'svc_name'],
  },
  policy: { required: [], known: ['desc', 'is_applied', 'name', 'uid', 'version'], anyOf: ['name', 'uid'] },
  product: { required: [], known: ['name', 'uid', 'vendor_name', 'version'], anyOf: ['name', 'uid'] },
  query_info: {
    required: ['query_string'],
    known: ['bytes', 'name', 'query_string', 'uid'],
    anyOf: ['name', 'uid'],
  },
  session: { required: [], known: ['created_time', 'expiration_reason', 'is_remote', 'issuer', 'uid'] },
  user: {
    required: [],
    known: ['groups', 'name', 'type', 'type_id', 'uid'],
    anyOf: ['account', 'name', 'uid'],
    enums: { type_id: range(4) },
    objects: { groups: 'group' },
  },
};

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong with an event; empty where nothing is. */
export function faultsOfEvent(event: unknown): readonly string[] {
  if (!isObject(event)) return ['no object'];
  const rule = CLASSES[Number(event['class_uid'])];
  if (rule === undefined) return [`no such class: ${String(event['class_uid'])}`];
  const metadata = isObject(event['metadata']) ? event['metadata'] : {};
  const profiles = Array.isArray(metadata['profiles']) ? metadata['profiles'] : [];
  const needs = (attributes: readonly string[], profile: string): readonly string[] =>
    attributes.some((name) => name in event) && !profiles.includes(profile) ? [`without profile ${profile}`] : [];
  return [
    ...faultsOfObject(event, rule, 'event'),
    ...(event['category_uid'] === rule.categoryUid ? [] : ['wrong category']),
    ...(event['type_uid'] === Number(event['class_uid']) * 100 + Number(event['activity_id'])
      ? []
      : ['wrong type_uid']),
    ...(Number.isSafeInteger(event['time']) ? [] : ['time is no timestamp']),
    ...needs(CONTROL, 'security_control'),
    ...needs(['ai_agent'], 'ai_operation'),
    ...('ai_agent' in event && metadata['version'] === '1.8.0' ? ['ai_agent is not in 1.8.0'] : []),
  ];
}

function faultsOfObject(object: Json, rule: ObjectRule, path: string): readonly string[] {
  const names = Object.keys(object);
  const { required, known, anyOf, enums = {}, objects = {} } = rule;
  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `${path}.${name} is missing`),
    ...names.filter((name) => !known.includes(name)).map((name) => `${path}.${name} does not exist`),
    ...names.filter((name) => object[name] === null).map((name) => `${path}.${name} is null`),
    ...(anyOf === undefined || anyOf.some((name) => names.includes(name))
      ? []
      : [`${path} has none of ${anyOf.join(', ')}`]),
    ...Object.entries(enums)
      .filter(([name, ids]) => names.includes(name) && !ids.includes(Number(object[name])))
      .map(([name]) => `${path}.${name} is out of its enumeration`),
    ...Object.entries(objects).flatMap(([name, kind]) => faultsOfChild(object[name], kind, `${path}.${name}`)),
  ];
}

function faultsOfChild(value: unknown, kind: string, path: string): readonly string[] {
  const rule = OBJECTS[kind];
  if (value === undefined || rule === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => (isObject(item) ? faultsOfObject(item, rule, path) : [`${path} is no object`]));
}
