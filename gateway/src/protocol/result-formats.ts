import type { Json, JsonObject } from './json.js';

/** How rows travel: JSON texts, or an Arrow IPC stream. */
export type ResultFormat = 'json' | 'arrow';

/** One parameter per driver family says which it wants; each reads its own only. */
const FORMAT_PARAMETERS = [
  'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  'JDBC_QUERY_RESULT_FORMAT',
  'GO_QUERY_RESULT_FORMAT',
  'DOTNET_QUERY_RESULT_FORMAT',
  'ODBC_QUERY_RESULT_FORMAT',
  'C_API_QUERY_RESULT_FORMAT',
] as const;

/**
 * Drivers that get Arrow unless they ask for JSON: those whose users need it (data frames in Python) or whose JSON reader is
 * the worse one (Go). The others read Arrow only with settings of their own (JDBC on Java 17), or not at all.
 */
const ARROW_BY_DEFAULT: ReadonlySet<string> = new Set([
  'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT',
  'GO_QUERY_RESULT_FORMAT',
]);

const isFormat = (value: Json | undefined): value is string =>
  typeof value === 'string' && /^(?:json|arrow)$/i.test(value);

/** What a client says about its results: the formats it names, and nothing else of `given`. Upper case. */
export function chosenFormats(given: JsonObject): Record<string, Json> {
  const chosen: Record<string, Json> = {};
  for (const [key, value] of Object.entries(given)) {
    const name = key.toUpperCase();
    if (isFormatParameter(name) && isFormat(value)) chosen[name] = value.toUpperCase();
  }
  return chosen;
}

export function isFormatParameter(name: string): boolean {
  return (FORMAT_PARAMETERS as readonly string[]).includes(name);
}

/** The formats of a session whose client chose some. */
export function sessionFormats(chosen: JsonObject = {}): Record<string, Json> {
  const defaults = FORMAT_PARAMETERS.map((name) => [name, ARROW_BY_DEFAULT.has(name) ? 'ARROW' : 'JSON'] as const);
  return { ...Object.fromEntries(defaults), ...chosenFormats(chosen) };
}

/** JSON whatever the session says: for statements the gateway reads itself. */
export function jsonFormats(): Record<string, Json> {
  return Object.fromEntries(FORMAT_PARAMETERS.map((name) => [name, 'JSON']));
}
