import { describe, expect, test } from '@jest/globals';
import type { Facts, QueryFacts } from './facts.js';
import { analyze, formatObjectName } from './index.js';
import { catalogOf, isProtected, type LineageCase, lineageCases, sessionOf, shortColumn } from './testing/corpus.js';

const run = (one: Pick<LineageCase, 'sql' | 'session'>) => analyze(one.sql, sessionOf(one), catalogOf(one));

function readFacts(sql: string): Facts {
  const analysis = run({ sql });
  if (!analysis.read) throw new Error(`${sql}: ${analysis.detail}`);
  return analysis;
}

/** What is traced, whichever way it shows. */
function tracedOf(facts: Facts): QueryFacts | 'unread' | undefined {
  return facts.moved ?? facts.defined ?? facts.explained;
}

describe('statements of the corpus that carry data', () => {
  const cases = lineageCases.filter((one) => one.class !== 'SELECT' && one.outcome === 'analyze');

  test('are as many as the corpus has', () => expect(cases).toHaveLength(12));

  test.each(cases.map((one) => [one.id, one] as const))('%s is traced exactly', (_id, one) => {
    const facts = readFacts(one.sql);
    const traced = tracedOf(facts);
    if (traced === undefined || traced === 'unread') throw new Error(facts.unreadBecause ?? 'nothing traced');
    const tainted = traced.outputs.flatMap((output, index) => (output.sources.some(isProtected) ? [index] : []));
    expect({ outputs: traced.outputs.length, tainted, predicate: traced.predicate.some(isProtected) }).toEqual({
      outputs: one.outputs,
      tainted: one.tainted,
      predicate: one.predicate,
    });
    expect(tainted.length > 0).toBe(one.flow);
    if (one.writes !== undefined) expect(facts.writes.map(formatObjectName)).toEqual(one.writes);
    if (one.reads !== undefined) expect(traced.reads.map(formatObjectName)).toEqual(one.reads);
  });
});

/** `COLUMN<SOURCE+SOURCE` for each output, `by …` for the predicate. */
function show(traced: QueryFacts | 'unread' | undefined): string {
  if (traced === undefined || traced === 'unread') return traced ?? 'nothing';
  const outputs = traced.outputs.map((output) => {
    return `${output.name ?? '?'}<${output.sources.map((column) => shortColumn(column)).join('+')}`;
  });
  const by = traced.predicate.length === 0 ? [] : [`by ${traced.predicate.map(shortColumn).join('+')}`];
  return [...outputs, ...by].join(' ');
}

