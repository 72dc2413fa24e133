import { describe, expect, test } from '@jest/globals';
import type { Catalog, CatalogColumn, SessionContext } from '../sql/facts.js';
import { analyze } from '../sql/index.js';
import type { CompiledApprovalRule, ConnectionPolicy } from './compiled.js';
import { decide } from './decide.js';

const context: SessionContext = { database: 'CRM', schema: 'PUBLIC', role: 'ANALYST', warehouse: 'WH' };
const columns: readonly CatalogColumn[] = ['ID', 'EMAIL', 'CITY'].map((name) => ({ name, type: 'text' }));
const view = 'CREATE VIEW CRM.PUBLIC.CONTACTS AS SELECT id AS number, email AS contact FROM CRM.PUBLIC.CUSTOMERS';

const catalog: Catalog = {
  find: (name) => {
    if (name.database === 'SNOWFLAKE') return { kind: 'table', columns: [{ name: 'QUERY_TEXT', type: 'text' }] };
    if (name.name === 'CUSTOMERS' || name.name === 'NOTES') return { kind: 'table', columns };
    if (name.name === 'CONTACTS') {
      const outputs = ['NUMBER', 'CONTACT'].map((column) => ({ name: column, type: 'text' }));
      return { kind: 'view', columns: outputs, definition: view };
    }
    return 'absent';
  },
};

const everywhere = { statementTypes: undefined, objectTypes: undefined, objects: undefined };
const allowAll: CompiledApprovalRule = {
  name: 'allow-all',
  action: 'Allow',
  match: everywhere,
  approval: undefined,
  message: undefined,
  alternative: undefined,
};
const holdAll: CompiledApprovalRule = {
  ...allowAll,
  name: 'hold-all',
  action: 'Hold',
  approval: { groups: ['owners'], users: [], minApprovals: 1, timeoutSeconds: 60 },
};
const onDrop: CompiledApprovalRule = {
  ...holdAll,
  name: 'on-drop',
  match: { ...everywhere, statementTypes: ['Drop'] },
};

function policy(...rules: CompiledApprovalRule[]): ConnectionPolicy {
  const pattern = (object: string, column: string) => ({ database: 'CRM', schema: 'PUBLIC', object, column });
  return {
    connection: 'prod',
    revision: 'r',
    allowedRoles: ['ANALYST'],
    unmatchedObjects: 'Deny',
    rules,
    maskingPolicies: [
      {
        name: 'pii',
        enforcement: 'Enforce',
        onUnresolved: 'Deny',
        rules: [
          { name: 'emails', columns: [pattern('CUSTOMERS', 'EMAIL')], action: { type: 'Redact' }, unless: [] },
          { name: 'views', columns: [pattern('CONTACTS', 'NOTHING')], action: { type: 'Redact' }, unless: [] },
        ],
      },
    ],
    rejected: [],
  };
}

function verdictOf(text: string, ...rules: CompiledApprovalRule[]): string {
  const decision = decide(
    analyze(text, context, catalog),
    { issuer: 'i', subject: 's', groups: [] },
    context,
    policy(...rules),
  );
  if (decision.verdict === 'block') return decision.denial.code;
  return decision.masks.length === 0
    ? decision.verdict
    : `${decision.verdict}, masks ${decision.masks.map((mask) => mask.index).join(' ')}`;
}

