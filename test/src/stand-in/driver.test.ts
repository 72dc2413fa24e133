import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectNodeDriver, type NodeDriver } from '../harness/node-driver.js';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const otherKeys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let standIn: StandInProgram;
let driver: NodeDriver;

const connect = async (more: Readonly<Record<string, unknown>> = {}) =>
  await connectNodeDriver({
    accessUrl: standIn.url,
    account: 'acme',
    username: 'demo',
    password: 'demo-password',
    database: 'CRM',
    schema: 'PUBLIC',
    warehouse: 'COMPUTE_WH',
    ...more,
  });

beforeAll(async () => {
  standIn = await startStandInProgram({
    users: [
      { name: 'DEMO', password: 'demo-password', accessTokens: ['demo-access-token'] },
      { name: 'SERVICE', publicKeyPem: keys.publicKey },
    ],
    holdMilliseconds: 300,
  });
  driver = await connect();
});

afterAll(async () => {
  await driver?.close();
  await standIn?.stop();
});

/** The first row of a statement. */
const first = async (sqlText: string) => (await driver.execute(sqlText)).rows[0] ?? {};

describe('login of the Node driver', () => {
  test('enters with a key pair and takes database, schema, warehouse and role from the query string', async () => {
    const service = await connect({
      username: 'service',
      authenticator: 'SNOWFLAKE_JWT',
      privateKey: keys.privateKey,
      role: 'ANALYST',
    });
    const { rows } = await service.execute(
      'SELECT CURRENT_USER() U, CURRENT_DATABASE() D, CURRENT_SCHEMA() S, CURRENT_WAREHOUSE() W, CURRENT_ROLE() R',
    );
    expect(rows).toEqual([{ U: 'SERVICE', D: 'CRM', S: 'PUBLIC', W: 'COMPUTE_WH', R: 'ANALYST' }]);
    await service.close();
  });

  test('enters with a programmatic access token', async () => {
    const tokenDriver = await connect({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: 'demo-access-token' });
    expect((await tokenDriver.execute('select 1 as one')).rows).toEqual([{ ONE: 1 }]);
    await tokenDriver.close();
  });

  test.each([
    ['a wrong password', { password: 'wrong' }, '390100'],
    ['an unknown user', { username: 'nobody' }, '390100'],
    ['a wrong access token', { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: 'wrong' }, '390144'],
    [
      'a key pair that is not the user’s',
      { username: 'service', authenticator: 'SNOWFLAKE_JWT', privateKey: otherKeys.privateKey },
      '390144',
    ],
    ['a role the user does not have', { role: 'ACCOUNTADMIN' }, '390189'],
  ])('refuses %s', async (_, options, code) => {
    await expect(connect(options)).rejects.toMatchObject({ code });
  });
});

describe('results in the Node driver', () => {
  test('decodes every type', async () => {
    const row =
      await first(`select 1::number(10,2) as n, 12345678901234567890::varchar as t, 1.5::float as f, true as b,
      '2020-02-02'::date as d, '01:02:03.5'::time as ti, '1960-01-01 00:00:00.5'::timestamp_ntz as ts,
      '2020-01-01 10:00:00 +02:00'::timestamp_tz as tz, to_binary('AB', 'HEX') as bi, parse_json('{"a":[1]}') as v,
      null::varchar as x, -5.25::number(5,2) as m`);
    expect(row).toMatchObject({ N: 1, T: '12345678901234567890', F: 1.5, B: true, M: -5.25, V: { a: [1] }, X: null });
    expect((row['D'] as Date).toISOString()).toBe('2020-02-02T00:00:00.000Z');
    expect(row['TI']).toBe('01:02:03');
    expect((row['TS'] as Date).getTime()).toBe(Date.UTC(1960, 0, 1, 0, 0, 0, 500));
    expect((row['TZ'] as Date).getTime()).toBe(Date.UTC(2020, 0, 1, 8));
    expect((row['BI'] as Buffer).toString('hex')).toBe('ab');
  });

  test('names columns as Snowflake does', async () => {
    const { statement } = await driver.execute(
      'select id, Name as "Nice name", count(*), upper(city) c from customers group by all',
    );
    expect(statement.getColumns()?.map((column) => column.getName())).toEqual(['ID', 'Nice name', 'COUNT(*)', 'C']);
  });

  test('fetches a large result in chunks, complete and in order', async () => {
    await standIn.reset();
    const { rows } = await driver.execute('select id, payload from big order by id');
    expect(rows.map((row) => row['ID'])).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    expect((await standIn.counters()).chunkFetches).toBeGreaterThanOrEqual(3);
  });

  test('survives a chunk that is refused once', async () => {
    await standIn.reset();
    await standIn.injectFault({ kind: 'status', target: 'chunk', status: 403 });
    const { rows } = await driver.execute('select id, payload from big order by id');
    expect(rows).toHaveLength(5000);
    expect((await standIn.counters()).chunkFetches).toBeGreaterThanOrEqual(3);
  });
});

