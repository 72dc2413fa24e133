import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeDriver } from '../harness/node-driver.js';
import { type WireClient, wireLogin } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectDirect, eventually, failureOf, loginByHand } from './callers.js';

let playground: Playground;

beforeAll(async () => {
  playground = await startPlayground({ standIn: { holdMilliseconds: 300 } });
}, 60_000);
afterAll(async () => await playground?.stop());

interface Road {
  readonly driver: (options?: Readonly<Record<string, unknown>>) => Promise<NodeDriver>;
  readonly wire: () => Promise<WireClient>;
}

const query = { databaseName: 'CRM', schemaName: 'PUBLIC', warehouse: 'AGENT_WH', roleName: 'ANALYST' };
const byPassword = {
  LOGIN_NAME: 'DIRECT',
  PASSWORD: 'direct-password',
  CLIENT_APP_ID: 'JavaScript',
  CLIENT_APP_VERSION: '3.3.0',
};

const ROADS: readonly (readonly [string, Road])[] = [
  [
    'straight to the account',
    {
      driver: (options) => connectDirect(playground, options),
      wire: () => wireLogin(playground.standInUrl, { fields: byPassword, query }),
    },
  ],
  [
    'through the gateway',
    {
      driver: (options) => connectAgent(playground, { options: options ?? {} }),
      wire: () => loginByHand(playground),
    },
  ],
];

/** Select lists of one row, and what the driver makes of them. */
const VALUES: readonly (readonly [string, string, unknown])[] = [
  ['an integer', '42', 42],
  ['a negative integer', '-7::number(38,0)', -7],
  ['a decimal', '12.50::number(10,2)', 12.5],
  ['a large decimal', '12345678.1234::number(18,4)', 12345678.1234],
  ['a float', '1.5e10::float', 1.5e10],
  ['true', 'true', true],
  ['false', '1 = 2', false],
  ['a text', "'plain text'", 'plain text'],
  ['a text with quotes and lines', "'it''s \\n two'", "it's \n two"],
  ['a text beyond ASCII', "'Zürich 東京 🛷'", 'Zürich 東京 🛷'],
  ['an empty text', "''", ''],
  ['a text in dollars', "$$a 'b' c$$", "a 'b' c"],
  ['NULL', 'NULL', null],
  ['a typed NULL', 'NULL::number(5,1)', null],
  ['a date', "'2020-02-29'::date", new Date('2020-02-29T00:00:00Z')],
  ['a timestamp without zone', "'1960-01-01 00:00:00.5'::timestamp_ntz", new Date('1960-01-01T00:00:00.500Z')],
  ['a timestamp with zone', "'2020-01-01 10:00:00 +02:00'::timestamp_tz", new Date('2020-01-01T08:00:00Z')],
  ['a timestamp in the session zone', "'2020-06-01 12:00:00'::timestamp_ltz", new Date('2020-06-01T12:00:00Z')],
  ['binary', "to_binary('ABCD', 'HEX')", 'abcd'],
  ['a variant', 'parse_json(\'{"a": [1, 2.5, null], "b": "c"}\')', { a: [1, 2.5, null], b: 'c' }],
];