describe('statements as agents write them', () => {
  test.each([
    ['SELECT 1', 'allow'],
    ['SELECT id, city FROM customers', 'allow'],
    ['SELECT id, email FROM customers', 'allow, masks 1'],
    ['SELECT * FROM customers', 'allow, masks 1'],
    ['SELECT c.email AS e, c.email FROM customers c WHERE c.city = 1', 'allow, masks 0 1'],
    ['SELECT contact FROM contacts', 'allow, masks 0'],
    ['SELECT upper(email) FROM customers', 'allow'],
    ['SELECT count(*) FROM customers WHERE email = 1', 'allow'],
    ['SELECT city FROM customers ORDER BY email', 'allow'],
    ['SELECT id FROM notes', 'PISTE-1201'],
    ['SELECT my_function(id) FROM customers', 'PISTE-1205'],
    ['SELECT query_text FROM snowflake.account_usage.query_history', 'PISTE-1201'],
    ['DROP DATABASE crm', 'PISTE-1201'],
    ['USE ROLE analyst', 'allow'],
    ['USE ROLE accountadmin', 'PISTE-1203'],
    ['USE SECONDARY ROLES ALL', 'PISTE-1203'],
    ['USE SECONDARY ROLES NONE', 'allow'],
    ['USE DATABASE crm', 'allow'],
    ['USE WAREHOUSE wh', 'allow'],
    ["ALTER SESSION SET QUERY_TAG = 'x', TIMEZONE = 'UTC'", 'allow'],
    ["ALTER SESSION SET python_connector_query_result_format = 'ARROW'", 'PISTE-1206'],
    ['ALTER SESSION UNSET SEARCH_PATH', 'PISTE-1206'],
    ['SET x = 1', 'allow'],
    ['SET x = (SELECT max(email) FROM customers)', 'PISTE-1403'],
    ['SET x = (SELECT max(city) FROM customers)', 'allow'],
    ['UNSET x', 'allow'],
    ['BEGIN', 'allow'],
    ['COMMIT', 'allow'],
    ['SHOW TABLES', 'allow'],
    ['SHOW TERSE SCHEMAS IN DATABASE crm', 'allow'],
    ['SHOW COLUMNS IN TABLE customers', 'allow'],
    ['SHOW PRIMARY KEYS IN TABLE customers', 'allow'],
    ['SHOW USERS', 'PISTE-1201'],
    ['DESC TABLE customers', 'allow'],
    ['DESCRIBE VIEW contacts', 'allow'],
    ['DESCRIBE RESULT LAST_QUERY_ID()', 'PISTE-1205'],
    ['PUT file:///etc/passwd @~', 'PISTE-1204'],
    ['GET @~/x file:///tmp', 'PISTE-1204'],
    ['CALL p()', 'PISTE-1201'],
    ['EXPLAIN SELECT 1', 'allow'],
    ['SHOW VARIABLES', 'PISTE-1205'],
    ["EXECUTE IMMEDIATE 'DROP DATABASE crm'", 'PISTE-1205'],
    ['SELECT 1; DROP DATABASE crm', 'PISTE-1205'],
  ])('%s → %s', (text, expected) => {
    expect(verdictOf(text)).toBe(expected);
  });

  test.each([
    ['DROP DATABASE crm', 'allow'],
    ["INSERT INTO notes (id, city) VALUES (1, 'x')", 'allow'],
    ["UPDATE notes SET city = UPPER('x') WHERE id = 1", 'allow'],
    ['DELETE FROM notes WHERE id = 1', 'allow'],
    ['TRUNCATE TABLE notes', 'allow'],
    ['CREATE TABLE t (id NUMBER(38, 0), city VARCHAR(10))', 'allow'],
    ["INSERT INTO notes (id, city) VALUES (1, 'taken from a table (using select)')", 'allow'],
    ["UPDATE notes SET city = '***' WHERE id = 1", 'PISTE-1402'],
    [`INSERT INTO notes VALUES (1, 'pst_${'0a'.repeat(16)}', 'x')`, 'PISTE-1402'],
    ["INSERT INTO notes VALUES (1, $$***$$, 'x')", 'PISTE-1402'],
    ["UPDATE notes SET city = '****'", 'allow'],
    ['UPDATE notes SET city = OBJECT_CONSTRUCT(*)', 'PISTE-1205'],
    ['UPDATE notes SET city = OBJECT_CONSTRUCT(notes.*)', 'PISTE-1205'],
    ['ALTER TABLE customers DROP ALL ROW ACCESS POLICIES', 'PISTE-1205'],
    ['ALTER TABLE notes ADD COLUMN x NUMBER', 'allow'],
    ['INSERT INTO notes SELECT * FROM customers', 'PISTE-1406'],
    ['INSERT INTO notes VALUES ((SELECT email FROM customers LIMIT 1))', 'PISTE-1403'],
    ['INSERT INTO notes (id) VALUES (leak(1))', 'PISTE-1205'],
    ['UPDATE notes SET city = c.city FROM customers c', 'PISTE-1205'],
    ['UPDATE customers SET city = email', 'PISTE-1406'],
    ['UPDATE customers SET email = LOWER(email)', 'PISTE-1205'],
    ['UPDATE notes SET city = UPPER(id) WHERE id = 1', 'allow'],
    ['DELETE FROM notes USING contacts c WHERE id = c.contact', 'PISTE-1404'],
    ['MERGE INTO notes USING contacts ON id = number WHEN MATCHED THEN UPDATE SET city = contact', 'PISTE-1406'],
    ['CREATE TABLE t AS SELECT email FROM customers', 'PISTE-1406'],
    ['CREATE TABLE t CLONE customers', 'PISTE-1406'],
    ['CREATE OR REPLACE VIEW v AS SELECT email AS x FROM customers', 'PISTE-1205'],
    ['ALTER TABLE customers RENAME TO notes2', 'PISTE-1406'],
    ['ALTER TABLE customers RENAME COLUMN email TO x', 'PISTE-1406'],
    ['ALTER TABLE customers SWAP WITH notes', 'PISTE-1201'],
    ['COPY INTO @~/x FROM customers', 'PISTE-1406'],
    ['CALL p()', 'PISTE-1205'],
    ['SELECT upper(email) FROM customers', 'allow'],
    ['USE ROLE accountadmin', 'PISTE-1203'],
    ['SHOW USERS', 'allow'],
  ])('under a rule that allows everything: %s → %s', (text, expected) => {
    expect(verdictOf(text, allowAll)).toBe(expected);
  });

  test.each([
    ['DROP DATABASE crm', 'hold'],
    ['DROP TABLE IF EXISTS customers', 'hold'],
    ['SELECT email FROM customers', 'allow, masks 0'],
    ['ALTER TABLE customers RENAME TO x', 'PISTE-1201'],
  ])('under a rule that holds DROP: %s → %s', (text, expected) => {
    expect(verdictOf(text, onDrop)).toBe(expected);
  });

  test.each([
    ['SELECT email FROM customers', 'hold, masks 0'],
    ['SELECT upper(email) FROM customers', 'hold'],
    ['CREATE TABLE t AS SELECT email FROM customers', 'PISTE-1406'],
    ['COPY INTO @~/x FROM customers', 'PISTE-1406'],
    ['CALL p()', 'PISTE-1205'],
    ['SELECT my_function(id) FROM customers', 'PISTE-1205'],
    ['PUT file:///etc/passwd @~', 'PISTE-1204'],
  ])('under a rule that holds everything: %s → %s', (text, expected) => {
    expect(verdictOf(text, holdAll, allowAll)).toBe(expected);
  });
});

