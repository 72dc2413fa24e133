/**
 * What SHOW and DESCRIBE tell, statement by statement. A statement that does not stand here is not known, and to be refused.
 *
 * - `names`: names, types, sizes and states of objects
 * - `settings`: parameters of session, account or objects
 * - `session-values`: values that earlier statements of the session left
 * - `definitions`: texts of views, code or policies, which quote literals and say what protects what
 * - `people`: users, and who holds what
 * - `activity`: what other sessions do or did
 * - `connections`: addresses and settings of places outside the account
 */
export type MetadataKind =
  | 'names'
  | 'settings'
  | 'session-values'
  | 'definitions'
  | 'people'
  | 'activity'
  | 'connections';

export interface MetadataSurface {
  readonly kind: MetadataKind;
  readonly reason: string;
  /** What policies match it by. */
  readonly objectType: string;
  /** What it tells with TERSE, where that differs. */
  readonly terse?: MetadataKind;
}

type Entry = readonly [string, MetadataSurface];

const REASONS: Readonly<Record<MetadataKind, string>> = {
  names: 'it tells names, types and sizes that every role sees of what it may use',
  settings: 'it tells settings, not values of rows',
  'session-values': 'a variable holds what an earlier statement put there, which may be a value of a row',
  definitions: 'it quotes program texts, whose literals may be values and which say what protects what',
  people: 'it tells who the people of the account are, or what they hold',
  activity: 'it tells what other sessions do, in texts that may quote values',
  connections: 'it tells addresses and settings of places outside the account',
};

const listed = (kind: MetadataKind, words: string, objectType: string, more: Partial<MetadataSurface> = {}): Entry => [
  words,
  { kind, reason: REASONS[kind], objectType, ...more },
];

const named = (kind: MetadataKind, ...words: readonly string[]): readonly Entry[] =>
  words.map((text) => listed(kind, text, singularType(text)));

function singularType(words: string): string {
  return words
    .replace(/IES$/, 'Y')
    .replace(/(?<=[^S])S$/, '')
    .replaceAll(' ', '_');
}

const SHOWN: ReadonlyMap<string, MetadataSurface> = new Map([
  ...named('names', 'COLUMNS', 'DATABASES', 'SCHEMAS', 'TABLES', 'OBJECTS', 'SEQUENCES', 'FILE FORMATS', 'WAREHOUSES'),
  ...named(
    'names',
    'EXTERNAL TABLES',
    'ICEBERG TABLES',
    'HYBRID TABLES',
    'EVENT TABLES',
    'INDEXES',
    'REGIONS',
    'ROLES',
  ),
  ...named(
    'names',
    'DATABASE ROLES',
    'APPLICATION ROLES',
    'PRIMARY KEYS',
    'UNIQUE KEYS',
    'IMPORTED KEYS',
    'EXPORTED KEYS',
  ),
  ...named('names', 'FUNCTIONS', 'USER FUNCTIONS', 'BUILTIN FUNCTIONS', 'EXTERNAL FUNCTIONS', 'DATA METRIC FUNCTIONS'),
  ...named('names', 'PROCEDURES', 'USER PROCEDURES', 'BUILTIN PROCEDURES', 'CLASSES', 'MODELS', 'VERSIONS IN MODEL'),
  ...named('names', 'TAGS', 'COMPUTE POOLS', 'DATASETS', 'CONTACTS', 'BACKUP SETS', 'SNAPSHOTS'),
  ...named('settings', 'PARAMETERS', 'RESOURCE MONITORS', 'FEATURE POLICIES'),
  ...named('session-values', 'VARIABLES'),
  listed('definitions', 'VIEWS', 'VIEW', { terse: 'names' }),
  listed('definitions', 'MATERIALIZED VIEWS', 'MATERIALIZED_VIEW', { terse: 'names' }),
  listed('definitions', 'DYNAMIC TABLES', 'DYNAMIC_TABLE', { terse: 'names' }),
  ...named('definitions', 'SEMANTIC VIEWS', 'SEMANTIC DIMENSIONS', 'SEMANTIC METRICS', 'SEMANTIC FACTS'),
  ...named('definitions', 'TASKS', 'ALERTS', 'PIPES', 'STREAMS', 'CORTEX SEARCH SERVICES', 'AGENTS', 'MCP SERVERS'),
  ...named('definitions', 'MASKING POLICIES', 'ROW ACCESS POLICIES', 'AGGREGATION POLICIES', 'PROJECTION POLICIES'),
  ...named('definitions', 'JOIN POLICIES', 'PRIVACY POLICIES', 'PASSWORD POLICIES', 'SESSION POLICIES'),
  ...named('definitions', 'AUTHENTICATION POLICIES', 'PACKAGES POLICIES', 'NETWORK POLICIES', 'NETWORK RULES'),
  ...named('definitions', 'NOTEBOOKS', 'STREAMLITS', 'DBT PROJECTS', 'GIT REPOSITORIES', 'GIT BRANCHES', 'GIT TAGS'),
  ...named('definitions', 'SECRETS', 'APPLICATIONS', 'APPLICATION PACKAGES', 'DELEGATED AUTHORIZATIONS'),
  listed('names', 'GRANTS', 'GRANT'),
  listed('people', 'GRANTS OF', 'GRANT'),
  listed('people', 'GRANTS TO USER', 'GRANT'),
  listed('people', 'FUTURE GRANTS', 'GRANT'),
  ...named('people', 'USERS', 'ORGANIZATION USERS', 'ORGANIZATION USER GROUPS', 'MFA METHODS'),
  ...named('activity', 'TRANSACTIONS', 'LOCKS', 'SESSIONS', 'QUERIES', 'RUNS'),
  ...named(
    'connections',
    'STAGES',
    'INTEGRATIONS',
    'STORAGE INTEGRATIONS',
    'API INTEGRATIONS',
    'SECURITY INTEGRATIONS',
  ),
  ...named('connections', 'NOTIFICATION INTEGRATIONS', 'EXTERNAL ACCESS INTEGRATIONS', 'CATALOG INTEGRATIONS'),
  ...named('connections', 'EXTERNAL VOLUMES', 'SHARES', 'LISTINGS', 'AVAILABLE LISTINGS', 'CONNECTIONS', 'ACCOUNTS'),
  ...named('connections', 'MANAGED ACCOUNTS', 'ORGANIZATION ACCOUNTS', 'REPLICATION ACCOUNTS', 'REPLICATION DATABASES'),
  ...named('connections', 'REPLICATION GROUPS', 'FAILOVER GROUPS', 'IMAGE REPOSITORIES', 'ENDPOINTS', 'SERVICES'),
]);

