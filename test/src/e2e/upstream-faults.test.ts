import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeDriver } from '../harness/node-driver.js';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, failureOf, loginByHand } from './callers.js';
import { outlineOf, recordsIn } from './records.js';

let playground: Playground;
let driver: NodeDriver;

beforeAll(async () => {
  playground = await startPlayground({
    standIn: { holdMilliseconds: 300, fileTransfer: 's3' },
    gatewayEnvironment: { PISTE_CATALOG_SECONDS: '3600' },
  });
  driver = await connectAgent(playground);
  // The descriptions are known from here on, so that a fault hits the statement and not the reading of the catalogue.
  await driver.execute('SELECT id FROM orders WHERE id < 0');
  await driver.execute('SELECT id FROM big WHERE id < 0');
}, 60_000);
afterAll(async () => {
  await driver?.close();
  await playground?.stop();
});
beforeEach(async () => await playground.standIn.reset());

const ran = async (text: string): Promise<number> => (await playground.history()).filter((entry) => entry.sqlText.includes(text)).length;

describe('a fault that passes is not seen by the driver', () => {
  test.each([
    ['one 503', { kind: 'status', target: 'query', status: 503 }, 0],
    ['three 503', { kind: 'status', target: 'query', status: 503, times: 3 }, 0],
    ['a 429', { kind: 'status', target: 'query', status: 429 }, 0],
    ['a connection that dies before', { kind: 'reset', target: 'query' }, 0],
    ['a connection that dies after', { kind: 'reset-after', target: 'query' }, 1],
    ['a body that is cut', { kind: 'truncate', target: 'query' }, 1],
    ['a late first byte', { kind: 'delay', target: 'query', delayMilliseconds: 800 }, 0],
  ] as const)('%s', async (what, fault, repeated) => {
    await playground.standIn.injectFault(fault);
    expect((await driver.execute(`SELECT '${what}' AS v`)).rows).toEqual([{ V: what }]);
    expect(await ran(what)).toBe(1);
    expect((await playground.standIn.counters()).repeatedRequests).toBe(repeated);
  });

  test('also while a statement is polled', async () => {
    await playground.standIn.holdNext('polled badly', 4);
    await playground.standIn.injectFault({ kind: 'status', target: 'result', status: 503 });
    await playground.standIn.injectFault({ kind: 'truncate', target: 'result' });
    await playground.standIn.injectFault({ kind: 'reset', target: 'result' });
    expect((await driver.execute("SELECT 'polled badly' AS v")).rows).toEqual([{ V: 'polled badly' }]);
    expect(await ran('polled badly')).toBe(1);
  });

  test('an insert is not run twice', async () => {
    await playground.standIn.injectFault({ kind: 'reset-after', target: 'query', times: 2 });
    const { statement } = await driver.execute('INSERT INTO orders (id) VALUES (91000)');
    expect(statement.getNumUpdatedRows()).toBe(1);
    expect((await driver.execute('SELECT COUNT(*) AS n FROM orders WHERE id = 91000')).rows).toEqual([{ N: 1 }]);
  });

  test.each([
    ['a 403 for a chunk', { kind: 'status', target: 'chunk', status: 403 }],
    ['a 500 for a chunk', { kind: 'status', target: 'chunk', status: 500 }],
    ['a chunk that is cut', { kind: 'truncate', target: 'chunk' }],
    ['a connection that dies during a chunk', { kind: 'reset-after', target: 'chunk' }],
  ] as const)('%s', async (_what, fault) => {
    await playground.standIn.injectFault(fault);
    const { rows } = await driver.execute('SELECT id FROM big, (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS four ORDER BY id');
    expect(rows).toHaveLength(20_000);
  });
});

describe('a fault that stays is told honestly', () => {
  test('when Snowflake refuses every attempt', async () => {
    await playground.standIn.injectFault({ kind: 'status', target: 'query', status: 503, times: 10 });
    const failure = await failureOf(driver.execute("SELECT 'refused throughout' AS v"));
    expect(failure).toMatchObject({ code: '861702', sqlState: '08001', message: expect.stringContaining('unknown whether the statement ran') });
    expect(await ran('refused throughout')).toBe(0);
  }, 20_000);

  test('and the session goes on afterwards', async () => {
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  });

  test('when a login cannot reach Snowflake', async () => {
    await playground.standIn.injectFault({ kind: 'status', target: 'login', status: 503, times: 10 });
    expect(await failureOf(connectAgent(playground))).toMatchObject({ code: '861702', sqlState: '08001' });
  }, 20_000);
});