describe('what a person may approve', () => {
  const hold: CompiledApprovalRule = { ...holdAll, match: everywhere };

  test.each([
    ['COPY INTO @out FROM (SELECT id, city FROM customers)', 'hold'],
    ['COPY INTO @out FROM (SELECT id, email FROM customers)', 'PISTE-1406'],
    ['COPY INTO @out FROM customers', 'PISTE-1406'],
    ['COPY INTO @out FROM (SELECT contact FROM contacts)', 'PISTE-1406'],
    ['COPY INTO @out FROM (SELECT upper(email) FROM customers)', 'PISTE-1403'],
    ['COPY INTO @out FROM (SELECT id FROM customers WHERE email = 1)', 'PISTE-1404'],
    ['COPY INTO @out FROM (SELECT $1 FROM @stage)', 'PISTE-1205'],
    ['CREATE TABLE t AS SELECT id, city FROM customers', 'hold'],
    ['CREATE TABLE t AS SELECT * FROM customers', 'PISTE-1406'],
    ['CREATE TABLE t CLONE customers', 'PISTE-1406'],
    ['CREATE DATABASE d CLONE crm', 'PISTE-1205'],
    ['INSERT INTO notes (city) SELECT email FROM customers', 'PISTE-1406'],
    ['MERGE INTO notes n USING customers c ON n.id = c.id WHEN MATCHED THEN UPDATE SET city = c.city', 'hold'],
    ['ALTER TABLE customers RENAME COLUMN email TO contact', 'PISTE-1406'],
    ['ALTER TABLE customers RENAME TO people', 'PISTE-1406'],
    ['ALTER TABLE customers ADD COLUMN x INT', 'hold'],
    ['ALTER TABLE customers ADD COLUMN x INT AS (LENGTH(email))', 'PISTE-1205'],
    ['ALTER SCHEMA public RENAME TO other', 'PISTE-1205'],
    ['UPDATE customers SET city = email', 'PISTE-1406'],
    ['UPDATE customers SET city = UPPER(email)', 'PISTE-1403'],
    ['UPDATE customers SET email = LOWER(email)', 'hold'],
    ['UPDATE customers SET city = UPPER(city) WHERE email IS NULL', 'hold'],
    ['DELETE FROM customers WHERE id = 1', 'hold'],
    ['CREATE VIEW v AS SELECT email FROM customers', 'hold'],
  ])('%s → %s', (text, expected) => {
    expect(verdictOf(text, hold)).toBe(expected);
  });
});
