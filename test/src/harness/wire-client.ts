import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** An answer of the Snowflake protocol. `data` is left loose: tests look at single members. */
export type WireAnswer = {
  readonly data: Readonly<Record<string, unknown>>;
  readonly code: string | null;
  readonly message: string | null;
  readonly success: boolean;
};

/** What a login may carry besides the defaults. */
export type WireLogin = {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string>>;
};

/** One HTTP exchange; `status` is the HTTP status. */
export type WireExchange = { readonly status: number; readonly answer: WireAnswer };

/** Speaks the protocol byte by byte, for what no driver lets a test see. */
export type WireClient = {
  readonly url: string;
  readonly sessionToken: string;
  readonly masterToken: string;
  readonly login: WireAnswer;
  /** POST with the session token, gzip-compressed without saying so when `hiddenGzip` is set. */
  readonly post: (
    path: string,
    body?: unknown,
    options?: { readonly hiddenGzip?: boolean; readonly token?: string },
  ) => Promise<WireExchange>;
  readonly get: (path: string) => Promise<WireExchange>;
  /** One query request; further body fields in `more`. */
  readonly query: (
    sqlText: string,
    more?: Readonly<Record<string, unknown>>,
    requestId?: string,
  ) => Promise<WireAnswer>;
  /** Like `query`, but polls a statement in progress to its end. */
  readonly run: (sqlText: string, more?: Readonly<Record<string, unknown>>, requestId?: string) => Promise<WireAnswer>;
};

/** One POST without any session. */
export async function wirePost(
  url: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<WireExchange> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as WireAnswer };
}

/** Logs in by hand. @throws Error with Snowflake's code when the login is refused. */
export async function wireLogin(url: string, { fields, query = {} }: WireLogin): Promise<WireClient> {
  const path = `/session/v1/login-request?${new URLSearchParams({ requestId: randomUUID(), ...query }).toString()}`;
  const { answer } = await wirePost(url, path, {
    data: { ACCOUNT_NAME: 'ACME', CLIENT_APP_ID: 'PythonConnector', ...fields },
  });
  if (!answer.success) throw new Error(`${answer.code}: ${answer.message}`);
  const sessionToken = String(answer.data['token']);
  const authorization = (token: string) => ({ authorization: `Snowflake Token="${token}"` });
  const send = async (
    method: string,
    target: string,
    body?: Uint8Array<ArrayBuffer> | string,
    token = sessionToken,
  ): Promise<WireExchange> => {
    const headers = { accept: 'application/snowflake', 'content-type': 'application/json', ...authorization(token) };
    const response = await fetch(`${url}${target}`, { method, headers, ...(body !== undefined && { body }) });
    return { status: response.status, answer: (await response.json()) as WireAnswer };
  };
  const ask: WireClient['query'] = async (sqlText, more = {}, requestId = randomUUID()) =>
    (await send('POST', `/queries/v1/query-request?requestId=${requestId}`, JSON.stringify({ sqlText, ...more })))
      .answer;
  return {
    url,
    sessionToken,
    masterToken: String(answer.data['masterToken']),
    login: answer,
    post: async (target, body = {}, options = {}) => {
      const text = JSON.stringify(body);
      return await send(
        'POST',
        target,
        options.hiddenGzip === true ? new Uint8Array(gzipSync(text)) : text,
        options.token,
      );
    },
    get: async (target) => await send('GET', target),
    query: ask,
    run: async (...request) => {
      let found = await ask(...request);
      while (found.code === '333333' || found.code === '333334') {
        found = (await send('GET', String(found.data['getResultUrl']))).answer;
      }
      return found;
    },
  };
}
