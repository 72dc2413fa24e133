import { generateKeyPairSync } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runPiste } from '../demo/piste.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { wireLogin } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import type { Fault } from '../stand-in/index.js';
import { connectAgent, eventually, failureOf, loginByHand } from './callers.js';
import { bytesIn, outlineOf, recordsIn } from './records.js';
import { type Relay, startRelay } from './relay.js';

let playground: Playground;
let relay: Relay;
/** Of every gateway that was started here: one registry names them all. */
const recordings: string[] = [];

beforeAll(async () => {
  playground = await startPlayground({ standIn: { fileTransfer: 's3', holdMilliseconds: 200 } });
  recordings.push(playground.recordingDirectory);
  relay = await startRelay(playground.standInUrl);
  const file = join(playground.resourcesDirectory, 'connection.yaml');
  const relayed = (await readFile(file, 'utf8'))
    .replace('name: crm }', 'name: relayed }')
    .replace(/port: \d+/, `port: ${relay.port}`);
  await writeFile(join(playground.resourcesDirectory, 'relayed.yaml'), relayed);
  await eventually('the second connection', async () =>
    /"connections":2/.test(playground.gatewayOutput()) ? true : undefined,
  );
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await relay?.cut();
});
beforeEach(async () => await playground.standIn.reset());

const connect = (): Promise<NodeDriver> => connectAgent(playground, { options: { account: 'crm' } });
const connectRelayed = (): Promise<NodeDriver> => connectAgent(playground, { options: { account: 'relayed' } });
const loginRelayed = () => loginByHand(playground, { options: { ACCOUNT_NAME: 'relayed' } });

let lastOrder = 80_000;
/** An INSERT that can be counted, and the catalogue already loaded for it: the fault then meets the statement itself. */
async function nextInsert(
  driver: NodeDriver,
): Promise<{ readonly text: string; readonly count: () => Promise<unknown> }> {
  lastOrder += 1;
  const id = lastOrder;
  await driver.execute('SELECT id FROM orders LIMIT 1');
  return {
    text: `INSERT INTO orders (id) VALUES (${id})`,
    count: async () =>
      (await driver.execute('SELECT COUNT(*) AS n FROM orders WHERE id = ?', { binds: [id] })).rows[0]?.['N'],
  };
}

const arrivals = async (pattern: RegExp) =>
  (await playground.history()).filter(({ sqlText, isInternal }) => !isInternal && pattern.test(sqlText));

