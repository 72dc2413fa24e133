import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GatewayError } from '../errors.js';
import { type Binding, bindingHash } from '../policy/binding.js';
import { type Decision, permitFor, permitInternal } from '../policy/index.js';
import { encodeParameters } from '../protocol/index.js';
import { type Recording, RecordingUnavailable, type RequestReceipt } from '../recording/index.js';
import { openSuiteRecording } from '../recording/recording-fixture.js';
import type { Endpoint } from './endpoint.js';
import type { TokenBox, UpstreamTokens } from './session-calls.js';
import { createSnowflake, type OutgoingStatement, type Snowflake } from './snowflake.js';
import { createTransport, type Transport } from './transport.js';

/** One request as it arrived. */
interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly body: Record<string, unknown>;
}

type Answer = (request: Arrived, response: ServerResponse) => void;

const json =
  (body: unknown, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const reset: Answer = (_request, response) => void response.destroy();
const cut: Answer = (_request, response) => {
  response.writeHead(200, { 'content-length': 1000 });
  response.write('{"data":', () => response.destroy());
};
const noJson: Answer = (_request, response) => void response.end('<html>busy</html>');

const RESULT = {
  queryId: 'upstream-1',
  rowtype: [{ name: 'ONE', type: 'fixed' }],
  rowset: [['1']],
  total: 1,
  returned: 1,
};
const done = json({ success: true, code: null, message: null, data: RESULT });
const pending = json({
  success: true,
  code: '333334',
  data: { getResultUrl: '/queries/abc-1/result', queryId: 'abc-1' },
});
const sayCode = (code: string): Answer => json({ success: false, code, message: 'no', data: { sqlState: '08001' } });
const renewed = json({ success: true, data: { sessionToken: 'token-2', masterToken: 'master-2' } });

let server: Server;
let transport: Transport;
let endpoint: Endpoint;
let arrived: Arrived[];
let script: Answer[];
let slept: number[];
let snowflake: Snowflake;
let recording: Recording;
let closeRecording: () => Promise<void>;
let stored: UpstreamTokens | undefined;

beforeAll(async () => {
  ({ recording, close: closeRecording } = await openSuiteRecording());
  server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = {
    connection: 'crm',
    account: 'ACME',
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  transport = createTransport();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await transport.close();
  await closeRecording();
});
beforeEach(() => {
  arrived = [];
  script = [];
  slept = [];
  stored = { token: 'token-1', masterToken: 'master-1', sessionId: '7', service: undefined };
  snowflake = createSnowflake({
    transport,
    clock: { nowMs: () => 1_000_000 },
    sleep: async (milliseconds) => void slept.push(milliseconds),
    maxBodyBytes: 100_000,
  });
});
afterEach(() => expect(script).toEqual([]));

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const url = new URL(request.url ?? '/', endpoint.origin);
  const text = Buffer.concat(parts).toString('utf8');
  const seen = {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    token: /^Snowflake Token="(.*)"$/.exec(request.headers.authorization ?? '')?.[1],
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
  arrived.push(seen);
  (script.shift() ?? done)(seen, response);
}

const BINDING: Binding = {
  connection: 'crm',
  account: 'ACME',
  canonicalText: 'SELECT 1 AS ONE',
  binds: undefined,
  parameters: undefined,
  role: 'ANALYST',
  warehouse: 'WH',
  database: 'CRM',
  schema: 'PUBLIC',
};
const ALLOWED: Decision = {
  verdict: 'allow',
  class: 'SELECT',
  objects: [],
  policyRevision: 'r1',
  reasons: [],
  masks: [],
  sourceMasks: [],
  outputs: undefined,
};

async function receiptFor(binding: Binding, kind: 'caller' | 'internal' = 'caller'): Promise<RequestReceipt> {
  const permit = kind === 'caller' ? permitFor(ALLOWED, binding) : permitInternal('catalogue', binding);
  const bodies = [{ name: 'sql', bytes: Buffer.from(binding.canonicalText) }];
  if (binding.binds !== undefined) bodies.push({ name: 'binds', bytes: Buffer.from(binding.binds) });
  return recording.recordRequest(permit, {
    kind: 'request',
    sessionId: 's',
    fields: { qid: randomUUID(), hash: bindingHash(binding) },
    bodies,
  });
}

const NO_PARAMETERS = { session: {}, statement: {} };

const statementOf = (more: Partial<OutgoingStatement> = {}): OutgoingStatement => ({
  binding: BINDING,
  bindings: undefined,
  keyBindings: undefined,
  describeOnly: false,
  claimedPurpose: 'reports',
  parameters: NO_PARAMETERS,
  queryContext: undefined,
  requestId: 'the-request',
  ...more,
});

const boxOf = (): TokenBox => {
  let current = stored ?? { token: '', masterToken: '', sessionId: '', service: undefined };
  return {
    current: () => current,
    async reload() {
      if (stored !== undefined) current = stored;
      return stored;
    },
    recordRenewal: () => Promise.resolve(),
    async replace(tokens) {
      stored = tokens;
      current = tokens;
    },
  };
};

const never = new AbortController().signal;
const forward = async (statement = statementOf(), signal = never, kind: 'caller' | 'internal' = 'caller') =>
  snowflake.forward(await receiptFor(statement.binding, kind), endpoint, boxOf(), statement, signal);
const denialOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.catch((caught: unknown) => caught);
  if (error instanceof GatewayError) return error.denial;
  throw new Error(`no denial: ${String(error)}`);
};

describe('forwarding', () => {
  test('sends the very text that was permitted, with the tag of its record, as one statement', async () => {
    const parameters = {
      session: { WEEK_START: 1 },
      statement: { TIMEZONE: 'UTC', MULTI_STATEMENT_COUNT: 0, QUERY_TAG: 'mine' },
    };
    const binding = { ...BINDING, parameters: encodeParameters(parameters) };
    const receipt = await receiptFor(binding);
    const statement = statementOf({ binding, parameters });
    expect(await snowflake.forward(receipt, endpoint, boxOf(), statement, never)).toMatchObject({
      kind: 'result',
      result: { inline: { format: 'json', bytes: Buffer.from('["1"]') } },
    });
    const [request] = arrived;
    expect(request).toMatchObject({ method: 'POST', path: '/queries/v1/query-request', token: 'token-1' });
    expect(request?.query.get('requestId')).toBe('the-request');
    expect(request?.body).toMatchObject({
      sqlText: BINDING.canonicalText,
      asyncExec: false,
      isInternal: false,
      parameters: { TIMEZONE: 'UTC', MULTI_STATEMENT_COUNT: 1 },
    });
    expect(request?.body['parameters']).not.toHaveProperty('WEEK_START');
    const tag = String((request?.body['parameters'] as { QUERY_TAG?: string } | undefined)?.QUERY_TAG);
    if (receipt.standing !== 'durable') throw new Error('the record is durable');
    expect(JSON.parse(tag)).toEqual({
      piste: 1,
      w: receipt.writer,
      i: receipt.index,
      r: receipt.leafHash,
      s: receipt.tagSignature,
      u: 'reports',
    });
  });

  const permitted: Binding = { ...BINDING, binds: '{"1":{"type":"TEXT","value":"a"}}' };
  const bindings = { 1: { type: 'TEXT', value: 'a' } };

  test.each<readonly [string, Partial<OutgoingStatement>, Partial<Endpoint>]>([
    ['another text', { binding: { ...permitted, canonicalText: 'SELECT 2 AS ONE' } }, {}],
    ['a blank more', { binding: { ...permitted, canonicalText: `${BINDING.canonicalText} ` } }, {}],
    ['another role', { binding: { ...permitted, role: 'SUPPORT' } }, {}],
    ['another schema', { binding: { ...permitted, schema: 'HR' } }, {}],
    ['no warehouse', { binding: { ...permitted, warehouse: undefined } }, {}],
    ['another value', { bindings: { 1: { type: 'TEXT', value: 'b' } } }, {}],
    [
      'another value in both places',
      {
        binding: { ...permitted, binds: '{"1":{"type":"TEXT","value":"b"}}' },
        bindings: { 1: { type: 'TEXT', value: 'b' } },
      },
      {},
    ],
    ['no values', { bindings: undefined }, {}],
    ['a parameter', { parameters: { session: {}, statement: { TIMEZONE: 'UTC' } } }, {}],
    ['a session with another parameter', { parameters: { session: { TIMEZONE: 'UTC' }, statement: {} } }, {}],
    ['another account', {}, { account: 'OTHER' }],
    ['another connection', {}, { connection: 'other' }],
  ])('refuses %s, and nothing leaves', async (_what, change, place) => {
    const receipt = await receiptFor(permitted);
    const statement = statementOf({ binding: permitted, bindings, ...change });
    await expect(snowflake.forward(receipt, { ...endpoint, ...place }, boxOf(), statement, never)).rejects.toThrow(
      'not the one that was permitted',
    );
    expect(arrived).toEqual([]);
    await snowflake.forward(receipt, endpoint, boxOf(), statementOf({ binding: permitted, bindings }), never);
    expect(arrived).toHaveLength(1);
  });

  test('refuses a receipt that only looks like one, and one over a permit that only looks like one', async () => {
    const receipt = await receiptFor(BINDING);
    const forged: unknown[] = [{ ...receipt }, JSON.parse(JSON.stringify(receipt)), Object.create(receipt)];
    for (const lookalike of forged) {
      await expect(
        snowflake.forward(lookalike as RequestReceipt, endpoint, boxOf(), statementOf(), never),
      ).rejects.toThrow('not the one that was permitted');
    }
    await expect(
      recording.recordRequest({ ...receipt.permit }, { kind: 'request', sessionId: 's', fields: {}, bodies: [] }),
    ).rejects.toThrow();
    expect(arrived).toEqual([]);
  });
});

describe('an answer that does not come', () => {
  test.each<readonly [string, readonly Answer[], number]>([
    ['one 503', [json({}, 503)], 2],
    ['a 429, then a 502', [json({}, 429), json({}, 502)], 3],
    ['a connection that dies', [reset], 2],
    ['a body that is cut', [cut], 2],
    ['a page instead of JSON', [noJson], 2],
    ['three of a kind', [reset, reset, reset], 4],
  ])('%s: the same request goes out again', async (_what, faults, attempts) => {
    script = [...faults, done];
    expect(await forward()).toMatchObject({ kind: 'result' });
    expect(arrived).toHaveLength(attempts);
    expect(
      new Set(arrived.map(({ query, body }) => `${String(query.get('requestId'))} ${JSON.stringify(body)}`)).size,
    ).toBe(1);
    expect(slept).toEqual([250, 1000, 3000].slice(0, attempts - 1));
  });

  test('four times is given up, and nobody says that nothing ran', async () => {
    script = [reset, json({}, 503), cut, reset];
    const denial = await denialOf(forward());
    expect(denial).toMatchObject({
      code: 'PISTE-1702',
      message: expect.stringContaining('unknown whether the statement ran'),
    });
    expect(arrived).toHaveLength(4);
  });

  test('because nobody listens is given up, and it is said that nothing ran', async () => {
    const receipt = await receiptFor(BINDING);
    const denial = await denialOf(
      snowflake.forward(receipt, { ...endpoint, origin: 'http://127.0.0.1:1' }, boxOf(), statementOf(), never),
    );
    expect(denial).toMatchObject({ code: 'PISTE-1702', message: expect.stringContaining('Nothing ran') });
  });

  test('to a statement of the gateway itself leaves nothing unknown', async () => {
    script = [reset, reset, reset, reset];
    expect((await denialOf(forward(statementOf(), never, 'internal'))).message).toContain('Nothing ran');
  });

  test('whole because it is too large is not asked for again', async () => {
    script = [json({ success: true, data: { ...RESULT, rowset: [['x'.repeat(200_000)]] } })];
    expect((await denialOf(forward())).code).toBe('PISTE-1503');
    expect(arrived).toHaveLength(1);
  });

  test('is read when it is packed, and a bomb is not', async () => {
    script = [(_request, response) => void response.end(gzipSync(JSON.stringify({ success: true, data: RESULT })))];
    expect(await forward()).toMatchObject({ kind: 'result' });
    script = [(_request, response) => void response.end(gzipSync(Buffer.alloc(5_000_000, 0x20)))];
    expect((await denialOf(forward())).code).toBe('PISTE-1503');
  });
});

describe('a statement that takes its time', () => {
  test('is polled where Snowflake says, with a pause between answers that come at once', async () => {
    script = [pending, pending, pending, done];
    expect(await forward()).toMatchObject({ kind: 'result' });
    expect(arrived.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array.from({ length: 3 }, () => 'GET /queries/abc-1/result'),
    );
    expect(slept).toEqual([100, 100]);
  });

  test.each([
    ['https://elsewhere.example/queries/x/result'],
    ['//elsewhere.example/queries/x/result'],
    ['/queries/x/result?redirect=y'],
    ['/queries/../session/result'],
    ['/monitoring/queries/x'],
  ])('is not followed to %s', async (getResultUrl) => {
    script = [json({ success: true, code: '333333', data: { getResultUrl, queryId: 'x' } })];
    expect(await forward()).toMatchObject({ kind: 'unusable' });
    expect(arrived).toHaveLength(1);
  });

  test('is cancelled at Snowflake under its own request id when the caller gives up', async () => {
    const controller = new AbortController();
    script = [
      pending,
      (_request, response) => {
        controller.abort(new Error('cancelled'));
        response.destroy();
      },
      json({ success: true }),
    ];
    await expect(forward(statementOf(), controller.signal)).rejects.toThrow();
    const last = arrived.at(-1);
    expect([last?.path, last?.body]).toEqual(['/queries/v1/abort-request', { requestId: 'the-request' }]);
  });
});

describe('tokens', () => {
  test('that expired are renewed, kept, and the request goes out again', async () => {
    script = [sayCode('390112'), renewed, done];
    expect(await forward()).toMatchObject({ kind: 'result' });
    expect(arrived.map(({ path, token }) => [path, token])).toEqual([
      ['/queries/v1/query-request', 'token-1'],
      ['/session/token-request', 'master-1'],
      ['/queries/v1/query-request', 'token-2'],
    ]);
    expect(arrived[1]?.body).toEqual({ oldSessionToken: 'token-1', requestType: 'RENEW' });
    expect(arrived[0]?.query.get('requestId')).toBe(arrived[2]?.query.get('requestId'));
    expect(stored).toMatchObject({ token: 'token-2', masterToken: 'master-2', sessionId: '7' });
  });

  test('are not renewed before that is recorded', async () => {
    const box = boxOf();
    const receipt = await receiptFor(BINDING);
    let seen: readonly string[] = [];
    script = [sayCode('390112'), renewed, done];
    const watched: TokenBox = {
      ...box,
      async recordRenewal() {
        seen = arrived.map(({ path }) => path);
      },
    };
    await snowflake.forward(receipt, endpoint, watched, statementOf(), never);
    expect(seen).toEqual(['/queries/v1/query-request']);
    script = [sayCode('390112')];
    const unrecorded: TokenBox = {
      ...boxOf(),
      recordRenewal: () => Promise.reject(new RecordingUnavailable('disk full')),
    };
    await expect(snowflake.forward(receipt, endpoint, unrecorded, statementOf(), never)).rejects.toThrow('disk full');
    expect(arrived).toHaveLength(4);
  });

  test('that cannot be renewed for want of a record while a statement runs do not say that nothing ran', async () => {
    const receipt = await receiptFor(BINDING);
    script = [pending, sayCode('390112')];
    const unrecorded: TokenBox = {
      ...boxOf(),
      recordRenewal: () => Promise.reject(new RecordingUnavailable('disk full')),
    };
    const denial = await denialOf(snowflake.forward(receipt, endpoint, unrecorded, statementOf(), never));
    expect(denial.message).toMatch(/may have run/);
  });

  test('that another gateway renewed already are taken from the store', async () => {
    const box = boxOf();
    const receipt = await receiptFor(BINDING);
    stored = { token: 'token-9', masterToken: 'master-9', sessionId: '7', service: undefined };
    script = [sayCode('390112'), done];
    await snowflake.forward(receipt, endpoint, box, statementOf(), never);
    expect(arrived.map(({ token }) => token)).toEqual(['token-1', 'token-9']);
  });

  test('are renewed once for many requests at a time', async () => {
    const answers: Answer = (request, response) => {
      if (request.path === '/session/token-request') renewed(request, response);
      else (request.token === 'token-1' ? sayCode('390112') : done)(request, response);
    };
    script = Array.from({ length: 13 }, () => answers);
    const box = boxOf();
    const receipts = await Promise.all(Array.from({ length: 6 }, () => receiptFor(BINDING)));
    await Promise.all(receipts.map((receipt) => snowflake.forward(receipt, endpoint, box, statementOf(), never)));
    expect(arrived.filter(({ path }) => path === '/session/token-request')).toHaveLength(1);
    script = [];
  });

  test.each([
    ['the renewal is refused', [sayCode('390112'), sayCode('390114')], /Nothing was executed/],
    ['the session is gone', [sayCode('390111')], /Nothing was executed/],
    ['the token is unknown', [sayCode('390104')], /Nothing was executed/],
    [
      'renewed tokens expire at once, again and again',
      [
        sayCode('390112'),
        renewed,
        sayCode('390112'),
        json({ success: true, data: { sessionToken: 't3', masterToken: 'm3' } }),
        sayCode('390112'),
      ],
      /Nothing was executed/,
    ],
    ['the session is lost while the statement runs', [pending, sayCode('390111')], /^(?!.*Nothing was executed)/],
  ] as const)('when %s the session has ended', async (_what, answers, words) => {
    script = [...answers];
    expect(await denialOf(forward())).toMatchObject({ code: 'PISTE-1006', message: expect.stringMatching(words) });
  });
});

describe('a login', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ].map(({ privateKey }) => privateKey);
  const credential = { type: 'KeyPair', user: 'svc', privateKeys: keys } as const;
  const login = {
    clientApp: 'JavaScript',
    clientVersion: '3.3.0',
    database: 'CRM',
    schema: undefined,
    warehouse: 'WH',
    role: '"odd role"',
    sessionParameters: { QUERY_TAG: 'x', QUOTED_IDENTIFIERS_IGNORE_CASE: true },
  };
  const welcome =
    (text: string): Answer =>
    (_request, response) =>
      void response.end(text);

  test('says who the client is, and keeps what reading statements depends on', async () => {
    script = [
      welcome(
        '{"success":true,"data":{"token":"t","masterToken":"m","sessionId":92233720368547758070,"parameters":[{"name":"SERVICE_NAME","value":"west"}],"sessionInfo":{"databaseName":"CRM","schemaName":null,"warehouseName":"WH","roleName":"odd role"}}}',
      ),
    ];
    expect(await snowflake.login(endpoint, credential, login)).toEqual({
      ok: true,
      login: {
        tokens: { token: 't', masterToken: 'm', sessionId: '92233720368547758070', service: 'west' },
        context: { database: 'CRM', schema: null, warehouse: 'WH', role: 'odd role' },
        parameters: [{ name: 'SERVICE_NAME', value: 'west' }],
        serverVersion: '9.0.0',
      },
    });
    const [request] = arrived;
    expect(Object.fromEntries(request?.query ?? [])).toMatchObject({
      databaseName: 'CRM',
      warehouse: 'WH',
      roleName: '"odd role"',
    });
    expect(request?.query.has('schemaName')).toBe(false);
    expect(request?.token).toBeUndefined();
    expect(request?.body['data']).toMatchObject({
      ACCOUNT_NAME: 'ACME',
      AUTHENTICATOR: 'SNOWFLAKE_JWT',
      LOGIN_NAME: 'SVC',
      CLIENT_APP_ID: 'JavaScript',
      SECONDARY_ROLES: 'NONE',
      SESSION_PARAMETERS: {
        QUERY_TAG: 'x',
        QUOTED_IDENTIFIERS_IGNORE_CASE: false,
        MULTI_STATEMENT_COUNT: 1,
        JDBC_QUERY_RESULT_FORMAT: 'JSON',
      },
    });
  });

  test('tries the next key when the first is refused, and says the code when all are', async () => {
    script = [sayCode('390144'), welcome('{"success":true,"data":{"token":"t","masterToken":"m","sessionId":1}}')];
    expect(await snowflake.login(endpoint, credential, login)).toMatchObject({ ok: true });
    const proofs = arrived.map(({ body }) => (body['data'] as { TOKEN: string }).TOKEN);
    expect(new Set(proofs).size).toBe(2);
    script = [sayCode('390144'), sayCode('390100')];
    expect(await snowflake.login(endpoint, credential, login)).toEqual({ ok: false, code: '390100' });
  });

  test('that meets nobody is PISTE-1702', async () => {
    script = [json({}, 503), json({}, 503)];
    expect(await denialOf(snowflake.login(endpoint, credential, login))).toMatchObject({
      code: 'PISTE-1702',
      message: expect.stringContaining('Nothing ran'),
    });
  });
});

test('heartbeat and logout use the session token', async () => {
  script = [json({ success: true, data: null }), json({ success: true, data: null })];
  expect(await snowflake.heartbeat(endpoint, boxOf())).toBe(true);
  await snowflake.logout(endpoint, boxOf());
  expect(arrived.map(({ path, token }) => [path, token])).toEqual([
    ['/session/heartbeat', 'token-1'],
    ['/session', 'token-1'],
  ]);
  expect(arrived[1]?.query.get('delete')).toBe('true');
});