describe('tokens of Snowflake that end', () => {
  test('are renewed in the middle of a session, without the driver knowing', async () => {
    await playground.standIn.expire('session-token');
    expect((await driver.execute("SELECT 'renewed' AS v")).rows).toEqual([{ V: 'renewed' }]);
    expect(await ran('renewed')).toBe(1);
    expect((await playground.standIn.counters()).renewals).toBe(1);
  });

  test('are renewed once for many statements at a time', async () => {
    await playground.standIn.expire('session-token');
    const texts = Array.from({ length: 12 }, (_, index) => `SELECT 'parallel ${index}' AS v`);
    const results = await Promise.all(texts.map((text) => driver.execute(text)));
    expect(results.map(({ rows }) => rows[0]?.['V'])).toEqual(texts.map((text) => /'(.*)'/.exec(text)?.[1]));
    expect((await playground.standIn.counters()).renewals).toBe(1);
  });

  test('are renewed in the middle of a poll', async () => {
    await playground.standIn.holdNext('mid poll', 12);
    const done = driver.execute("SELECT 'mid poll' AS v");
    done.catch(() => undefined);
    while ((await playground.standIn.counters()).polls < 2) await new Promise((resolve) => setImmediate(resolve));
    await playground.standIn.expire('session-token');
    expect((await done).rows).toEqual([{ V: 'mid poll' }]);
    expect((await playground.standIn.counters()).renewals).toBe(1);
    expect(await ran('mid poll')).toBe(1);
  });

  test('survive a lost answer to the renewal only as far as Snowflake lets them', async () => {
    const own = await connectAgent(playground);
    await playground.standIn.expire('session-token');
    await playground.standIn.injectFault({ kind: 'status', target: 'renew', status: 503, times: 2 });
    expect((await own.execute("SELECT 'patient' AS v")).rows).toEqual([{ V: 'patient' }]);
    await own.close();
  });

  test('for good end the session, and the driver is told to connect again', async () => {
    const own = await connectAgent(playground);
    await playground.standIn.expire('master-token');
    const failure = await failureOf(own.execute('SELECT 1'));
    expect(failure).toMatchObject({ code: '861006', message: expect.stringContaining('Retry: after connecting again') });
    expect((await failureOf(own.execute('SELECT 1'))).code).toBe(407002);
  });

  test('as when an administrator ended the session', async () => {
    driver = await connectAgent(playground);
    const own = await connectAgent(playground);
    await playground.standIn.expire('gone');
    expect((await failureOf(own.execute('SELECT 1'))).code).toBe('861006');
    expect((await failureOf(own.execute('SELECT 1'))).code).toBe(407002);
    driver = await connectAgent(playground);
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  });
});

describe('files', () => {
  test.each([
    'PUT file:///etc/passwd @~',
    'GET @~/x file:///tmp/',
    'put file:///tmp/a.csv @~/staged auto_compress=false',
    '/* harmless */ PUT file:///etc/passwd @~',
    "PUT 'file:///etc/passwd' @CRM.PUBLIC.S",
  ])('%s is refused before Snowflake hears of it', async (text) => {
    const wire = await loginByHand(playground);
    await playground.standIn.reset();
    const answer = await wire.run(text);
    expect(answer).toMatchObject({ success: false, code: '861204' });
    expect(JSON.stringify(answer)).not.toMatch(/stageInfo|creds|presigned|encryptionMaterial|UPLOAD/);
    expect((await playground.standIn.counters()).statements).toBe(0);
  });
});