describe('a fault on the way to the account', () => {
  let driver: NodeDriver;
  beforeAll(async () => {
    driver = await connect();
  });
  afterAll(async () => await driver?.close());

  const FAULTS: readonly (readonly [string, Fault, number])[] = [
    ['an answer 503', { kind: 'status', target: 'query' }, 0],
    ['an answer 504', { kind: 'status', target: 'query', status: 504 }, 0],
    ['an answer 429', { kind: 'status', target: 'query', status: 429 }, 0],
    ['a connection that dies before the statement ran', { kind: 'reset', target: 'query' }, 0],
    ['a connection that dies after the statement ran', { kind: 'reset-after', target: 'query' }, 1],
    ['an answer cut in half', { kind: 'truncate', target: 'query' }, 1],
    ['a late first byte', { kind: 'delay', target: 'query', delayMilliseconds: 1500 }, 0],
    ['two connections that die', { kind: 'reset-after', target: 'query', times: 2 }, 2],
  ];

  test.each(FAULTS)('%s is not seen by the driver, and the statement runs once', async (_what, fault, repeated) => {
    const insert = await nextInsert(driver);
    await playground.standIn.reset();
    await playground.standIn.injectFault(fault);
    const { statement } = await driver.execute(insert.text);
    expect(statement.getNumUpdatedRows()).toBe(1);
    expect(await arrivals(/INSERT INTO/)).toHaveLength(1);
    expect((await playground.standIn.counters()).repeatedRequests).toBe(repeated);
    expect(await insert.count()).toBe(1);
  });

  test.each<readonly [string, Fault]>([
    ['503', { kind: 'status', target: 'result' }],
    ['a dead connection', { kind: 'reset', target: 'result' }],
    ['half an answer', { kind: 'truncate', target: 'result' }],
  ])('a poll that meets %s is repeated', async (_what, fault) => {
    await playground.standIn.holdNext('polled', 2);
    await playground.standIn.injectFault(fault);
    expect((await driver.execute("SELECT 'polled' AS v")).rows).toEqual([{ V: 'polled' }]);
    expect(await arrivals(/polled/)).toHaveLength(1);
  });

  test('every attempt carries the same request id', async () => {
    const relayed = await connectRelayed();
    const before = relay.passed.length;
    await playground.standIn.injectFault({ kind: 'reset', target: 'query', times: 2 });
    await relayed.execute("SELECT 'again' AS v");
    const attempts = relay.passed.slice(before).filter(({ body }) => body.includes('again'));
    expect(attempts).toHaveLength(3);
    expect(new Set(attempts.map(({ requestId }) => requestId)).size).toBe(1);
    await relayed.close();
  });

  test('an account that keeps failing is given up, nobody claims that nothing ran, and the same request again runs nothing', async () => {
    const insert = await nextInsert(driver);
    const wire = await loginByHand(playground, { options: { ACCOUNT_NAME: 'crm' } });
    await wire.run('SELECT id FROM orders LIMIT 1');
    await playground.standIn.injectFault({ kind: 'reset-after', target: 'query', times: 4 });
    const requestId = crypto.randomUUID();
    const first = await wire.run(insert.text, {}, requestId);
    expect(first).toMatchObject({
      code: '861702',
      data: { sqlState: '08001' },
      message: expect.stringMatching(/unknown whether the statement ran\. Retry: no, check its effect first/),
    });
    expect(await wire.run(insert.text, {}, requestId)).toEqual(first);
    expect(await insert.count()).toBe(1);
    expect(await arrivals(/INSERT INTO/)).toHaveLength(1);
  });

  test('a catalogue that cannot be read leaves the statement unsent, and that is said', async () => {
    const own = await connect();
    // Tables and columns are asked for at the same time.
    await playground.standIn.injectFault({ kind: 'status', target: 'query', times: 8 });
    const failure = await failureOf(own.execute('SELECT id FROM customers'));
    expect(failure).toMatchObject({ code: '861702', message: expect.stringMatching(/Nothing ran\. Retry: after 30s/) });
    expect(await arrivals(/FROM/)).toEqual([]);
    const refused = (await recordsIn(playground.recordingDirectory)).findLast(
      ({ leaf }) => leaf.kind === 'request.refused',
    );
    expect(refused?.leaf.fields).toMatchObject({ op: 'query', code: '861702' });
    expect(refused?.bodies.get('submitted')?.toString('utf8')).toBe('SELECT id FROM customers');
    await playground.standIn.reset();
    expect((await own.execute('SELECT COUNT(*) AS n FROM customers')).rows).toEqual([{ N: 12 }]);
    await own.close();
  });
});

