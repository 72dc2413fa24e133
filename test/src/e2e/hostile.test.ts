import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openBundle, openFile } from '@piste/verifier';
import { runPiste } from '../demo/piste.js';
import { type WireAnswer, type WireClient, wireLogin } from '../harness/wire-client.js';
import { AGENT_CLAIMS, OWNER_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { connectApprover, eventually, loginByHand } from './callers.js';
import { openSocket, sendBytes } from './raw-http.js';
import { bytesIn, recordsIn } from './records.js';

let playground: Playground;
let wire: WireClient;
let stranger: WireClient;
/** Every answer of this file. */
const received: string[] = [];

beforeAll(async () => {
  playground = await startPlayground({
    gatewayEnvironment: { PISTE_MAX_BODY_BYTES: '1000000', PISTE_LOG_LEVEL: 'debug', PISTE_HOLD_SECONDS: '4' },
  });
  [wire, stranger] = await Promise.all([
    loginByHand(playground),
    loginByHand(playground, { subject: 'agent-2', claims: { ...AGENT_CLAIMS, delegator: 'somebody.else' } }),
  ]);
}, 60_000);
afterAll(async () => await playground?.stop());
beforeEach(async () => await playground.standIn.reset());

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly answer: WireAnswer;
}

/** One request with any body and headers; what comes back is kept for the search at the end. */
async function send(
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await fetch(`${playground.driverUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  const text = await response.text();
  received.push(JSON.stringify([...response.headers]), text);
  return { status: response.status, text, answer: JSON.parse(text) as WireAnswer };
}

const tokenHeader = (token: string) => ({ authorization: `Snowflake Token="${token}"` });
const own = () => tokenHeader(wire.sessionToken);
const QUERY = '/queries/v1/query-request?requestId=';
const freshQuery = () => `${QUERY}${crypto.randomUUID()}`;

async function isAlive(): Promise<void> {
  expect(await send('POST', freshQuery(), JSON.stringify({ sqlText: 'SELECT 1 AS one' }), own())).toMatchObject({
    status: 200,
    answer: { success: true, data: { rowset: [['1']] } },
  });
}

/** Runs `work` and returns the kinds of record it left. */
async function recordedDuring(
  work: () => Promise<void>,
): Promise<readonly { kind: string; code: unknown; op: unknown; outcome: unknown }[]> {
  const before = (await recordsIn(playground.recordingDirectory)).length;
  await work();
  return (await recordsIn(playground.recordingDirectory)).slice(before).map(({ leaf }) => ({
    kind: leaf.kind,
    code: leaf.fields['code'],
    op: leaf.fields['op'],
    outcome: leaf.fields['outcome'],
  }));
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a body that is none', () => {
  test.each<readonly [string, string | Uint8Array, RegExp]>([
    ['broken JSON', '{"sqlText": "SELECT 1"', /not JSON/],
    ['two values', '{} {}', /not JSON/],
    ['an array', '[1]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['a number', '42', /not a JSON object/],
    ['bytes that are no text', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), /not UTF-8/],
    ['something that only starts like gzip', new Uint8Array([0x1f, 0x8b, 1, 2, 3]), /starts like gzip/],
    ['cut gzip', gzipSync('{"sqlText":"SELECT 1"}').subarray(0, 20), /starts like gzip/],
    ['gzip of something else', gzipSync('hello'), /not JSON/],
    ['lists a hundred thousand levels deep', `{"sqlText": ${nested(100_000)}}`, /nested too deeply/],
    [
      'a query context just too deep',
      `{"sqlText": "SELECT 1", "queryContextDTO": {"entries": ${nested(63)}}}`,
      /nested too deeply/,
    ],
    ['more than allowed', `{"sqlText": "${'x'.repeat(1_100_000)}"}`, /too large/],
    ['a small bomb', gzipSync(Buffer.alloc(80_000_000, 0x20), { level: 9 }), /too large/],
  ])('%s is refused and recorded', async (_what, body, why) => {
    const left = await recordedDuring(async () => {
      expect(await send('POST', freshQuery(), body, own())).toMatchObject({
        status: 200,
        answer: { success: false, code: '861103', message: expect.stringMatching(why) },
      });
    });
    expect(left).toEqual([{ kind: 'request.refused', code: 'PISTE-1103', op: 'query-request', outcome: undefined }]);
    await isAlive();
  });
});

describe('a statement of the wrong shape', () => {
  const uuid = '6f1c4ee7-3c54-4c4e-9f0e-0d1f0e6a1c11';
  test.each<readonly [string, string, unknown]>([
    ['no request id', '/queries/v1/query-request', { sqlText: 'SELECT 1' }],
    ['a request id with a line break', `${QUERY}a%0d%0aSet-Cookie:x=1`, { sqlText: 'SELECT 1' }],
    ['a request id of a megabyte', `${QUERY}${'a'.repeat(7000)}`, { sqlText: 'SELECT 1' }],
    ['binds that are a list', `${QUERY}${uuid}`, { sqlText: 'SELECT ?', bindings: ['x'] }],
    ['a bind that is a number', `${QUERY}${uuid}`, { sqlText: 'SELECT ?', bindings: { 1: 5 } }],
    [
      'a bind whose value is an object',
      `${QUERY}${uuid}`,
      { sqlText: 'SELECT ?', bindings: { 1: { type: 'TEXT', value: { a: 1 } } } },
    ],
    [
      'binds on a stage',
      `${QUERY}${uuid}`,
      { sqlText: 'INSERT INTO orders (id) VALUES (?)', bindStage: '@SYSTEM$BIND/x' },
    ],
    ['a plan of Snowpark', `${QUERY}${uuid}`, { sqlText: '', dataframeAst: 'CgA=' }],
  ])('%s is refused and runs nothing', async (_what, path, body) => {
    const left = await recordedDuring(async () => {
      expect(await send('POST', path, JSON.stringify(body), own())).toMatchObject({
        status: 200,
        answer: { success: false, code: '861103' },
      });
    });
    expect(left.map(({ kind }) => kind)).toEqual(['request.refused']);
    expect((await playground.standIn.counters()).statements).toBe(0);
  });

  test.each<readonly [string, unknown]>([
    ['a text that is a number', { sqlText: 42 }],
    ['no text', {}],
    ['a text that is an object', { sqlText: { toString: 'SELECT 1' } }],
    ['a prototype', JSON.parse('{"__proto__": {"sqlText": "SELECT 1"}}')],
    ['parameters nobody may set', { sqlText: 'SELECT 1', parameters: { QUOTED_IDENTIFIERS_IGNORE_CASE: true } }],
    ['a parameter with a nested value', { sqlText: 'SELECT 1', parameters: { TIMEZONE: { a: 1 } } }],
    ['a NUL in the text', { sqlText: 'SELECT 1\u0000' }],
    ['a lone surrogate in the text', { sqlText: "SELECT '\ud800'" }],
  ])('%s is refused and runs nothing', async (_what, body) => {
    const { status, answer } = await send('POST', freshQuery(), JSON.stringify(body), own());
    expect({ status, success: answer.success, code: answer.code }).toEqual({
      status: 200,
      success: false,
      code: expect.stringMatching(/^86\d{4}$/),
    });
    expect((await playground.standIn.counters()).statements).toBe(0);
  });

  test('a request id that was used for something else is refused', async () => {
    const path = freshQuery();
    expect((await send('POST', path, JSON.stringify({ sqlText: 'SELECT 1' }), own())).answer.success).toBe(true);
    expect((await send('POST', path, JSON.stringify({ sqlText: 'SELECT 2' }), own())).answer).toMatchObject({
      success: false,
      code: '861103',
    });
    expect(
      (
        await send(
          'POST',
          path,
          JSON.stringify({ sqlText: 'SELECT 1', bindings: { 1: { type: 'TEXT', value: 'x' } } }),
          own(),
        )
      ).answer.success,
    ).toBe(false);
  });

  test('only so many statements of one session run at once', async () => {
    const busy = await loginByHand(playground);
    await playground.standIn.holdNext('many', 100);
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, index) => busy.query(`CREATE TABLE many_${index} (id int)`)),
    );
    const codes = answers.map(({ code }) => code);
    expect(codes.filter((code) => code === '333334').length).toBe(64);
    expect(codes.filter((code) => code === '861502').length).toBe(16);
    await busy.post('/session?delete=true');
    await eventually('the end of all that waited', async () => {
      const records = await recordsIn(playground.recordingDirectory);
      const cancelled = records.filter(({ leaf }) => leaf.kind === 'response' && leaf.fields['code'] === '000604');
      return cancelled.length === 64 ? true : undefined;
    });
  });
});

describe('a path that is not offered', () => {
  test.each([
    ['POST', '/api/v2/statements', 403],
    ['GET', '/api/v2/databases', 403],
    ['GET', '/', 403],
    ['GET', '/favicon.ico', 403],
    ['GET', '/metrics', 403],
    ['GET', '/stand-in/history', 403],
    ['GET', '/oauth/authorize', 403],
    ['POST', '/oauth/token-request', 403],
    ['GET', '/console/login', 403],
    ['GET', '/api/files/x', 403],
    ['GET', '/results/short/0', 403],
    ['GET', `/results/${'A'.repeat(43)}/-1`, 403],
    ['GET', `/results/${'A'.repeat(43)}/0/`, 403],
    ['GET', '/requests', 403],
    ['POST', '/session/authenticator-request', 200],
    ['POST', '/session', 200],
    ['POST', '/session?delete=false', 200],
    ['GET', '/session/v1/login-request', 200],
    ['PUT', '/queries/v1/query-request', 200],
    ['DELETE', '/queries/v1/query-request', 200],
    ['POST', '/queries/v1/query-request/', 200],
    ['POST', '/queries/v2/query-request', 200],
    ['POST', '/QUERIES/v1/query-request', 403],
    ['POST', '//queries/v1/query-request', 403],
    ['POST', '/queries/v1/query-request%00', 200],
    ['POST', '/queries%2fv1%2fquery-request', 403],
    ['GET', '/queries/not-an-id/result', 200],
    ['GET', '/queries/01b0c0de-0000-4000-8000-000000000001/result/../../../session', 200],
    ['GET', '/monitoring/queries/', 200],
    ['POST', '/telemetry/send/elsewhere', 200],
  ])('%s %s gets %i, an envelope and a record', async (method, path, status) => {
    const left = await recordedDuring(async () => {
      const text = await sendBytes(
        playground.driverUrl,
        `${method} ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: 2\r\n${Object.entries(
          own(),
        )
          .map(([name, value]) => `${name}: ${value}`)
          .join('\r\n')}\r\n\r\n{}`,
      );
      received.push(text);
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({
        success: false,
        code: '861102',
        message: expect.stringContaining('nothing was forwarded'),
      });
    });
    expect(left).toEqual([{ kind: 'request.refused', code: 'PISTE-1102', op: 'unknown', outcome: undefined }]);
    expect(await playground.standIn.counters()).toMatchObject({ statements: 0, logins: 0, polls: 0 });
  });
});

describe('a token that opens nothing', () => {
  const flipped = (token: string) => `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  test.each<readonly [string, () => Promise<Record<string, string>>, string]>([
    ['none', async () => ({}), '390104'],
    ['another scheme', async () => ({ authorization: `Bearer ${wire.sessionToken}` }), '390104'],
    ['no quotes', async () => ({ authorization: `Snowflake Token=${wire.sessionToken}` }), '390104'],
    [
      'a guess',
      async () => tokenHeader(`ps_${randomBytes(16).toString('hex')}_${randomBytes(32).toString('hex')}`),
      '390111',
    ],
    ['another secret for a real session', async () => tokenHeader(flipped(wire.sessionToken)), '390104'],
    ['a master token', async () => tokenHeader(wire.masterToken), '390104'],
    ['a master token dressed up', async () => tokenHeader(wire.masterToken.replace(/^pm/, 'ps')), '390104'],
    ['an OIDC token', async () => tokenHeader(await playground.mint('agent-1', AGENT_CLAIMS)), '390104'],
    ["a token of Snowflake's shape", async () => tokenHeader('ver:3-hint:1-AAAA'), '390104'],
    [
      'two tokens',
      async () => ({ authorization: `Snowflake Token="${wire.sessionToken}", Snowflake Token="x"` }),
      '390104',
    ],
  ])('%s', async (_what, headersOf, code) => {
    const headers = await headersOf();
    for (const [method, path] of [
      ['POST', freshQuery()],
      ['POST', '/session/heartbeat'],
      ['POST', '/session?delete=true'],
      ['POST', '/queries/v1/abort-request'],
      ['GET', '/queries/01b0c0de-0000-4000-8000-000000000001/result'],
      ['GET', '/monitoring/queries/01b0c0de-0000-4000-8000-000000000001'],
    ] as const) {
      const left = await recordedDuring(async () => {
        const sent = await send(method, path, method === 'POST' ? '{"sqlText":"SELECT 1"}' : undefined, headers);
        expect(sent).toMatchObject({ status: 200, answer: { success: false, code } });
      });
      expect(left.length).toBe(1);
    }
    expect(await playground.standIn.counters()).toMatchObject({ statements: 0, logouts: 0, heartbeats: 0 });
    await isAlive();
  });

  test('a session token renews nothing, and a renewal needs the master token', async () => {
    for (const token of [wire.sessionToken, flipped(wire.masterToken), 'x']) {
      const { answer } = await send('POST', '/session/token-request', '{"requestType":"RENEW"}', tokenHeader(token));
      expect(answer).toMatchObject({ success: false, code: '390114' });
    }
  });
});

