import { describe, expect, test } from '@jest/globals';
import { analyze, type ColumnRef, type EarlierResult, type SessionContext } from './index.js';
import { catalogOf, sessionOf, shortColumn } from './testing/corpus.js';

const catalog = catalogOf();
const customers = { database: 'APP', schema: 'PUBLIC', name: 'CUSTOMERS' };
const email: ColumnRef = { object: customers, column: 'EMAIL' };
const ssn: ColumnRef = { object: customers, column: 'SSN' };

const results: readonly EarlierResult[] = [
  { queryId: '01-old', upstreamQueryId: 'f0-old', columns: [{ name: 'A', sources: [] }], predicate: [] },
  {
    queryId: '01-last',
    upstreamQueryId: 'f0-last',
    columns: [
      { name: 'ID', sources: [] },
      { name: 'WHO', sources: [email] },
    ],
    predicate: [ssn],
  },
];

const session: SessionContext = { ...sessionOf(), facts: { variables: { CLEAN: [], DIRTY: [email] }, results } };

function run(sql: string) {
  return analyze(sql, session, catalog);
}

/** Columns behind each output, then those that decide about rows; or why it is refused. Those of CUSTOMERS without table. */
function seen(sql: string): string {
  const analysis = run(sql);
  if (!analysis.read) return `${analysis.kind}: ${analysis.detail}`;
  const { outputs = [], predicate = [] } = analysis.query ?? {};
  return `${outputs.map((output) => list(output.sources)).join(', ')} | ${list(predicate)}`;
}

function list(columns: readonly ColumnRef[]): string {
  const names = columns.map((column) => shortColumn(column).replace(/^CUSTOMERS\./, ''));
  return names.sort().join('+') || '-';
}

describe('windows with names', () => {
  test.each([
    ['SELECT RANK() OVER w FROM customers WINDOW w AS (PARTITION BY city ORDER BY ssn)', 'CITY+SSN | -'],
    ['SELECT SUM(id) OVER (w ORDER BY email) FROM customers WINDOW w AS (PARTITION BY ssn)', 'EMAIL+ID+SSN | -'],
    [
      'SELECT SUM(id) OVER v FROM customers WINDOW w AS (PARTITION BY ssn), v AS (w ORDER BY email)',
      'EMAIL+ID+SSN | -',
    ],
    ['SELECT id FROM customers WINDOW w AS (ORDER BY ssn) QUALIFY RANK() OVER w = 1', 'ID | SSN'],
    ['SELECT RANK() OVER w FROM customers', 'unknown-syntax: a named window is not known'],
    [
      'SELECT (SELECT RANK() OVER w FROM orders) FROM customers WINDOW w AS (ORDER BY ssn)',
      'unknown-syntax: a named window is not known',
    ],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));

  test('what a named window sorts by may show', () => {
    const analysis = run('SELECT RANK() OVER w FROM customers WINDOW w AS (ORDER BY ssn)');
    expect(analysis.read ? list(analysis.query?.revealing ?? []) : analysis.detail).toBe('SSN');
  });
});