describe('a login', () => {
  test.each<readonly [string, Fault]>([
    ['503', { kind: 'status', target: 'login' }],
    ['a dead connection', { kind: 'reset', target: 'login' }],
    ['half an answer', { kind: 'truncate', target: 'login' }],
  ])('survives %s', async (_what, fault) => {
    await playground.standIn.injectFault(fault);
    const driver = await connect();
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
    await driver.close();
  });

  test('that meets an account out of reach says that nothing ran', async () => {
    await playground.standIn.injectFault({ kind: 'status', target: 'login', times: 2 });
    const failure = await failureOf(connect());
    expect(failure).toMatchObject({ code: '861702', message: expect.stringMatching(/Nothing ran\. Retry: after 30s/) });
  });

  test('with a key the account does not know is refused without showing it', async () => {
    const secrets = join(playground.directory, 'other-secrets');
    await cp(playground.secretsDirectory, secrets, { recursive: true });
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    await writeFile(join(secrets, 'snowflake', 'private-key.pem'), key);
    const other = await playground.startGateway('wrong-key', { PISTE_SECRETS_DIR: secrets });
    recordings.push(other.recordingDirectory);
    const failure = await failureOf(connectAgent(playground, { url: other.driverUrl, options: { account: 'crm' } }));
    expect(failure).toMatchObject({
      code: '861702',
      sqlState: '08001',
      message: expect.stringMatching(/could not log in to Snowflake with its own credential\. Nothing was executed/),
    });
    expect(failure.message).not.toMatch(/eyJ|PRIVATE|PISTE_SVC|SHA256/);
    expect(await playground.standIn.counters()).toMatchObject({ logins: 0, failedLogins: 1 });
    expect(other.output()).toMatch(/"Snowflake refused the gateway"/);
    expect(other.output()).not.toMatch(/eyJ|PRIVATE KEY/);
    const records = await recordsIn(other.recordingDirectory);
    expect(outlineOf(records).slice(-2)).toEqual([
      'control login admitted',
      'session.refused upstream-refused PISTE-1702',
    ]);
    expect(await bytesIn(other.recordingDirectory)).not.toMatch(/eyJ[A-Za-z0-9_-]*\.|PRIVATE KEY/);
    await other.stop();
  });
});

describe('tokens of Snowflake that end', () => {
  let driver: NodeDriver;
  beforeEach(async () => {
    driver = await connect();
  });
  afterEach(async () => await driver.close());

  test('an expired session token is renewed and the driver sees nothing', async () => {
    await playground.standIn.expire('session-token');
    expect((await driver.execute('SELECT COUNT(*) AS n FROM customers')).rows).toEqual([{ N: 12 }]);
    expect(await playground.standIn.counters()).toMatchObject({ renewals: 1, logins: 1 });
    expect(await arrivals(/COUNT/)).toHaveLength(1);
  });

  test('in the middle of a poll too', async () => {
    await playground.standIn.holdNext('long', 10);
    const done = driver.execute("SELECT 'long' AS v");
    await eventually('the first poll', async () =>
      (await playground.standIn.counters()).polls > 0 ? true : undefined,
    );
    await playground.standIn.expire('session-token');
    expect((await done).rows).toEqual([{ V: 'long' }]);
    expect((await playground.standIn.counters()).renewals).toBe(1);
    expect(await arrivals(/long/)).toHaveLength(1);
  });

  test('is renewed once for many statements at a time', async () => {
    await playground.standIn.expire('session-token');
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => driver.execute(`SELECT ${n} AS n`)));
    expect(answers.map(({ rows }) => rows[0]?.['N'])).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await playground.standIn.counters()).renewals).toBe(1);
  });

  test('a renewal that is refused at the door is tried again', async () => {
    await playground.standIn.expire('session-token');
    await playground.standIn.injectFault({ kind: 'status', target: 'renew' });
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  });

  test('a heartbeat renews as well', async () => {
    const wire = await loginByHand(playground, { options: { ACCOUNT_NAME: 'crm' } });
    await playground.standIn.expire('session-token');
    expect((await wire.post('/session/heartbeat')).answer.success).toBe(true);
    expect((await playground.standIn.counters()).renewals).toBeGreaterThan(0);
  });

  test.each(['gone', 'master-token'] as const)(
    'a session that ends for good (%s) is said to have ended, and a new one works',
    async (what) => {
      await driver.execute('SELECT id FROM customers');
      await playground.standIn.expire(what);
      const failure = await failureOf(driver.execute('SELECT id FROM customers'));
      expect(failure).toMatchObject({
        code: '861006',
        sqlState: '28000',
        message: expect.stringMatching(/session has ended.*Nothing was executed\. Retry: after connecting again/),
      });
      const fresh = await connect();
      expect((await fresh.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
      await fresh.close();
    },
  );

  test.each(['gone', 'master-token'] as const)(
    'a session that ends while a statement runs (%s) does not claim that nothing was executed',
    async (what) => {
      const insert = await nextInsert(driver);
      // What came before may have been polled for, too.
      await playground.standIn.reset();
      await playground.standIn.holdNext('INSERT INTO', 100);
      const done = failureOf(driver.execute(insert.text));
      await eventually('the first poll', async () =>
        (await playground.standIn.counters()).polls > 0 ? true : undefined,
      );
      await playground.standIn.expire(what);
      const failure = await done;
      expect(failure).toMatchObject({
        code: '861006',
        message: expect.stringMatching(/unknown.*Retry: no, check its effect first/),
      });
      expect(failure.message).not.toMatch(/Nothing was executed/);
    },
  );
});

