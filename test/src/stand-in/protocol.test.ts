import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { tableFromIPC } from 'apache-arrow';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';
import { type WireAnswer, type WireClient, wireLogin, wirePost } from '../harness/wire-client.js';

let standIn: StandInProgram;
const users = [
  { name: 'DEMO', password: 'demo-password' },
  { name: 'OTHER', password: 'other-password', accessTokens: ['other-token'] },
];

const logIn = async (fields: Readonly<Record<string, unknown>> = {}): Promise<WireClient> =>
  await wireLogin(standIn.url, {
    fields: { LOGIN_NAME: 'demo', PASSWORD: 'demo-password', ...fields },
    query: { databaseName: 'CRM', schemaName: 'PUBLIC' },
  });

beforeAll(async () => {
  standIn = await startStandInProgram({ users, holdMilliseconds: 150, fileTransfer: 's3' });
});
beforeEach(async () => await standIn.reset());
afterAll(async () => await standIn?.stop());

type Chunk = {
  readonly url: string;
  readonly rowCount: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
};
const chunksOf = (answer: WireAnswer) => (answer.data['chunks'] ?? []) as readonly Chunk[];
const headersOf = (answer: WireAnswer) => (answer.data['chunkHeaders'] ?? {}) as Readonly<Record<string, string>>;
const resultPath = (answer: WireAnswer) => String(answer.data['getResultUrl']);

describe('login and session endpoints', () => {
  test('a login answer has the fields drivers cannot do without', async () => {
    const { login } = await logIn({ SESSION_PARAMETERS: { QUERY_TAG: 'from login', AUTOCOMMIT: 'true' } });
    expect(login).toMatchObject({ code: null, message: null, success: true });
    expect(login.data).toMatchObject({
      sessionId: expect.any(Number),
      validityInSeconds: 3600,
      masterValidityInSeconds: 14_400,
      idToken: null,
    });
    const parameters = login.data['parameters'] as readonly { name: string; value: unknown }[];
    const byName = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
    expect(byName).toMatchObject({
      AUTOCOMMIT: true,
      CLIENT_RESULT_CHUNK_SIZE: 160,
      CLIENT_PREFETCH_THREADS: 4,
      QUERY_TAG: 'from login',
    });
  });

  test('refusals are HTTP 200 with a string code', async () => {
    const { status, answer } = await wirePost(standIn.url, '/session/v1/login-request', {
      data: { LOGIN_NAME: 'demo', PASSWORD: 'x' },
    });
    expect(status).toBe(200);
    expect(answer).toMatchObject({ success: false, code: '390100', data: { errorCode: '390100' } });
    expect((await standIn.counters()).failedLogins).toBe(1);
  });

  test('an access token belongs to its user', async () => {
    await expect(logIn({ PASSWORD: undefined, AUTHENTICATOR: 'OAUTH', TOKEN: 'other-token' })).rejects.toThrow(
      /^390144/,
    );
    const other = await logIn({
      LOGIN_NAME: undefined,
      PASSWORD: undefined,
      AUTHENTICATOR: 'OAUTH',
      TOKEN: 'other-token',
    });
    expect(other.login.data['displayUserName']).toBe('OTHER');
  });

  test('reads gzip bodies that no header announces', async () => {
    const client = await logIn();
    const { answer } = await client.post(
      `/queries/v1/query-request?requestId=${randomUUID()}`,
      { sqlText: 'show databases' },
      { hiddenGzip: true },
    );
    expect(answer.data['total']).toBe(1);
  });

  test('answers an unknown token with 390104 and a logged-out one with 390111', async () => {
    const client = await logIn();
    expect((await client.post('/session/heartbeat', {}, { token: 'unknown' })).answer).toMatchObject({
      success: false,
      code: '390104',
    });
    expect((await client.post('/session/heartbeat')).answer.success).toBe(true);
    expect((await client.post('/session?delete=true')).answer.success).toBe(true);
    expect((await client.post('/session/heartbeat')).answer).toMatchObject({ success: false, code: '390111' });
  });

  test('renews tokens until the master token ends', async () => {
    const client = await logIn();
    await standIn.expire('session-token', Number(client.login.data['sessionId']));
    expect(await client.run('select 1')).toMatchObject({ success: false, code: '390112' });
    const renewal = { oldSessionToken: client.sessionToken, requestType: 'RENEW' };
    const { answer } = await client.post('/session/token-request', renewal, { token: client.masterToken });
    expect(answer.data).toMatchObject({ sessionId: client.login.data['sessionId'], validityInSecondsST: 3600 });
    const fresh = String(answer.data['sessionToken']);
    expect((await client.post('/session/heartbeat', {}, { token: fresh })).answer.success).toBe(true);
    expect(await client.run('select 1')).toMatchObject({ code: '390112' });
    await standIn.expire('master-token', Number(client.login.data['sessionId']));
    const late = await client.post('/session/token-request', renewal, { token: String(answer.data['masterToken']) });
    expect(late.answer).toMatchObject({ success: false, code: '390114' });
  });

  test('an unknown path is 404, a control path needs no session', async () => {
    expect((await wirePost(standIn.url, '/api/v2/statements', {})).status).toBe(404);
    expect((await fetch(`${standIn.url}/stand-in/history`)).status).toBe(200);
  });
});

