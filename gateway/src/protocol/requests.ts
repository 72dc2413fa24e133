import { arrayAt, isJsonObject, type Json, type JsonObject, objectAt, stringifyJson, textAt } from './json.js';

/** What a driver sends to log in, reduced to what the gateway acts on. */
export interface LoginRequest {
  readonly account: string;
  readonly loginName: string | undefined;
  /** The credential text, from whichever field the authenticator uses; undefined when there is none. */
  readonly credential: string | undefined;
  readonly authenticator: 'OAUTH' | 'PROGRAMMATIC_ACCESS_TOKEN' | 'PASSWORD' | 'other';
  readonly clientApp: string;
  readonly clientVersion: string;
  readonly sessionParameters: JsonObject;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly warehouse: string | undefined;
  readonly role: string | undefined;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const MAX_NAME_CHARACTERS = 255;
const MAX_SQL_CHARACTERS = 1_048_576;
const REQUEST_ID = /^[0-9A-Za-z-]{8,64}$/;

/**
 * Body and query string of a login request. OAUTH, PROGRAMMATIC_ACCESS_TOKEN and the password field are three envelopes
 * for one thing, an OIDC token; Go sends a TOKEN without AUTHENTICATOR.
 */
export function parseLogin(body: JsonObject, query: URLSearchParams): Parsed<LoginRequest> {
  const data = objectAt(body, 'data');
  if (data === undefined) return { ok: false, why: 'data is missing' };
  const account = textAt(data, 'ACCOUNT_NAME');
  if (account === undefined || account === '' || account.length > MAX_NAME_CHARACTERS) {
    return { ok: false, why: 'data.ACCOUNT_NAME is missing' };
  }
  const context = { database: 'databaseName', schema: 'schemaName', warehouse: 'warehouse', role: 'roleName' } as const;
  for (const key of Object.values(context)) {
    if ((query.get(key)?.length ?? 0) > MAX_NAME_CHARACTERS) return { ok: false, why: `${key} is too long` };
  }
  const named = (key: string): string | undefined => query.get(key) || undefined;
  return {
    ok: true,
    value: {
      account,
      loginName: textAt(data, 'LOGIN_NAME'),
      ...credentialOf(data),
      clientApp: printable(textAt(data, 'CLIENT_APP_ID') ?? 'unknown'),
      clientVersion: printable(textAt(data, 'CLIENT_APP_VERSION') ?? '0'),
      sessionParameters: objectAt(data, 'SESSION_PARAMETERS') ?? {},
      database: named(context.database),
      schema: named(context.schema),
      warehouse: named(context.warehouse),
      role: named(context.role),
    },
  };
}

function credentialOf(data: JsonObject): Pick<LoginRequest, 'authenticator' | 'credential'> {
  const token = textAt(data, 'TOKEN');
  const password = textAt(data, 'PASSWORD');
  const name = textAt(data, 'AUTHENTICATOR')?.toUpperCase();
  switch (name) {
    case 'OAUTH':
      return { authenticator: 'OAUTH', credential: token };
    case 'PROGRAMMATIC_ACCESS_TOKEN':
      return { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', credential: token ?? password };
    case undefined:
    case 'SNOWFLAKE':
      return token === undefined
        ? { authenticator: 'PASSWORD', credential: password }
        : { authenticator: 'OAUTH', credential: token };
    default:
      return { authenticator: 'other', credential: undefined };
  }
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);

/** A statement as a driver submits it. */
export interface StatementRequest {
  readonly requestId: string;
  readonly sqlText: string;
  readonly asyncExec: boolean;
  readonly describeOnly: boolean;
  /** Bind values by placeholder; undefined when there are none. */
  readonly bindings: JsonObject | undefined;
  /** Statement parameters: client-controlled, filtered by policy before anything is forwarded. */
  readonly parameters: JsonObject;
  /** Opaque query context of earlier answers, relayed. */
  readonly queryContext: JsonObject | undefined;
}

/**
 * Body of a query request. Refuses forms in which the statement is not the text: staged binds, Snowpark plans.
 */
export function parseStatement(body: JsonObject, query: URLSearchParams): Parsed<StatementRequest> {
  const requestId = query.get('requestId') ?? query.get('request_id') ?? '';
  if (!REQUEST_ID.test(requestId)) return { ok: false, why: 'requestId is missing or malformed' };
  const sqlText = textAt(body, 'sqlText') ?? '';
  if (sqlText.length > MAX_SQL_CHARACTERS) return { ok: false, why: 'sqlText is longer than 1048576 characters' };
  if (isPresent(body['dataframeAst']))
    return { ok: false, why: 'dataframeAst is not read by this gateway; turn PYTHON_SNOWPARK_USE_AST off' };
  if (isPresent(body['bindStage']))
    return { ok: false, why: 'staged binds are not read by this gateway; send the values inline' };
  const bindings = body['bindings'];
  if (isPresent(bindings) && !isJsonObject(bindings)) return { ok: false, why: 'bindings is not an object' };
  if (isJsonObject(bindings) && !Object.values(bindings).every(isBinding))
    return { ok: false, why: 'a bind value is malformed' };
  return {
    ok: true,
    value: {
      requestId,
      sqlText,
      asyncExec: body['asyncExec'] === true,
      describeOnly: body['describeOnly'] === true,
      bindings: isJsonObject(bindings) && Object.keys(bindings).length > 0 ? bindings : undefined,
      parameters: objectAt(body, 'parameters') ?? {},
      queryContext: queryContextOf(body),
    },
  };
}

const isPresent = (value: Json | undefined): boolean => value !== undefined && value !== null && value !== '';

const isCell = (value: Json): boolean => value === null || typeof value === 'string';

function isBinding(value: Json): boolean {
  if (!isJsonObject(value) || typeof value['type'] !== 'string') return false;
  const cell = value['value'];
  return cell === undefined || isCell(cell) || (Array.isArray(cell) && cell.every(isCell));
}

function queryContextOf(body: JsonObject): JsonObject | undefined {
  const context = objectAt(body, 'queryContextDTO');
  if (context === undefined || arrayAt(context, 'entries') === undefined) return undefined;
  return stringifyJson(context).length <= 65_536 ? { entries: arrayAt(context, 'entries') ?? [] } : undefined;
}

/** The request id an abort names. */
export function parseAbort(body: JsonObject): Parsed<string> {
  const requestId = textAt(body, 'requestId') ?? '';
  return REQUEST_ID.test(requestId) ? { ok: true, value: requestId } : { ok: false, why: 'requestId is missing' };
}
