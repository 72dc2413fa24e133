/**
 * What statements can do beside what their lineage shows. Closed; the order is that of the answers of `effectsOf`.
 *
 * - `moves-rows`: values come to stand where masks by name do not reach them
 * - `runs-code`: code runs, now or later, whose effects do not show in the statement
 * - `sends-out`: values can leave the account
 * - `weakens-protection`: a mask, policy, tag, privilege or setting that protects is changed or taken away
 * - `shares`: others than the account's own users get to see objects
 * - `destroys`: stored rows, files or objects are lost
 */
export const STATEMENT_HAZARDS = [
  'moves-rows',
  'runs-code',
  'sends-out',
  'weakens-protection',
  'shares',
  'destroys',
] as const;

export type StatementHazard = (typeof STATEMENT_HAZARDS)[number];

export interface HazardRow {
  readonly hazards: readonly StatementHazard[];
  readonly reason: string;
}

const row = (hazards: readonly StatementHazard[], reason: string): HazardRow => ({ hazards, reason });

const NO_PLACE_FOR_ROWS = row([], 'it holds no rows, runs nothing and protects nothing');
const ROWS_BY_LINEAGE = row([], 'whether rows move into it is told by lineage');
const CODE = row(['runs-code'], 'what its code does does not show in the statement');
const CODE_WITH_NETWORK = row(['runs-code', 'sends-out'], 'its code can reach other machines');
const OUTBOUND = row(['sends-out'], 'it opens a way out of the account');
const SHARED = row(['shares'], 'it shows objects to other accounts');
const ACCESS = row(['weakens-protection'], 'it decides who may come in, also past the gateway');
const PROTECTION = row(['weakens-protection'], 'what it says protects columns or rows wherever it is attached');

/** Statements whose class says what they can do. */
export const HAZARDS_BY_CLASS: ReadonlyMap<string, HazardRow> = new Map([
  ['UNLOAD', row(['moves-rows', 'sends-out'], 'rows become files, and a stage may lie outside the account')],
  [
    'COPY_FILES',
    row(['moves-rows', 'sends-out'], 'files may be unloaded rows, and a stage may lie outside the account'),
  ],
  ['PUT', row(['moves-rows'], 'files of the caller become files of a stage')],
  ['GET', row(['sends-out'], 'files of a stage leave to the caller, unmasked')],
  ['REMOVE', row(['destroys'], 'files of a stage are deleted')],
  ['DELETE', row(['destroys'], 'rows are deleted')],
  ['TRUNCATE', row(['destroys'], 'all rows are deleted')],
  ['INSERT_OVERWRITE', row(['destroys'], 'all rows of the target are deleted first')],
  ['CALL', row(['runs-code'], 'a procedure can do whatever its owner may')],
  ['EXECUTE_IMMEDIATE', row(['runs-code'], 'the statement is computed when it runs')],
  ['EXECUTE_TASK', CODE],
  ['EXECUTE_ALERT', CODE],
  ['EXECUTE_DBT_PROJECT', CODE],
  ['EXECUTE_NOTEBOOK', CODE_WITH_NETWORK],
  ['EXECUTE_SERVICE', CODE_WITH_NETWORK],
  ['EXECUTE_JOB_SERVICE', CODE_WITH_NETWORK],
  ['SCRIPT', row(['runs-code'], 'a script block is not analysed')],
  ['MULTI', row(['runs-code'], 'more than one statement is not analysed')],
  ['FLOW', row(['runs-code'], 'a chain of statements is not analysed')],
  ['UNKNOWN', row(STATEMENT_HAZARDS, 'nothing is known of it')],
  ['GRANT', row(['weakens-protection'], 'others get access')],
]);

