import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeDriver } from '../harness/node-driver.js';
import type { WireAnswer, WireClient } from '../harness/wire-client.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectDirect, failureOf, loginByHand } from './callers.js';

let playground: Playground;
let driver: NodeDriver;
let direct: NodeDriver;
let wire: WireClient;
/** Every answer of this file as it came over the wire. */
const received: string[] = [];

beforeAll(async () => {
  playground = await startPlayground();
  [driver, direct, wire] = await Promise.all([
    connectAgent(playground),
    connectDirect(playground),
    loginByHand(playground),
  ]);
}, 60_000);
afterAll(async () => {
  await driver?.close();
  await direct?.close();
  await playground?.stop();
});

const rowsOf = async (sqlText: string) => {
  const { rows } = await driver.execute(sqlText);
  received.push(JSON.stringify(rows));
  return rows;
};
const ask = async (sqlText: string, more: Readonly<Record<string, unknown>> = {}): Promise<WireAnswer> => {
  const answer = await wire.run(sqlText, more);
  received.push(JSON.stringify(answer));
  return answer;
};

const HASHED = /^pst_[0-9a-f]{32}$/;
const masked = { NAME: '***', EMAIL: expect.stringMatching(HASHED), SSN: '***2233', BALANCE: null };

describe('protected columns are masked however they are selected', () => {
  test.each([
    ['by name', 'SELECT name, email, ssn, balance FROM customers WHERE id = 1'],
    ['with a star', 'SELECT * EXCLUDE (id, city, region, created_at) FROM customers WHERE id = 1'],
    [
      'qualified',
      'SELECT c.name, crm.public.customers.email, c.ssn, c.balance FROM customers AS c, customers WHERE c.id = 1 AND customers.id = 1',
    ],
    ['quoted', 'SELECT "NAME", "EMAIL", "SSN", "BALANCE" FROM "CRM"."PUBLIC"."CUSTOMERS" WHERE "ID" = 1'],
    ['from a subquery', 'SELECT * FROM (SELECT name, email, ssn, balance FROM customers WHERE id = 1) AS s'],
    [
      'from a common table expression',
      'WITH c AS (SELECT id AS key, name, email, ssn, balance FROM customers) SELECT name, email, ssn, balance FROM c WHERE key = 1',
    ],
    [
      'through several levels',
      'WITH a AS (SELECT * FROM customers), b AS (SELECT * FROM a) SELECT x.name, x.email, x.ssn, x.balance FROM (SELECT * FROM b) x WHERE x.id = 1',
    ],
    [
      'beside a join',
      'SELECT c.name, c.email, c.ssn, c.balance FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.id = 1 LIMIT 1',
    ],
    [
      'written with comments',
      'SELECT /* everything */ name, -- of one\n email, ssn, balance FROM customers WHERE id = 1',
    ],
    ['in wide letters of case', 'sElEcT NaMe, eMaIl, sSn, bAlAnCe FrOm CuStOmErS wHeRe Id = 1'],
  ])('%s', async (_how, sqlText) => {
    expect(await rowsOf(sqlText)).toEqual([masked]);
  });

  test('under another name', async () => {
    expect(
      await rowsOf('SELECT name AS a, email b, ssn AS "City", balance AS money FROM customers WHERE id = 1'),
    ).toEqual([{ A: '***', B: expect.stringMatching(HASHED), City: '***2233', MONEY: null }]);
  });

  test('through a view and under the name the view gives', async () => {
    const [row] = await rowsOf('SELECT id, contact, city FROM v_customer_contact WHERE id = 1');
    expect(row).toEqual({ ID: 1, CONTACT: expect.stringMatching(HASHED), CITY: 'Hamburg' });
  });

  test('NULL stays NULL where the mask lets it', async () => {
    expect(await rowsOf('SELECT ssn FROM customers WHERE id = 10')).toEqual([{ SSN: null }]);
    expect(await rowsOf('SELECT email FROM customers WHERE id = 12')).toEqual([{ EMAIL: null }]);
  });

  test('a column that became NULL still says that it may be', async () => {
    const { statement } = await driver.execute('SELECT balance, city FROM customers WHERE id = 1');
    expect(statement.getColumns()?.map((column) => [column.getName(), column.isNullable()])).toEqual([
      ['BALANCE', true],
      ['CITY', true],
    ]);
  });

  test('the same value has the same hash in every query, so results join', async () => {
    const [here] = await rowsOf('SELECT email FROM customers WHERE id = 3');
    const [there] = await rowsOf('SELECT contact FROM v_customer_contact WHERE id = 3');
    const [other] = await rowsOf('SELECT email FROM customers WHERE id = 4');
    expect(there?.['CONTACT']).toBe(here?.['EMAIL']);
    expect(other?.['EMAIL']).not.toBe(here?.['EMAIL']);
    expect(await rowsOf('SELECT email FROM hr.employees')).toEqual([
      { EMAIL: expect.stringMatching(HASHED) },
      { EMAIL: expect.stringMatching(HASHED) },
    ]);
  });

  test('counting rows reveals nothing and is allowed', async () => {
    expect(await rowsOf("SELECT COUNT(*) AS n FROM customers WHERE region = 'EMEA'")).toEqual([{ N: 7 }]);
  });

  test('a table without protected columns arrives as it is', async () => {
    const sqlText = 'SELECT id, customer_id, amount, status FROM orders WHERE id <= 1040 ORDER BY id';
    expect(await rowsOf(sqlText)).toEqual((await direct.execute(sqlText)).rows);
  });

  test('every chunk of a large result is masked', async () => {
    await playground.standIn.reset();
    const rows = await rowsOf(
      'SELECT b.id, b.payload, c.email, c.ssn, c.name FROM big b JOIN customers c ON c.id = MOD(b.id, 9) + 1 ORDER BY b.id',
    );
    expect((await playground.standIn.counters()).chunkFetches).toBeGreaterThanOrEqual(3);
    expect(rows).toHaveLength(5000);
    for (const [index, row] of rows.entries()) {
      expect(row).toEqual({
        ID: index + 1,
        PAYLOAD: expect.any(String),
        EMAIL: expect.stringMatching(HASHED),
        SSN: expect.stringMatching(/^\*\*\*\d{4}$/),
        NAME: '***',
      });
    }
    expect(new Set(rows.map((row) => row['EMAIL'])).size).toBe(9);
  });

  test('whoever the policy exempts sees the value, and only that one', async () => {
    const reader = await connectAgent(playground, {
      subject: 'agent-2',
      claims: { ...AGENT_CLAIMS, groups: ['agents', 'pii-readers'] },
    });
    const { rows } = await reader.execute('SELECT name, email, ssn FROM customers WHERE id = 1');
    expect(rows).toEqual([{ NAME: '***', EMAIL: 'ada.brandt@example.com', SSN: '***2233' }]);
    await reader.close();
  });
});

