import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keyPads } from '@piste/gateway/dist/masking/index.js';
import type { NodeDriver } from '../harness/node-driver.js';
import type { WireAnswer, WireClient } from '../harness/wire-client.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectDirect, failureOf, loginByHand } from './callers.js';
import { ALWAYS_REFUSED, DISGUISES, EXPRESSIONS, PREDICATES } from './evasions.js';

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

async function filesBelow(directory: string): Promise<readonly Buffer[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name))));
}

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

/** Codes of a statement that is not answered because of what it touches, or that fails on masked values. */
const REFUSED = /^86(1201|1205|1403|1404|1405)$/;

describe('ways around the mask', () => {
  test.each([...EXPRESSIONS, ...PREDICATES])('%s sees the masked value', async (_what, sqlText) => {
    expect(await ask(sqlText)).toMatchObject({ success: true, code: null });
  });

  test.each(DISGUISES)('%s sees the masked value or is refused', async (_what, sqlText) => {
    const { success, code } = await ask(sqlText);
    expect({ success, code }).toEqual(
      success ? { success: true, code: null } : { success, code: expect.stringMatching(REFUSED) },
    );
  });

  test.each(ALWAYS_REFUSED)('%s is refused', async (_what, sqlText, code) => {
    const answer = await ask(sqlText);
    expect({ success: answer.success, code: answer.code }).toEqual({
      success: false,
      code: expect.stringMatching(code),
    });
  });

  test.each([
    ['a filter finds nothing', "SELECT id FROM customers WHERE email = 'ada.brandt@example.com'", []],
    ['a comparison is false', "SELECT email = 'ada.brandt@example.com' AS e FROM customers WHERE id = 1", [['0']]],
    ['parts are parts of the mask', 'SELECT SUBSTR(ssn, 1, 3) AS s FROM customers WHERE id = 1', [['***']]],
    ['a group is one', 'SELECT COUNT(*) AS n FROM customers GROUP BY name', [['12']]],
    ['a sum is none', 'SELECT SUM(balance) AS s FROM customers', [[null]]],
    [
      'an order is that of masks',
      'SELECT COUNT(*) AS n FROM (SELECT id FROM customers ORDER BY name LIMIT 3)',
      [['3']],
    ],
  ])('%s', async (_what, sqlText, rowset) => {
    expect((await ask(sqlText)).data['rowset']).toEqual(rowset);
  });

  test('hashes still join and count', async () => {
    const joined = 'SELECT COUNT(*) AS n FROM customers c JOIN v_customer_contact v ON v.contact = c.email';
    expect((await ask(joined)).data['rowset']).toEqual((await direct.execute(joined)).rows.map(({ N }) => [String(N)]));
    const counted = 'SELECT COUNT(DISTINCT email) AS n FROM customers';
    expect((await ask(counted)).data['rowset']).toEqual(
      (await direct.execute(counted)).rows.map(({ N }) => [String(N)]),
    );
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

  test('a bind in a filter on a protected column meets the mask, and is the only bind the caller is told of', async () => {
    const answer = await ask('SELECT id FROM customers WHERE email = ?', {
      bindings: { 1: { type: 'TEXT', value: 'ada.brandt@example.com' } },
    });
    expect(answer).toMatchObject({ success: true, data: { rowset: [], numberOfBinds: 1 } });
  });

  test('describing an expression over a protected column sends no key', async () => {
    const answer = await ask('SELECT UPPER(email) AS e FROM customers', { describeOnly: true });
    expect(answer).toMatchObject({ success: true, data: { numberOfBinds: 0 } });
    expect((await playground.history()).at(-1)?.sqlText).toContain(`'${'00'.repeat(64)}'`);
  });

  test('the key of hashes stands in no text that Snowflake keeps, and in no record', async () => {
    await ask('SELECT email FROM customers WHERE id = 1');
    const key = await readFile(join(playground.secretsDirectory, 'masking', 'hash-key'), 'utf8');
    const { inner, outer } = keyPads(Buffer.from(key));
    const kept = (await playground.history()).map(({ sqlText, queryTag }) => `${sqlText}${queryTag}`).join('\n');
    expect(kept).toContain('SHA2_HEX');
    for (const secret of [key, inner, outer]) expect(kept.toUpperCase().includes(secret.toUpperCase())).toBe(false);
    for (const file of await filesBelow(playground.recordingDirectory)) {
      for (const secret of [key, inner, outer]) expect(file.includes(secret)).toBe(false);
    }
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
