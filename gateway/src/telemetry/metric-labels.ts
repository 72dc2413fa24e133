/** Values of the closed labels. Anything else becomes `other`, so no caller can open an unbounded series. */
export const LABEL_VALUES = {
  protocol: ['driver', 'console', 'ops'],
  class: ['select', 'dml', 'ddl', 'dcl', 'unload', 'load', 'call', 'session', 'metadata', 'transfer', 'unprovable'],
  decision: ['allowed', 'masked', 'blocked', 'held', 'approved', 'denied', 'expired', 'cancelled', 'error'],
  route: [
    'login',
    'token-request',
    'heartbeat',
    'logout',
    'query-request',
    'abort-request',
    'telemetry',
    'query-result',
    'query-abort',
    'monitoring',
    'chunk',
    'approvals',
    'approval',
    'vote',
    'page',
    'auth',
    'livez',
    'readyz',
    'startupz',
    'metrics',
    'unknown',
  ],
  code_class: ['1xx', '2xx', '3xx', '4xx', '5xx'],
  login_result: ['accepted', 'refused', 'error'],
  stage: ['identify', 'analyze', 'catalogue', 'decide', 'approve', 'record', 'forward', 'mask', 'deliver'],
  upstream_result: ['ok', 'error', 'unavailable', 'unusable'],
  outcome: ['approved', 'denied', 'expired', 'withdrawn'],
  weight: ['alarm', 'unproven'],
  channel: ['api', 'page', 'none'],
  method: ['redact', 'null', 'partial', 'hash', 'datetruncate', 'bucket', 'constant', 'tokenize'],
  category: ['email', 'phone', 'card', 'ssn', 'iban', 'secret'],
  kind: ['SnowflakeConnection', 'MaskingPolicy', 'ApprovalRule'],
  reload_result: ['loaded', 'unchanged', 'rejected'],
  archive_failure: ['unavailable', 'refused', 'broken', 'conflict', 'unlocked', 'announce', 'local'],
  redis_op: ['get', 'create', 'replace', 'touch', 'delete', 'keys', 'watch', 'ping'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ClosedLabel = keyof typeof LABEL_VALUES;

export function closedLabel(label: ClosedLabel, value: string): string {
  const values: readonly string[] = LABEL_VALUES[label];
  return values.includes(value) ? value : 'other';
}

const CLASS_LABELS: Readonly<Record<string, string>> = {
  SELECT: 'select',
  INSERT: 'dml',
  INSERT_OVERWRITE: 'dml',
  UPDATE: 'dml',
  DELETE: 'dml',
  MERGE: 'dml',
  TRUNCATE: 'ddl',
  CTAS: 'ddl',
  GRANT: 'dcl',
  REVOKE: 'dcl',
  UNLOAD: 'unload',
  LOAD: 'load',
  CALL: 'call',
  EXECUTE_TASK: 'call',
  EXECUTE_IMMEDIATE: 'unprovable',
  SET: 'session',
  UNSET: 'session',
  ALTER_SESSION: 'session',
  TRANSACTION: 'session',
  SHOW: 'metadata',
  DESCRIBE: 'metadata',
  EXPLAIN: 'metadata',
  LIST: 'transfer',
  REMOVE: 'transfer',
  PUT: 'transfer',
  GET: 'transfer',
  UNKNOWN: 'unprovable',
  EMPTY: 'unprovable',
  MULTI: 'unprovable',
  SCRIPT: 'unprovable',
  FLOW: 'unprovable',
};

const VERB_LABELS: readonly (readonly [string, string])[] = [
  ['USE', 'session'],
  ['CREATE', 'ddl'],
  ['ALTER', 'ddl'],
  ['DROP', 'ddl'],
  ['UNDROP', 'ddl'],
  ['COMMENT', 'ddl'],
  ['EXECUTE', 'call'],
];

/** The class of a statement as a label, from the class or verb the analysis gave it. */
export function classLabel(statementClass: string): string {
  if (Object.hasOwn(CLASS_LABELS, statementClass)) return CLASS_LABELS[statementClass] ?? 'other';
  return VERB_LABELS.find(([verb]) => statementClass === verb || statementClass.startsWith(`${verb}_`))?.[1] ?? 'other';
}

const MAX_NAMES = 500;
const MAX_NAME_CHARACTERS = 128;

/**
 * Labels whose values are names from configuration (connections, rules, policies, issuers). The first 500 names of each
 * label stand; later ones become `other`, so even a wrong caller cannot grow the series without end.
 */
export function createNameLabels(): (label: string, name: string) => string {
  const seen = new Map<string, Set<string>>();
  return (label, name) => {
    if (name.length === 0 || name.length > MAX_NAME_CHARACTERS) return 'other';
    const names = seen.get(label) ?? new Set<string>();
    seen.set(label, names);
    if (!names.has(name) && names.size >= MAX_NAMES) return 'other';
    names.add(name);
    return name;
  };
}