/** Ways to get at protected values. Each must be refused, with one of the codes. */
const EVASIONS: readonly (readonly [string, string, RegExp])[] = [
  ['an expression', "SELECT email || '' AS e FROM customers", /^861403$/],
  ['a function', 'SELECT UPPER(email) AS e FROM customers', /^861403$/],
  ['parts of it', 'SELECT SUBSTR(ssn, 1, 3) AS s FROM customers', /^861403$/],
  ['a cast', 'SELECT email::varchar(10) AS e FROM customers', /^861403$/],
  ['a cast that fails', 'SELECT email::number AS e FROM customers', /^861403$/],
  ['a cast that may fail', 'SELECT TRY_TO_NUMBER(ssn) AS e FROM customers', /^861403$/],
  ['its length', 'SELECT LENGTH(name) AS n FROM customers', /^861403$/],
  ['another hash', 'SELECT MD5(email) AS e FROM customers', /^861403$/],
  ['an aggregate', 'SELECT MAX(email) AS e FROM customers', /^861403$/],
  ['a list of all', "SELECT LISTAGG(email, ',') AS e FROM customers", /^861403$/],
  ['an array of all', 'SELECT ARRAY_AGG(name) AS e FROM customers', /^861403$/],
  ['an object of the row', 'SELECT OBJECT_CONSTRUCT(*) AS o FROM customers', /^86(1403|1205)$/],
  ['a sum', 'SELECT SUM(balance) AS s FROM customers', /^861403$/],
  ['a window', 'SELECT FIRST_VALUE(email) OVER (ORDER BY id) AS e FROM customers', /^861403$/],
  ['a case', "SELECT CASE WHEN id = 1 THEN email ELSE 'x' END AS e FROM customers", /^861403$/],
  ['a comparison as a value', "SELECT email = 'ada.brandt@example.com' AS e FROM customers", /^861403$/],
  ['a filter', "SELECT id FROM customers WHERE email = 'ada.brandt@example.com'", /^861404$/],
  ['a LIKE filter', "SELECT id FROM customers WHERE ssn LIKE '900-11%'", /^861404$/],
  ['a range filter', 'SELECT id FROM customers WHERE balance > 1000', /^861404$/],
  ['a filter on a view', "SELECT id FROM v_customer_contact WHERE contact LIKE 'a%'", /^861404$/],
  [
    'a filter in a subquery',
    "SELECT COUNT(*) AS n FROM (SELECT id FROM customers WHERE name = 'Ada Brandt') AS s",
    /^861404$/,
  ],
  ['a filter by IN', 'SELECT id FROM customers WHERE email IN (SELECT email FROM hr.employees)', /^861404$/],
  [
    'EXISTS',
    "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.customer_id AND c.ssn > '900-5')",
    /^861404$/,
  ],
  ['QUALIFY', 'SELECT id FROM customers QUALIFY ROW_NUMBER() OVER (ORDER BY ssn) = 1', /^86(1404|1403)$/],
  ['a join condition', "SELECT c.id FROM customers c JOIN (SELECT 'Ada Brandt' AS n) AS x ON c.name = x.n", /^861404$/],
  ['a natural join', 'SELECT COUNT(*) AS n FROM customers NATURAL JOIN hr.employees', /^86(1404|1205)$/],
  ['a join USING', 'SELECT COUNT(*) AS n FROM customers JOIN hr.employees USING (email)', /^861404$/],
  ['an order', 'SELECT id FROM customers ORDER BY ssn', /^861404$/],
  ['an order by position', 'SELECT ssn, id FROM customers ORDER BY 1', /^861404$/],
  ['an order by alias', 'SELECT ssn AS s, id FROM customers ORDER BY s', /^861404$/],
  ['a group', 'SELECT COUNT(*) AS n FROM customers GROUP BY name', /^861404$/],
  ['DISTINCT', 'SELECT DISTINCT name FROM customers', /^86(1403|1404)$/],
  ['COUNT DISTINCT', 'SELECT COUNT(DISTINCT ssn) AS n FROM customers', /^861403$/],
  ['a union with a text', 'SELECT city FROM customers UNION SELECT email FROM customers', /^86(1403|1404|1205)$/],
  ['a union of all', 'SELECT email AS v FROM customers UNION ALL SELECT city FROM customers', /^86(1403|1404|1205)$/],
  ['except', 'SELECT email AS v FROM customers EXCEPT SELECT city FROM customers', /^86(1403|1404|1205)$/],
  ['a scalar subquery', 'SELECT (SELECT email FROM customers WHERE id = 1) AS e', /^86(1403|1205)$/],
  ['a lateral join', 'SELECT x.e FROM customers c, LATERAL (SELECT UPPER(c.email) AS e) AS x', /^86(1403|1205)$/],
  ['flatten', "SELECT f.value FROM customers c, LATERAL FLATTEN(INPUT => SPLIT(c.email, '@')) f", /^86(1403|1205)$/],
  ['pivot', "SELECT * FROM customers PIVOT (MAX(email) FOR region IN ('EMEA'))", /^86(1403|1205)$/],
  ['unpivot', 'SELECT * FROM customers UNPIVOT (v FOR k IN (email, name))', /^86(1403|1205)$/],
  ['sample with a seed', 'SELECT UPPER(name) AS n FROM customers SAMPLE (50) SEED (1)', /^86(1403|1205)$/],
  ['RESULT_SCAN', 'SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))', /^861205$/],
  ['the pipe operator', 'SHOW TABLES ->> SELECT * FROM $1', /^861205$/],
  ['a pipe from a query', 'SELECT email FROM customers ->> SELECT UPPER($1.email) FROM $1', /^861205$/],
  ['EXECUTE IMMEDIATE', "EXECUTE IMMEDIATE 'SELECT email FROM customers'", /^861205$/],
  ['EXECUTE IMMEDIATE of dollars', 'EXECUTE IMMEDIATE $$SELECT email FROM customers$$', /^861205$/],
  ['IDENTIFIER of a column', "SELECT IDENTIFIER('email') FROM customers", /^861205$/],
  ['IDENTIFIER of a table', "SELECT UPPER(email) AS e FROM IDENTIFIER('customers')", /^86(1403|1205)$/],
  ['a table by variable', 'SELECT * FROM TABLE($t)', /^861205$/],
  ['a variable', 'SET v = (SELECT email FROM customers WHERE id = 1)', /^861205$/],
  ['two statements', 'SELECT 1; SELECT UPPER(email) FROM customers', /^861205$/],
  ['a block', 'BEGIN RETURN (SELECT MAX(email) FROM customers); END', /^86(1205|1201)$/],
  ['CALL', "CALL leak('customers')", /^86(1201|1205)$/],
  ['EXPLAIN', 'EXPLAIN SELECT UPPER(email) FROM customers', /^86(1201|1205|1403)$/],
  ['letters that look alike', 'SELECT еmail FROM customers', /^861205$/],
  ['an invisible letter in the name', 'SELECT ema\u200bil FROM customers', /^861205$/],
  ['an odd blank', 'SELECT\u00a0UPPER(email) FROM customers', /^86(1205|1403)$/],
  ['an open comment', 'SELECT 1 /* SELECT email FROM customers', /^861205$/],
  ['a comment that hides', "SELECT '--' /*/ AS x, UPPER(email) */ || email AS y FROM customers", /^86(1205|1403)$/],
  ['a nested comment', 'SELECT /* /* */ UPPER(email) AS e FROM customers /* */ */', /^86(1205|1403)$/],
  ['slashes as a comment', 'SELECT 1 AS a // FROM orders\n, UPPER(email) AS e FROM customers', /^86(1205|1403)$/],
  ['a system function', 'SELECT SYSTEM$TYPEOF(email) FROM customers', /^861205$/],
  ['GET_DDL', "SELECT GET_DDL('table', 'customers')", /^861205$/],
  ['query history', 'SELECT query_text FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())', /^861205$/],
  ['history of the account', 'SELECT * FROM snowflake.account_usage.query_history', /^86(1205|1201)$/],
  ['a template of Jinja', 'SELECT {{ email }} FROM customers', /^861205$/],
  ['nothing', '', /^86(1205|1103)$/],
  ['a lone semicolon', ';', /^86(1205|1103)$/],
];