describe("another principal's statements", () => {
  test('are not there: neither result nor status nor cancelling nor RESULT_SCAN', async () => {
    const { data } = await wire.run('SELECT city FROM customers WHERE id = 1');
    const id = String(data['queryId']);
    const unknown = crypto.randomUUID();
    for (const path of [`/queries/${id}/result`, `/queries/${unknown}/result`]) {
      expect((await send('GET', path, undefined, tokenHeader(stranger.sessionToken))).answer).toMatchObject({
        success: false,
        code: '861105',
        data: { sqlState: '02000' },
      });
    }
    for (const queryId of [id, unknown]) {
      expect(
        (await send('GET', `/monitoring/queries/${queryId}`, undefined, tokenHeader(stranger.sessionToken))).answer
          .data,
      ).toEqual({ queries: [] });
      expect(
        (await send('POST', `/queries/${queryId}/abort-request`, '{}', tokenHeader(stranger.sessionToken))).answer,
      ).toMatchObject({ success: false, code: '000605' });
    }
    expect((await stranger.run(`select * from table(result_scan('${id}'))`)).success).toBe(false);
    expect((await send('GET', `/queries/${id}/result`, undefined, own())).answer).toMatchObject({
      success: true,
      data: { rowset: [['Hamburg']] },
    });
  });

  test('that wait cannot be cancelled by their request id from another session', async () => {
    const requestId = crypto.randomUUID();
    const held = await wire.query('CREATE TABLE not_yours (id int)', {}, requestId);
    expect(held.code).toBe('333334');
    expect(
      (
        await send(
          'POST',
          '/queries/v1/abort-request',
          JSON.stringify({ requestId }),
          tokenHeader(stranger.sessionToken),
        )
      ).answer.code,
    ).toBe('000605');
    const owner = await connectApprover(playground);
    expect(await owner.find(/not_yours/)).toMatchObject({ state: 'pending' });
    expect((await send('POST', '/queries/v1/abort-request', JSON.stringify({ requestId }), own())).answer.success).toBe(
      true,
    );
  });

  test("one's own statements are found from another session of the same principal", async () => {
    const { data } = await wire.run('SELECT city FROM customers WHERE id = 2');
    const again = await loginByHand(playground);
    expect((await again.get(`/queries/${String(data['queryId'])}/result`)).answer).toMatchObject({
      success: true,
      data: { rowset: [['Zurich']] },
    });
  });
});

