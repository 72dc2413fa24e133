import type { HazardRow, StatementHazard } from './hazard-table.js';

/**
 * What functions tell or do that are no mere computation. None of them may stand in a query that is analysed: this table says
 * why, for people and for policies, and is not a list of what is allowed. Whatever is in neither table is refused as well.
 */
export type FunctionSurface =
  | 'definitions' // texts of objects, which quote literals and may be secret
  | 'history' // statements and results of earlier, also of other people's
  | 'session-values' // values that earlier statements left
  | 'account-state' // figures and settings of the account
  | 'changes-account' // it does something
  | 'sends-out' // arguments leave the account
  | 'reads-files' // contents and names of files, and links to them
  | 'computed-name'; // what is read is known only when it runs

export interface FunctionRow extends HazardRow {
  readonly surface: FunctionSurface;
}

const entries = (
  surface: FunctionSurface,
  hazards: readonly StatementHazard[],
  reason: string,
  names: string,
): readonly (readonly [string, FunctionRow])[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => [name, { surface, hazards, reason }]);

const BY_NAME: ReadonlyMap<string, FunctionRow> = new Map([
  ...entries(
    'definitions',
    [],
    'the text of views, policies and code quotes literals and says what protects what',
    `GET_DDL SYSTEM$EXPLAIN_PLAN_JSON EXPLAIN_JSON SYSTEM$EXPLAIN_JSON_TO_TEXT POLICY_REFERENCES
     TAG_REFERENCES TAG_REFERENCES_ALL_COLUMNS TAG_REFERENCES_WITH_LINEAGE SYSTEM$GET_TAG SYSTEM$GET_TAG_ALLOWED_VALUES
     SYSTEM$GET_TAG_ON_CURRENT_COLUMN SYSTEM$GET_TAG_ON_CURRENT_TABLE POLICY_CONTEXT GET_OBJECT_REFERENCES
     SYSTEM$READ_YAML_FROM_SEMANTIC_VIEW GET_LINEAGE`,
  ),
  ...entries(
    'history',
    [],
    "statements and errors of others quote values, and an earlier result may be another session's",
    `QUERY_HISTORY QUERY_HISTORY_BY_SESSION QUERY_HISTORY_BY_USER QUERY_HISTORY_BY_WAREHOUSE LOGIN_HISTORY LOGIN_HISTORY_BY_USER
     TASK_HISTORY ALERT_HISTORY COPY_HISTORY PIPE_USAGE_HISTORY QUERY_ACCELERATION_HISTORY DYNAMIC_TABLE_REFRESH_HISTORY
     EXTERNAL_FUNCTIONS_HISTORY NOTIFICATION_HISTORY SERVERLESS_TASK_HISTORY GET_QUERY_OPERATOR_STATS RESULT_SCAN LAST_QUERY_ID
     LAST_TRANSACTION SYSTEM$ESTIMATE_QUERY_ACCELERATION SYSTEM$GET_SERVICE_LOGS VALIDATE
     VALIDATE_PIPE_LOAD STAGE_DIRECTORY_FILE_REGISTRATION_HISTORY`,
  ),
  ...entries(
    'session-values',
    [],
    'the value was left by an earlier statement',
    'GETVARIABLE SYSTEM$GET_PREDECESSOR_RETURN_VALUE',
  ),
  ...entries(
    'account-state',
    [],
    'it tells about the account, other sessions or the gateway itself',
    `CURRENT_IP_ADDRESS CURRENT_STATEMENT SYSTEM$ALLOWLIST SYSTEM$ALLOWLIST_PRIVATELINK SYSTEM$WHITELIST SYSTEM$TYPEOF
     SYSTEM$CLUSTERING_INFORMATION SYSTEM$CLUSTERING_DEPTH SYSTEM$LAST_CHANGE_COMMIT_TIME SYSTEM$STREAM_HAS_DATA
     SYSTEM$STREAM_GET_TABLE_TIMESTAMP SYSTEM$STREAM_BACKLOG SYSTEM$PIPE_STATUS SYSTEM$GET_PRIVATELINK_CONFIG
     SYSTEM$GET_SNOWFLAKE_PLATFORM_INFO SYSTEM$GET_SERVICE_STATUS SYSTEM$SHOW_OAUTH_CLIENT_SECRETS SYSTEM$CURRENT_USER_TASK_NAME
     SYSTEM$BEHAVIOR_CHANGE_BUNDLE_STATUS SYSTEM$AUTO_REFRESH_STATUS SYSTEM$REFERENCE`,
  ),
  ...entries(
    'changes-account',
    ['runs-code'],
    'it does something: it stops, resumes, changes or links',
    `SYSTEM$CANCEL_QUERY SYSTEM$CANCEL_ALL_QUERIES SYSTEM$ABORT_SESSION SYSTEM$ABORT_TRANSACTION SYSTEM$WAIT SYSTEM$SET_RETURN_VALUE
     SYSTEM$PIPE_FORCE_RESUME SYSTEM$PIPE_REBINDING_WITH_NOTIFICATION_CHANNEL SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS
     SYSTEM$LOG SYSTEM$LOG_TRACE SYSTEM$LOG_DEBUG SYSTEM$LOG_INFO SYSTEM$LOG_WARN SYSTEM$LOG_ERROR SYSTEM$LOG_FATAL SYSTEM$ADD_EVENT
     SYSTEM$SET_SPAN_ATTRIBUTES SYSTEM$TASK_DEPENDENTS_ENABLE SYSTEM$ENABLE_BEHAVIOR_CHANGE_BUNDLE SYSTEM$DISABLE_BEHAVIOR_CHANGE_BUNDLE SYSTEM$UNREGISTER_PRIVATELINK
     SYSTEM$CONVERT_PIPES_SQS_TO_SNS SYSTEM$DEPROVISION_PRIVATELINK_ENDPOINT SYSTEM$COMMIT_MOVE_ORGANIZATION_ACCOUNT`,
  ),
  ...entries(
    'changes-account',
    ['weakens-protection'],
    'it changes who comes in or what protects',
    `SYSTEM$AUTHORIZE_PRIVATELINK SYSTEM$AUTHORIZE_STAGE_PRIVATELINK_ACCESS SYSTEM$GENERATE_SCIM_ACCESS_TOKEN
     SYSTEM$LINK_ACCOUNT_OBJECTS_BY_NAME SYSTEM$GLOBAL_ACCOUNT_SET_PARAMETER ASSOCIATE_SEMANTIC_CATEGORY_TAGS
     SYSTEM$CLASSIFY SYSTEM$CLASSIFY_SCHEMA SYSTEM$SET_REFERENCE SYSTEM$REMOVE_REFERENCE SYSTEM$REMOVE_ALL_REFERENCES`,
  ),
  ...entries(
    'sends-out',
    ['sends-out'],
    'its arguments leave the account',
    'SYSTEM$SEND_EMAIL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION SYSTEM$PROVISION_PRIVATELINK_ENDPOINT',
  ),
  ...entries(
    'reads-files',
    [],
    'files hold rows without columns, and links to them work past the gateway',
    `GET_PRESIGNED_URL BUILD_SCOPED_FILE_URL BUILD_STAGE_FILE_URL GET_STAGE_LOCATION GET_ABSOLUTE_PATH GET_RELATIVE_PATH INFER_SCHEMA
     GENERATE_COLUMN_DESCRIPTION TO_FILE FL_GET_SCOPED_FILE_URL DIRECTORY`,
  ),
  ...entries('computed-name', [], 'what is read is known only when it runs', 'IDENTIFIER TO_QUERY'),
]);

const MODEL: FunctionRow = { surface: 'sends-out', hazards: ['sends-out'], reason: 'a model sees its arguments' };
const SYSTEM: FunctionRow = {
  surface: 'changes-account',
  hazards: ['runs-code'],
  reason: 'a system function nobody has looked at may do anything',
};

/**
 * What calling the function of this (stored) name tells or does; undefined for one this table does not speak about. The schema is
 * the name before the dot: everything in Cortex's own is a model's.
 */
export function functionSurfaceOf(name: string, schema?: string): FunctionRow | undefined {
  if (schema === 'CORTEX' || name.startsWith('AI_')) return MODEL;
  return BY_NAME.get(name) ?? (name.startsWith('SYSTEM$') ? SYSTEM : undefined);
}

/** Every function the table speaks about by name. */
export function listFunctionSurfaces(): ReadonlyMap<string, FunctionRow> {
  return BY_NAME;
}
