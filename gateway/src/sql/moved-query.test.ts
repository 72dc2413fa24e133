import { describe, expect, test } from '@jest/globals';
import type { Facts } from './facts.js';
import { analyze, formatObjectName } from './index.js';
import { catalogOf, isProtected, lineageCases, sessionOf } from './testing/corpus.js';

const session = sessionOf();
const catalog = catalogOf();

/** What moves: sources of each output in short, `unread`, or nothing. */
function movedBy(sqlText: string): string {
  const analysis = analyze(sqlText, session, catalog);
  if (!analysis.read) return `not read: ${analysis.detail}`;
  return showMoved(analysis.moved);
}

function showMoved(moved: Facts['moved']): string {
  if (moved === undefined) return 'nothing';
  if (moved === 'unread') return 'unread';
  const taint = moved.outputs.map((output) => (output.sources.some(isProtected) ? 'P' : '-')).join('');
  return moved.predicate.some(isProtected) ? `${taint} by P` : taint;
}

describe('the rows a statement moves', () => {
  test.each([
    ['COPY INTO @out/x.csv FROM public_info', '---'],
    ['COPY INTO @out/x.csv FROM customers', '--PP---P-'],
    ['COPY INTO @out/x.csv FROM app.public.customers FILE_FORMAT = (TYPE = CSV)', '--PP---P-'],
    ['COPY INTO @out FROM (SELECT id, email FROM customers) HEADER = TRUE', '-P'],
    ["COPY INTO 's3://bucket/' FROM (SELECT UPPER(email) FROM customers)", 'P'],
    ['COPY INTO @out FROM (SELECT id FROM customers WHERE email IS NULL)', '- by P'],
    ['COPY INTO @out FROM (SELECT id, contact FROM v_cust)', '-P'],
    ['COPY INTO @out FROM (SELECT * FROM v_secure)', 'unread'],
    ['COPY INTO @out FROM (SELECT $1 FROM @raw)', 'unread'],
    ['COPY INTO @out FROM (VALUES (1))', 'unread'],
    ['INSERT INTO orders VALUES (1, 2, 3)', 'nothing'],
    ['INSERT INTO orders (id, note) SELECT id, email FROM customers', '-P'],
    ['INSERT OVERWRITE INTO orders SELECT id, title FROM public_info', '--'],
    ['INSERT INTO orders (note) WITH x AS (SELECT ssn FROM customers) SELECT ssn FROM x', 'P'],
    ['INSERT INTO orders VALUES ((SELECT email FROM customers LIMIT 1))', 'P'],
    ['INSERT INTO orders (SELECT email FROM customers)', 'P'],
    ['UPDATE orders SET note = 1', 'nothing'],
    ["UPDATE orders SET note = UPPER('x'), status = DEFAULT, id = NULL WHERE id = 1", 'nothing'],
    ['UPDATE orders SET note = status WHERE id = 1', '-'],
    ['UPDATE customers SET city = email', 'P'],
    ['UPDATE customers SET id = 1, city = UPPER(ssn), name = region || city WHERE id = 5', '-P-'],
    ['UPDATE customers c SET c.city = c.email', 'P'],
    ['UPDATE app.public.customers AS c SET city = CASE WHEN email IS NULL THEN 1 END', 'P'],
    ["UPDATE customers SET city = IFF(ssn = '1', city, city)", 'P'],
    ['UPDATE customers SET email = LOWER(email), city = TRIM(customers."CITY")', 'nothing'],
    ["UPDATE customers SET email = CASE WHEN email IS NULL THEN 'x' ELSE email END", 'nothing'],
    ['UPDATE customers SET city = {*}', 'P'],
    ['UPDATE customers SET city = $2', '-'],
    ['UPDATE customers SET city = $3', 'P'],
    ['UPDATE customers SET city = HASH(*)', 'P'],
    ['UPDATE customers SET city = my_udf(id)', 'unread'],
    ["UPDATE customers SET city = my_udf('x')", 'unread'],
    ['UPDATE missing SET a = b', 'unread'],
    ['UPDATE customers SET', 'unread'],
    ['UPDATE orders SET note = c.email FROM customers c WHERE c.id = orders.customer_id', 'P'],
    ['UPDATE orders SET note = (SELECT MAX(email) FROM customers)', 'P'],
    ['DELETE FROM orders WHERE id = 1', 'nothing'],
    ['DELETE FROM orders USING customers c WHERE c.email = note', ' by P'],
    ['MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN UPDATE SET note = c.email', 'P'],
    ['CREATE TABLE t AS SELECT id, email FROM customers', '-P'],
    ['CREATE OR REPLACE TABLE t AS (SELECT id FROM customers)', '-'],
    ['CREATE TEMPORARY TABLE t (a INT) AS WITH x AS (SELECT email FROM customers) SELECT * FROM x', 'P'],
    ['CREATE TRANSIENT TABLE t COPY GRANTS AS SELECT ssn FROM customers', 'P'],
    ["CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT email FROM customers", 'P'],
    ['CREATE TABLE t CLONE customers', '--PP---P-'],
    ['CREATE TABLE t CLONE orders', '-------'],
    ['CREATE TABLE t CLONE customers AT (OFFSET => -60)', '--PP---P-'],
    ['CREATE SCHEMA s CLONE app.public', 'unread'],
    ['CREATE DATABASE d CLONE app', 'unread'],
    ['CREATE TABLE t (id INT, note TEXT)', 'nothing'],
    ['CREATE TABLE t LIKE customers', 'nothing'],
    ['CREATE TABLE t USING TEMPLATE (SELECT ARRAY_AGG(email) FROM customers)', 'unread'],
    ['CREATE VIEW v AS SELECT email FROM customers', 'nothing'],
    ['ALTER TABLE customers RENAME TO people', '--PP---P-'],
    ['ALTER TABLE IF EXISTS customers RENAME COLUMN email TO contact', '--PP---P-'],
    ['ALTER TABLE orders RENAME TO purchases', '-------'],
    ['ALTER TABLE orders SWAP WITH customers', '---------PP---P-'],
    ['ALTER TABLE customers ADD COLUMN x INT', 'nothing'],
    ['ALTER TABLE customers ADD COLUMN x INT AS (LENGTH(ssn))', 'unread'],
    ['ALTER VIEW v_cust RENAME TO w', '-P-'],
    ['ALTER DYNAMIC TABLE d SWAP WITH e', 'unread'],
    ['ALTER SCHEMA app.public RENAME TO app.other', 'unread'],
    ['ALTER DATABASE app SWAP WITH other', 'unread'],
    ['ALTER DATABASE app RENAME TO other', 'unread'],
    ['ALTER WAREHOUSE w RENAME TO x', 'nothing'],
    ['DROP TABLE customers', 'nothing'],
    ['SELECT email FROM customers', 'nothing'],
  ])('%s: %s', (sqlText, moved) => {
    expect(movedBy(sqlText)).toBe(moved);
  });

  const MOVING = lineageCases.filter((one) => one.flow !== undefined && !['SET', 'CREATE_VIEW'].includes(one.class));

  test.each(MOVING.map((one) => [one.id, one] as const))(
    'in case %s carry protected data exactly when it says so',
    (_id, one) => {
      const analysis = analyze(one.sql, sessionOf(one), catalogOf(one));
      const moved = analysis.read ? showMoved(analysis.moved) : 'unread';
      expect({ moved, flow: moved === 'unread' || moved.includes('P') }).toEqual({ moved, flow: one.flow });
    },
  );

  test('are asked for like those of a query when they are not loaded', () => {
    const analysis = analyze('CREATE TABLE t AS SELECT a FROM unseen', session, { find: () => 'not-loaded' });
    expect(analysis.read ? 'read' : analysis.needs.map(formatObjectName)).toEqual(['APP.PUBLIC.UNSEEN']);
  });

  test('come from objects that are told with the statement', () => {
    const analysis = analyze('COPY INTO @out FROM (SELECT contact FROM v_cust)', session, catalog);
    expect(analysis.objects.map(formatObjectName)).toEqual(
      expect.arrayContaining(['APP.PUBLIC.OUT', 'APP.PUBLIC.V_CUST', 'APP.PUBLIC.CUSTOMERS']),
    );
  });
});