describe('binds and DML in the Node driver', () => {
  test('binds values by position', async () => {
    const { rows } = await driver.execute('select name from customers where id = ? and city = :2', {
      binds: [1, 'Hamburg'],
    });
    expect(rows).toEqual([{ NAME: 'Ada Brandt' }]);
  });

  test('sums the counts of a batch', async () => {
    await driver.execute('create temporary table batch_target (id int, note text)');
    const { statement } = await driver.execute('insert into batch_target values (?, ?)', {
      binds: [
        [1, 'a'],
        [2, 'b'],
        [3, null],
      ],
    });
    expect(statement.getNumUpdatedRows()).toBe(3);
    expect(await first('select count(*) as n, count(note) as filled from batch_target')).toEqual({ N: 3, FILLED: 2 });
  });

  test('counts updated, deleted and merged rows', async () => {
    await driver.execute('create temporary table counted as select id, status from orders');
    const updated = await driver.execute("update counted set status = 'X' where id <= 1005");
    expect(updated.rows).toEqual([{ 'number of rows updated': 5, 'number of multi-joined rows updated': 0 }]);
    const merged = await driver.execute(`merge into counted using (select 1001 as k union all select 5000) on id = k
      when matched then update set status = 'Y' when not matched then insert (id) values (k)`);
    expect(merged.rows).toEqual([
      { 'number of rows inserted': 1, 'number of rows updated': 1, 'number of rows deleted': 0 },
    ]);
    expect((await driver.execute("delete from counted where status = 'X'")).statement.getNumUpdatedRows()).toBe(4);
  });

  test('rolls back a transaction', async () => {
    await driver.execute('begin');
    await driver.execute("insert into orders (id, note) values (9999, 'temporary')");
    await driver.execute('rollback');
    expect(await first('select count(*) as n from orders where id = 9999')).toEqual({ N: 0 });
  });
});

describe('errors in the Node driver', () => {
  test.each([
    ['selec 1', '001003', '42000', /unexpected 'selec'/],
    ['select * from nowhere', '002003', '42S02', /Object 'NOWHERE' does not exist or not authorized/],
    ['select * from nowhere.public.t', '002003', '02000', /Database 'NOWHERE' does not exist/],
    ['select nothing from customers', '000904', '42000', /invalid identifier 'NOTHING'/],
    ['select no_such_function(1)', '002140', '42601', /Unknown function NO_SUCH_FUNCTION/],
    [
      'select name::number from customers where id = 1',
      '100038',
      '22018',
      /Numeric value 'Ada Brandt' is not recognized/,
    ],
    ["select 'soon'::date", '100040', '22007', /Date 'soon' is not recognized/],
    ["select 'soon'::timestamp_ntz", '100035', '22007', /Timestamp 'soon' is not recognized/],
    ["select 'maybe'::boolean", '100037', '22018', /Boolean value 'maybe' is not recognized/],
    ["select 'open", '001003', '42000', /not closed/],
    ['create table customers (id int)', '002002', '42710', /Object 'CUSTOMERS' already exists/],
    ['use warehouse nowhere', '002003', '42S02', /Warehouse 'NOWHERE'/],
    ['use role accountadmin', '003013', '42501', /not assigned/],
    ['select 1; select 2', '000008', '0A000', /statement count 2 did not match/],
    ['create user somebody', '000002', '0A000', /CREATE USER/],
    ['put file:///tmp/x @~', '000002', '0A000', /PUT/],
  ])('%s fails with %s', async (sqlText, code, sqlState, message) => {
    await expect(driver.execute(sqlText)).rejects.toMatchObject({
      code,
      sqlState,
      message: expect.stringMatching(message),
    });
  });
});

