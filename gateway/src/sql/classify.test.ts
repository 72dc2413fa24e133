import { describe, expect, test } from '@jest/globals';
import { analyze, formatObjectName, readStatement } from './index.js';
import { catalogOf, sessionOf } from './testing/corpus.js';

const run = (sql: string) => analyze(sql, sessionOf(), catalogOf());

describe('classes', () => {
  test.each([
    ['SELECT', '((SELECT 1))'],
    ['SELECT', 'WITH a AS (SELECT 1) SELECT * FROM a'],
    ['SELECT', "(WITH a AS (SELECT 'CALL') SELECT * FROM a)"],
    ['CALL', 'WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ SELECT 1 $$ CALL p()'],
    ['CALL', "WITH a AS (SELECT 1), p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS 'SELECT 1' CALL p()"],
    ['UNKNOWN', '(DROP TABLE t)'],
    ['UNKNOWN', 'VALUES (1)'],
    ['UNKNOWN', 'FROM t SELECT *'],
    ['UNKNOWN', 'SELEC * FORM t'],
    ['UNKNOWN', '"SELECT" 1'],
    ['UNKNOWN', 'CREATE'],
    ['UNKNOWN', 'CREATE SNOWFLAKE.ML.FORECAST m (INPUT_DATA => t)'],
    ['UNKNOWN', 'COPY t FROM @s'],
    ['UNKNOWN', 'EXECUTE x'],
    ['UNKNOWN', 'ALTER x'],
    ['UNKNOWN', 'USE'],
    ['INSERT', 'INSERT ALL INTO a INTO b SELECT 1'],
    ['INSERT_OVERWRITE', 'INSERT OVERWRITE INTO t SELECT 1'],
    ['MERGE', 'MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE'],
    ['CTAS', 'CREATE TABLE t (a INT) CLUSTER BY (a) AS (SELECT 1 AS a)'],
    ['CTAS', 'CREATE TEMPORARY TABLE t AS WITH q AS (SELECT 1 AS a) SELECT a FROM q'],
    ['CREATE_TABLE', 'CREATE TABLE t (a INT AS (b + 1), b INT)'],
    ['CREATE_OR_REPLACE_TABLE', 'CREATE OR REPLACE TRANSIENT TABLE t AS SELECT 1 AS a'],
    ['CREATE_OR_ALTER_TABLE', 'CREATE OR ALTER TABLE t (a INT)'],
    ['CREATE_OR_REPLACE_SCHEMA', 'CREATE OR REPLACE SCHEMA s'],
    ['CREATE_VIEW', 'CREATE OR REPLACE SECURE VIEW v AS SELECT 1 AS a'],
    ['CREATE_MATERIALIZED_VIEW', 'CREATE SECURE MATERIALIZED VIEW v AS SELECT 1 AS a'],
    ['CREATE_FUNCTION', "CREATE OR REPLACE SECURE FUNCTION f() RETURNS INT AS '1'"],
    ['CREATE_EXTERNAL_FUNCTION', "CREATE EXTERNAL FUNCTION f() RETURNS INT API_INTEGRATION = i AS 'https://x'"],
    ['CREATE_INTEGRATION', 'CREATE EXTERNAL ACCESS INTEGRATION i ENABLED = TRUE'],
    ['CREATE_ROW_ACCESS_POLICY', 'CREATE ROW ACCESS POLICY p AS (a INT) RETURNS BOOLEAN -> TRUE'],
    ['CREATE_DATABASE_ROLE', 'CREATE DATABASE ROLE d.r'],
    ['CREATE_DATABASE', 'CREATE TRANSIENT DATABASE d'],
    ['DROP_EXTERNAL_TABLE', 'DROP EXTERNAL TABLE t'],
    ['UNDROP_TABLE', 'UNDROP TABLE t'],
    ['ALTER_SESSION', "ALTER SESSION SET QUERY_TAG = 'x'"],
    ['ALTER_SESSION_POLICY', "ALTER SESSION POLICY p SET COMMENT = ''"],
    ['ALTER_ACCOUNT', 'ALTER ACCOUNT SET NETWORK_POLICY = p'],
    ['TRUNCATE', 'TRUNCATE MATERIALIZED VIEW v'],
    ['UNLOAD', "COPY INTO 's3://bucket/path' FROM t"],
    ['LOAD', 'COPY INTO db.s.t FROM @s'],
    ['COPY_FILES', 'COPY FILES INTO @a FROM @b'],
    ['USE_DATABASE', 'USE app'],
    ['USE_WAREHOUSE', 'USE WAREHOUSE w'],
    ['DESCRIBE', 'DESC TABLE t'],
    ['EXPLAIN', 'EXPLAIN SELECT 1'],
    ['EXECUTE_TASK', 'EXECUTE TASK t'],
    ['COMMENT', "COMMENT IF EXISTS ON TABLE t IS 'x'"],
    ['TRANSACTION', 'BEGIN'],
    ['TRANSACTION', 'BEGIN;'],
    ['TRANSACTION', 'BEGIN TRANSACTION NAME x'],
    ['TRANSACTION', 'START TRANSACTION'],
    ['SCRIPT', 'BEGIN SELECT 1; END'],
    ['SCRIPT', 'BEGIN TRANSACTION x'],
    ['SCRIPT', 'DECLARE x INT; BEGIN RETURN x; END'],
    ['MULTI', 'BEGIN TRANSACTION; DROP TABLE t'],
    ['MULTI', 'SELECT 1;; SELECT 2'],
    ['MULTI', 'CREATE PROCEDURE p() RETURNS INT AS BEGIN RETURN 1; END'],
    ['EMPTY', ' ; /* nothing */ ;'],
    ['FLOW', 'SHOW TABLES ->> SELECT 1'],
    ['SELECT', 'SELECT 1;'],
  ])('%s is the class of: %s', (expected, sql) => {
    expect(run(sql).class).toBe(expected);
    expect(readStatement(sql).head.class).toBe(expected);
  });
});

