/** A Snowflake parameter value as JSON carries it. */
export type ParameterValue = string | number | boolean;

/** A value of a request as text; objects and absent values have none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Session parameters by upper-case name. */
export type Parameters = Map<string, ParameterValue>;

const defaults: Readonly<Record<string, ParameterValue>> = {
  ABORT_DETACHED_QUERY: false,
  AUTOCOMMIT: true,
  BINARY_INPUT_FORMAT: 'HEX',
  BINARY_OUTPUT_FORMAT: 'HEX',
  CLIENT_DISABLE_INCIDENTS: true,
  CLIENT_HONOR_CLIENT_TZ_FOR_TIMESTAMP_NTZ: true,
  CLIENT_MEMORY_LIMIT: 1536,
  CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX: false,
  CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED: false,
  CLIENT_PREFETCH_THREADS: 4,
  CLIENT_RESULT_CHUNK_SIZE: 160,
  CLIENT_RESULT_COLUMN_CASE_INSENSITIVE: false,
  CLIENT_SESSION_CLONE: false,
  CLIENT_SESSION_KEEP_ALIVE: false,
  CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY: 3600,
  CLIENT_STAGE_ARRAY_BINDING_THRESHOLD: 0,
  CLIENT_TELEMETRY_ENABLED: false,
  CLIENT_TELEMETRY_SESSIONLESS_ENABLED: false,
  CLIENT_TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_LTZ',
  C_API_QUERY_RESULT_FORMAT: 'JSON',
  DATE_OUTPUT_FORMAT: 'YYYY-MM-DD',
  DOTNET_QUERY_RESULT_FORMAT: 'ARROW',
  ENABLE_STAGE_S3_PRIVATELINK_FOR_US_EAST_1: false,
  GEOGRAPHY_OUTPUT_FORMAT: 'GeoJSON',
  GO_QUERY_RESULT_FORMAT: 'ARROW',
  JDBC_ENABLE_COMBINED_DESCRIBE: true,
  JDBC_ENABLE_PUT_GET: true,
  JDBC_QUERY_RESULT_FORMAT: 'ARROW',
  JDBC_RS_COLUMN_CASE_INSENSITIVE: false,
  JDBC_TREAT_DECIMAL_AS_INT: true,
  JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC: false,
  JDBC_USE_SESSION_TIMEZONE: true,
  JS_DRIVER_DISABLE_OCSP_FOR_NON_SF_ENDPOINTS: true,
  JS_TREAT_INTEGER_AS_BIGINT: false,
  MULTI_STATEMENT_COUNT: 1,
  ODBC_QUERY_RESULT_FORMAT: 'ARROW',
  PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'ARROW',
  QUERY_CONTEXT_CACHE_SIZE: 5,
  QUERY_TAG: '',
  SERVICE_NAME: '',
  STATEMENT_TIMEOUT_IN_SECONDS: 172_800,
  TIMESTAMP_LTZ_OUTPUT_FORMAT: '',
  TIMESTAMP_NTZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3',
  TIMESTAMP_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_NTZ',
  TIMESTAMP_TZ_OUTPUT_FORMAT: '',
  TIMEZONE: 'UTC',
  TIME_OUTPUT_FORMAT: 'HH24:MI:SS',
  VARCHAR_AND_BINARY_MAX_SIZE_IN_RESULT: 134_217_728,
  VARIANT_MAX_SIZE_IN_RESULT: 134_217_728,
};

/** Node's driver stages array binds above the threshold and takes 0 literally; the others read 0 as "never". */
const neverStageForNode = 2_147_483_647;

/** The parameters of a new session; what the client asks for at login comes on top. */
export function createParameters(clientApp: string, requested: Readonly<Record<string, unknown>>): Parameters {
  const parameters: Parameters = new Map(Object.entries(defaults));
  if (clientApp === 'JavaScript') parameters.set('CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', neverStageForNode);
  for (const [name, value] of Object.entries(requested)) setParameter(parameters, name, value);
  return parameters;
}

/** Sets a parameter, keeping the type it already has: `"false"` becomes false for a boolean. Null and objects are ignored. */
export function setParameter(parameters: Parameters, name: string, value: unknown): void {
  const key = name.toUpperCase();
  const known = parameters.get(key);
  if (typeof known === 'boolean') parameters.set(key, String(value).toLowerCase() === 'true');
  else if (typeof known === 'number') parameters.set(key, Number(value));
  else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    parameters.set(key, value);
  }
}

/** Puts a parameter back to its default; a name without default disappears. */
export function unsetParameter(parameters: Parameters, name: string): void {
  const value = defaults[name];
  if (value === undefined) parameters.delete(name);
  else parameters.set(name, value);
}

/** The default of a parameter, '' if there is none. */
export function defaultOf(name: string): ParameterValue {
  return defaults[name] ?? '';
}

/** The list form of responses: always complete, as a partial list lacks values some drivers cannot do without. */
export function listParameters(parameters: Parameters): readonly { name: string; value: ParameterValue }[] {
  return [...parameters].map(([name, value]) => ({ name, value }));
}

const formatParameters: Readonly<Record<string, string>> = {
  PythonConnector: 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  JDBC: 'JDBC_QUERY_RESULT_FORMAT',
  Go: 'GO_QUERY_RESULT_FORMAT',
  '.NET': 'DOTNET_QUERY_RESULT_FORMAT',
  ODBC: 'ODBC_QUERY_RESULT_FORMAT',
  'C API': 'C_API_QUERY_RESULT_FORMAT',
};

/**
 * The format of SELECT results. Node's driver reads JSON only. A client the stand-in does not know gets Arrow unless
 * the session or the statement names some `*_QUERY_RESULT_FORMAT` other than the defaults as JSON.
 */
export function resultFormat(
  clientApp: string,
  session: Parameters,
  statement: Readonly<Record<string, unknown>>,
): 'json' | 'arrow' {
  if (clientApp === 'JavaScript') return 'json';
  const upper = Object.fromEntries(Object.entries(statement).map(([name, value]) => [name.toUpperCase(), value]));
  const own = formatParameters[clientApp];
  const names = own === undefined ? Object.values(formatParameters) : [own];
  const wantsJson = names.some((name) => {
    const value = upper[name] ?? (session.get(name) === defaults[name] && own === undefined ? '' : session.get(name));
    return textOf(value).toUpperCase().startsWith('JSON');
  });
  return wantsJson ? 'json' : 'arrow';
}