describe('parts of a result in object storage', () => {
  const TEXT = 'SELECT id, payload FROM big ORDER BY id';
  const answered = async () => {
    const wire = await loginByHand(playground, { options: { ACCOUNT_NAME: 'crm' } });
    const { data } = await wire.run(TEXT);
    return (data['chunks'] as readonly { url: string }[]).map(({ url }) => url);
  };

  test.each<readonly [string, Fault]>([
    ['403', { kind: 'status', target: 'chunk', status: 403 }],
    ['503', { kind: 'status', target: 'chunk', status: 503 }],
    ['a dead connection', { kind: 'reset', target: 'chunk' }],
    ['half an answer', { kind: 'truncate', target: 'chunk' }],
    ['a late first byte', { kind: 'delay', target: 'chunk', delayMilliseconds: 1000 }],
  ])('that meet %s come all the same', async (_what, fault) => {
    const driver = await connect();
    await playground.standIn.injectFault(fault);
    const { rows } = await driver.execute(TEXT);
    expect(rows.map((row) => row['ID'])).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    await driver.close();
  });

  test.each([
    [404, 404, '861105', /no longer offers this part/],
    [403, 404, '861105', /no longer offers this part/],
    [503, 502, '861702', /cannot be fetched/],
  ])(
    'that are refused with %i for good end with %i and without a trace of their address',
    async (status, expected, code, message) => {
      const [url = ''] = await answered();
      await playground.standIn.injectFault({ kind: 'status', target: 'chunk', status, times: 3 });
      const response = await fetch(url);
      const body = await response.text();
      expect(response.status).toBe(expected);
      expect(JSON.parse(body)).toMatchObject({ success: false, code, message: expect.stringMatching(message) });
      expect(body).not.toContain(String(playground.standInChunkPort));
      expect(body).not.toMatch(/https?:/);
      expect((await fetch(url)).status).toBe(200);
    },
  );

  test('that are gone end the statement in the driver', async () => {
    const driver = await connect();
    await playground.standIn.injectFault({ kind: 'status', target: 'chunk', status: 404, times: 1000 });
    const failure = await failureOf(driver.execute(TEXT));
    expect(failure.message).not.toContain(String(playground.standInChunkPort));
    await playground.standIn.reset();
    expect((await driver.execute(TEXT)).rows).toHaveLength(5000);
    await driver.close();
  });
});

describe('an account that cannot be reached', () => {
  test('is said to be out of reach, with what that means for each statement, and the session goes on when it is back', async () => {
    const driver = await connectRelayed();
    await playground.standIn.holdNext('cut off', 100);
    const underWay = failureOf(driver.execute("SELECT 'cut off' AS v"));
    await eventually('the first poll', async () =>
      (await playground.standIn.counters()).polls > 0 ? true : undefined,
    );
    await relay.cut();
    try {
      const [running, unsent, login] = await Promise.all([
        underWay,
        failureOf(driver.execute('SELECT 1 AS one')),
        failureOf(connectRelayed()),
      ]);
      expect(running).toMatchObject({
        code: '861702',
        message: expect.stringMatching(/unknown whether the statement ran\. Retry: no, check its effect first/),
      });
      expect(unsent).toMatchObject({
        code: '861702',
        message: expect.stringMatching(/cannot be reached; the gateway is healthy\. Nothing ran/),
      });
      expect(login).toMatchObject({ code: '861702', message: expect.stringMatching(/Nothing ran/) });
      expect(await (await fetch(`${playground.opsUrl}/readyz`)).text()).toBe('ok\n');
    } finally {
      await relay.mend();
    }
    expect(await arrivals(/cut off/)).toHaveLength(1);
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
    await driver.close();
  });

  test('for a moment is not noticed', async () => {
    const driver = await connectRelayed();
    await relay.cut();
    const done = driver.execute("SELECT 'patient' AS v");
    await new Promise((resolve) => setTimeout(resolve, 600));
    await relay.mend();
    expect((await done).rows).toEqual([{ V: 'patient' }]);
    expect(await arrivals(/patient/)).toHaveLength(1);
    await driver.close();
  });
});