describe('what moves, column by column', () => {
  test.each([
    // INSERT
    ['INSERT INTO orders (note, id) SELECT email, id FROM customers', 'NOTE<CUSTOMERS.EMAIL ID<CUSTOMERS.ID'],
    ['INSERT INTO orders (note) (SELECT email FROM customers)', 'NOTE<CUSTOMERS.EMAIL'],
    ['INSERT INTO orders ((SELECT email FROM customers))', 'EMAIL<CUSTOMERS.EMAIL'],
    ['INSERT INTO orders (note) SELECT id, email FROM customers', 'unread'],
    ['INSERT INTO orders (note) VALUES (1), (UPPER(2)), (DEFAULT), (?), (CURRENT_DATE)', 'nothing'],
    ['INSERT INTO orders (note) VALUES ($v)', 'unread'],
    ['INSERT INTO orders (note) VALUES (my_udf())', 'unread'],
    ['INSERT INTO orders (id, note) VALUES (1, (SELECT MAX(ssn) FROM customers))', 'ID< NOTE<CUSTOMERS.SSN'],
    [
      "INSERT ALL WHEN email LIKE 'a%' THEN INTO orders (note) VALUES (email) ELSE INTO public_info (id) VALUES (id) SELECT id, email FROM customers",
      'NOTE<CUSTOMERS.EMAIL ID<CUSTOMERS.ID by CUSTOMERS.EMAIL',
    ],
    [
      'INSERT FIRST WHEN id > 1 THEN INTO orders SELECT id, ssn FROM customers',
      'ID<CUSTOMERS.ID SSN<CUSTOMERS.SSN by CUSTOMERS.ID',
    ],
    [
      'INSERT OVERWRITE ALL INTO orders INTO orders (note) VALUES (DEFAULT) SELECT id FROM customers',
      'ID<CUSTOMERS.ID NOTE<',
    ],
    // UPDATE
    [
      'UPDATE orders o SET note = c.email, o.status = c.city FROM customers c WHERE c.ssn = o.note',
      'NOTE<CUSTOMERS.EMAIL STATUS<CUSTOMERS.CITY by ORDERS.NOTE+CUSTOMERS.SSN',
    ],
    [
      'UPDATE orders SET note = c.email FROM (SELECT * FROM customers) c JOIN accounts a ON a.customer_id = c.id',
      'NOTE<CUSTOMERS.EMAIL by CUSTOMERS.ID+ACCOUNTS.CUSTOMER_ID',
    ],
    ['UPDATE customers SET email = (SELECT MAX(email) FROM customers x)', 'EMAIL<'],
    ['UPDATE customers SET city = (SELECT MAX(email) FROM customers x)', 'CITY<CUSTOMERS.EMAIL'],
    ['UPDATE customers SET email = email || city', 'EMAIL<CUSTOMERS.CITY'],
    ['UPDATE orders SET note = x y FROM customers', 'unread'],
    ['UPDATE orders SET note = email FROM customers LIMIT 1', 'unread'],
    // DELETE
    ['DELETE FROM orders USING customers c WHERE c.id = customer_id', 'by ORDERS.CUSTOMER_ID+CUSTOMERS.ID'],
    [
      'DELETE FROM orders WHERE id IN (SELECT id FROM customers WHERE ssn IS NULL)',
      'by ORDERS.ID+CUSTOMERS.ID+CUSTOMERS.SSN',
    ],
    // MERGE
    [
      'MERGE INTO orders o USING (SELECT id, email FROM customers) c ON o.id = c.id WHEN MATCHED AND c.id > 1 THEN UPDATE SET note = c.email, status = o.status ' +
        'WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND email IS NULL THEN INSERT (id, note) VALUES (c.id, email)',
      'NOTE<CUSTOMERS.EMAIL STATUS< ID<CUSTOMERS.ID NOTE<CUSTOMERS.EMAIL by ORDERS.ID+CUSTOMERS.ID+CUSTOMERS.EMAIL',
    ],
    ['MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN UPDATE ALL BY NAME', 'unread'],
    ['MERGE INTO orders o USING customers c ON o.id = c.id WHEN NOT MATCHED THEN INSERT VALUES (o.note)', 'unread'],
    ['MERGE INTO orders o USING customers c ON o.id = c.id', 'unread'],
    // CREATE
    ['CREATE TABLE t (a INT, "b" TEXT) AS SELECT id, ssn FROM customers', 'A<CUSTOMERS.ID b<CUSTOMERS.SSN'],
    ['CREATE TABLE t (a NUMBER(10, 2) NOT NULL, PRIMARY KEY (a)) AS SELECT id FROM customers', 'A<CUSTOMERS.ID'],
    ['CREATE TABLE t (a INT, b TEXT) AS SELECT id FROM customers', 'unread'],
    ['CREATE TABLE t (a INT DEFAULT (SELECT MAX(ssn) FROM customers)) AS SELECT 1', 'unread'],
    ['CREATE TABLE t (a INT, b INT AS (a + 1)) AS SELECT id, ssn FROM customers', 'unread'],
    ['CREATE TABLE t CLUSTER BY ((SELECT MAX(ssn) FROM customers)) AS SELECT 1 AS a', 'unread'],
    ['CREATE TABLE t USING TEMPLATE (f()) AS SELECT 1 AS a', 'unread'],
    ['CREATE OR ALTER DYNAMIC TABLE t AS SELECT ssn FROM customers', 'SSN<CUSTOMERS.SSN'],
    ['CREATE TABLE clone AS SELECT ssn FROM customers', 'SSN<CUSTOMERS.SSN'],
    [
      'CREATE TABLE clone CLONE accounts',
      'ID<ACCOUNTS.ID CUSTOMER_ID<ACCOUNTS.CUSTOMER_ID IBAN<ACCOUNTS.IBAN OPENED<ACCOUNTS.OPENED',
    ],
    ['CREATE MATERIALIZED VIEW v (a) AS SELECT ssn FROM customers', 'A<CUSTOMERS.SSN'],
    [
      "CREATE CORTEX SEARCH SERVICE s ON ssn WAREHOUSE = w TARGET_LAG = '1 day' AS SELECT ssn FROM customers",
      'SSN<CUSTOMERS.SSN',
    ],
    ['CREATE SCHEMA s CLONE app.public', 'unread'],
    ["CREATE TABLE t FROM BACKUP SET b IDENTIFIER 'x'", 'unread'],
    ['CREATE DATABASE d AS REPLICA OF org.acc.d', 'unread'],
    ['CREATE DATABASE d FROM SHARE acc.s', 'nothing'],
    // UNLOAD
    [
      'COPY INTO @out FROM (SELECT id FROM customers) PARTITION BY (id) HEADER = TRUE',
      'ID<CUSTOMERS.ID by CUSTOMERS.ID',
    ],
    ['COPY INTO @out FROM (SELECT id FROM customers) PARTITION BY (email)', 'unread'],
    ['COPY INTO @out FROM customers JOIN orders', 'unread'],
    ['COPY INTO @out FROM (SELECT id FROM customers) UNION ALL SELECT ssn FROM customers', 'unread'],
    // SET
    ['SET (a, b) = (1, (SELECT MAX(ssn) FROM customers))', 'A< B<CUSTOMERS.SSN'],
    [
      'SET (a, b) = (SELECT city, ssn FROM customers WHERE email IS NULL)',
      'A<CUSTOMERS.CITY B<CUSTOMERS.SSN by CUSTOMERS.EMAIL',
    ],
    ['SET (a, b) = (SELECT city FROM customers)', 'unread'],
    ["SET a = 'x' || CURRENT_USER()", 'nothing'],
    // LOAD
    ['COPY INTO orders FROM (SELECT $1, $2 FROM @raw)', 'nothing'],
    ['COPY INTO orders FROM (SELECT $1 FROM @raw, customers)', 'unread'],
    ['COPY INTO orders FROM (SELECT $1, (SELECT 1) FROM @raw)', 'unread'],
    ['COPY INTO orders FROM (SELECT $1, (SELECT MAX(ssn) FROM customers) FROM @raw)', 'unread'],
  ])('%s', (sql, expected) => expect(show(readFacts(sql).moved)).toBe(expected));

  test('UPDATE does not read the table it changes, unless it stands there twice', () => {
    const reads = (sql: string) => {
      const { moved } = readFacts(sql);
      return typeof moved === 'object' ? moved.reads.map((name) => name.name) : moved;
    };
    expect(reads('UPDATE orders SET note = c.email FROM customers c')).toEqual(['CUSTOMERS']);
    expect(reads('UPDATE orders SET note = (SELECT MAX(status) FROM orders o)')).toEqual(['ORDERS']);
    expect(reads('DELETE FROM orders USING customers')).toEqual(['CUSTOMERS']);
  });
});