describe.each(ROADS)('%s', (_name, road) => {
  let driver: NodeDriver;
  beforeAll(async () => {
    driver = await road.driver();
  });
  afterAll(async () => await driver?.close());

  const rowsOf = async (sqlText: string) => (await driver.execute(sqlText)).rows;

  test.each(VALUES)('%s arrives as it is', async (_what, expression, expected) => {
    const [row] = await rowsOf(`SELECT ${expression} AS v`);
    const value = row?.['V'];
    expect(Buffer.isBuffer(value) ? value.toString('hex') : value).toEqual(expected);
  });

  test('a time arrives in the format of the session', async () => {
    expect(await rowsOf("SELECT '01:02:03'::time AS t")).toEqual([{ T: '01:02:03' }]);
  });

  test('columns say what they are', async () => {
    const { statement } = await driver.execute(
      "SELECT id, balance, city, created_at, 1 = 1 AS yes, 1.5::float AS f, parse_json('1') AS v, to_binary('AB', 'HEX') AS b, current_date() AS d FROM customers LIMIT 1",
    );
    expect(statement.getColumns()?.map((c) => [c.getName(), c.getType(), c.getScale(), c.getPrecision()])).toEqual([
      ['ID', 'fixed', 0, 38],
      ['BALANCE', 'fixed', 2, 12],
      ['CITY', 'text', null, null],
      ['CREATED_AT', 'timestamp_ntz', 9, 0],
      ['YES', 'boolean', null, null],
      ['F', 'real', null, null],
      ['V', 'variant', null, null],
      ['B', 'binary', null, null],
      ['D', 'date', null, null],
    ]);
  });

  test.each([
    ['SELECT id, Region, "CITY" FROM customers LIMIT 1', ['ID', 'REGION', 'CITY']],
    [
      'SELECT COUNT(*), count( * ), COUNT(DISTINCT city) FROM customers',
      ['COUNT(*)', 'COUNT( * )', 'COUNT(DISTINCT CITY)'],
    ],
    ['SELECT 1+1, 1 + 1, -1', ['1+1', '1 + 1', '-1']],
    ["SELECT 'a', 'A b', upper( 'x' )", ["'A'", "'A B'", "UPPER( 'X' )"]],
    ['SELECT 1::int, cast(1 AS int), 1 :: int', ['1::INT', 'CAST(1 AS INT)', '1 :: INT']],
    ['SELECT current_role(), sum(amount)/count(*) FROM orders', ['CURRENT_ROLE()', 'SUM(AMOUNT)/COUNT(*)']],
    ['SELECT id AS "Mixed Name", id "x""y", id as plain FROM customers LIMIT 1', ['Mixed Name', 'x"y', 'PLAIN']],
    [
      'SELECT c.id, c.* EXCLUDE (id, name, email, ssn, balance) FROM customers c LIMIT 1',
      ['ID', 'CITY', 'REGION', 'CREATED_AT'],
    ],
  ])('%s has the names Snowflake gives', async (sqlText, names) => {
    const { statement } = await driver.execute(sqlText);
    expect(statement.getColumns()?.map((column) => column.getName())).toEqual(names);
  });

  test('an empty result has its columns', async () => {
    const { statement, rows } = await driver.execute('SELECT id, city FROM customers WHERE id < 0');
    expect(rows).toEqual([]);
    expect(statement.getNumRows()).toBe(0);
    expect(statement.getColumns()?.map((column) => column.getName())).toEqual(['ID', 'CITY']);
  });

  test('a result of many chunks is whole and in order', async () => {
    const { rows, statement } = await driver.execute('SELECT id, payload FROM big ORDER BY id');
    expect(statement.getNumRows()).toBe(5000);
    expect(rows.map((row) => row['ID'])).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    expect(String(rows[4999]?.['PAYLOAD'])).toMatch(/^row 5000 [a-z]{90}$/);
  });

  test('rows can be streamed', async () => {
    const { statement } = await driver.execute('SELECT id FROM big ORDER BY id', { streamResult: true });
    const ids: number[] = [];
    for await (const row of statement.streamRows()) ids.push(Number((row as { ID: number }).ID));
    expect(ids).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  });

  test('values are bound by position', async () => {
    const found = await driver.execute('SELECT city FROM customers WHERE id = ? AND region = :2', {
      binds: [1, 'EMEA'],
    });
    expect(found.rows).toEqual([{ CITY: 'Hamburg' }]);
  });

  test.each([
    ['a number', 7, 7],
    ['a text with a quote', "it's", "it's"],
    ['true', true, true],
    ['null', null, null],
  ])('binds %s', async (_what, bound, expected) => {
    expect((await driver.execute('SELECT ? AS v', { binds: [bound] })).rows).toEqual([{ V: expected }]);
  });

  test('a batch of binds inserts every row once', async () => {
    const first = 50_000 + ROADS.findIndex(([name]) => name === _name) * 1000;
    const binds = Array.from({ length: 200 }, (_, index) => [first + index, index, index % 2 === 0 ? 'even' : null]);
    const { statement } = await driver.execute('INSERT INTO orders (id, amount, note) VALUES (?, ?, ?)', { binds });
    expect(statement.getNumUpdatedRows()).toBe(200);
    const counted = await driver.execute(
      'SELECT COUNT(*) AS n, COUNT(note) AS notes, SUM(amount) AS total FROM orders WHERE id BETWEEN ? AND ?',
      {
        binds: [first, first + 999],
      },
    );
    expect(counted.rows).toEqual([{ N: 200, NOTES: 100, TOTAL: 19_900 }]);
  });

  test('a transaction can be rolled back and committed', async () => {
    const id = 60_000 + ROADS.findIndex(([name]) => name === _name);
    const count = async () =>
      (await driver.execute('SELECT COUNT(*) AS n FROM orders WHERE id = ?', { binds: [id] })).rows[0]?.['N'];
    await driver.execute('BEGIN');
    await driver.execute('INSERT INTO orders (id) VALUES (?)', { binds: [id] });
    expect(await count()).toBe(1);
    await driver.execute('ROLLBACK');
    expect(await count()).toBe(0);
    await driver.execute('START TRANSACTION');
    await driver.execute('INSERT INTO orders (id) VALUES (?)', { binds: [id] });
    await driver.execute('COMMIT');
    expect(await count()).toBe(1);
  });

  test('USE moves the session and unqualified names with it', async () => {
    const own = await road.driver();
    await own.execute('USE SCHEMA hr');
    expect((await own.execute('SELECT CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s')).rows).toEqual([
      { D: 'CRM', S: 'HR' },
    ]);
    expect((await own.execute('SELECT id FROM employees ORDER BY id')).rows).toEqual([{ ID: 1 }, { ID: 2 }]);
    await own.execute('USE SCHEMA crm.public');
    expect((await own.execute('SELECT COUNT(*) AS n FROM customers')).rows).toEqual([{ N: 12 }]);
    await own.execute('USE ROLE support');
    await own.execute('USE WAREHOUSE compute_wh');
    expect((await own.execute('SELECT CURRENT_ROLE() AS r, CURRENT_WAREHOUSE() AS w')).rows).toEqual([
      { R: 'SUPPORT', W: 'COMPUTE_WH' },
    ]);
    await own.close();
  });

  test('ALTER SESSION changes what the driver shows', async () => {
    const own = await road.driver();
    await own.execute("ALTER SESSION SET TIMEZONE = 'Asia/Tokyo', DATE_OUTPUT_FORMAT = 'DD.MM.YYYY'");
    const { rows } = await own.execute("SELECT CURRENT_TIMESTAMP() AS t, '2020-06-01'::date AS d", {
      fetchAsString: ['Date'],
    });
    expect(rows).toEqual([{ T: expect.stringMatching(/\+0900$/), D: '01.06.2020' }]);
    await own.execute('ALTER SESSION UNSET DATE_OUTPUT_FORMAT');
    await own.execute("ALTER SESSION SET TIMEZONE = 'UTC'");
    const again = await own.execute("SELECT '2020-06-01'::date AS d", { fetchAsString: ['Date'] });
    expect(again.rows).toEqual([{ D: '2020-06-01' }]);
    await own.close();
  });

  test.each([
    ["SELECT 'soon'::date AS d", '100040', '22007', /Date 'soon' is not recognized/],
    ["SELECT 'x'::number AS n FROM orders", '100038', '22018', /Numeric value 'x' is not recognized/],
    ['USE WAREHOUSE nowhere', '002003', '42S02', /Warehouse 'NOWHERE'/],
    ["INSERT INTO orders (id) VALUES ('abc')", '100038', '22018', /Numeric value 'abc' is not recognized/],
  ])('%s fails as Snowflake says', async (sqlText, code, sqlState, message) => {
    expect(await failureOf(driver.execute(sqlText))).toMatchObject({
      code,
      sqlState,
      message: expect.stringMatching(message),
    });
    expect(await rowsOf('SELECT 1 AS still')).toEqual([{ STILL: 1 }]);
  });

  test('a statement that outlasts the request is waited for', async () => {
    await playground.standIn.holdNext('outlasts', 3);
    expect(await rowsOf("SELECT 'outlasts' AS v")).toEqual([{ V: 'outlasts' }]);
  });

  test('an asynchronous statement is fetched by its query id', async () => {
    const { statement } = await driver.execute("SELECT 'later' AS v, 1 AS n", { asyncExec: true });
    const queryId = statement.getQueryId();
    const rows = await new Promise((resolve, reject) => {
      driver.connection
        .getResultsFromQueryId({
          queryId,
          sqlText: '',
          complete: (error, _s, found) => (error ? reject(error) : resolve(found)),
        })
        .catch(reject);
    });
    expect(rows).toEqual([{ V: 'later', N: 1 }]);
    expect(await driver.connection.getQueryStatus(queryId)).toBe('SUCCESS');
  });

  test('a failed asynchronous statement shows its error', async () => {
    const { statement } = await driver.execute("SELECT 'never'::date AS d", { asyncExec: true });
    const failure = await failureOf(
      driver.connection.getResultsFromQueryId({ queryId: statement.getQueryId(), sqlText: '' }),
    );
    expect(failure.message).toMatch(/'never' is not recognized/);
  });

  test('describing a statement names its columns and runs nothing', async () => {
    const before = (await playground.history()).length;
    const { statement, rows } = await driver.execute('INSERT INTO orders (id) VALUES (70000)', { describeOnly: true });
    expect(rows ?? []).toEqual([]);
    expect(statement.getNumRows()).toBe(0);
    const described = await driver.execute('SELECT id, city FROM customers', { describeOnly: true });
    expect(described.statement.getColumns()?.map((column) => column.getName())).toEqual(['ID', 'CITY']);
    const arrived = (await playground.history()).slice(before).filter((entry) => !entry.isInternal);
    expect(arrived.map((entry) => entry.describeOnly)).toEqual([true, true]);
    expect(await rowsOf('SELECT COUNT(*) AS n FROM orders WHERE id = 70000')).toEqual([{ N: 0 }]);
  });

  test('a request sent twice with one id runs once and answers the same', async () => {
    const wire = await road.wire();
    const id = 71_000 + ROADS.findIndex(([name]) => name === _name);
    const requestId = crypto.randomUUID();
    const text = `INSERT INTO orders (id) VALUES (${id})`;
    const [first, second] = await Promise.all([wire.run(text, {}, requestId), wire.run(text, {}, requestId)]);
    const third = await wire.run(text, {}, requestId);
    expect([first.success, second.success, third.success]).toEqual([true, true, true]);
    expect(new Set([first, second, third].map(({ data }) => data['queryId'])).size).toBe(1);
    expect((await wire.run(`SELECT COUNT(*) AS n FROM orders WHERE id = ${id}`)).data['rowset']).toEqual([['1']]);
  });

  test('the driver fetches an earlier result again by its request id', async () => {
    const { statement } = await driver.execute('SELECT id FROM customers WHERE id <= 2 ORDER BY id');
    const again = await driver.execute('', { requestId: statement.getRequestId() });
    expect(again.rows).toEqual([{ ID: 1 }, { ID: 2 }]);
  });

  test('a cancelled statement ends with 000604', async () => {
    const before = (await playground.history()).length;
    const { statement, done } = driver.start(
      'SELECT COUNT(*) AS n FROM big a, big b, big c WHERE a.id + b.id + c.id < 0',
    );
    const ended = failureOf(done);
    await eventually('the statement at Snowflake', async () =>
      (await playground.history())
        .slice(before)
        .find((entry) => entry.sqlText.includes('a.id + b.id') && !entry.describeOnly),
    );
    await new Promise<void>((resolve, reject) => statement.cancel((error) => (error ? reject(error) : resolve())));
    expect(await ended).toMatchObject({ code: '000604', sqlState: '57014' });
  });

  test('a session survives heartbeat and renewal by hand and ends with the logout', async () => {
    const wire = await road.wire();
    expect((await wire.post('/session/heartbeat')).answer).toMatchObject({ success: true, code: null });
    const renewal = { oldSessionToken: wire.sessionToken, requestType: 'RENEW' };
    const { answer } = await wire.post('/session/token-request', renewal, { token: wire.masterToken });
    expect(answer).toMatchObject({
      success: true,
      data: { sessionId: wire.login.data['sessionId'], validityInSecondsST: 3600 },
    });
    const token = String(answer.data['sessionToken']);
    expect((await wire.post('/session/heartbeat', {}, { token })).answer.success).toBe(true);
    expect((await wire.post('/session?delete=true', {}, { token })).answer.success).toBe(true);
    expect((await wire.post('/session/heartbeat', {}, { token })).answer).toMatchObject({
      success: false,
      code: '390111',
    });
  });
});