describe('reshaped sources', () => {
  test.each([
    [
      "SELECT * FROM metrics PIVOT (MAX(v) FOR k IN ('a', 'b')) AS p (id, a, b)",
      'METRICS.ID, METRICS.K+METRICS.V, METRICS.K+METRICS.V | METRICS.ID',
    ],
    ["SELECT a FROM metrics PIVOT (MAX(v) FOR k IN ('a' AS a))", 'METRICS.K+METRICS.V | METRICS.ID'],
    [
      "SELECT * FROM customers PIVOT (MAX(id) FOR city IN ('x'))",
      'NAME, EMAIL, SSN, REGION, CREATED_AT, PROFILE, TAGS, CITY+ID | CREATED_AT+EMAIL+NAME+PROFILE+REGION+SSN+TAGS',
    ],
    ["SELECT v FROM metrics PIVOT (MAX(v) FOR k IN ('a'))", 'unknown-column: a column is not known'],
    ["SELECT metrics.id FROM metrics PIVOT (MAX(v) FOR k IN ('a'))", 'unknown-column: a column is not known'],
    [
      'SELECT * FROM metrics PIVOT (MAX(v) FOR k IN (ANY ORDER BY k))',
      'unsupported: a PIVOT whose columns are values of rows is not analysed',
    ],
    [
      'SELECT * FROM metrics PIVOT (MAX(v) FOR k IN (SELECT email FROM customers))',
      'unsupported: a PIVOT whose columns are values of rows is not analysed',
    ],
    [
      "SELECT * FROM metrics PIVOT (MAX(v) FOR k IN ('a') DEFAULT ON NULL ((SELECT MAX(ssn) FROM customers)))",
      'METRICS.ID, METRICS.K+METRICS.V+SSN | METRICS.ID',
    ],
    [
      "SELECT * FROM (customers c JOIN orders o ON c.ssn = o.note) PIVOT (MAX(name) FOR city IN ('a'))",
      'unsupported: a reshaping clause behind a join in brackets is not analysed',
    ],
    [
      'SELECT val, col FROM (SELECT id, email, city FROM customers) UNPIVOT (val FOR col IN (email, city))',
      'CITY+EMAIL, - | CITY+EMAIL',
    ],
    ['SELECT id FROM customers UNPIVOT INCLUDE NULLS (v FOR k IN (email, ssn))', 'ID | EMAIL+SSN'],
    ['SELECT email FROM customers UNPIVOT (v FOR k IN (email, ssn))', 'unknown-column: a column is not known'],
    [
      'SELECT * FROM customers MATCH_RECOGNIZE (ORDER BY id MEASURES COUNT(*) AS n PATTERN (a b*) DEFINE b AS ssn > LAG(ssn))',
      'SSN | ID+SSN',
    ],
    [
      'SELECT * FROM customers MATCH_RECOGNIZE (PARTITION BY city ORDER BY id MEASURES LAST(b.email) AS e, CLASSIFIER() AS c PATTERN (a b) DEFINE b AS b.id > 1)',
      'CITY, EMAIL+ID, ID | CITY+ID',
    ],
    [
      'SELECT * FROM customers MATCH_RECOGNIZE (ORDER BY ssn MEASURES 1 AS n ALL ROWS PER MATCH PATTERN (a) DEFINE a AS TRUE)',
      'unsupported: a star whose columns or their order are not certain is not analysed',
    ],
    ['SELECT FIRST(email) FROM customers', 'unknown-function: the function FIRST is not on the list of pure functions'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('sources that see those before them', () => {
  test.each([
    ['SELECT f.value FROM customers c, LATERAL FLATTEN(c.profile) f', 'PROFILE | PROFILE'],
    [
      'SELECT f.index FROM customers c LEFT JOIN LATERAL FLATTEN(INPUT => c.profile, OUTER => TRUE) f ON TRUE',
      'PROFILE | PROFILE',
    ],
    [
      'SELECT l.e FROM orders o, LATERAL (SELECT MAX(email) AS e FROM customers c WHERE c.id = o.id) l',
      'EMAIL | ID+ORDERS.ID',
    ],
    ["SELECT email FROM orders, LATERAL SPLIT_TO_TABLE(note, 'x') email, customers", 'EMAIL | ORDERS.NOTE'],
    // The alias would have to be known before the source it is made of.
    [
      'SELECT email AS e FROM customers, LATERAL FLATTEN(e)',
      'unsupported: an alias in a source that sees the sources before it is not analysed',
    ],
    ['SELECT f.value AS tags FROM customers, LATERAL FLATTEN(tags) f', 'TAGS | TAGS'],
    ['SELECT f.value FROM LATERAL FLATTEN(c.tags) f, customers c', 'unknown-column: a column is not known'],
    ['SELECT x.e FROM customers c, (SELECT c.email AS e) x', 'unknown-column: a column is not known'],
    ['SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => $dirty))', '- | EMAIL'],
    ['SELECT (SELECT COUNT(*) FROM TABLE(FLATTEN(c.profile))) FROM customers c', 'PROFILE | -'],
    ['SELECT 1 FROM TABLE(FLATTEN(INPUTS => 1))', 'unsupported: an argument of that name is not analysed'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('queries that build on their own rows', () => {
  const chain = Array.from({ length: 12 }, (_, index) => `c${index}`);
  test.each([
    [
      'WITH r AS (SELECT email AS a, 0 AS b UNION ALL SELECT 0, a FROM r) SELECT b FROM r',
      'unknown-column: a column is not known',
    ],
    [
      'WITH r AS (SELECT email AS a, city AS b FROM customers UNION ALL SELECT city, a FROM r, customers) SELECT b FROM r',
      'CITY+EMAIL | -',
    ],
    [
      'WITH r AS (SELECT id FROM customers UNION ALL SELECT r.id FROM r JOIN customers c ON c.ssn = r.id) SELECT id FROM r',
      'ID | ID+SSN',
    ],
    [
      `WITH r (${chain.join(', ')}) AS (SELECT ssn, ${chain.slice(1).join(', ').replaceAll(/c\d+/g, '0')} FROM customers UNION ALL SELECT 0, ${chain.slice(0, -1).join(', ')} FROM r) SELECT c11 FROM r`,
      'SSN | -',
    ],
    [
      'WITH r AS (SELECT 1 AS n UNION ALL SELECT (SELECT MAX(ssn) FROM customers WHERE id = n) FROM r) SELECT n FROM r',
      'ID+SSN | -',
    ],
    [
      'WITH orders AS (SELECT id FROM orders UNION ALL SELECT id FROM orders) SELECT id FROM orders',
      'unsupported: a recursive query of this form is not analysed',
    ],
    ['WITH customers AS (SELECT email FROM customers WHERE ssn IS NULL) SELECT * FROM customers', 'EMAIL | SSN'],
    [
      'WITH a AS (SELECT 1 AS x), b AS (WITH a AS (SELECT x FROM a) SELECT x FROM a) SELECT x FROM b',
      'unsupported: a recursive query of this form is not analysed',
    ],
    [
      'SELECT LEVEL, name FROM employees CONNECT BY manager_id = PRIOR salary',
      'EMPLOYEES.MANAGER_ID+EMPLOYEES.SALARY, EMPLOYEES.NAME | EMPLOYEES.MANAGER_ID+EMPLOYEES.SALARY',
    ],
    [
      'SELECT CONNECT_BY_ROOT salary FROM employees START WITH dept IS NULL CONNECT BY manager_id = PRIOR id',
      'EMPLOYEES.DEPT+EMPLOYEES.ID+EMPLOYEES.MANAGER_ID+EMPLOYEES.SALARY | EMPLOYEES.DEPT+EMPLOYEES.ID+EMPLOYEES.MANAGER_ID',
    ],
    ['SELECT id FROM employees CONNECT BY LEVEL < salary', 'EMPLOYEES.ID | EMPLOYEES.SALARY'],
    ['SELECT LEVEL FROM employees', 'unknown-column: a column is not known'],
    ['SELECT PRIOR salary FROM employees', 'unknown-column: a column is not known'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('names by other means', () => {
  test.each([
    ['SELECT $3, c.$4 FROM customers c', 'EMAIL, SSN | -'],
    ['SELECT $3 FROM customers, orders', 'unsupported: a column by position of this source is not analysed'],
    ['SELECT $10 FROM customers', 'unknown-column: a column is not known'],
    [
      'SELECT $1 FROM customers CHANGES (INFORMATION => DEFAULT) AT (OFFSET => -1)',
      'unsupported: a column by position of this source is not analysed',
    ],
    ['SELECT id FROM customers WHERE $4 = 1', 'ID | SSN'],
    ["SELECT IDENTIFIER('c.email'), IDENTIFIER('\"EMAIL\"') FROM customers c", 'EMAIL, EMAIL | -'],
    ["SELECT email FROM IDENTIFIER('hr.customers')", '"CUSTOMERS".EMAIL | -'.replaceAll('"CUSTOMERS".', '')],
    [
      "SELECT IDENTIFIER('email; DROP') FROM customers",
      'unknown-syntax: the statement goes on where its end was expected',
    ],
    ["SELECT IDENTIFIER('em' || 'ail') FROM customers", "unknown-syntax: ')' was expected"],
    [
      "WITH customers AS (SELECT 1 AS email) SELECT email FROM IDENTIFIER('customers')",
      'unsupported: IDENTIFIER() with the name of a common table expression is not analysed',
    ],
    ["WITH customers AS (SELECT 1 AS email) SELECT email FROM TABLE('customers')", 'EMAIL | -'],
    ['SELECT $dirty, $clean || id FROM customers', 'EMAIL, ID | -'],
    ['SELECT id FROM customers WHERE name = $dirty', 'ID | EMAIL+NAME'],
    ['SELECT $unknown', 'dynamic: the value of a session variable is not known'],
    ['SELECT $constructor, $__proto__', 'dynamic: the value of a session variable is not known'],
    ['SELECT 1 FROM $dirty', 'dynamic: a name is given by a variable or placeholder'],
    ['SELECT id FROM customers ORDER BY $clean', 'unsupported: a constant that may be a position is not analysed'],
    ['SELECT FMT(email), public.fmt(city), app.public.fmt(ssn) FROM customers', 'EMAIL, CITY, SSN | -'],
    [
      'SELECT hr.fmt(email) FROM customers',
      'unknown-function: a function with a qualified name is not on the list of pure functions',
    ],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));

  test('the canonical text holds the plain names', () => {
    const text = (sql: string) => run(sql).canonicalText;
    expect(text("SELECT IDENTIFIER('email') FROM IDENTIFIER('customers') AT (OFFSET => -5)")).toBe(
      'SELECT "EMAIL" FROM "APP"."PUBLIC"."CUSTOMERS" AT (OFFSET => -5) AS "CUSTOMERS"',
    );
    expect(text('SELECT fmt(id), FROM customers SAMPLE (10)')).toBe(
      'SELECT "APP"."PUBLIC"."FMT"(id) FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS" SAMPLE (10)',
    );
    expect(text("SELECT id FROM TABLE('customers') PIVOT (MAX(name) FOR city IN ('a'))")).toBe(
      `SELECT id FROM "APP"."PUBLIC"."CUSTOMERS" PIVOT (MAX(name) FOR city IN ('a'))`,
    );
  });
});

describe('lambdas', () => {
  test.each([
    ["SELECT REDUCE(tags, '', (acc, t) -> acc || t || ssn) FROM customers", 'SSN+TAGS | -'],
    ['SELECT TRANSFORM(tags, x INT -> x + id) FROM customers', 'ID+TAGS | -'],
    // Whichever of the two the name means, the column counts.
    ['SELECT TRANSFORM(tags, email -> email) FROM customers', 'EMAIL+TAGS | -'],
    ['SELECT TRANSFORM(tags, customers -> customers.ssn) FROM customers', 'SSN+TAGS | -'],
    ['SELECT TRANSFORM(tags, x -> (SELECT MAX(ssn) FROM customers)) FROM customers', 'SSN+TAGS | -'],
    ['SELECT TRANSFORM(tags, x -> x), x FROM customers', 'unknown-column: a column is not known'],
    [
      'SELECT UPPER(x -> x) FROM customers',
      'unsupported: a lambda outside the functions that take one is not analysed',
    ],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('stars and set operations by name', () => {
  test.each([
    ["SELECT * ILIKE '%s%n' FROM customers", 'SSN | -'],
    ["SELECT * ILIKE 'c_t%' RENAME city AS town FROM customers", 'CITY | -'],
    ["SELECT * ILIKE 'x%' FROM customers", 'unknown-syntax: a query without columns'],
    ["SELECT * ILIKE 'e\\\\_%' FROM customers", 'unsupported: a name pattern of this form is not analysed'],
    ['SELECT {* EXCLUDE email} AS o FROM (SELECT id, email FROM customers)', 'EMAIL+ID | -'],
    [
      'SELECT id AS a, email AS b FROM customers UNION ALL BY NAME SELECT ssn AS c, city AS a FROM customers',
      'CITY+ID, EMAIL, SSN | -',
    ],
    ['SELECT id AS a FROM customers UNION BY NAME SELECT ssn AS a FROM customers', 'ID+SSN | ID+SSN'],
    [
      'SELECT 1 AS a UNION ALL BY NAME SELECT 1 AS "a"',
      'unsupported: a set operation by name over names that differ in case only is not analysed',
    ],
    [
      'SELECT 1 AS a UNION ALL BY NAME SELECT 1 + 1',
      'unsupported: a set operation by name over a column without a name of its own is not analysed',
    ],
    [
      'SELECT 1 AS a UNION ALL BY NAME SELECT 1 AS a UNION ALL SELECT 2',
      'unsupported: a set operation by name beside one by place is not analysed',
    ],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('results of earlier queries', () => {
  test.each([
    ['SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))', '-, EMAIL | SSN'],
    ['SELECT who FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-1))) AS r', 'EMAIL | SSN'],
    ["SELECT $1 FROM TABLE(RESULT_SCAN('01-old'))", '- | -'],
    ["SELECT a FROM TABLE(RESULT_SCAN('01-other'))", 'unknown-object: the result of an earlier query is not known'],
    ['SELECT a FROM TABLE(RESULT_SCAN($clean))', 'dynamic: the id of a result is computed'],
    [
      'SELECT a FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))',
      'unsupported: a result further back than the last one is not analysed',
    ],
    ['SELECT LAST_QUERY_ID()', 'unknown-function: the function LAST_QUERY_ID is not on the list of pure functions'],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));

  test('the canonical text names the result as Snowflake does, never as the caller does', () => {
    expect(run("SELECT a FROM TABLE(RESULT_SCAN('01-old'))").canonicalText).toBe(
      "SELECT a FROM TABLE(RESULT_SCAN('f0-old'))",
    );
    expect(run('SELECT who FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))').canonicalText).toBe(
      "SELECT who FROM TABLE(RESULT_SCAN('f0-last'))",
    );
  });
});

describe('places where no query in brackets can stand', () => {
  test.each([
    ['customers SAMPLE (10)', undefined],
    ['customers SAMPLE BERNOULLI (10 ROWS)', undefined],
    ['customers SAMPLE SYSTEM (10)', 'SAMPLE by blocks'],
    ['customers AS c TABLESAMPLE (10) SEED (1)', 'SAMPLE with a seed'],
    ['customers CHANGES (INFORMATION => DEFAULT) AT (OFFSET => -1)', 'CHANGES'],
    ['customers AT (OFFSET => -1)', undefined],
    ['v_cust AT (OFFSET => -1)', 'time travel on a view'],
  ])('%s', (source, expected) => {
    const analysis = run(`SELECT id FROM ${source}`);
    expect(analysis.read ? analysis.query?.sources.map((site) => site.unmaskable) : analysis.detail).toEqual([
      expected,
    ]);
  });

  test.each([
    [
      "SELECT id FROM customers BEFORE (STATEMENT => '01')",
      'unsupported: time travel to a statement or stream is not analysed',
    ],
    [
      'SELECT id FROM customers AT (OFFSET => $dirty)',
      'unsupported: time travel to a point that is not constant is not analysed',
    ],
    [
      'SELECT id FROM (SELECT id FROM customers) SAMPLE (10) SEED (1)',
      'unsupported: a sample by blocks or with a seed of something that is no table is not analysed',
    ],
  ])('%s', (sql, expected) => expect(seen(sql)).toBe(expected));
});

describe('where reading stopped', () => {
  test.each([
    ['SELECT id, nothing FROM customers', 'nothing'],
    ['SELECT id\n  , c.nothing FROM customers c', 'c.nothing'],
    ['SELECT id FROM missing.t', 'missing.t'],
    ['SELECT my_udf(id) FROM customers', 'my_udf'],
    ['SELECT id FROM customers WHERE AND', 'AND'],
    ['SELECT x.* FROM customers', 'x.*'],
  ])('%s', (sql, expected) => {
    const analysis = run(sql);
    expect(analysis.read ? 'read' : sql.slice(analysis.span?.start, analysis.span?.end)).toBe(expected);
  });
});
