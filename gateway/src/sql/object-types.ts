/**
 * Object types as they stand after CREATE, ALTER, DROP and their like, longest first within a common beginning.
 * The type's name is its words joined by `_`, unless a shorter one is given.
 */

/** Where an object of a type lives, and so how its name is read. */
export type Level = 'account' | 'database' | 'schema' | 'object';

export interface ObjectType {
  readonly words: readonly string[];
  readonly name: string;
  /** `account`: one-part name; `database`: the name is a database; `schema`: the name is a schema; `object`: in a schema. */
  readonly level: Level;
}

/** Words between CREATE [OR REPLACE] and the type that do not change what kind of object it is. */
export const CREATE_MODIFIERS = [
  'LOCAL',
  'GLOBAL',
  'TEMP',
  'TEMPORARY',
  'VOLATILE',
  'TRANSIENT',
  'SECURE',
  'RECURSIVE',
  'INTERACTIVE',
  'READ',
  'ONLY',
] as const;

const type = (level: Level, words: string, name = words.replaceAll(' ', '_')): ObjectType => ({
  words: words.split(' '),
  name,
  level,
});

const integrations = ['STORAGE', 'NOTIFICATION', 'SECURITY', 'API', 'CATALOG', 'EXTERNAL ACCESS', 'ARTIFACT'];
const policies = [
  'MASKING',
  'ROW ACCESS',
  'PASSWORD',
  'SESSION',
  'AUTHENTICATION',
  'AGGREGATION',
  'PROJECTION',
  'PACKAGES',
  'JOIN',
  'PRIVACY',
  'STORAGE LIFECYCLE',
  'BACKUP',
  'SNAPSHOT',
];

const TYPES: readonly ObjectType[] = [
  ...integrations.map((kind) => type('account', `${kind} INTEGRATION`, 'INTEGRATION')),
  type('account', 'INTEGRATION'),
  ...policies.map((kind) => type('object', `${kind} POLICY`)),
  type('account', 'NETWORK POLICY'),
  type('account', 'EXTERNAL VOLUME'),
  type('account', 'RESOURCE MONITOR'),
  type('account', 'COMPUTE POOL'),
  type('account', 'FAILOVER GROUP'),
  type('account', 'REPLICATION GROUP'),
  type('account', 'APPLICATION PACKAGE'),
  type('account', 'APPLICATION ROLE'),
  type('account', 'APPLICATION'),
  type('account', 'MANAGED ACCOUNT'),
  type('account', 'ORGANIZATION ACCOUNT'),
  type('account', 'ORGANIZATION PROFILE'),
  type('account', 'ORGANIZATION USER GROUP'),
  type('account', 'ORGANIZATION USER'),
  type('account', 'ORGANIZATION LISTING', 'LISTING'),
  type('account', 'EXTERNAL LISTING', 'LISTING'),
  type('account', 'LISTING'),
  type('account', 'CONNECTION'),
  type('account', 'ACCOUNT'),
  type('account', 'SHARE'),
  type('account', 'USER'),
  type('account', 'ROLE'),
  type('account', 'WAREHOUSE'),
  type('account', 'PROVISIONED THROUGHPUT'),
  type('database', 'DATABASE'),
  type('schema', 'DATABASE ROLE'),
  type('schema', 'SCHEMA'),
  type('object', 'DYNAMIC ICEBERG TABLE', 'DYNAMIC_TABLE'),
  type('object', 'DYNAMIC TABLE'),
  type('object', 'EXTERNAL TABLE'),
  type('object', 'ICEBERG TABLE'),
  type('object', 'HYBRID TABLE'),
  type('object', 'EVENT TABLE'),
  type('object', 'TABLE'),
  type('object', 'MATERIALIZED VIEW'),
  type('object', 'SEMANTIC VIEW'),
  type('object', 'VIEW'),
  type('object', 'DATA METRIC FUNCTION'),
  type('object', 'AGGREGATE FUNCTION'),
  type('object', 'EXTERNAL FUNCTION'),
  type('object', 'FUNCTION'),
  type('object', 'PROCEDURE'),
  type('object', 'NETWORK RULE'),
  type('object', 'FILE FORMAT'),
  type('object', 'GIT REPOSITORY'),
  type('object', 'IMAGE REPOSITORY'),
  type('object', 'CORTEX SEARCH SERVICE'),
  type('object', 'CORTEX AGENT'),
  type('object', 'MCP SERVER'),
  type('object', 'AGENT'),
  type('object', 'MODEL MONITOR'),
  type('object', 'MODEL'),
  type('object', 'DBT PROJECT'),
  type('object', 'NOTEBOOK PROJECT'),
  type('object', 'NOTEBOOK'),
  type('object', 'STREAMLIT'),
  type('object', 'SERVICE'),
  type('object', 'JOB SERVICE'),
  type('object', 'STAGE'),
  type('object', 'STREAM'),
  type('object', 'SEQUENCE'),
  type('object', 'SECRET'),
  type('object', 'TASK'),
  type('object', 'ALERT'),
  type('object', 'PIPE'),
  type('object', 'TAG'),
  type('object', 'TYPE'),
  type('object', 'DATASET'),
  type('object', 'CONTACT'),
  type('object', 'GATEWAY'),
  type('object', 'INDEX'),
  type('object', 'BACKUP SET'),
  type('object', 'SNAPSHOT SET'),
  type('object', 'SNAPSHOT'),
  type('object', 'WORKSPACE'),
].sort((one, other) => other.words.length - one.words.length);

const BY_FIRST_WORD: ReadonlyMap<string, readonly ObjectType[]> = Map.groupBy(TYPES, (entry) => entry.words[0] ?? '');

/** The names of all types. */
export const OBJECT_TYPES: readonly string[] = [...new Set(TYPES.map((entry) => entry.name))];

/** The types whose first word this is, longest first. */
export function typesBeginningWith(word: string): readonly ObjectType[] {
  return BY_FIRST_WORD.get(word) ?? [];
}

/** Types whose replacement destroys stored rows or files: OR REPLACE then shows in the class. */
export const DATA_TYPES: ReadonlySet<string> = new Set([
  'DATABASE',
  'SCHEMA',
  'TABLE',
  'HYBRID_TABLE',
  'ICEBERG_TABLE',
  'EVENT_TABLE',
  'DYNAMIC_TABLE',
  'EXTERNAL_TABLE',
  'STAGE',
]);

/** Types that carry code: what a later run of it reads does not show in the statement. */
export const CODE_TYPES: ReadonlySet<string> = new Set([
  'FUNCTION',
  'DATA_METRIC_FUNCTION',
  'AGGREGATE_FUNCTION',
  'EXTERNAL_FUNCTION',
  'PROCEDURE',
  'TASK',
  'ALERT',
  'PIPE',
  'NOTEBOOK',
  'STREAMLIT',
  'SERVICE',
  'JOB_SERVICE',
  'MODEL',
  'DBT_PROJECT',
  'CORTEX_SEARCH_SERVICE',
  'MASKING_POLICY',
  'ROW_ACCESS_POLICY',
  'AGGREGATION_POLICY',
  'PROJECTION_POLICY',
  'JOIN_POLICY',
  'PRIVACY_POLICY',
]);
