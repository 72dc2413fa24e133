import { isJsonObject, type Json, type JsonObject, stringifyJson, textAt } from './json.js';
import { chosenFormats, isFormatParameter, sessionFormats } from './result-formats.js';

/**
 * Session parameters as three lists: what a client may be told, what the gateway overrides on the way down, and what it
 * sets on its own session with Snowflake.
 */

/** Parameters that drivers act on and that reveal nothing. Everything else in Snowflake's list stays here. */
const TOLD_TO_CLIENTS = new Set([
  'ABORT_DETACHED_QUERY',
  'AUTOCOMMIT',
  'BINARY_INPUT_FORMAT',
  'BINARY_OUTPUT_FORMAT',
  'CLIENT_HONOR_CLIENT_TZ_FOR_TIMESTAMP_NTZ',
  'CLIENT_MEMORY_LIMIT',
  'CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX',
  'CLIENT_PREFETCH_THREADS',
  'CLIENT_RESULT_CHUNK_SIZE',
  'CLIENT_RESULT_COLUMN_CASE_INSENSITIVE',
  'CLIENT_SESSION_KEEP_ALIVE',
  'CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY',
  'CLIENT_TIMESTAMP_TYPE_MAPPING',
  'CLIENT_USE_V1_QUERY_API',
  'DATE_INPUT_FORMAT',
  'DATE_OUTPUT_FORMAT',
  'GEOGRAPHY_OUTPUT_FORMAT',
  'JDBC_TREAT_DECIMAL_AS_INT',
  'JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC',
  'JDBC_USE_SESSION_TIMEZONE',
  'JS_TREAT_INTEGER_AS_BIGINT',
  'QUERY_CONTEXT_CACHE_SIZE',
  'TIMESTAMP_DAY_IS_ALWAYS_24H',
  'TIMESTAMP_INPUT_FORMAT',
  'TIMESTAMP_LTZ_OUTPUT_FORMAT',
  'TIMESTAMP_NTZ_OUTPUT_FORMAT',
  'TIMESTAMP_OUTPUT_FORMAT',
  'TIMESTAMP_TYPE_MAPPING',
  'TIMESTAMP_TZ_OUTPUT_FORMAT',
  'TIMEZONE',
  'TIME_INPUT_FORMAT',
  'TIME_OUTPUT_FORMAT',
  'VARCHAR_AND_BINARY_MAX_SIZE_IN_RESULT',
  'VARIANT_MAX_SIZE_IN_RESULT',
  'WEEK_OF_YEAR_POLICY',
  'WEEK_START',
]);

/** Binds stay inline: zero turns staging off everywhere but in Node, where only a huge threshold does. */
const stagingThreshold = (clientApp: string): number => (clientApp === 'JavaScript' ? 2_147_483_647 : 0);

function overrides(clientApp: string): Readonly<Record<string, Json>> {
  return {
    CLIENT_TELEMETRY_ENABLED: false,
    CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED: false,
    CLIENT_STAGE_ARRAY_BINDING_THRESHOLD: stagingThreshold(clientApp),
    JDBC_ENABLE_PUT_GET: false,
    PYTHON_SNOWPARK_USE_AST: false,
    JS_DRIVER_DISABLE_OCSP_FOR_NON_SF_ENDPOINTS: true,
  };
}

/** Needed by drivers even when Snowflake's list lacks them: JDBC and .NET fail on chunked results otherwise. */
const DEFAULTS: Readonly<Record<string, Json>> = {
  AUTOCOMMIT: true,
  CLIENT_RESULT_CHUNK_SIZE: 160,
  CLIENT_PREFETCH_THREADS: 4,
  CLIENT_MEMORY_LIMIT: 1536,
  CLIENT_SESSION_KEEP_ALIVE: false,
  CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY: 3600,
  QUERY_CONTEXT_CACHE_SIZE: 5,
  TIMEZONE: 'America/Los_Angeles',
};