describe('parts of a large result', () => {
  test('are found by their own capability only', async () => {
    const { data } = await wire.run('SELECT id, payload FROM big');
    const chunks = data['chunks'] as readonly { url: string }[];
    expect(chunks.length).toBeGreaterThan(1);
    const [, capability = ''] = /\/results\/([^/]+)\/0$/.exec(chunks[0]?.url ?? '') ?? [];
    expect(capability).toHaveLength(43);
    const whole = await fetch(`${playground.driverUrl}/results/${capability}/0`);
    expect(whole.headers.get('content-type')).toBe('application/octet-stream');
    expect(await whole.text()).toMatch(/^\["\d+","row \d+ /);
    const swapped = `${capability.slice(0, -2)}${capability.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const path of [
      `/results/${capability}/${chunks.length}`,
      `/results/${swapped}/0`,
      `/results/${'_'.repeat(43)}/0`,
    ]) {
      const left = await recordedDuring(async () => {
        expect(await send('GET', path)).toMatchObject({ status: 404, answer: { success: false, code: '861105' } });
      });
      expect(left).toEqual([{ kind: 'request.refused', code: 'PISTE-1105', op: 'chunk', outcome: undefined }]);
    }
  });

  test('have addresses of the gateway, whatever the Host header says', async () => {
    const body = JSON.stringify({ sqlText: 'SELECT id, payload FROM big' });
    const text = await sendBytes(
      playground.driverUrl,
      `POST ${freshQuery()} HTTP/1.1\r\nhost: evil"/><x>\r\nconnection: close\r\ncontent-length: ${body.length}\r\nauthorization: Snowflake Token="${wire.sessionToken}"\r\n\r\n${body}`,
      20_000,
    );
    received.push(text);
    expect(text).toContain(`"url":"${playground.driverUrl}/results/`);
    expect(text).not.toContain('evil');
  });
});

describe('bytes that are no request', () => {
  test.each<readonly [string, string | Uint8Array]>([
    ['noise', randomBytes(4096)],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['an old protocol', 'GET /\r\n\r\n'],
    [
      'a proxy request',
      'GET http://127.0.0.1:1/session/v1/login-request HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    ],
    ['a tunnel', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['an upgrade', 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n'],
    ['two lengths', 'POST /session/heartbeat HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
    [
      'length and chunks',
      'POST /session/heartbeat HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG',
    ],
    ['a header that breaks its line', 'GET / HTTP/1.1\r\nhost: x\r\na: b\nc: d\r\nconnection: close\r\n\r\n'],
    ['headers without end', `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}`],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    const text = await sendBytes(playground.driverUrl, bytes, 2_000);
    received.push(text);
    expect(text).not.toMatch(/^HTTP\/1\.1 101/);
    expect(text).not.toContain('"success":true');
    expect(await playground.standIn.counters()).toMatchObject({ statements: 0, logins: 0, heartbeats: 0 });
    await isAlive();
  });

  test('a hundred connections of noise and half requests at once', async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => openSocket(playground.driverUrl)));
    try {
      for (const [index, socket] of slow.entries()) {
        if (index % 3 === 0) socket.write(randomBytes(500));
        else if (index % 3 === 1)
          socket.write(
            'POST /queries/v1/query-request?requestId=abcdefgh HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"sql',
          );
        else socket.write('POST /session/v1/login-request HTTP/1.1\r\nhost: x\r\n');
      }
      const startedMs = Date.now();
      for (let round = 0; round < 5; round += 1) await isAlive();
      // A head that does not end is given up after thirty seconds: until then all of them are still there.
      expect(Date.now() - startedMs).toBeLessThan(25_000);
    } finally {
      for (const socket of slow) socket.destroy();
    }
    await isAlive();
  });

  test('a caller that goes away in the middle of an answer', async () => {
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openSocket(playground.driverUrl)));
    for (const socket of sockets) {
      const body = JSON.stringify({ sqlText: 'SELECT id, payload FROM big' });
      socket.write(
        `POST ${freshQuery()} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\nauthorization: Snowflake Token="${wire.sessionToken}"\r\n\r\n${body}`,
      );
    }
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    for (const socket of sockets) socket.resetAndDestroy();
    await isAlive();
  });
});

