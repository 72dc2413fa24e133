import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';
import { type WireClient, wireLogin } from '../harness/wire-client.js';

let standIn: StandInProgram;
let client: WireClient;

beforeAll(async () => {
  standIn = await startStandInProgram();
  client = await wireLogin(standIn.url, {
    fields: { CLIENT_APP_ID: 'JavaScript', LOGIN_NAME: 'demo', PASSWORD: 'demo-password' },
    query: { databaseName: 'crm', schemaName: 'public', warehouse: 'compute_wh' },
  });
});

afterAll(async () => await standIn?.stop());

const one = `(SELECT PARSE_JSON('{"a":[1,"x"]}') AS v, 3 AS n, 'p,q' AS t)`;

test.each([
  [`SELECT f.key, f.value FROM ${one} c, LATERAL FLATTEN(INPUT => c.v) f`, [['a', '[1,"x"]']]],
  [
    `SELECT f.index, f.value FROM ${one} c, TABLE(FLATTEN(INPUT => c.v, PATH => 'a')) f ORDER BY f.index`,
    [
      ['0', '1'],
      ['1', '"x"'],
    ],
  ],
  [`SELECT f.value FROM ${one} c, LATERAL FLATTEN(INPUT => c.v:missing, OUTER => TRUE) f`, [[null]]],
  [`SELECT f.value FROM ${one} c, LATERAL FLATTEN(INPUT => c.v:missing) f`, []],
  [
    `SELECT s.index, s.value FROM ${one} c, LATERAL SPLIT_TO_TABLE(c.t, ',') s ORDER BY s.index`,
    [
      ['1', 'p'],
      ['2', 'q'],
    ],
  ],
  ['SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 10)) g WHERE SEQ4() < 4', [['4']]],
  ['SELECT id FROM customers AT (OFFSET => -60) WHERE id = 1', [['1']]],
  [`SELECT OBJECT_CONSTRUCT(*) FROM (SELECT 1 AS a, 'x' AS b)`, [['{"A":1,"B":"x"}']]],
  [`SELECT {* EXCLUDE (b)} FROM (SELECT 1 AS a, 'x' AS b)`, [['{"A":1}']]],
  [`SELECT [n, t], t::variant FROM ${one}`, [['[3,"p,q"]', '"p,q"']]],
  [`SELECT ARRAY_CONTAINS('x'::variant, v:a) FROM ${one}`, [['1']]],
  [`SELECT REDUCE(v:a, '', (acc, e) -> acc || e) FROM ${one}`, [['1x']]],
  [`SELECT "'k'" FROM (SELECT 'k' AS a, 1 AS b) PIVOT (MAX(b) FOR a IN ('k'))`, [['1']]],
  [
    'SELECT name, v FROM (SELECT 1 AS a, CAST(NULL AS NUMBER(38, 0)) AS b) UNPIVOT (v FOR name IN (a, b))',
    [['A', '1']],
  ],
])('%s', async (sqlText, rowset) => {
  const answer = await client.query(sqlText);
  expect({ message: answer.message, rowset: answer.data['rowset'] }).toEqual({ message: null, rowset });
});

test('what would be left out of the statement is refused', async () => {
  const sqlText =
    'SELECT * FROM orders MATCH_RECOGNIZE (ORDER BY id MEASURES MATCH_NUMBER() AS m PATTERN (a) DEFINE a AS id > 1)';
  expect(await client.query(sqlText)).toMatchObject({ success: false, code: '000002' });
});