describe('an answer in a form that is not passed on', () => {
  /** Stands before the stand-in and changes the answer to every statement that asks for it. */
  let relay: Server;
  let odd: Playground;
  let wire: WireClient;
  let change: ((body: Record<string, unknown>) => Record<string, unknown>) | undefined;

  beforeAll(async () => {
    let target = '';
    relay = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const sent = Buffer.concat(parts);
        const { authorization, accept } = request.headers;
        fetch(`${target}${request.url ?? ''}`, {
          method: request.method ?? 'GET',
          headers: { 'content-type': 'application/json', ...(authorization && { authorization }), ...(accept && { accept }) },
          ...(request.method === 'POST' ? { body: sent } : {}),
        })
          .then(async (answer) => {
            const text = await answer.text();
            const applies = change !== undefined && sent.includes('changed answer');
            const body = applies && change !== undefined ? JSON.stringify(change(JSON.parse(text) as Record<string, unknown>)) : text;
            response.writeHead(200, { 'content-type': 'application/json' }).end(body);
          })
          .catch(() => response.destroy());
      });
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as AddressInfo;
    odd = await startPlayground({
      resources: {},
      editResources: (name, text) => (name === 'connection.yaml' ? text.replace(/port: \d+/, `port: ${port}`) : text),
    });
    target = odd.standInUrl;
    wire = await loginByHand(odd);
  }, 60_000);
  afterAll(async () => {
    await odd?.stop();
    relay?.closeAllConnections();
    relay?.close();
  });

  type Data = Record<string, unknown>;
  const inData = (more: Data) => (body: Data): Data => ({ ...body, data: { ...(body['data'] as Data), ...more } });

  test.each<readonly [string, (body: Data) => Data, string, RegExp]>([
    ['Arrow', inData({ rowsetBase64: 'AAAA', rowset: undefined, queryResultFormat: 'arrow' }), '861702', /an Arrow result/],
    ['an upload', inData({ command: 'UPLOAD', src_locations: ['/etc/passwd'], stageInfo: { creds: { AWS_KEY_ID: 'AKIA-INVENTED' } } }), '861702', /a file transfer/],
    ['a presigned address', inData({ presignedUrls: ['https://storage.example/secret-signature'] }), '861702', /a file transfer/],
    ['several results', inData({ resultIds: 'a,b', resultTypes: '4096,4096' }), '861702', /several results/],
    ['another number of columns', inData({ rowset: [['1', '2']] }), '861702', /a malformed result/],
    ['a cell that is no text', inData({ rowset: [[{ nested: true }]] }), '861702', /a malformed result/],
    ['a column under another name', inData({ rowtype: [{ name: 'EMAIL', type: 'text', nullable: true, scale: null, precision: null }] }), '861403', /cannot mask/],
    ['a second column', inData({ rowtype: [{ name: 'V', type: 'text' }, { name: 'EMAIL', type: 'text' }], rowset: [['x', 'ada.brandt@example.com']] }), '861403', /cannot mask/],
    ['progress without a path', () => ({ success: true, code: '333333', message: null, data: { queryId: 'x' } }), '861702', /a pending answer without a result path/],
    ['progress at another place', () => ({ success: true, code: '333333', message: null, data: { getResultUrl: 'https://elsewhere.example/x' } }), '861702', /a pending answer without a result path/],
    ['a failure with an address in its words', () => ({ success: false, code: '091003', message: 'see https://storage.example/x?X-Amz-Signature=secret-signature', data: { sqlState: '22000' } }), '091003', /^see \[url withheld\]$/],
  ])('%s', async (_what, how, code, words) => {
    change = how;
    const answer = await wire.run("SELECT 'changed answer' AS v");
    expect(answer).toMatchObject({ success: false, code, message: expect.stringMatching(words) });
    expect(JSON.stringify(answer)).not.toMatch(/AAAA|AKIA|secret-signature|passwd|ada\.brandt|elsewhere/);
    const last = outlineOf(await recordsIn(odd.recordingDirectory)).at(-1);
    expect(last).toMatch(code === '091003' ? /^response failed/ : /^response\.withheld withheld/);
  });

  test('fields nobody knows are left out, known ones stay', async () => {
    change = inData({ surprise: { token: 'ver:3-hint:1-SECRET' }, total: 1, encryptionKey: 'x' });
    const answer = await wire.run("SELECT 'changed answer' AS v");
    expect(answer).toMatchObject({ success: true, data: { total: 1, rowset: [['changed answer']] } });
    expect(JSON.stringify(answer)).not.toMatch(/surprise|SECRET|encryptionKey/);
  });
});

describe('Snowflake that is gone', () => {
  test('is said to be gone, and the gateway lives', async () => {
    const gone = await startPlayground();
    try {
      const own = await connectAgent(gone);
      await gone.stopStandIn();
      const failure = await failureOf(own.execute('SELECT 1'));
      expect(failure).toMatchObject({ code: '861702', sqlState: '08001', message: expect.stringContaining('Nothing ran. Retry: after 30s') });
      expect((await failureOf(connectAgent(gone))).code).toBe('861702');
      expect((await fetch(`${gone.opsUrl}/livez`)).status).toBe(200);
      await own.close();
    } finally {
      await gone.stop();
    }
  }, 60_000);
});