const DESCRIBED: ReadonlyMap<string, MetadataSurface> = new Map([
  ...named('names', 'DATABASE', 'SCHEMA', 'TABLE', 'VIEW', 'MATERIALIZED VIEW', 'DYNAMIC TABLE', 'EXTERNAL TABLE'),
  ...named('names', 'ICEBERG TABLE', 'HYBRID TABLE', 'EVENT TABLE', 'FILE FORMAT', 'SEQUENCE', 'WAREHOUSE'),
  listed('names', 'SEARCH OPTIMIZATION ON', 'TABLE'),
  listed('session-values', 'RESULT', 'RESULT', {
    reason: 'it tells the columns of an earlier result, whose names may be values',
  }),
  ...named(
    'definitions',
    'FUNCTION',
    'PROCEDURE',
    'TASK',
    'ALERT',
    'PIPE',
    'STREAM',
    'SEMANTIC VIEW',
    'MASKING POLICY',
  ),
  ...named(
    'definitions',
    'ROW ACCESS POLICY',
    'AGGREGATION POLICY',
    'PROJECTION POLICY',
    'JOIN POLICY',
    'PRIVACY POLICY',
  ),
  ...named(
    'definitions',
    'PASSWORD POLICY',
    'SESSION POLICY',
    'AUTHENTICATION POLICY',
    'NETWORK POLICY',
    'NETWORK RULE',
  ),
  ...named('definitions', 'NOTEBOOK', 'STREAMLIT', 'DBT PROJECT', 'CORTEX SEARCH SERVICE', 'AGENT', 'SECRET'),
  ...named('people', 'USER'),
  ...named('connections', 'STAGE', 'INTEGRATION', 'EXTERNAL VOLUME', 'SHARE', 'LISTING', 'SERVICE', 'GIT REPOSITORY'),
]);

const MAX_WORDS = 4;

/**
 * What a SHOW or DESCRIBE statement tells, by the words behind its verb (upper case, TERSE first where it is written); undefined for
 * one that is not known. The longest beginning counts, so that GRANTS OF is not GRANTS.
 */
export function metadataSurfaceOf(verb: 'SHOW' | 'DESCRIBE', words: readonly string[]): MetadataSurface | undefined {
  const isTerse = verb === 'SHOW' && words[0] === 'TERSE';
  const rest = isTerse ? words.slice(1) : words;
  const table = verb === 'SHOW' ? SHOWN : DESCRIBED;
  for (let count = Math.min(MAX_WORDS, rest.length); count > 0; count -= 1) {
    const found = table.get(rest.slice(0, count).join(' '));
    if (found === undefined) continue;
    if (!isTerse || found.terse === undefined) return found;
    return { ...found, kind: found.terse, reason: REASONS[found.terse] };
  }
  return undefined;
}

/** Every beginning the table knows, for tests and documents. */
export function listMetadataSurfaces(): readonly (readonly ['SHOW' | 'DESCRIBE', string, MetadataSurface])[] {
  return [
    ...[...SHOWN].map(([words, surface]) => ['SHOW', words, surface] as const),
    ...[...DESCRIBED].map(([words, surface]) => ['DESCRIBE', words, surface] as const),
  ];
}