describe('objects', () => {
  test.each([
    ['DROP DATABASE IF EXISTS app', ['APP']],
    ['DROP SCHEMA s', ['APP.S']],
    ['DROP TABLE other..t', ['OTHER.PUBLIC.T']],
    ['DROP FUNCTION f(INT, TEXT)', ['APP.PUBLIC.F']],
    ['DROP ROLE r', ['R']],
    ['DROP DATABASE ROLE d.r', ['D.R']],
    ['ALTER TABLE t RENAME TO s.u', ['APP.PUBLIC.T', 'APP.S.U']],
    ['ALTER TABLE IF EXISTS t SWAP WITH u', ['APP.PUBLIC.T', 'APP.PUBLIC.U']],
    ['ALTER USER SET DEFAULT_ROLE = r', []],
    ['CREATE TABLE IF NOT EXISTS "My t" (a INT)', ['APP.PUBLIC."My t"']],
    ['CREATE DATABASE d CLONE app', ['D', 'APP']],
    ['CREATE SCHEMA s', ['APP.S']],
    ['INSERT INTO t (a) VALUES (1)', ['APP.PUBLIC.T']],
    [
      'INSERT FIRST WHEN a > 1 THEN INTO t (a) VALUES (a) ELSE INTO u SELECT a FROM v',
      ['APP.PUBLIC.T', 'APP.PUBLIC.U'],
    ],
    ['DELETE FROM t USING u WHERE t.a = u.a', ['APP.PUBLIC.T']],
    ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE', ['APP.PUBLIC.T', 'APP.PUBLIC.U']],
    ['GRANT SELECT ON customers TO ROLE r', ['APP.PUBLIC.CUSTOMERS']],
    ['GRANT USAGE ON DATABASE app TO ROLE r', ['APP']],
    ['GRANT ALL PRIVILEGES ON ALL TABLES IN DATABASE app TO ROLE r', ['APP']],
    ['GRANT USAGE ON WAREHOUSE w TO ROLE r', ['W']],
    ['GRANT CREATE DATABASE ON ACCOUNT TO ROLE r', []],
    ['GRANT ROLE a TO USER u', []],
    ['REVOKE SELECT ON VIEW v FROM ROLE r', ['APP.PUBLIC.V']],
    ['GRANT USAGE ON FUNCTION f(INT) TO SHARE s', ['APP.PUBLIC.F']],
    ["COMMENT ON COLUMN t.c IS 'x'", ['APP.PUBLIC.T']],
    ['COPY INTO @s/x FROM t', ['APP.PUBLIC.S', 'APP.PUBLIC.T']],
    ['COPY INTO t FROM @db..s/x', ['APP.PUBLIC.T', 'DB.PUBLIC.S']],
    ['PUT file:///tmp/x @%t', ['APP.PUBLIC.T']],
    ['DESCRIBE VIEW v', ['APP.PUBLIC.V']],
    ['CALL other.s.p(1)', ['OTHER.S.P']],
    ['CALL SYSTEM$WAIT(1)', []],
  ])('%s', (sql, expected) => {
    const analysis = run(sql);
    expect(analysis.read ? 'read' : analysis.detail).toBe('read');
    expect(analysis.objects.map(formatObjectName)).toEqual(expected);
  });
});