/** What CREATE and ALTER of an object can do, by object type. Every type this room knows stands here. */
export const HAZARDS_BY_TYPE: ReadonlyMap<string, HazardRow> = new Map([
  ['INTEGRATION', row(['sends-out', 'weakens-protection'], 'it connects other systems, or lets them log in')],
  ['EXTERNAL_VOLUME', OUTBOUND],
  ['NETWORK_RULE', OUTBOUND],
  ['SECRET', row(['sends-out'], 'code with access to other machines authenticates by it')],
  ['NETWORK_POLICY', ACCESS],
  ['MASKING_POLICY', PROTECTION],
  ['ROW_ACCESS_POLICY', PROTECTION],
  ['AGGREGATION_POLICY', PROTECTION],
  ['PROJECTION_POLICY', PROTECTION],
  ['JOIN_POLICY', PROTECTION],
  ['PRIVACY_POLICY', PROTECTION],
  ['TAG', row(['weakens-protection'], 'masks may be attached to it, and the gateway selects columns by it')],
  ['PASSWORD_POLICY', ACCESS],
  ['SESSION_POLICY', ACCESS],
  ['AUTHENTICATION_POLICY', ACCESS],
  ['PACKAGES_POLICY', row(['weakens-protection'], 'it decides which packages code may bring in')],
  ['STORAGE_LIFECYCLE_POLICY', row(['destroys'], 'rows are deleted or archived by it')],
  ['BACKUP_POLICY', row([], 'it makes backups, inside the account')],
  ['SNAPSHOT_POLICY', row([], 'it makes snapshots, inside the account')],
  ['BACKUP_SET', row(['moves-rows'], 'it holds copies of rows under another name')],
  ['SNAPSHOT_SET', row(['moves-rows'], 'it holds copies of rows under another name')],
  ['SNAPSHOT', row(['moves-rows'], 'it holds a copy of a volume')],
  ['SESSION', row(['weakens-protection'], 'it may change how statements or results are read')],
  ['USER', ACCESS],
  ['ROLE', row([], 'a role alone gives nobody anything; grants do')],
  ['DATABASE_ROLE', row([], 'a role alone gives nobody anything; grants do')],
  ['APPLICATION_ROLE', row([], 'a role alone gives nobody anything; grants do')],
  ['ACCOUNT', ACCESS],
  ['MANAGED_ACCOUNT', SHARED],
  ['ORGANIZATION_ACCOUNT', ACCESS],
  ['ORGANIZATION_PROFILE', row([], 'it describes the organisation')],
  ['ORGANIZATION_USER', ACCESS],
  ['ORGANIZATION_USER_GROUP', ACCESS],
  ['CONNECTION', row(['weakens-protection'], 'it redirects clients, also past the gateway')],
  ['SHARE', SHARED],
  ['LISTING', SHARED],
  ['REPLICATION_GROUP', SHARED],
  ['FAILOVER_GROUP', SHARED],
  ['APPLICATION_PACKAGE', SHARED],
  ['APPLICATION', row(['runs-code', 'shares'], 'code of another party runs in the account')],
  ['FUNCTION', CODE],
  ['DATA_METRIC_FUNCTION', CODE],
  ['AGGREGATE_FUNCTION', CODE],
  ['EXTERNAL_FUNCTION', row(['runs-code', 'sends-out'], 'every call sends its arguments to another machine')],
  ['PROCEDURE', CODE],
  ['TASK', CODE],
  ['ALERT', CODE],
  ['PIPE', row(['moves-rows', 'runs-code'], 'it copies on its own from then on')],
  ['STREAM', row(['moves-rows'], 'it shows the rows of a table under another name')],
  ['NOTEBOOK', CODE_WITH_NETWORK],
  ['NOTEBOOK_PROJECT', CODE_WITH_NETWORK],
  ['STREAMLIT', CODE_WITH_NETWORK],
  ['SERVICE', CODE_WITH_NETWORK],
  ['JOB_SERVICE', CODE_WITH_NETWORK],
  ['GATEWAY', row(['sends-out'], 'it routes traffic to services')],
  ['COMPUTE_POOL', row([], 'it is machines without a task')],
  ['IMAGE_REPOSITORY', row(['runs-code'], 'services run what is in it')],
  ['GIT_REPOSITORY', row(['runs-code', 'sends-out'], 'it brings in code from, and sends it to, another machine')],
  ['DBT_PROJECT', CODE],
  ['WORKSPACE', CODE],
  ['MODEL', CODE],
  ['MODEL_MONITOR', row(['moves-rows', 'runs-code'], 'it keeps figures of the rows it watches')],
  ['DATASET', row(['moves-rows'], 'it is a copy of rows')],
  [
    'CORTEX_SEARCH_SERVICE',
    row(['moves-rows', 'sends-out'], 'it keeps an index of rows, which other surfaces answer from'),
  ],
  ['CORTEX_AGENT', row(['runs-code', 'sends-out'], 'a model decides what it reads and says')],
  ['AGENT', row(['runs-code', 'sends-out'], 'a model decides what it reads and says')],
  ['MCP_SERVER', row(['runs-code', 'sends-out'], 'it offers tools to agents past the gateway')],
  ['PROVISIONED_THROUGHPUT', row([], 'it is capacity for models')],
  ['SEMANTIC_VIEW', row(['moves-rows'], 'it shows columns under names of its own')],
  ['STAGE', NO_PLACE_FOR_ROWS],
  ['DATABASE', ROWS_BY_LINEAGE],
  ['SCHEMA', ROWS_BY_LINEAGE],
  ['TABLE', ROWS_BY_LINEAGE],
  ['HYBRID_TABLE', ROWS_BY_LINEAGE],
  ['DYNAMIC_TABLE', ROWS_BY_LINEAGE],
  ['EVENT_TABLE', ROWS_BY_LINEAGE],
  ['EXTERNAL_TABLE', ROWS_BY_LINEAGE],
  ['ICEBERG_TABLE', row(['sends-out'], 'its files may lie outside the account')],
  ['MATERIALIZED_VIEW', ROWS_BY_LINEAGE],
  ['VIEW', row([], 'it copies nothing; what it shows is told by lineage, and whatever reads it is traced through it')],
  ['INDEX', NO_PLACE_FOR_ROWS],
  ['SEQUENCE', NO_PLACE_FOR_ROWS],
  ['FILE_FORMAT', NO_PLACE_FOR_ROWS],
  ['TYPE', NO_PLACE_FOR_ROWS],
  ['CONTACT', NO_PLACE_FOR_ROWS],
  ['WAREHOUSE', NO_PLACE_FOR_ROWS],
  ['RESOURCE_MONITOR', NO_PLACE_FOR_ROWS],
]);