/** Snowflake's parameter list as a client may see it: complete, with the gateway's overrides. */
export function clientParameters(upstream: readonly Json[], clientApp: string): readonly Json[] {
  const told: Record<string, Json> = { ...DEFAULTS };
  for (const entry of upstream) {
    if (!isJsonObject(entry)) continue;
    const name = textAt(entry, 'name');
    const value = entry['value'];
    const isTold = name !== undefined && (TOLD_TO_CLIENTS.has(name) || isFormatParameter(name));
    if (isTold && value !== undefined) told[name] = value;
  }
  return Object.entries({ ...told, ...overrides(clientApp) }).map(([name, value]) => ({ name, value }));
}

/** Snowflake answers with an empty list when nothing changed; an empty list means the same to drivers. */
export function changedParameters(upstream: readonly Json[], clientApp: string): readonly Json[] {
  return upstream.length === 0 ? [] : clientParameters(upstream, clientApp);
}

/**
 * Parameters of the gateway's own session with Snowflake: one statement a request, names read exactly and looked up where
 * the analysis looks them up, results in the format of the client's choice.
 */
export function upstreamSessionParameters(chosen: JsonObject = {}): Record<string, Json> {
  return {
    ...sessionFormats(chosen),
    CLIENT_TELEMETRY_ENABLED: false,
    CLIENT_STORE_TEMPORARY_CREDENTIAL: false,
    CLIENT_REQUEST_MFA_TOKEN: false,
    CLIENT_SESSION_KEEP_ALIVE: false,
    MULTI_STATEMENT_COUNT: 1,
    QUOTED_IDENTIFIERS_IGNORE_CASE: false,
    SEARCH_PATH: '$current, $public',
  };
}

const CLIENT_CHOICES = new Set(['MULTI_STATEMENT_COUNT', 'CLIENT_PREFETCH_THREADS', 'CLIENT_SESSION_KEEP_ALIVE']);

/** Namespaces of client choices; the last is where drivers put notes about themselves (JDBC 4.4 at every login). */
const CLIENT_PREFIXES = ['CLIENT_', 'JDBC_', 'SNOWPARK_', '_SNOWFLAKE.INTERNAL.'];

/** What a driver says although it is so anyway: JDBC with every repeated use of a statement. The other value is refused. */
const SAID_ANYWAY: Readonly<Record<string, Json>> = { NEW_SQL_FORMAT: false };

/**
 * True for parameters that only say how the client would like its answer: the gateway decides that itself, so it may
 * drop them without changing what the statement means.
 */
function isDroppedChoice(name: string, value: Json): boolean {
  if (Object.hasOwn(SAID_ANYWAY, name)) return SAID_ANYWAY[name] === value;
  return (
    isFormatParameter(name) || CLIENT_CHOICES.has(name) || CLIENT_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
}

/**
 * Splits client-given parameters into what may be passed on (result formats among it), what is dropped, and the first that
 * is refused.
 */
export function filterParameters(
  given: JsonObject,
  isAllowed: (name: string) => boolean,
): { readonly passed: Record<string, Json>; readonly refused: string | undefined } {
  const passed: Record<string, Json> = chosenFormats(given);
  for (const [key, value] of Object.entries(given)) {
    const name = key.toUpperCase();
    if (isAllowed(name)) {
      if (value !== null && typeof value === 'object' && !('rawJSON' in value)) return { passed, refused: name };
      passed[name] = value;
    } else if (!isDroppedChoice(name, value))
      return { passed, refused: name.replace(/[^A-Z0-9_$]/g, '?').slice(0, 80) };
  }
  return { passed, refused: undefined };
}

/** What a client set, as far as it is passed on: for its session so far, and with one statement. */
export interface ChosenParameters {
  readonly session: JsonObject;
  readonly statement: JsonObject;
}

/**
 * The parameters under which a statement runs as JSON text, the same for the same parameters: names in the order of their
 * code units, no white space. Undefined where the client set none.
 */
export function encodeParameters({ session, statement }: ChosenParameters): string | undefined {
  if (Object.keys(session).length + Object.keys(statement).length === 0) return undefined;
  return stringifyJson({ session: sorted(session), statement: sorted(statement) });
}

const sorted = (parameters: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
