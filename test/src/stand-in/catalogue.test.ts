import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';
import { type WireAnswer, type WireClient, wireLogin } from '../harness/wire-client.js';

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

/** Rows as objects; a failure throws its code and message. */
const rows = async (sqlText: string): Promise<readonly Readonly<Record<string, string | null>>[]> => {
  const answer = await client.query(sqlText);
  if (!answer.success) throw new Error(`${answer.code} ${answer.message}`);
  const names = rowtype(answer).map((column) => String(column['name']));
  const rowset = answer.data['rowset'] as (string | null)[][];
  return rowset.map((row) => Object.fromEntries(row.map((cell, index) => [names[index], cell])));
};

const rowtype = (answer: WireAnswer) => answer.data['rowtype'] as readonly Readonly<Record<string, unknown>>[];

describe('SHOW', () => {
  test.each([
    [`SHOW OBJECTS LIKE 'CUSTOMERS' IN SCHEMA "CRM"."PUBLIC"`, ['CUSTOMERS TABLE']],
    [`SHOW OBJECTS LIKE 'v\\\\_customer%' IN SCHEMA CRM.PUBLIC`, ['V_CUSTOMER_CONTACT VIEW']],
    [
      'SHOW OBJECTS IN DATABASE CRM',
      ['EMPLOYEES TABLE', 'BIG TABLE', 'CUSTOMERS TABLE', 'ORDERS TABLE', 'V_CUSTOMER_CONTACT VIEW'],
    ],
    ['show tables in schema hr', ['EMPLOYEES TABLE']],
    ["SHOW TABLES STARTS WITH 'O' LIMIT 5", ['ORDERS TABLE']],
    [`SHOW OBJECTS LIKE 'MISSING' IN SCHEMA "CRM"."PUBLIC"`, []],
  ])('%s', async (sqlText, expected) => {
    expect((await rows(sqlText)).map((row) => `${row['name']} ${row['kind']}`)).toEqual(expected);
  });

  test('gives the text and the security of a view', async () => {
    await rows('create or replace secure view guarded as select id from customers');
    const [open] = await rows(`SHOW VIEWS LIKE 'V_CUSTOMER_CONTACT' IN SCHEMA "CRM"."PUBLIC"`);
    expect(open).toMatchObject({ is_secure: 'false', text: expect.stringMatching(/SELECT ID, EMAIL, CITY FROM/) });
    const [guarded] = await rows(`SHOW VIEWS LIKE 'GUARDED' IN SCHEMA "CRM"."PUBLIC"`);
    expect(guarded).toMatchObject({
      is_secure: 'true',
      text: 'create or replace secure view guarded as select id from customers',
    });
    await rows('drop view guarded');
  });

  test('gives column types as Snowflake’s JSON', async () => {
    const columns = await rows('SHOW COLUMNS IN TABLE "CRM"."PUBLIC"."CUSTOMERS"');
    const types = Object.fromEntries(columns.map((row) => [row['column_name'], JSON.parse(row['data_type'] ?? '')]));
    expect(types).toMatchObject({
      ID: { type: 'FIXED', precision: 38, scale: 0, nullable: true },
      EMAIL: { type: 'TEXT', length: 16_777_216, byteLength: 16_777_216, nullable: true, fixed: false },
      CREATED_AT: { type: 'TIMESTAMP_NTZ', precision: 0, scale: 9, nullable: true },
      BALANCE: { type: 'FIXED', precision: 12, scale: 2, nullable: true },
    });
  });

  test('gives the columns of a view', async () => {
    const columns = await rows('SHOW COLUMNS IN VIEW "CRM"."PUBLIC"."V_CUSTOMER_CONTACT"');
    expect(columns.map((row) => row['column_name'])).toEqual(['ID', 'CONTACT', 'CITY']);
  });

  test('fails for the columns of a table that is not there', async () => {
    await expect(rows('SHOW COLUMNS IN TABLE "CRM"."PUBLIC"."MISSING"')).rejects.toThrow(/^002003/);
    await expect(rows('SHOW OBJECTS IN SCHEMA "CRM"."MISSING"')).rejects.toThrow(/^002003/);
  });

  test('lists databases, schemas, warehouses, roles and parameters', async () => {
    expect((await rows("show databases like 'crm'")).map((row) => row['name'])).toEqual(['CRM']);
    expect((await rows('show schemas in database crm')).map((row) => row['name'])).toEqual([
      'HR',
      'INFORMATION_SCHEMA',
      'PUBLIC',
    ]);
    expect((await rows('show warehouses')).map((row) => row['name'])).toEqual(['COMPUTE_WH', 'AGENT_WH']);
    expect((await rows('show roles')).map((row) => row['name'])).toContain('SUPPORT');
    await rows("alter session set query_tag = 'ticket 7', timezone = 'Europe/Zurich'");
    expect(await rows("show parameters like 'query_tag'")).toMatchObject([
      { key: 'QUERY_TAG', value: 'ticket 7', level: 'SESSION' },
    ]);
    await rows('alter session unset query_tag, timezone');
    expect(await rows("show parameters like 'query_tag'")).toMatchObject([{ value: '', level: '' }]);
  });
});