describe('long and asynchronous statements in the Node driver', () => {
  test('waits through polls for a statement that outlasts the held request', async () => {
    await standIn.reset();
    expect(await first('select system$wait(2) as w')).toEqual({ W: 'waited 2 seconds' });
    expect((await standIn.counters()).polls).toBeGreaterThanOrEqual(2);
  });

  test('polls exactly as often as the test hook holds', async () => {
    await standIn.reset();
    await standIn.holdNext('held statement', 3);
    expect(await first('select 7 as x /* held statement */')).toEqual({ X: 7 });
    expect((await standIn.counters()).polls).toBe(3);
  });

  test('ends a cancelled statement with 000604', async () => {
    const { statement, done } = driver.start('select system$wait(20)');
    const failure = expect(done).rejects.toMatchObject({ code: '000604', sqlState: '57014' });
    while (!(await standIn.history()).some((entry) => entry.sqlText.includes('wait(20)')))
      await new Promise((r) => setTimeout(r, 20));
    await new Promise<void>((resolve, reject) => statement.cancel((error) => (error ? reject(error) : resolve())));
    await failure;
    expect((await standIn.history()).at(-1)).toMatchObject({ status: 'ABORTED', errorCode: '000604' });
  });

  test('runs a statement asynchronously and fetches its result by id', async () => {
    const { statement } = await driver.execute('select system$wait(1), 42 as answer', { asyncExec: true });
    const queryId = statement.getQueryId();
    await driver.connection.getResultsFromQueryId({ queryId, sqlText: '' });
    const { rows } = await driver.execute(`select answer from table(result_scan('${queryId}'))`);
    expect(rows).toEqual([{ ANSWER: 42 }]);
  });

  test('runs several statements of one request in order', async () => {
    const { statement } = await driver.execute(
      'create temporary table multi (id int); insert into multi values (1), (2); select sum(id) as total from multi',
      {
        parameters: { MULTI_STATEMENT_COUNT: 0 },
      },
    );
    expect(statement.getNumRows()).toBe(1);
    const history = (await standIn.history()).slice(-3);
    expect(history.map((entry) => entry.sqlText)).toEqual([
      'create temporary table multi (id int)',
      'insert into multi values (1), (2)',
      'select sum(id) as total from multi',
    ]);
  });
});

describe('token renewal in the Node driver', () => {
  test('renews an expired session token and repeats the statement', async () => {
    const own = await connect();
    await standIn.reset();
    await standIn.expire('session-token');
    expect((await own.execute('select 5 as x')).rows).toEqual([{ X: 5 }]);
    expect((await standIn.counters()).renewals).toBe(1);
    await own.close();
  });

  test('ends the connection when the session is gone', async () => {
    const own = await connect();
    await driver.close();
    await standIn.expire('gone');
    await expect(own.execute('select 1')).rejects.toMatchObject({ code: 407002 });
    driver = await connect();
  });
});

describe('faults seen by the Node driver', () => {
  test('survives one 503 and one reset connection without running the statement twice', async () => {
    await standIn.reset();
    await standIn.injectFault({ kind: 'status', target: 'query', status: 503 });
    await standIn.injectFault({ kind: 'reset-after', target: 'query' });
    expect(await first('select 11 as x')).toEqual({ X: 11 });
    expect((await standIn.history()).filter((entry) => entry.sqlText === 'select 11 as x')).toHaveLength(1);
    expect((await standIn.counters()).repeatedRequests).toBe(1);
  });
});