test('swallows telemetry without a word to Snowflake', async () => {
  for (const path of ['/telemetry/send', '/telemetry/send/sessionless']) {
    expect(
      (await send('POST', path, JSON.stringify({ logs: [{ message: { token: 'x' } }] }), own())).answer.success,
    ).toBe(true);
  }
  expect((await playground.standIn.counters()).telemetry).toBe(0);
});

test('the surfaces stay apart: no approvals at the driver port, no statements at the others', async () => {
  const token = await playground.mint('dana.owner', OWNER_CLAIMS);
  expect(
    (await fetch(`${playground.driverUrl}/api/v1/requests`, { headers: { authorization: `Bearer ${token}` } })).status,
  ).toBe(403);
  for (const url of [playground.consoleUrl, playground.opsUrl]) {
    const response = await fetch(`${url}/queries/v1/query-request?requestId=abcdefgh`, {
      method: 'POST',
      headers: own(),
      body: '{"sqlText":"SELECT 1"}',
    });
    expect(response.status).toBe(404);
    await expect(
      wireLogin(url, { fields: { AUTHENTICATOR: 'OAUTH', TOKEN: await playground.mint('agent-1', AGENT_CLAIMS) } }),
    ).rejects.toThrow();
  }
});

test('no secret is in any answer, in the log, in the metrics or in the record', async () => {
  const { data } = await wire.run('SELECT id, payload FROM big');
  const part = (data['chunks'] as readonly { url: string }[])[0]?.url ?? '';
  await fetch(part);
  const privateKey = await readFile(join(playground.secretsDirectory, 'snowflake', 'private-key.pem'), 'utf8');
  const lines = privateKey.split('\n').filter((line) => line.length > 40);
  const hashKey = await readFile(join(playground.secretsDirectory, 'masking', 'hash-key'), 'utf8');
  const clientSecret = await readFile(join(playground.directory, 'console-secret'), 'utf8');
  const stateKey = await readFile(join(playground.directory, 'state-key'), 'utf8');
  const places: Readonly<Record<string, string>> = {
    answers: received.join('\n'),
    log: playground.gatewayOutput(),
    metrics: await (await fetch(`${playground.opsUrl}/metrics`)).text(),
    record: await bytesIn(playground.recordingDirectory),
    ...(await toldByCommands()),
  };
  expect(Object.values(places).every((text) => text.length > 1000)).toBe(true);
  const secrets: Readonly<Record<string, RegExp | string>> = {
    'a token of Snowflake': /ver:3-hint/,
    'an address of object storage': new RegExp(`:${playground.standInChunkPort}/`),
    'a header of object storage': /x-amz-server-side/i,
    'a proof of the key pair': /SNOWFLAKE_JWT/,
    'a private key': lines[3] ?? 'missing',
    'the hash key': hashKey.trim(),
    'the client secret': clientSecret.trim(),
    'the state key': stateKey.trim(),
    'a signed token': /eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}/,
  };
  const found: string[] = [];
  for (const [where, text] of Object.entries(places)) {
    for (const [what, secret] of Object.entries(secrets)) {
      if (typeof secret === 'string' ? text.includes(secret) : secret.test(text)) found.push(`${what} in the ${where}`);
    }
    // The session's own tokens go to the driver at its login and nowhere else.
    if (text.includes(wire.sessionToken) || text.includes(wire.masterToken))
      found.push(`a session token in the ${where}`);
    // So does the right to a part, with its result.
    if (where !== 'answers' && text.includes(part.split('/').at(-2) ?? 'missing'))
      found.push(`a right to a part in the ${where}`);
  }
  expect(found).toEqual([]);
}, 120_000);