describe('an answer in another form than was asked for', () => {
  const isQuery = (word: string) => (request: { body: string }) => request.body.includes(word);

  test.each<readonly [string, (data: Record<string, unknown>) => Record<string, unknown>, RegExp]>([
    [
      'Arrow inline',
      (data) => ({ ...data, queryResultFormat: 'arrow', rowset: undefined, rowsetBase64: 'QVJST1cx' }),
      /a malformed result: an Arrow result with no end/,
    ],
    ['Arrow in name', (data) => ({ ...data, queryResultFormat: 'arrow' }), /a malformed result\)/],
    ['several results', (data) => ({ ...data, resultIds: 'a,b', resultTypes: '1,1' }), /several results/],
    [
      'rows of another width',
      (data) => ({ ...data, rowset: [['1', '2']] }),
      /a malformed result: a row has another length/,
    ],
    [
      'a number in a cell',
      (data) => ({ ...data, rowset: [[1]] }),
      /a malformed result: a cell is neither a text nor null/,
    ],
    ['no query id', (data) => ({ ...data, queryId: undefined }), /no query id/],
  ])('(%s) is withheld', async (what, change, message) => {
    const wire = await loginRelayed();
    const word = `form-${what.replaceAll(' ', '-')}`;
    relay.changeNext(isQuery(word), change);
    const answer = await wire.run(`SELECT '${word}' AS v`);
    expect(answer).toMatchObject({ success: false, code: '861702', message: expect.stringMatching(message) });
  });

  test('a pending answer whose result path leads elsewhere is not followed', async () => {
    const wire = await loginRelayed();
    relay.changeNext(isQuery('led-astray'), (data) => ({
      ...data,
      getResultUrl: '//elsewhere.example/queries/x/result',
    }));
    await playground.standIn.holdNext('led-astray', 1);
    expect(await wire.run("SELECT 'led-astray' AS v")).toMatchObject({
      success: false,
      code: '861702',
      message: expect.stringMatching(/without a result path/),
    });
  });

  test('a file transfer is refused before it leaves, and its answer would not come through either', async () => {
    const direct = await wireLogin(playground.standInUrl, {
      fields: { LOGIN_NAME: 'DIRECT', PASSWORD: 'direct-password' },
      query: { databaseName: 'CRM', schemaName: 'PUBLIC' },
    });
    const wire = await loginRelayed();
    for (const text of ['PUT file:///tmp/secret.csv @~', 'GET @~/data.csv file:///tmp/here']) {
      const transfer = await direct.run(text);
      expect(JSON.stringify(transfer)).toContain('stand-in-secret-key');
      expect(await wire.run(text)).toMatchObject({ success: false, code: '861204' });
      const word = `moves-${text.slice(0, 3)}`;
      relay.changeNext(isQuery(word), () => transfer.data);
      const answer = await wire.run(`SELECT '${word}' AS v`);
      expect(answer).toMatchObject({
        success: false,
        code: '861702',
        message: expect.stringMatching(/a file transfer/),
      });
      expect(JSON.stringify(answer)).not.toMatch(/stand-in-|STANDINKEYID|stageInfo|c3RhbmQt/);
    }
    expect((await arrivals(/^(PUT|GET)/)).map(({ user }) => user)).toEqual(['DIRECT', 'DIRECT']);
    expect(await bytesIn(playground.recordingDirectory)).not.toMatch(/stand-in-secret-key|stand-in-session-token/);
    expect(playground.gatewayOutput()).not.toMatch(/stand-in-secret-key|stand-in-session-token/);
  });

  test('fields of a successful answer that are not known do not come through', async () => {
    const wire = await loginRelayed();
    relay.changeNext(isQuery('unknown-fields'), (data) => ({
      ...data,
      sessionToken: 'ver:3-hint:leak',
      resultUrl: 'https://leak.example',
      parameters: [{ name: 'SERVICE_NAME', value: 'leak' }],
    }));
    const answer = await wire.run("SELECT 'unknown-fields' AS v");
    expect(answer.success).toBe(true);
    expect(JSON.stringify(answer)).not.toContain('leak');
  });
});

