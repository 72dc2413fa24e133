import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { loginByHand } from './callers.js';

let playground: Playground;
let wire: WireClient;

beforeAll(async () => {
  playground = await startPlayground();
  wire = await loginByHand(playground);
}, 60_000);
afterAll(() => playground?.stop());

const rowsOf = async (sqlText: string): Promise<unknown> => {
  const answer = await wire.run(sqlText);
  return answer.success ? answer.data['rowset'] : `${answer.code} ${answer.message}`;
};

describe('session variables', () => {
  test('hold what a literal or a query over free columns gave them', async () => {
    expect(await wire.run("SET city = 'Hamburg'")).toMatchObject({ success: true, message: null });
    expect(await wire.run('SET biggest = (SELECT MAX(id) FROM orders)')).toMatchObject({
      success: true,
      message: null,
    });
    expect(await rowsOf('SELECT COUNT(*) AS n FROM customers WHERE city = $city')).toEqual([[expect.any(String)]]);
    expect(await rowsOf('SELECT $biggest AS b')).toEqual([[expect.stringMatching(/^\d+$/)]]);
  });

  test('take nothing that a protected column has a part in', async () => {
    for (const query of [
      'SELECT MAX(email) FROM customers',
      "SELECT COUNT(*) FROM customers WHERE name = 'Ada Brandt'",
    ]) {
      expect(await wire.run(`SET leak = (${query})`)).toMatchObject({ success: false });
      expect(await rowsOf('SELECT $leak AS l')).toMatch(/^861205/);
    }
  });

  test('are not set by a statement that is only described', async () => {
    const { success } = await wire.run("SET described = 'x'", { describeOnly: true });
    expect([success, await rowsOf('SELECT $described AS d')]).toEqual([true, expect.stringMatching(/^861205/)]);
  });

  test('are unknown to other sessions and after UNSET', async () => {
    const other = await loginByHand(playground, { subject: 'agent-2' });
    expect(await other.run('SELECT $city AS c')).toMatchObject({ success: false, code: '861205' });
    await wire.run('UNSET city');
    expect(await rowsOf('SELECT $city AS c')).toMatch(/^861205/);
  });

  test('are not listed', async () => {
    expect(await wire.run('SHOW VARIABLES')).toMatchObject({ success: false });
  });
});

describe('earlier results', () => {
  test('are read again as they came, masks and all', async () => {
    const first = await wire.run('SELECT id, email, city FROM customers WHERE id <= 3 ORDER BY id');
    const again = 'SELECT email, UPPER(city) AS c FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) ORDER BY id';
    const rows = first.data['rowset'] as readonly (readonly string[])[];
    expect(await rowsOf(again)).toEqual(rows.map(([, email, city]) => [email, city?.toUpperCase()]));
    const arrived = (await playground.history()).findLast(({ sqlText }) => sqlText.includes('RESULT_SCAN'))?.sqlText;
    expect(arrived).not.toContain('LAST_QUERY_ID');
    expect(arrived).not.toContain(String(first.data['queryId']));
  });

  test('of SHOW can be filtered', async () => {
    await wire.run('SHOW TABLES');
    expect(await rowsOf(`SELECT "name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = 'ORDERS'`)).toEqual([
      ['ORDERS'],
    ]);
  });

  test('of another session, and of statements that are no queries, are unknown', async () => {
    const first = await wire.run('SELECT id FROM orders LIMIT 1');
    const other = await loginByHand(playground, { subject: 'agent-2' });
    const scan = `SELECT id AS other FROM TABLE(RESULT_SCAN('${String(first.data['queryId'])}'))`;
    expect(await other.run(scan)).toMatchObject({ success: false, code: '861205' });
    await wire.run("ALTER SESSION SET TIMEZONE = 'UTC'");
    expect(await rowsOf('SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))')).toMatch(/^861205/);
  });
});