describe('what differs by design', () => {
  let direct: NodeDriver;
  let agent: NodeDriver;
  beforeAll(async () => {
    direct = await connectDirect(playground);
    agent = await connectAgent(playground);
  });
  afterAll(async () => {
    await direct?.close();
    await agent?.close();
  });

  test.each([
    // The gateway reads every statement against the catalogue first, so what it cannot resolve never reaches Snowflake.
    ['SELECT * FROM nowhere', '002003', '861205', /could not prove/],
    ['SELECT nothing FROM customers', '000904', '861205', /could not prove/],
    ['SELEC 1', '001003', '861205', /could not prove/],
    ['SELECT no_such_function(1)', '002140', '861205', /could not prove/],
    ['SELECT 1; SELECT 2', '000008', '861205', /could not prove/],
    // Roles come from the connection.
    ['USE ROLE accountadmin', '003013', '861203', /not offered/],
    ['USE ROLE sysadmin', undefined, '861203', /not offered/],
    // Files do not move through the gateway.
    ['PUT file:///tmp/x @~', '000002', '861204', /not offered/],
    // Fails on the mask; that the message quotes only the mask is nothing the gateway relies on.
    ['SELECT name::number AS n FROM customers', '100038', '861405', /code 100038\. Its message is withheld/],
    // Functions that are not known to be pure.
    ['SELECT SYSTEM$WAIT(0)', undefined, '861205', /could not prove/],
    ['ALTER SESSION SET MULTI_STATEMENT_COUNT = 0', undefined, '861206', /MULTI_STATEMENT_COUNT/],
  ])('%s', async (sqlText, directCode, gatewayCode, message) => {
    const outcome = await direct.execute(sqlText).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe(directCode);
    expect(await failureOf(agent.execute(sqlText))).toMatchObject({
      code: gatewayCode,
      message: expect.stringMatching(message),
    });
  });
});