describe('query answers', () => {
  test('carry context, type id, version and the whole parameter list', async () => {
    const client = await logIn();
    const answer = await client.run('use schema hr');
    expect(answer.data).toMatchObject({
      finalDatabaseName: 'CRM',
      finalSchemaName: 'HR',
      finalWarehouseName: null,
      finalRoleName: 'SYSADMIN',
      statementTypeId: 17_154,
      version: 1,
      total: 1,
      returned: 1,
      queryResultFormat: 'json',
      rowset: [['Statement executed successfully.']],
    });
    expect(answer.data['queryId']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect((answer.data['parameters'] as unknown[]).length).toBeGreaterThan(40);
  });

  test.each([
    ['select 1', 4096],
    ['create temporary table type_ids (id int)', 24_576],
    ['insert into type_ids values (1)', 12_544],
    ['update type_ids set id = 2', 12_800],
    ['delete from type_ids', 13_056],
    ['show tables', 17_408],
    ['begin', 20_480],
    ["alter session set query_tag = 'x'", 16_640],
    ['copy into @~/f from customers', 14_080],
  ])('%s has statementTypeId %i', async (sqlText, typeId) => {
    const client = await logIn();
    await client.run('create temporary table if not exists type_ids (id int)');
    if (sqlText.startsWith('create')) await client.run('drop table type_ids');
    expect((await client.run(sqlText)).data['statementTypeId']).toBe(typeId);
  });

  test('an error has code, sqlState and query id in data', async () => {
    const client = await logIn();
    expect(await client.run('select * from missing')).toMatchObject({
      success: false,
      code: '002003',
      data: { errorCode: '002003', sqlState: '42S02', queryId: expect.any(String) },
    });
  });

  test('describeOnly gives columns and binds without running', async () => {
    const client = await logIn();
    const select = await client.run('select id, name from customers where id = ? and city = :2', {
      describeOnly: true,
    });
    expect(select.data).toMatchObject({
      numberOfBinds: 2,
      total: 0,
      rowtype: [
        { name: 'ID', type: 'fixed' },
        { name: 'NAME', type: 'text' },
      ],
    });
    const insert = await client.run('insert into orders (id) values (?)', { describeOnly: true });
    expect(insert.data).toMatchObject({ numberOfBinds: 1, arrayBindSupported: true });
    const count = await client.run('select count(*) from orders', {
      parameters: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' },
    });
    expect(count.data['rowset']).toEqual([['40']]);
  });

  test('binds of every type arrive as that type', async () => {
    const client = await logIn({ CLIENT_APP_ID: 'JavaScript' });
    const bindings = {
      1: { type: 'FIXED', value: '-12.50' },
      2: { type: 'TEXT', value: "it's; -- not SQL" },
      3: { type: 'BOOLEAN', value: 'true' },
      4: { type: 'DATE', value: '-86400000' },
      5: { type: 'TIME', value: '3723000000000' },
      6: { type: 'TIMESTAMP_NTZ', value: '-500000000' },
      7: { type: 'TIMESTAMP_TZ', value: '1577865600000000000 1560' },
      8: { type: 'BINARY', value: 'ff00' },
      9: { type: 'VARIANT', value: '{"a":1}', fmt: 'json' },
      10: { type: 'TEXT', value: null },
      11: { type: 'REAL', value: '1.5e3' },
    };
    const answer = await client.run('select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?', { bindings });
    expect(answer.data['rowset']).toEqual([
      [
        '-12.50',
        "it's; -- not SQL",
        '1',
        '-1',
        '3723.000000000',
        '-0.500000000',
        '1577865600.000000000 1560',
        'FF00',
        '{"a":1}',
        null,
        '1500',
      ],
    ]);
  });

  test('a missing bind is an error, not a null', async () => {
    const client = await logIn();
    expect(await client.run('select ?')).toMatchObject({ success: false, code: '002049' });
  });

  test('history keeps text, binds, tag and user', async () => {
    const client = await logIn({ SESSION_PARAMETERS: { QUERY_TAG: 'session tag' } });
    await client.run('select 1 as a');
    await client.run('select :1 as b', {
      bindings: { 1: { type: 'FIXED', value: '4' } },
      parameters: { QUERY_TAG: 'statement tag' },
      isInternal: true,
    });
    expect(await standIn.history()).toMatchObject([
      {
        sqlText: 'select 1 as a',
        user: 'DEMO',
        role: 'SYSADMIN',
        queryTag: 'session tag',
        status: 'SUCCESS',
        bindings: {},
        isInternal: false,
      },
      {
        sqlText: 'select :1 as b',
        queryTag: 'statement tag',
        bindings: { 1: { type: 'FIXED', value: '4' } },
        isInternal: true,
      },
    ]);
  });

  test('PUT can answer with a real-shaped transfer', async () => {
    const client = await logIn();
    const { data } = await client.run('put file:///tmp/x.csv @~');
    expect(data).toMatchObject({
      command: 'UPLOAD',
      statementTypeId: 28_930,
      stageInfo: { locationType: 'S3', creds: { AWS_KEY_ID: expect.any(String) } },
    });
  });
});

describe('JSON and Arrow', () => {
  const sqlText = `select column1::number(10,2) as small, column1::number(38,2) * 1e20::number(38,0) as large, 'é' || column1 as t
    from values (1.25), (null), (-3.5)`;

  test('every Arrow field has Snowflake’s metadata, and widths follow the values', async () => {
    const client = await logIn();
    const { data } = await client.run(sqlText);
    const table = tableFromIPC(Buffer.from(String(data['rowsetBase64']), 'base64'));
    expect(data['rowset']).toBeUndefined();
    expect(
      table.schema.fields.map(
        (field) => `${field.name} ${field.type} ${field.metadata.get('logicalType')} ${field.metadata.get('scale')}`,
      ),
    ).toEqual(['SMALL Int16 FIXED 2', 'LARGE Decimal[38e+2] FIXED 2', 'T Utf8 TEXT 0']);
    expect(table.getChild('SMALL')?.toJSON()).toEqual([125, null, -350]);
    expect(table.getChild('T')?.toJSON()).toEqual(['é1.25', null, 'é-3.50']);
  });

  test('a session or a statement can ask for JSON', async () => {
    const session = await logIn({ SESSION_PARAMETERS: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' } });
    expect((await session.run(sqlText)).data['rowset']).toEqual([
      ['1.25', '125000000000000000000.00', 'é1.25'],
      [null, null, null],
      ['-3.50', '-350000000000000000000.00', 'é-3.50'],
    ]);
    const statement = await (await logIn()).run('select 1', {
      parameters: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' },
    });
    expect(statement.data['queryResultFormat']).toBe('json');
  });

  test('an Arrow result without rows has no stream, and its columns in the row type', async () => {
    const { data } = await (await logIn()).run('select * from customers where false');
    expect(data).toMatchObject({ rowsetBase64: '', queryResultFormat: 'arrow', total: 0 });
    expect(data['rowtype']).toHaveLength(8);
  });
});

describe('chunks', () => {
  test('JSON chunks are rows without outer brackets, with exact sizes', async () => {
    const client = await logIn({ CLIENT_APP_ID: 'JavaScript' });
    const answer = await client.run('select id, payload from big order by id');
    const chunks = chunksOf(answer);
    expect(chunks.length).toBeGreaterThanOrEqual(3);
    const rows = [...(answer.data['rowset'] as string[][])];
    for (const chunk of chunks) {
      const response = await fetch(chunk.url, { headers: headersOf(answer) });
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(Number(response.headers.get('content-length'))).toBe(chunk.compressedSize);
      const text = await response.text();
      expect(Buffer.byteLength(text)).toBe(chunk.uncompressedSize);
      const parsed = JSON.parse(`[${text}]`) as string[][];
      expect(parsed).toHaveLength(chunk.rowCount);
      rows.push(...parsed);
    }
    expect(rows.map((row) => Number(row[0]))).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  });

  test('Arrow chunks are streams of their own', async () => {
    const answer = await (await logIn()).run('select id, payload from big order by id');
    const [chunk] = chunksOf(answer);
    const response = await fetch(chunk?.url ?? '', { headers: headersOf(answer) });
    expect(tableFromIPC(new Uint8Array(await response.arrayBuffer())).numRows).toBe(chunk?.rowCount);
  });

  test('without the chunk headers, or with a guessed address, nothing is served', async () => {
    const answer = await (await logIn()).run('select id, payload from big');
    const [chunk] = chunksOf(answer);
    expect((await fetch(chunk?.url ?? '')).status).toBe(403);
    expect((await fetch(new URL('/results/guessed', chunk?.url), { headers: headersOf(answer) })).status).toBe(404);
    expect(new URL(chunk?.url ?? '').port).toBe(String(standIn.chunkPort));
  });
});

test('chunks can be guarded by the SSE-C headers of qrmk instead', async () => {
  const guarded = await startStandInProgram({ chunkGuard: 'qrmk' });
  try {
    const client = await wireLogin(guarded.url, {
      fields: { LOGIN_NAME: 'demo', PASSWORD: 'demo-password' },
      query: { databaseName: 'CRM' },
    });
    const answer = await client.run('select * from big');
    expect(answer.data['chunkHeaders']).toBeUndefined();
    const prefix = 'x-amz-server-side-encryption-customer';
    const url = chunksOf(answer)[0]?.url ?? '';
    const key = String(answer.data['qrmk']);
    const good = await fetch(url, { headers: { [`${prefix}-algorithm`]: 'AES256', [`${prefix}-key`]: key } });
    const bad = await fetch(url, { headers: { [`${prefix}-algorithm`]: 'AES256', [`${prefix}-key`]: 'guess' } });
    expect([good.status, bad.status]).toEqual([200, 403]);
  } finally {
    await guarded.stop();
  }
});

describe('progress, cancel and idempotency', () => {
  test('a long statement is answered in progress and polled to its end', async () => {
    const client = await logIn();
    const begun = await client.query("select system$wait(400, 'milliseconds') as w");
    expect(begun).toMatchObject({ success: true, code: '333333' });
    let { answer } = await client.get(resultPath(begun));
    while (answer.code === '333334') ({ answer } = await client.get(resultPath(answer)));
    expect(answer).toMatchObject({ success: true, code: null });
  });

  test('asyncExec returns at once; monitoring tells when it is done', async () => {
    const client = await logIn();
    const begun = await client.query('select system$wait(2)', { asyncExec: true });
    expect(begun.code).toBe('333334');
    const id = String(begun.data['queryId']);
    const status = async () =>
      (
        (await client.get(`/monitoring/queries/${id}`)).answer.data['queries'] as readonly Record<string, unknown>[]
      )[0]?.['status'];
    expect(await status()).toBe('RUNNING');
    let { answer } = await client.get(`/queries/${id}/result`);
    while (answer.code === '333334') ({ answer } = await client.get(`/queries/${id}/result`));
    expect(await status()).toBe('SUCCESS');
    expect((await client.get(`/monitoring/queries/${randomUUID()}`)).answer.data['queries']).toEqual([]);
  });

  test('cancels by request id and by query id; what does not run is 000605', async () => {
    const client = await logIn();
    const requestId = randomUUID();
    const running = client.query('select system$wait(30)', {}, requestId);
    await running;
    expect((await client.post('/queries/v1/abort-request', { requestId })).answer.success).toBe(true);
    const { answer } = await client.get(resultPath(await running));
    expect(answer).toMatchObject({ success: false, code: '000604', data: { sqlState: '57014' } });
    expect((await client.post('/queries/v1/abort-request', { requestId })).answer.code).toBe('000605');
    const second = await client.query('select count(*) from range(100000000000) a', {});
    const id = String(second.data['queryId']);
    expect((await client.post(`/queries/${id}/abort-request`)).answer.success).toBe(true);
    expect((await client.get(`/queries/${id}/result`)).answer.code).toBe('000604');
  });

  test('the same request id runs once, also while the first still runs', async () => {
    const client = await logIn();
    await client.run('create temporary table once (id int)');
    const requestId = randomUUID();
    const sqlText = "insert into once select 1 where system$wait(50, 'milliseconds') is not null";
    const [first, second] = await Promise.all([client.run(sqlText, {}, requestId), client.run(sqlText, {}, requestId)]);
    expect(second.data['queryId']).toBe(first.data['queryId']);
    expect((await client.run('an unrelated text', {}, requestId)).data['queryId']).toBe(first.data['queryId']);
    expect(
      (
        await client.run('select count(*) from once', {
          parameters: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' },
        })
      ).data['rowset'],
    ).toEqual([['1']]);
    expect((await standIn.counters()).repeatedRequests).toBe(2);
  });

  test('another user can neither read, watch nor cancel a query', async () => {
    const owner = await logIn();
    const begun = await owner.query('select system$wait(1)', { asyncExec: true });
    const id = String(begun.data['queryId']);
    const other = await logIn({ LOGIN_NAME: 'other', PASSWORD: 'other-password' });
    expect((await other.get(`/queries/${id}/result`)).answer).toMatchObject({ success: false, code: '000709' });
    expect((await other.get(`/monitoring/queries/${id}`)).answer.data['queries']).toEqual([]);
    expect((await other.post(`/queries/${id}/abort-request`)).answer.code).toBe('000605');
    expect(await other.run(`select * from table(result_scan('${id}'))`)).toMatchObject({ code: '000709' });
  });

  test('several statements give child ids whose results are fetched one by one', async () => {
    const client = await logIn({ CLIENT_APP_ID: 'JavaScript' });
    const parent = await client.run('select 1 as a; show databases', { parameters: { MULTI_STATEMENT_COUNT: 2 } });
    expect(parent.data).toMatchObject({ statementTypeId: 40_960, resultTypes: '4096,17408' });
    const [first] = String(parent.data['resultIds']).split(',');
    expect((await client.get(`/queries/${first}/result`)).answer.data['rowset']).toEqual([['1']]);
  });
});

describe('injected faults', () => {
  test('truncate and delay hit the next matching request only', async () => {
    const client = await logIn();
    await standIn.injectFault({ kind: 'truncate', target: 'query' });
    await expect(client.query('select 1')).rejects.toThrow();
    expect((await client.run('select 1')).success).toBe(true);
    await standIn.injectFault({ kind: 'delay', target: 'query', delayMilliseconds: 200 });
    const before = Date.now();
    await client.run('select 2');
    expect(Date.now() - before).toBeGreaterThanOrEqual(190);
  });

  test('a status fault executes nothing', async () => {
    const client = await logIn();
    await standIn.injectFault({ kind: 'status', target: 'query', status: 429 });
    await expect(client.query('select 3')).rejects.toThrow();
    expect(await standIn.history()).toEqual([]);
  });
});

test('answers are compressed for those who ask', async () => {
  const { request } = await import('node:http');
  const body = await new Promise<Buffer>((resolve, reject) => {
    const sent = request(
      `${standIn.url}/session/v1/login-request`,
      { method: 'POST', headers: { 'accept-encoding': 'gzip' } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
      },
    );
    sent.on('error', reject).end('{}');
  });
  expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ success: false });
});