describe('DESCRIBE and INFORMATION_SCHEMA', () => {
  test('describe a table', async () => {
    expect((await rows('describe table customers')).map((row) => `${row['name']} ${row['type']}`)).toEqual([
      'ID NUMBER(38,0)',
      'NAME VARCHAR(16777216)',
      'EMAIL VARCHAR(16777216)',
      'SSN VARCHAR(16777216)',
      'CITY VARCHAR(16777216)',
      'REGION VARCHAR(16777216)',
      'CREATED_AT TIMESTAMP_NTZ(9)',
      'BALANCE NUMBER(12,2)',
    ]);
  });

  test('INFORMATION_SCHEMA shows the current database only', async () => {
    const found = await rows('select distinct table_catalog c from information_schema.tables');
    expect(found).toEqual([{ C: 'CRM' }]);
    const columns = await rows(
      "select column_name, data_type from crm.information_schema.columns where table_name = 'ORDERS' order by ordinal_position",
    );
    expect(columns.map((row) => `${row['COLUMN_NAME']} ${row['DATA_TYPE']}`)).toContain('AMOUNT NUMBER');
  });
});

describe('DDL', () => {
  afterAll(async () => void (await rows('use schema crm.public')));

  test('creates and drops databases, schemas, tables and views and moves the session there', async () => {
    await rows('create database "Mixed Case"');
    expect(await rows('select current_database() d, current_schema() s')).toEqual([{ D: 'Mixed Case', S: 'PUBLIC' }]);
    await rows('create schema s1');
    await rows(
      `create table t (id int not null, "Mixed" varchar(20) comment 'x', v variant, happened timestamp_tz(9)) comment = 'y'`,
    );
    await rows(
      `insert into t select 1, 'a', parse_json('{"k": {"K": "deep"}}'), '2024-05-05 10:00:00 -07:00'::timestamp_tz`,
    );
    expect(await rows('select happened from t')).toEqual([{ HAPPENED: '1714928400.000000000 1020' }]);
    expect(await rows('select "Mixed", v:k.K::string as deep from "Mixed Case".s1.t')).toEqual([
      { Mixed: 'a', DEEP: 'deep' },
    ]);
    await expect(rows('insert into t (id) values (null)')).rejects.toThrow(/^100072/);
    await rows('alter table t add column extra number(5,1)');
    await rows('alter table t drop column extra');
    await rows('truncate table t');
    expect(await rows('select count(*) n from t')).toEqual([{ N: '0' }]);
    await rows('use schema crm.public');
    await rows('create view "Mixed Case".s1.v as select id from t');
    expect(await rows('select * from "Mixed Case".s1.v')).toEqual([]);
    await rows('drop database "Mixed Case"');
    await expect(rows('use database "Mixed Case"')).rejects.toThrow(/^002003/);
    expect(await rows('drop table if exists never_there')).toEqual([
      { status: 'Drop statement executed successfully (object already dropped).' },
    ]);
  });

  test('temporary tables answer to their full name and vanish with the session', async () => {
    await rows('create temporary table crm.public.notes as select 1 as id');
    expect(await rows('select notes.id from "CRM"."PUBLIC"."NOTES"')).toEqual([{ ID: '1' }]);
    const other = await wireLogin(standIn.url, {
      fields: { CLIENT_APP_ID: 'JavaScript', LOGIN_NAME: 'demo', PASSWORD: 'demo-password' },
      query: { databaseName: 'CRM' },
    });
    expect(await other.query('select * from notes')).toMatchObject({ success: false, code: '002003' });
  });

  test('refuses unqualified names without a current database', async () => {
    const lost = await wireLogin(standIn.url, { fields: { LOGIN_NAME: 'demo', PASSWORD: 'demo-password' } });
    expect(await lost.query('select * from customers')).toMatchObject({ success: false, code: '090105' });
    expect(await lost.query('create table x (id int)')).toMatchObject({ success: false, code: '090105' });
    expect((await lost.query('select count(*) from crm.public.customers')).success).toBe(true);
  });
});