test('every answer and every part that was withheld is recorded as such', async () => {
  const records = await recordsIn(playground.recordingDirectory);
  const withheld = records.filter(({ leaf }) => leaf.kind === 'response.withheld').map(({ leaf }) => leaf.fields);
  const ofParts = withheld.filter(({ why }) => why === 'part').map(({ code }) => code);
  expect(new Set(ofParts)).toEqual(new Set(['861105', '861702']));
  const ofAnswers = withheld.filter(({ why }) => why === 'PISTE-1702');
  expect(ofAnswers).toHaveLength(9);
  for (const fields of ofAnswers) expect(fields).toMatchObject({ code: '861702', outcome: 'withheld', rows: 0 });
});

test('no token of Snowflake and no address of a result part was written down anywhere', async () => {
  const written = `${playground.gatewayOutput()}\n${await bytesIn(playground.recordingDirectory)}`;
  expect(written).not.toMatch(/ver:\d+-hint:/);
  expect(written).not.toContain(`127.0.0.1:${playground.standInChunkPort}/results`);
  expect(written).not.toMatch(/eyJ[\w-]{20,}\.eyJ[\w-]{20,}/);
});

test('whatever went wrong, the recording is sound, and what left is what it holds', async () => {
  const wire = await loginByHand(playground, { options: { ACCOUNT_NAME: 'crm', CLIENT_APP_ID: 'PythonConnector' } });
  expect((await wire.run('SELECT id FROM customers')).data).toMatchObject({ queryResultFormat: 'arrow' });
  expect(await playground.stopGateway()).toBe(0);
  const { exitCode, text } = await runPiste(
    'audit',
    'verify',
    ...recordings,
    '--trust',
    playground.checkpointFile,
    '--deep',
  );
  expect([exitCode, text]).toEqual([0, expect.stringMatching(/audit verify: OK/)]);
  const responses = (await recordsIn(playground.recordingDirectory)).filter(({ leaf }) => leaf.kind === 'response');
  expect(new Set(responses.map(({ leaf }) => leaf.fields['fmt']))).toEqual(new Set(['json', 'arrow', undefined]));
});

test('a statement that Snowflake does not answer does not keep the gateway from ending', async () => {
  await playground.restartGateway();
  const wire = await loginByHand(playground, { options: { ACCOUNT_NAME: 'crm' } });
  await wire.run('SELECT id FROM orders LIMIT 1');
  await playground.standIn.injectFault({ kind: 'delay', target: 'query', delayMilliseconds: 90_000 });
  const pending = wire.run('SELECT id FROM orders LIMIT 2').catch(() => undefined);
  await eventually('the statement to be sent', async () =>
    (await recordsIn(playground.recordingDirectory)).some(
      ({ leaf, bodies }) => leaf.kind === 'request' && /LIMIT 2/.test(String(bodies.get('sql'))),
    )
      ? true
      : undefined,
  );
  const startedMs = Date.now();
  expect(await playground.stopGateway()).toBe(0);
  // Fifteen seconds for the statement, a few for answers that are on their way.
  expect(Date.now() - startedMs).toBeLessThan(35_000);
  await pending;
}, 90_000);