describe('ways around the mask are refused', () => {
  test.each(EVASIONS)('%s', async (_what, sqlText, code) => {
    const answer = await ask(sqlText);
    expect({ success: answer.success, code: answer.code }).toEqual({
      success: false,
      code: expect.stringMatching(code),
    });
  });

  test('a text that hides its end is read as Snowflake reads it', async () => {
    const answer = await ask("SELECT 'a\\' AS x, UPPER(email) AS e FROM customers -- '");
    expect(answer.data['rowset']).toEqual([["a' AS x, UPPER(email) AS e FROM customers -- "]]);
  });

  test('several statements stay refused when the request asks for them', async () => {
    const answer = await ask('SELECT 1; SELECT email FROM customers', { parameters: { MULTI_STATEMENT_COUNT: 0 } });
    expect(answer).toMatchObject({ success: false, code: '861205' });
  });

  test('a bind cannot stand for a column', async () => {
    const answer = await ask('SELECT ? AS v FROM customers LIMIT 1', {
      bindings: { 1: { type: 'TEXT', value: 'email' } },
    });
    expect(answer.data['rowset']).toEqual([['email']]);
  });

  test('a bind cannot stand in a filter on a protected column', async () => {
    const answer = await ask('SELECT id FROM customers WHERE email = ?', {
      bindings: { 1: { type: 'TEXT', value: 'ada.brandt@example.com' } },
    });
    expect(answer.code).toBe('861404');
    received.pop();
  });

  test('describing an expression over a protected column is refused too', async () => {
    expect((await ask('SELECT UPPER(email) AS e FROM customers', { describeOnly: true })).code).toBe('861403');
  });

  test('the result of another statement is not read by its id in SQL', async () => {
    const reader = await connectAgent(playground, {
      subject: 'agent-2',
      claims: { ...AGENT_CLAIMS, groups: ['agents', 'pii-readers'] },
    });
    const { statement } = await reader.execute('SELECT email FROM customers WHERE id = 2');
    const upstreamId = (await playground.history()).findLast(
      (entry) => entry.sqlText.includes('EMAIL') || entry.sqlText.includes('email'),
    )?.queryId;
    for (const id of [statement.getQueryId(), upstreamId]) {
      const answer = await ask(`SELECT * FROM TABLE(RESULT_SCAN('${id}'))`);
      expect(answer).toMatchObject({ success: false, code: '861205' });
      expect((await wire.get(`/queries/${id}/result`)).answer).toMatchObject({ success: false, code: '861105' });
    }
    await reader.close();
  });

  test('an own result is read by its id as it was delivered', async () => {
    const first = await ask('SELECT email FROM customers WHERE id = 2');
    const again = await ask(`select * from table(result_scan('${String(first.data['queryId'])}'))`);
    expect(again.data['rowset']).toEqual(first.data['rowset']);
  });

  test('a temporary table made of protected columns is held, not run', async () => {
    const before = (await playground.history()).length;
    const { statement, done } = driver.start('CREATE TEMPORARY TABLE copied AS SELECT email FROM customers');
    const ended = failureOf(done);
    await new Promise<void>((resolve, reject) => statement.cancel((error) => (error ? reject(error) : resolve())));
    expect((await ended).code).toMatch(/^(000604|86\d{4})$/);
    expect((await playground.history()).slice(before).filter((entry) => /COPIED/i.test(entry.sqlText))).toEqual([]);
  });

  test('no comment reaches Snowflake, and names arrive fully qualified', async () => {
    await ask('SELECT id /* hidden words */ FROM customers -- more words\n WHERE id = 1');
    const arrived = (await playground.history()).at(-1)?.sqlText ?? '';
    expect(arrived).not.toContain('words');
    expect(arrived).toMatch(/FROM "?CRM"?\."?PUBLIC"?\."?CUSTOMERS"?/);
  });
});

