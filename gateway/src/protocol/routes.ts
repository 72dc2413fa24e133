/** A path of the driver protocol that the gateway answers itself. */
export type Route =
  | { readonly name: 'login' }
  | { readonly name: 'token-request' }
  | { readonly name: 'heartbeat' }
  | { readonly name: 'logout' }
  | { readonly name: 'query-request' }
  | { readonly name: 'abort-request' }
  | { readonly name: 'telemetry' }
  | { readonly name: 'query-result'; readonly queryId: string }
  | { readonly name: 'query-abort'; readonly queryId: string }
  | { readonly name: 'monitoring'; readonly queryId: string }
  | { readonly name: 'chunk'; readonly capability: string; readonly index: number };

const FIXED: Readonly<Record<string, Route>> = {
  'POST /session/v1/login-request': { name: 'login' },
  'POST /session/token-request': { name: 'token-request' },
  'POST /session/heartbeat': { name: 'heartbeat' },
  'POST /queries/v1/query-request': { name: 'query-request' },
  'POST /queries/v1/abort-request': { name: 'abort-request' },
  'POST /telemetry/send': { name: 'telemetry' },
  'POST /telemetry/send/sessionless': { name: 'telemetry' },
};

const QUERY_ID = '([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})';
const RESULT = new RegExp(`^GET /queries/${QUERY_ID}/result$`);
const ABORT = new RegExp(`^POST /queries/${QUERY_ID}/abort-request$`);
const MONITORING = new RegExp(`^GET /monitoring/queries/${QUERY_ID}$`);
const CHUNK = /^GET \/results\/([A-Za-z0-9_-]{43})\/(0|[1-9][0-9]{0,5})$/;

/** The route of a request, or undefined: every other path is refused. `path` is without the query string. */
export function matchRoute(method: string, path: string, query: URLSearchParams): Route | undefined {
  const line = `${method} ${path}`;
  if (Object.hasOwn(FIXED, line)) return FIXED[line];
  if (line === 'POST /session') return query.get('delete') === 'true' ? { name: 'logout' } : undefined;
  const result = RESULT.exec(line)?.[1];
  if (result !== undefined) return { name: 'query-result', queryId: result };
  const abort = ABORT.exec(line)?.[1];
  if (abort !== undefined) return { name: 'query-abort', queryId: abort };
  const monitoring = MONITORING.exec(line)?.[1];
  if (monitoring !== undefined) return { name: 'monitoring', queryId: monitoring };
  const [, capability, index] = CHUNK.exec(line) ?? [];
  if (capability !== undefined && index !== undefined) return { name: 'chunk', capability, index: Number(index) };
  return undefined;
}

const TOKEN_HEADER = /^Snowflake Token="([^"]{1,4096})"$/;

/** The token of `Authorization: Snowflake Token="…"`, or undefined. */
export function tokenOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : TOKEN_HEADER.exec(authorization)?.[1];
}