describe('functions a masking rewrite uses', () => {
  test.each([
    ["sha2('a', 256)", 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
    ["md5('a')", '0cc175b9c0f1b6a831c399e269772661'],
    ["regexp_replace('a-1-2', '[0-9]', '*')", 'a-*-*'],
    ["left('abc', 1) || '***'", 'a***'],
    ["split_part('ann@example.com', '@', 2)", 'example.com'],
    ['to_varchar(12.50::number(10,2))', '12.50'],
    ["iff(null is null, 'x', 'y')", 'x'],
    ["coalesce(null, 'z')", 'z'],
    ["date_trunc('year', '2024-05-06'::timestamp_ntz)::varchar", '2024-01-01 00:00:00'],
    ['floor(17 / 5) * 5', '15'],
  ])('%s', async (expression, expected) => {
    expect(Object.values((await rows(`select ${expression} as x`))[0] ?? {})).toEqual([expected]);
  });

  test('derived tables and quoted names, as a rewritten statement has them', async () => {
    const sqlText = `SELECT "C"."EMAIL", COUNT ( * ) AS "N" FROM ( SELECT "ID" , '***' AS "EMAIL" FROM "CRM"."PUBLIC"."CUSTOMERS" ) AS "C"
      JOIN "CRM"."PUBLIC"."ORDERS" AS "O" ON "O"."CUSTOMER_ID" = "C"."ID" GROUP BY "C"."EMAIL"`;
    expect(await rows(sqlText)).toEqual([{ EMAIL: '***', N: '40' }]);
  });
});

describe('statements that reach further than they look', () => {
  test('EXECUTE IMMEDIATE really runs its text', async () => {
    expect(await rows("execute immediate 'select email from customers where id = 1'")).toEqual([
      { EMAIL: 'ada.brandt@example.com' },
    ]);
  });

  test('IDENTIFIER and session variables are resolved', async () => {
    await rows("set target = 'customers'");
    expect(await rows('select count(*) n from identifier($target)')).toEqual([{ N: '12' }]);
  });

  test('COPY INTO a stage unloads rows that LIST shows', async () => {
    await rows('create stage outbox');
    const [unloaded] = await rows('copy into @outbox/all.csv from (select id, email from customers)');
    expect(unloaded).toMatchObject({ rows_unloaded: '12' });
    expect(await rows('list @outbox')).toMatchObject([{ name: 'outbox/all.csv', size: unloaded?.['output_bytes'] }]);
    await rows('remove @outbox');
    expect(await rows('list @outbox')).toEqual([]);
  });

  test('RESULT_SCAN reads an earlier result of the same user', async () => {
    await rows('select id, email, balance, created_at from customers order by id');
    const scanned = await rows('select * from table(result_scan(last_query_id())) where id = 5');
    expect(scanned).toEqual([
      { ID: '5', EMAIL: 'elif.demir@example.com', BALANCE: '432.10', CREATED_AT: '1711972800.250000000' },
    ]);
  });

  test('columns straight from one table carry its name, others do not', async () => {
    const origins = async (sqlText: string) =>
      rowtype(await client.query(sqlText)).map((column) =>
        [column['database'], column['schema'], column['table']].join('.'),
      );
    expect(await origins('select id, email as e, upper(email) from customers c where id = 1')).toEqual([
      'CRM.PUBLIC.CUSTOMERS',
      'CRM.PUBLIC.CUSTOMERS',
      '..',
    ]);
    expect(await origins('select id from v_customer_contact')).toEqual(['..']);
    expect(await origins('select a.id from customers a join orders b on a.id = b.id')).toEqual(['..']);
  });
});

describe('INFORMATION_SCHEMA', () => {
  test('gives columns with Snowflake’s words and sizes', async () => {
    const columns = await rows(
      `SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION AS P, NUMERIC_SCALE AS S, CHARACTER_MAXIMUM_LENGTH AS L FROM "CRM"."INFORMATION_SCHEMA"."COLUMNS"
       WHERE ("TABLE_SCHEMA" = 'PUBLIC' AND "TABLE_NAME" IN ('CUSTOMERS', 'V_CUSTOMER_CONTACT')) ORDER BY "TABLE_NAME", "ORDINAL_POSITION"`,
    );
    expect(columns.map((row) => Object.values(row).join(' ').trim())).toEqual([
      'ID NUMBER 38 0',
      ...['NAME', 'EMAIL', 'SSN', 'CITY', 'REGION'].map((name) => `${name} TEXT   16777216`),
      'CREATED_AT TIMESTAMP_NTZ',
      'BALANCE NUMBER 12 2',
      'ID NUMBER 38 0',
      'CONTACT TEXT   16777216',
      'CITY TEXT   16777216',
    ]);
  });

  test('tells tables from views, secure views from others, and a session’s own temporary tables', async () => {
    await rows('create or replace secure view guarded as select id from customers');
    await rows('create temporary table mine (a int)');
    const tables = await rows(
      `select table_name n, table_type t from information_schema.tables where table_schema = 'PUBLIC' and table_name in ('GUARDED', 'MINE', 'ORDERS') order by 1`,
    );
    expect(tables.map((row) => `${row['N']} ${row['T']}`)).toEqual([
      'GUARDED VIEW',
      'MINE TEMPORARY TABLE',
      'ORDERS BASE TABLE',
    ]);
    const views = await rows(
      'select table_name n, is_secure s, view_definition d from crm.information_schema.views order by 1',
    );
    expect(views).toEqual([
      { N: 'GUARDED', S: 'YES', D: 'create or replace secure view guarded as select id from customers' },
      { N: 'V_CUSTOMER_CONTACT', S: 'NO', D: expect.stringContaining('SELECT ID, EMAIL, CITY') },
    ]);
    await rows('drop view guarded');
    await rows('drop table mine');
  });

  test('does not have a database that is not there', async () => {
    await expect(rows('SELECT 1 FROM "NOPE"."INFORMATION_SCHEMA"."TABLES"')).rejects.toThrow(/^002003/);
  });
});

describe('tags', () => {
  const tagsOf = async (name: string) =>
    (
      await rows(
        `SELECT 0 AS "OBJECT", COLUMN_NAME AS C, TAG_NAME AS T, TAG_VALUE AS V, LEVEL AS L FROM TABLE("CRM"."INFORMATION_SCHEMA".TAG_REFERENCES_ALL_COLUMNS('"CRM"."PUBLIC"."${name}"', 'table'))
         UNION ALL SELECT 0, NULL, NULL, NULL, NULL FROM "SNOWFLAKE"."ACCOUNT_USAGE"."TAG_REFERENCES" WHERE FALSE ORDER BY 2, 3`,
      )
    ).map((row) => [row['C'], row['T'], row['V'], row['L']].join(' '));

  test('are set on columns, tables and schemas, and inherited downwards', async () => {
    await rows('create table tagged (a int, b varchar)');
    await rows('create tag pii');
    await rows("alter table tagged modify column b set tag pii = 'email', snowflake.core.semantic_category = 'EMAIL'");
    await rows("alter table tagged set tag crm.public.pii = 'table'");
    expect(await tagsOf('TAGGED')).toEqual([
      'A PII table TABLE',
      'B PII email COLUMN',
      'B SEMANTIC_CATEGORY EMAIL COLUMN',
    ]);
    await rows('alter table tagged modify column b unset tag pii');
    expect(await tagsOf('TAGGED')).toContain('B PII table TABLE');
    await rows('drop table tagged');
    await rows('create table tagged (a int, b varchar)');
    expect(await tagsOf('TAGGED')).toEqual([]);
    await rows('drop table tagged');
  });

  test('must exist, and so must what they are set on', async () => {
    await expect(rows("alter table orders set tag nope = 'x'")).rejects.toThrow(/^002003/);
    await expect(rows("alter table missing set tag pii = 'x'")).rejects.toThrow(/^002003/);
    await expect(tagsOf('MISSING')).rejects.toThrow(/^002003/);
  });

  test('of the system are hidden from a role without rights on them, and so is the view that tells', async () => {
    await rows("alter table orders modify column note set tag snowflake.core.semantic_category = 'NAME'");
    expect(await tagsOf('ORDERS')).toEqual(['NOTE SEMANTIC_CATEGORY NAME COLUMN']);
    await rows('use role support');
    const call = `TABLE(crm.information_schema.tag_references_all_columns('crm.public.orders', 'table'))`;
    expect(await rows(`select * from ${call}`)).toEqual([]);
    await expect(tagsOf('ORDERS')).rejects.toThrow(/^002003/);
    await rows('use role sysadmin');
    await rows('alter table orders modify column note unset tag snowflake.core.semantic_category');
  });
});

describe('mask expressions', () => {
  const key = Buffer.alloc(32, 7);
  const pad = (byte: number) =>
    Buffer.from(Buffer.concat([key, Buffer.alloc(32)]).map((part) => part ^ byte)).toString('hex');
  const tokenOf = (outer: string, inner: string) =>
    `'pst_' || LEFT(SHA2(CONCAT(TO_BINARY(${outer}, 'HEX'), SHA2_BINARY(CONCAT(TO_BINARY(${inner}, 'HEX'), TO_BINARY("EMAIL", 'UTF-8')), 256)), 256), 32)`;

  test.each([
    ['?', '?'],
    [':1', ':2'],
  ])('hash with the key pads bound as %s and %s, as HMAC-SHA-256 does', async (outer, inner) => {
    const bindings = { 1: { type: 'TEXT', value: pad(0x5c) }, 2: { type: 'TEXT', value: pad(0x36) } };
    const sqlText = `SELECT M."T" FROM (SELECT "ID", ${tokenOf(outer, inner)} AS "T" FROM "CRM"."PUBLIC"."CUSTOMERS") AS M WHERE M."ID" IN (1, 12) ORDER BY M."ID"`;
    const answer = await client.query(sqlText, { bindings });
    const token = createHmac('sha256', key).update('ada.brandt@example.com').digest('hex').slice(0, 32);
    expect(answer.data['rowset']).toEqual([[`pst_${token}`], [null]]);
  });

  test('null, cut, truncate and bucket', async () => {
    const [row] = await rows(
      `SELECT CASE WHEN FALSE THEN "EMAIL" END AS N, CAST(NULL AS NUMBER(12, 2)) AS U, CAST(NULL AS TIMESTAMP_TZ(9)) AS Z,
         LEFT("EMAIL", 2) || '***' || RIGHT("EMAIL", 3) AS P, DATE_TRUNC('MONTH', "CREATED_AT") AS D,
         FLOOR("BALANCE" / 100) * 100 AS B, IFF("ID" > 1, 'a', 'b') AS I, TRY_CAST("EMAIL" AS NUMBER) AS T FROM CUSTOMERS WHERE ID = 1`,
    );
    expect(row).toEqual({
      N: null,
      U: null,
      Z: null,
      P: 'ad***com',
      D: '1704067200.000000000',
      B: '1200',
      I: 'b',
      T: null,
    });
  });

  test.each([
    ['SELECT * FROM CUSTOMERS MATCH_RECOGNIZE (ORDER BY ID MEASURES FIRST(ID) AS F PATTERN (A+) DEFINE A AS ID > 0)'],
    ["SELECT ID FROM CUSTOMERS AT(STREAM => 'S')"],
    [`SELECT F.VALUE FROM (SELECT PARSE_JSON('[1]') AS A) T, LATERAL FLATTEN(INPUT => T.A, RECURSIVE => TRUE) F`],
  ])('%s is refused, not answered by something else', async (sqlText) => {
    await expect(rows(sqlText)).rejects.toThrow(/^000002/);
  });
});