describe('errors do not quote values', () => {
  test.each([
    ['a filter that casts beside a protected column', 'SELECT email FROM customers WHERE city::number = 1'],
    ['an expression beside a protected column', 'SELECT name, city::number AS n FROM customers'],
  ])('%s', async (_what, sqlText) => {
    const answer = await ask(sqlText);
    expect(answer).toMatchObject({
      success: false,
      code: '861405',
      message: expect.stringContaining('with code 100038'),
    });
    expect(answer.message).not.toContain('Hamburg');
  });

  test('an insert from a query over a protected column is held or refused before it can fail', async () => {
    const answer = await ask('INSERT INTO orders (id) SELECT ssn FROM customers');
    expect(answer.success).toBe(false);
    expect(answer.message).not.toMatch(/900-/);
  });
});

test('no protected value left the gateway in any answer, nor in its log', async () => {
  const { rows } = await direct.execute('SELECT name, email, ssn, balance FROM customers');
  const staff = await direct.execute('SELECT email FROM hr.employees');
  const values = [...rows, ...staff.rows].flatMap((row) => Object.values(row)).filter((value) => value !== null);
  const telling = values.map(String).filter((value) => value.length > 4);
  expect(telling.length).toBeGreaterThan(40);
  const all = `${received.join('\n')}\n${playground.gatewayOutput()}`;
  expect(all.length).toBeGreaterThan(500_000);
  expect(telling.filter((value) => all.includes(value))).toEqual([]);
});
