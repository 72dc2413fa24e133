import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';
import { type WireClient, wireLogin } from '../harness/wire-client.js';

let standIn: StandInProgram;
let demo: WireClient;
let other: WireClient;

const logIn = (user: string): Promise<WireClient> =>
  wireLogin(standIn.url, {
    fields: { CLIENT_APP_ID: 'JavaScript', LOGIN_NAME: user, PASSWORD: `${user}-password` },
    query: { databaseName: 'crm', schemaName: 'public', warehouse: 'compute_wh' },
  });

beforeAll(async () => {
  standIn = await startStandInProgram({
    users: [
      { name: 'DEMO', password: 'demo-password', type: 'SERVICE', networkPolicy: 'EGRESS_ONLY' },
      { name: 'OTHER', password: 'other-password' },
    ],
  });
  demo = await logIn('demo');
  other = await logIn('other');
});
afterAll(async () => await standIn?.stop());

type Cells = Readonly<Record<string, string | null>>;

async function rows(client: WireClient, sqlText: string): Promise<readonly Cells[]> {
  const answer = await client.query(sqlText);
  if (!answer.success) throw new Error(`${answer.code} ${answer.message}`);
  const names = (answer.data['rowtype'] as readonly { name: string }[]).map(({ name }) => name);
  const rowset = answer.data['rowset'] as (string | null)[][];
  return rowset.map((row) => Object.fromEntries(row.map((cell, index) => [names[index] ?? '', cell])));
}

const HISTORY = 'INFORMATION_SCHEMA.QUERY_HISTORY';

describe('the query history', () => {
  test('shows what ran, with Snowflake’s columns', async () => {
    const sqlText = 'SELECT id FROM customers WHERE id < 4';
    await demo.query(sqlText, { parameters: { QUERY_TAG: 'mine' } });
    await demo.query("SELECT 'x'::number AS n");
    const found = await rows(
      demo,
      `SELECT QUERY_ID, QUERY_TEXT, USER_NAME, ROLE_NAME, WAREHOUSE_NAME, DATABASE_NAME, SCHEMA_NAME, SESSION_ID, QUERY_TAG,
        START_TIME, END_TIME, EXECUTION_STATUS, ERROR_CODE, ROWS_PRODUCED FROM TABLE("CRM".${HISTORY}_BY_USER(RESULT_LIMIT => 3))`,
    );
    const [running, failed, ran] = found;
    expect(ran).toMatchObject({
      QUERY_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      QUERY_TEXT: sqlText,
      USER_NAME: 'DEMO',
      ROLE_NAME: 'SYSADMIN',
      WAREHOUSE_NAME: 'COMPUTE_WH',
      DATABASE_NAME: 'CRM',
      SCHEMA_NAME: 'PUBLIC',
      SESSION_ID: expect.stringMatching(/^\d+$/),
      QUERY_TAG: 'mine',
      EXECUTION_STATUS: 'SUCCESS',
      ERROR_CODE: null,
      ROWS_PRODUCED: '3',
    });
    expect(Number(ran?.['END_TIME'])).toBeGreaterThanOrEqual(Number(ran?.['START_TIME']));
    expect(failed).toMatchObject({ EXECUTION_STATUS: 'FAILED_WITH_ERROR', ERROR_CODE: '100038', ROWS_PRODUCED: null });
    expect(running).toMatchObject({ EXECUTION_STATUS: 'RUNNING', END_TIME: null });
  });

  test('of one user, of one session and of all', async () => {
    const text = "SELECT 'from somebody else' AS v";
    await other.query(text);
    const texts = async (call: string) =>
      (await rows(demo, `SELECT QUERY_TEXT FROM TABLE(${call})`)).map((row) => row['QUERY_TEXT']);
    expect(await texts(`${HISTORY}()`)).toContain(text);
    expect(await texts(`${HISTORY}_BY_USER(USER_NAME => 'other')`)).toContain(text);
    expect(await texts(`${HISTORY}_BY_USER(USER_NAME => CURRENT_USER)`)).not.toContain(text);
    expect(await texts(`${HISTORY}_BY_SESSION()`)).not.toContain(text);
  });

  test('of a range of time', async () => {
    const before = Date.now() - 3_600_000;
    const ids = async (range: string) =>
      await rows(demo, `SELECT QUERY_ID FROM TABLE(${HISTORY}_BY_USER(RESULT_LIMIT => 10000${range}))`);
    const all = await ids('');
    expect(await ids(`, END_TIME_RANGE_START => TO_TIMESTAMP_LTZ(${before}, 3)`)).toHaveLength(all.length + 1);
    expect(await ids(`, END_TIME_RANGE_END => TO_TIMESTAMP_LTZ(${before}, 3)`)).toHaveLength(0);
    expect(await ids(`, END_TIME_RANGE_START => '${new Date(Date.now() + 60_000).toISOString()}'`)).toHaveLength(1);
    await expect(ids(`, END_TIME_RANGE_START => TO_TIMESTAMP_LTZ(${before - 8 * 86_400_000}, 3)`)).rejects.toThrow(
      /7 days/,
    );
  });

  test('leaves out what a client generated, unless asked', async () => {
    await demo.query('SELECT 4711 AS n', { isInternal: true });
    const count = async (included: string) =>
      (
        await rows(
          demo,
          `SELECT QUERY_TEXT FROM TABLE(${HISTORY}_BY_USER(INCLUDE_CLIENT_GENERATED_STATEMENT => ${included})) WHERE QUERY_TEXT LIKE 'SELECT 4711%'`,
        )
      ).length;
    expect([await count('TRUE'), await count('FALSE')]).toEqual([1, 0]);
  });

  test('is a view of the account as well, where texts are cut', async () => {
    const text = `SELECT '${'ü'.repeat(100_000)}' AS v`;
    await demo.query(text);
    const view = 'SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY';
    const [cut] = await rows(demo, `SELECT QUERY_TEXT, EXECUTION_STATUS FROM ${view} WHERE LENGTH(QUERY_TEXT) > 90000`);
    expect([cut?.['QUERY_TEXT']?.length, cut?.['EXECUTION_STATUS']]).toEqual([100_000, 'SUCCESS']);
    const [failed] = await rows(demo, `SELECT EXECUTION_STATUS FROM ${view} WHERE ERROR_CODE = '100038'`);
    expect(failed).toEqual({ EXECUTION_STATUS: 'FAIL' });
  });
});

describe('a user', () => {
  test('sees its own properties and its network policy', async () => {
    const properties = await rows(demo, 'DESCRIBE USER DEMO');
    const property = (name: string) => properties.find((row) => row['property'] === name)?.['property_value'];
    expect([property('TYPE'), property('PASSWORD'), property('HAS_PAT')]).toEqual(['SERVICE', '********', 'false']);
    expect(await rows(demo, "SHOW PARAMETERS LIKE 'NETWORK_POLICY' FOR USER DEMO")).toMatchObject([
      { key: 'NETWORK_POLICY', value: 'EGRESS_ONLY', level: 'USER' },
    ]);
    expect(await rows(other, "SHOW PARAMETERS LIKE 'NETWORK_POLICY' FOR USER OTHER")).toMatchObject([{ value: '' }]);
  });

  test('does not see others', async () => {
    await expect(rows(demo, 'DESCRIBE USER OTHER')).rejects.toThrow(/003001/);
  });
});