/** What the commands make of the recording: exports with all bodies, the index of the search, a bundle, what is shown. */
async function toldByCommands(): Promise<Readonly<Record<string, string>>> {
  const { recordingDirectory: recording, directory } = playground;
  const made = join(directory, 'made');
  await mkdir(made);
  const sessions = new Set((await recordsIn(recording)).flatMap(({ leaf }) => leaf.strand?.sessionId ?? []));
  const [session = ''] = sessions;
  const runs = await Promise.all([
    ...['ocsf', 'har'].map((format) => runPiste('sessions', 'export', recording, session, '--format', format)),
    runPiste('sessions', 'export', recording, session, '--format', 'jsonl', '--bodies', 'text'),
    runPiste('sessions', 'show', recording, session, '--json'),
    runPiste('search', 'select', recording, '--json', '--index', join(made, 'index')),
    runPiste('audit', 'bundle', recording, '-o', join(made, 'bundle.zip')),
  ]);
  expect(runs.map(({ exitCode }) => exitCode)).toEqual(runs.map(() => 0));
  const bundle = await openFile(join(made, 'bundle.zip'));
  const opened = await openBundle('bundle', bundle);
  const unpacked: string[] = [];
  for (const { path } of opened.files) unpacked.push((await opened.readFile(path)).toString('latin1'));
  await bundle.close();
  return {
    'output of commands': runs.map(({ text }) => text).join('\n'),
    'index of the search': await readFile(join(made, 'index'), 'latin1'),
    bundle: unpacked.join('\n'),
  };
}