/** Types that protect as long as they stand: to drop them, or to bring one back, changes what protects. */
export const PROTECTS_WHILE_IT_STANDS: ReadonlySet<string> = new Set([
  'MASKING_POLICY',
  'ROW_ACCESS_POLICY',
  'AGGREGATION_POLICY',
  'PROJECTION_POLICY',
  'JOIN_POLICY',
  'PRIVACY_POLICY',
  'NETWORK_POLICY',
  'PASSWORD_POLICY',
  'SESSION_POLICY',
  'AUTHENTICATION_POLICY',
  'PACKAGES_POLICY',
  'TAG',
]);

export interface PhraseRow extends HazardRow {
  /** Verbs and, where given, object types it counts for. */
  readonly verbs: readonly string[];
  readonly types?: RegExp;
  /** All of these stand in the statement, outside strings and quoted names: single words or words in a row. */
  readonly words: readonly string[];
}

const DEFINING = ['CREATE', 'CREATE_OR_REPLACE', 'CREATE_OR_ALTER', 'ALTER', 'CTAS'];
const KEEPS_ROWS = /TABLE$|VIEW$/;

/** Words in a definition that make more of it. */
export const HAZARDS_BY_PHRASE: readonly PhraseRow[] = [
  phrase(['UNSET', 'POLICY'], ['weakens-protection'], 'a policy is detached', ['ALTER']),
  phrase(['DROP', 'POLICY'], ['weakens-protection'], 'a policy is detached', ['ALTER']),
  phrase(['DROP', 'POLICIES'], ['weakens-protection'], 'policies are detached', ['ALTER']),
  phrase(['POLICY', 'FORCE'], ['weakens-protection'], 'a policy is replaced by another', ['ALTER']),
  phrase(['SET TAG'], ['weakens-protection'], 'masks may depend on the value of a tag', ['ALTER']),
  phrase(['UNSET TAG'], ['weakens-protection'], 'masks may be attached to a tag', ['ALTER']),
  phrase(['UNSET SECURE'], ['weakens-protection'], 'the text of a secure object becomes readable', ['ALTER']),
  phrase(['DROP COLUMN'], ['destroys'], 'a column and its values are dropped', ['ALTER'], KEEPS_ROWS),
  phrase(['DATA_RETENTION_TIME_IN_DAYS'], ['destroys'], 'how long lost rows can be brought back is changed', ['ALTER']),
  phrase(['MAX_DATA_EXTENSION_TIME_IN_DAYS'], ['destroys'], 'how long lost rows can be brought back is changed', [
    'ALTER',
  ]),
  phrase(['ENABLE REPLICATION'], ['shares'], 'another account gets a copy', ['ALTER']),
  phrase(['ENABLE FAILOVER'], ['shares'], 'another account gets a copy', ['ALTER']),
  phrase(['URL'], ['sends-out'], 'the stage lies outside the account', DEFINING, /STAGE$/),
  phrase(['STORAGE_INTEGRATION'], ['sends-out'], 'the stage lies outside the account', DEFINING, /STAGE$/),
  phrase(['EXTERNAL_VOLUME'], ['sends-out'], 'files are written outside the account', DEFINING),
  phrase(['EXTERNAL_ACCESS_INTEGRATIONS'], ['sends-out'], 'code may reach other machines', DEFINING),
  phrase(['API_INTEGRATION'], ['sends-out'], 'code may reach other machines', DEFINING),
  phrase(['TO SHARE'], ['shares'], 'other accounts get access', ['GRANT']),
  phrase(['OVERWRITE'], ['destroys'], 'files of the stage may be replaced', ['UNLOAD']),
  phrase(['PURGE'], ['destroys'], 'loaded files may be deleted', ['LOAD']),
  phrase(['THEN DELETE'], ['destroys'], 'rows are deleted', ['MERGE']),
];

function phrase(
  words: readonly string[],
  hazards: readonly StatementHazard[],
  reason: string,
  verbs: readonly string[],
  types?: RegExp,
): PhraseRow {
  return { words, hazards, reason, verbs, ...(types === undefined ? {} : { types }) };
}

/** Session parameters that change how names, statements or results are read. */
export const PINNED_PARAMETERS: ReadonlySet<string> = new Set([
  'ENABLE_UNREDACTED_QUERY_SYNTAX_ERROR',
  'ENABLE_UNREDACTED_SECURE_OBJECT_ERROR',
  'MULTI_STATEMENT_COUNT',
  'PREVENT_UNLOAD_TO_INLINE_URL',
  'PREVENT_UNLOAD_TO_INTERNAL_STAGES',
  'QUOTED_IDENTIFIERS_IGNORE_CASE',
  'SEARCH_PATH',
]);