describe('what is defined or explained', () => {
  test.each([
    ['CREATE VIEW v AS SELECT ssn FROM customers', 'SSN<CUSTOMERS.SSN', 'nothing'],
    ['CREATE OR ALTER VIEW v (a) AS SELECT ssn FROM customers', 'A<CUSTOMERS.SSN', 'nothing'],
    [
      "CREATE VIEW v (a COMMENT 'AS SELECT 1', b) COMMENT = 'x' AS (SELECT id, ssn FROM customers)",
      'A<CUSTOMERS.ID B<CUSTOMERS.SSN',
      'nothing',
    ],
    ['CREATE VIEW v AS SELECT * FROM v_secure', 'unread', 'nothing'],
    [
      'CREATE STREAM s ON TABLE accounts APPEND_ONLY = TRUE',
      'ID<ACCOUNTS.ID CUSTOMER_ID<ACCOUNTS.CUSTOMER_ID IBAN<ACCOUNTS.IBAN OPENED<ACCOUNTS.OPENED',
      'nothing',
    ],
    ['CREATE STREAM s ON DYNAMIC TABLE unknown', 'unread', 'nothing'],
    ['CREATE STREAM s ON STAGE raw', 'nothing', 'nothing'],
    ['CREATE SEQUENCE s', 'nothing', 'nothing'],
    ['EXPLAIN SELECT ssn FROM customers', 'nothing', 'SSN<CUSTOMERS.SSN'],
    ['EXPLAIN USING JSON SELECT id FROM customers WHERE ssn IS NULL', 'nothing', 'ID<CUSTOMERS.ID by CUSTOMERS.SSN'],
    ['EXPLAIN INSERT INTO orders (note) SELECT ssn FROM customers', 'nothing', 'NOTE<CUSTOMERS.SSN'],
    ['EXPLAIN CREATE VIEW v AS SELECT ssn FROM customers', 'nothing', 'SSN<CUSTOMERS.SSN'],
    ['EXPLAIN DELETE FROM orders', 'nothing', ''],
    ['EXPLAIN SELECT * FROM v_secure', 'nothing', 'unread'],
    ['EXPLAIN DROP TABLE orders', 'nothing', 'unread'],
  ])('%s', (sql, defined, explained) => {
    const facts = readFacts(sql);
    expect([show(facts.defined), show(facts.explained)]).toEqual([defined, explained]);
    expect(facts.moved).toBeUndefined();
  });
});