describe('effects', () => {
  test.each([
    ['USE app', { kind: 'use', what: 'database', name: ['APP'] }],
    ['USE app."s"', { kind: 'use', what: 'schema', name: ['APP', 's'] }],
    ['USE SCHEMA s', { kind: 'use', what: 'schema', name: ['S'] }],
    ['USE ROLE "r"', { kind: 'use', what: 'role', name: ['r'] }],
    ['USE SECONDARY ROLES a, b', { kind: 'use', what: 'secondary-roles', name: ['A', 'B'] }],
    ['SET v = -1', { kind: 'variable', literal: true, variables: [{ name: 'V', change: 'set', sources: [] }] }],
    [
      "SET v = 'a' || 'b'",
      { kind: 'variable', literal: false, variables: [{ name: 'V', change: 'set', sources: [] }] },
    ],
    ['ROLLBACK', { kind: 'transaction' }],
    [
      "ALTER SESSION SET query_tag = $$it's$$, TIMEZONE = 'a\\'b' AUTOCOMMIT = true, x = $v",
      {
        kind: 'alter-session',
        set: [
          { name: 'QUERY_TAG', value: "it's" },
          { name: 'TIMEZONE', value: "a'b" },
          { name: 'AUTOCOMMIT', value: 'TRUE' },
          { name: 'X', value: undefined },
        ],
        unset: [],
      },
    ],
    ['ALTER SESSION UNSET query_tag, "timezone"', { kind: 'alter-session', set: [], unset: ['QUERY_TAG', 'TIMEZONE'] }],
  ])('%s', (sql, effect) => expect(run(sql)).toMatchObject({ read: true, effect }));
});

describe('statements that are not read', () => {
  test.each([
    ['EXECUTE IMMEDIATE $$ SELECT 1 $$', 'dynamic'],
    ['DROP TABLE IDENTIFIER($t)', 'dynamic'],
    ["DROP TABLE IDENTIFIER('t')", 'dynamic'],
    ['DROP TABLE $t', 'dynamic'],
    ['DROP TABLE ?', 'dynamic'],
    ['INSERT INTO t SELECT * FROM TABLE(:x)', 'dynamic'],
    ["INSERT INTO t SELECT * FROM TABLE('u')", 'dynamic'],
    ['INSERT INTO t SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))', 'dynamic'],
    ['USE ROLE IDENTIFIER($r)', 'dynamic'],
    ['USE ROLE r x', 'unknown-syntax'],
    ['DROP TABLE', 'unknown-syntax'],
    ['DROP DATABASE a.b', 'unknown-syntax'],
    ['ALTER SESSION SET a = 1 + 1', 'unknown-syntax'],
    ['SET (a, a) = (1, 2)', 'unknown-syntax'],
    ['CALL p((SELECT 1))', 'unsupported'],
    ['COMMIT now', 'unknown-syntax'],
    ['VACUUM t', 'unknown-statement'],
  ])('%s', (sql, kind) => expect(run(sql)).toMatchObject({ read: false, kind }));
});

describe('queries inside other statements', () => {
  test.each([
    ['INSERT INTO t VALUES (1)', false],
    ['INSERT INTO t SELECT 1', true],
    ['UPDATE t SET a = 1', false],
    ['UPDATE t SET a = u.a FROM u', true],
    ['DELETE FROM t WHERE a = 1', false],
    ['DELETE FROM t USING u', true],
    ['CREATE TABLE t (a INT)', false],
    ['CREATE TABLE t CLONE u', true],
    ['CREATE TABLE t AS SELECT 1 AS a', true],
    ['COPY INTO @s FROM t', true],
    ['COPY INTO t FROM @s', false],
    ["CREATE FUNCTION f() RETURNS INT AS 'SELECT 1'", true],
    ['EXPLAIN SELECT 1', true],
    ['DROP TABLE t', false],
    ['SET v = (SELECT 1)', true],
  ])('%s: %s', (sql, carriesQuery) => expect(run(sql)).toMatchObject({ read: true, carriesQuery }));
});
