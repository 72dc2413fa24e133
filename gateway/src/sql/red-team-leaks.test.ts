import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog } from './index.js';
import { catalogOf, sessionOf, shortColumn } from './testing/corpus.js';

const session = sessionOf();
const catalog = catalogOf();

/** `refused`, or the columns behind each output and those that decide about the rows. */
function seen(sql: string, from: Catalog = catalog): string {
  const analysis = analyze(sql, session, from);
  if (!analysis.read || analysis.query === undefined) return 'refused';
  const list = (columns: readonly Parameters<typeof shortColumn>[0][]): string =>
    columns.map(shortColumn).sort().join(' ') || '-';
  const outputs = analysis.query.outputs.map((output) => list(output.sources)).join(', ');
  return `${outputs} | ${list(analysis.query.predicate)}`;
}

describe('columns a star changes are outputs of that name', () => {
  test.each([
    [
      'SELECT q.id FROM (SELECT * REPLACE (email AS city) FROM customers ORDER BY city LIMIT 1) q',
      'CUSTOMERS.ID | CUSTOMERS.CITY CUSTOMERS.EMAIL',
    ],
    [
      'SELECT q.id FROM (SELECT * EXCLUDE city RENAME (email AS city) FROM customers ORDER BY city LIMIT 1) q',
      'CUSTOMERS.ID | CUSTOMERS.CITY CUSTOMERS.EMAIL',
    ],
    [
      "SELECT q.id FROM (SELECT * REPLACE (email AS city) FROM customers WHERE city = 'x') q",
      'CUSTOMERS.ID | CUSTOMERS.CITY CUSTOMERS.EMAIL',
    ],
    [
      'SELECT q.id FROM (SELECT * RENAME (ssn AS title) FROM customers ORDER BY title) q',
      'CUSTOMERS.ID | CUSTOMERS.SSN',
    ],
    [
      'SELECT o.id, (SELECT MAX(q.id) FROM (SELECT * RENAME (ssn AS note) FROM customers ORDER BY note LIMIT 1) q) AS m FROM orders o',
      'ORDERS.ID, CUSTOMERS.ID CUSTOMERS.SSN ORDERS.NOTE | -',
    ],
    [
      'SELECT id FROM (SELECT c.* REPLACE (email AS city), city AS x FROM customers c) QUALIFY ROW_NUMBER() OVER (ORDER BY x) = 1',
      'CUSTOMERS.ID | CUSTOMERS.CITY',
    ],
    // Which of two columns of one name is changed is not said anywhere.
    ["SELECT * REPLACE ('x' AS email) FROM customers a CROSS JOIN customers b", 'refused'],
    // The name of a column in brackets may be the one that is changed.
    ['SELECT * EXCLUDE id FROM (SELECT (email), id FROM customers) q', 'refused'],
    ['SELECT * RENAME id AS x FROM (SELECT (id), id, UPPER(email) FROM customers) q', 'refused'],
    ['SELECT * EXCLUDE id FROM (SELECT UPPER(email), id FROM customers) q', 'CUSTOMERS.EMAIL | -'],
    ['SELECT * RENAME (email AS e) FROM customers a CROSS JOIN customers b', 'refused'],
    ['SELECT * EXCLUDE (email) FROM customers a CROSS JOIN customers b', 'refused'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('a column whose name Snowflake derives can be meant by any name that is not found', () => {
  test.each([
    'SELECT (SELECT "UPPER(EMAIL)" FROM (SELECT UPPER(email) FROM customers LIMIT 1) q) FROM (SELECT 1 AS "UPPER(EMAIL)") o',
    'SELECT 1 AS "UPPER(EMAIL)", "UPPER(EMAIL)" AS y FROM (SELECT UPPER(email) FROM customers) q',
    'SELECT 1 AS "MAX(EMAIL)" FROM (SELECT city, MAX(email) FROM customers GROUP BY city) q ORDER BY "MAX(EMAIL)"',
    'SELECT o.x, (SELECT COUNT(*) FROM (SELECT ssn || 1 FROM customers) q WHERE "SSN || 1" = 1) FROM (SELECT 1 AS "SSN || 1", 2 AS x) o',
    'SELECT a.id FROM (SELECT id, UPPER(email) FROM customers) a NATURAL JOIN (SELECT id, UPPER(email) FROM customers) b',
    'SELECT a.id FROM (SELECT id, UPPER(email) FROM customers) a NATURAL JOIN (SELECT id, title AS "UPPER(EMAIL)" FROM public_info) b',
    'SELECT (SELECT MAX(q.id) FROM (SELECT id, UPPER(email) FROM customers ORDER BY "UPPER(EMAIL)" LIMIT 1) q) FROM (SELECT 1 AS "UPPER(EMAIL)") o',
    'SELECT (SELECT MAX(q.id) FROM (SELECT id, UPPER(email) FROM customers UNION ALL SELECT 1, \'x\' ORDER BY "UPPER(EMAIL)" LIMIT 1) q) FROM (SELECT 1 AS "UPPER(EMAIL)") o',
    'SELECT 1 AS email2, (SELECT email FROM (SELECT (email) FROM customers UNION ALL SELECT 1) q) FROM (SELECT 1 AS email) o',
  ])('%s', (sql) => expect(seen(sql)).toBe('refused'));

  test.each([
    ['SELECT q.n FROM (SELECT COUNT(*) AS n, MAX(city) FROM customers) q', 'CUSTOMERS.CITY'],
    ['SELECT (SELECT COUNT(*) FROM orders x WHERE x.customer_id = c.id) FROM customers c', ''],
    ['SELECT (SELECT COUNT(*) FROM orders WHERE customer_id = region) FROM customers', ''],
    ['SELECT city, COUNT(*) FROM customers GROUP BY city ORDER BY city', ''],
    ['SELECT DATEADD(day, 1, q.d) FROM (SELECT created_at AS d, COUNT(*) FROM orders GROUP BY 1) q', ''],
  ])('still read: %s', (sql) => expect(seen(sql)).not.toBe('refused'));
});

describe('a position must be plain', () => {
  test.each([
    'SELECT city, email FROM customers ORDER BY (2)',
    'SELECT city, email FROM customers ORDER BY +2',
    'SELECT city, email FROM customers ORDER BY 1 + 1',
    'SELECT city, email FROM customers ORDER BY 2::INT',
    'SELECT city, email FROM customers ORDER BY 2.0',
    "SELECT city, email FROM customers ORDER BY '2'",
    'SELECT city, email FROM customers ORDER BY ?',
    'SELECT city, email FROM customers ORDER BY :1 DESC',
    'SELECT city, COUNT(*) FROM customers GROUP BY (1)',
    'SELECT city, email FROM customers GROUP BY ?, ?',
    'SELECT city FROM customers UNION ALL SELECT email FROM customers ORDER BY (1)',
    'SELECT city, email FROM customers ORDER BY CASE WHEN TRUE THEN 2 END',
  ])('%s', (sql) => expect(seen(sql)).toBe('refused'));

  test.each([
    ['SELECT city, email FROM customers ORDER BY 2', 'CUSTOMERS.CITY, CUSTOMERS.EMAIL | CUSTOMERS.EMAIL'],
    ['SELECT city FROM customers GROUP BY ROLLUP (1)', 'CUSTOMERS.CITY | CUSTOMERS.CITY'],
    ['SELECT city FROM customers GROUP BY ROLLUP ((1))', 'CUSTOMERS.CITY | CUSTOMERS.CITY'],
    ['SELECT city FROM customers ORDER BY RANDOM(42)', 'CUSTOMERS.CITY | -'],
    ['SELECT city FROM customers ORDER BY city + 1', 'CUSTOMERS.CITY | CUSTOMERS.CITY'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('names', () => {
  // "CUSTOMERS" in the inner query would be the inner source once the outer one is reached by its alias.
  test('a full name is not pointed to an alias that something nearer hides', () => {
    const sql =
      'SELECT (SELECT MAX(app.public.customers.city) FROM customers AS "CUSTOMERS") FROM app.public.customers';
    expect(seen(sql)).toBe('refused');
  });

  test('a sequence is no column, however its name is spelled', () => {
    const cards: Catalog = { find: () => ({ kind: 'table', columns: [{ name: 'NEXTVAL', type: 'fixed' }] }) };
    expect(seen('SELECT s.nextval FROM t AS s', cards)).toBe('refused');
    expect(seen('SELECT s."NEXTVAL" FROM t AS s', cards)).toBe('refused');
    expect(seen('SELECT nextval FROM t AS s', cards)).not.toBe('refused');
  });
});

describe('functions', () => {
  // A name that is no built-in may be a user's own function, which can read anything.
  test.each(['CEILING', 'STRING_AGG', 'H3_CELL_TO_LATLNG', 'CURRENT_IP_ADDRESS'])('%s is not called', (name) => {
    expect(seen(`SELECT ${name}(city) FROM customers`)).toBe('refused');
  });
});