describe('what is written, and for how long', () => {
  test.each([
    ['INSERT INTO orders VALUES (1)', ['APP.PUBLIC.ORDERS'], []],
    ['INSERT ALL INTO orders INTO app.hr.customers SELECT 1', ['APP.PUBLIC.ORDERS', 'APP.HR.CUSTOMERS'], []],
    ['UPDATE orders SET note = 1', ['APP.PUBLIC.ORDERS'], []],
    ['MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DELETE', ['APP.PUBLIC.ORDERS'], []],
    ['DELETE FROM orders', [], []],
    ['COPY INTO orders FROM @raw', ['APP.PUBLIC.ORDERS'], []],
    ['COPY INTO @out FROM orders', ['APP.PUBLIC.OUT'], []],
    ['COPY INTO @~ FROM orders', [], []],
    ['COPY FILES INTO @out FROM @raw', ['APP.PUBLIC.OUT'], []],
    ['CREATE TABLE t (a INT)', [], []],
    ['CREATE TEMPORARY TABLE t (a INT)', [], ['APP.PUBLIC.T']],
    ['CREATE OR REPLACE LOCAL TEMP TABLE s.t AS SELECT 1 AS a', ['APP.S.T'], ['APP.S.T']],
    ['CREATE TABLE temp AS SELECT 1 AS a', ['APP.PUBLIC.TEMP'], []],
    ['CREATE TABLE t CLONE orders', ['APP.PUBLIC.T'], []],
    ['CREATE VIEW v AS SELECT 1 AS a', [], []],
    ['ALTER TABLE orders RENAME TO o', ['APP.PUBLIC.O'], []],
    ['ALTER TABLE orders SWAP WITH customers', ['APP.PUBLIC.ORDERS', 'APP.PUBLIC.CUSTOMERS'], []],
    ['DROP TABLE orders', [], []],
    ['SELECT * FROM orders', [], []],
  ])('%s', (sql, writes, temporary) => {
    const facts = readFacts(sql);
    expect([facts.writes.map(formatObjectName), facts.temporary.map(formatObjectName)]).toEqual([writes, temporary]);
  });
});

describe('session variables', () => {
  const effectOf = (sql: string) => {
    const { effect } = readFacts(sql);
    if (effect?.kind !== 'variable') throw new Error('no variable');
    return effect.variables.map(({ name, change, sources }) => {
      return `${change} ${name} ${sources?.map((column) => shortColumn(column)).join('+') ?? 'unknown'}`;
    });
  };
  test.each([
    ["SET v = 'x'", ['set V ']],
    ['SET "v" = 1 + 1', ['set v ']],
    ['SET v = (SELECT MAX(email) FROM customers WHERE ssn IS NULL)', ['set V CUSTOMERS.EMAIL+CUSTOMERS.SSN']],
    [
      'SET (a, b) = (SELECT city, ssn FROM customers WHERE email IS NULL)',
      ['set A CUSTOMERS.CITY+CUSTOMERS.EMAIL', 'set B CUSTOMERS.SSN+CUSTOMERS.EMAIL'],
    ],
    ['SET (a, b) = (1, 2)', ['set A ', 'set B ']],
    ['SET v = $unseen', ['set V unknown']],
    ['SET (a, b) = (SELECT my_udf(), 1)', ['set A unknown', 'set B unknown']],
    ['UNSET v', ['unset V ']],
    ['UNSET (a, "b")', ['unset A ', 'unset b ']],
  ])('%s', (sql, expected) => expect(effectOf(sql)).toEqual(expected));
});

describe('the text that is sent', () => {
  const CUSTOMERS = '"APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS"';
  test.each([
    [
      'INSERT INTO orders (note) SELECT email FROM customers',
      `INSERT INTO orders (note) SELECT email FROM ${CUSTOMERS}`,
    ],
    ['CREATE TABLE t AS(SELECT email FROM customers)', `CREATE TABLE t AS(SELECT email FROM ${CUSTOMERS})`],
    [
      'COPY INTO @out FROM (SELECT id FROM customers)HEADER=TRUE',
      `COPY INTO @out FROM (SELECT id FROM ${CUSTOMERS})HEADER=TRUE`,
    ],
    ['SET (a) = (SELECT id FROM customers)', `SET (a) = (SELECT id FROM ${CUSTOMERS})`],
    ['EXPLAIN USING TEXT SELECT id FROM customers', `EXPLAIN USING TEXT SELECT id FROM ${CUSTOMERS}`],
    ['INSERT INTO orders SELECT * FROM v_secure', 'INSERT INTO orders SELECT * FROM v_secure'],
  ])('names in full what a query in it reads: %s', (sql, expected) => {
    expect(readFacts(sql).canonicalText).toBe(expected);
  });

  test('looks up the names of a view beside the view, as Snowflake does', () => {
    const hr = readFacts('CREATE VIEW hr.v AS SELECT email FROM customers');
    expect(hr.canonicalText).toBe('CREATE VIEW hr.v AS SELECT email FROM "APP"."HR"."CUSTOMERS" AS "CUSTOMERS"');
    const copy = readFacts('CREATE TABLE hr.t AS SELECT email FROM customers');
    expect(copy.canonicalText).toBe(`CREATE TABLE hr.t AS SELECT email FROM ${CUSTOMERS}`);
  });
});
