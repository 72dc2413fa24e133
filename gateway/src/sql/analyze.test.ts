import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog, type Facts, formatObjectName, type SessionContext } from './index.js';
import { catalogOf, sessionOf, shortColumn } from './testing/corpus.js';

const session = sessionOf();
const catalog = catalogOf();

function read(sql: string, at: SessionContext = session, from: Catalog = catalog): Facts {
  const analysis = analyze(sql, at, from);
  if (!analysis.read) throw new Error(`${analysis.kind}: ${analysis.detail}`);
  return analysis;
}

function query(sql: string, from: Catalog = catalog) {
  const { query } = read(sql, session, from);
  if (query === undefined) throw new Error('no query');
  return query;
}

const direct = (sql: string) =>
  query(sql).outputs.map((output) => (output.direct === undefined ? '-' : shortColumn(output.direct)));

describe('direct outputs', () => {
  test.each([
    ['SELECT email FROM customers', ['CUSTOMERS.EMAIL']],
    ['SELECT c.email FROM customers c', ['CUSTOMERS.EMAIL']],
    ['SELECT app.public.customers.email FROM app.public.customers', ['CUSTOMERS.EMAIL']],
    ['SELECT email AS e, id FROM customers', ['CUSTOMERS.EMAIL', 'CUSTOMERS.ID']],
    ['SELECT (email), email::text, UPPER(email) FROM customers', ['-', '-', '-']],
    ['SELECT profile:a FROM customers', ['-']],
    ["SELECT email || '' FROM customers", ['-']],
    ['SELECT MAX(email) FROM customers', ['-']],
    ['SELECT x.e FROM (SELECT email AS e FROM customers) x', ['CUSTOMERS.EMAIL']],
    ['SELECT x.e FROM (SELECT LOWER(email) AS e FROM customers) x', ['-']],
    ['WITH q AS (SELECT * FROM customers) SELECT ssn FROM q', ['CUSTOMERS.SSN']],
    ['SELECT contact FROM v_cust', ['CUSTOMERS.EMAIL']],
    ['SELECT email FROM customers UNION ALL SELECT email FROM customers', ['CUSTOMERS.EMAIL']],
    ['SELECT email FROM customers UNION ALL SELECT name FROM customers', ['-']],
    ['SELECT (SELECT email FROM customers LIMIT 1)', ['-']],
    ['SELECT email AS x, x AS y FROM customers', ['CUSTOMERS.EMAIL', '-']],
    ['SELECT a.id FROM customers a JOIN orders b USING (id)', ['CUSTOMERS.ID']],
    ['SELECT id FROM customers a JOIN orders b USING (id)', ['-']],
    ['SELECT * REPLACE (email AS name) FROM (SELECT name, email FROM customers)', ['-', 'CUSTOMERS.EMAIL']],
    ['SELECT CASE WHEN TRUE THEN email END FROM customers', ['-']],
    ["SELECT email COLLATE 'en' FROM customers", ['-']],
    ['SELECT -id, NOT id FROM customers', ['-', '-']],
    ['SELECT column1 FROM VALUES (1)', ['-']],
  ])('%s', (sql, expected) => expect(direct(sql)).toEqual(expected));
});

describe('output names', () => {
  test.each([
    ['SELECT email, c.city, "NAME" FROM customers c', ['EMAIL', 'CITY', 'NAME']],
    ['SELECT email AS "e", id AS Two, 1 three FROM customers', ['e', 'TWO', 'THREE']],
    ['SELECT UPPER(email), 1, (city) FROM customers', [undefined, undefined, undefined]],
    ['SELECT * FROM (SELECT id, 1 + 1 FROM orders)', ['ID', undefined]],
    ['SELECT * RENAME (id AS key) FROM v_safe', ['KEY', 'TITLE']],
    ['SELECT id AS a FROM orders UNION ALL SELECT id AS b FROM customers', ['A']],
    ['WITH t(x) AS (SELECT id FROM orders) SELECT * FROM t', ['X']],
    ['SELECT * FROM VALUES (1, 2)', ['COLUMN1', 'COLUMN2']],
  ])('%s', (sql, expected) => expect(query(sql).outputs.map((output) => output.name)).toEqual(expected));
});

describe('sources and predicate', () => {
  const sources = (sql: string) => query(sql).outputs.map((output) => output.sources.map(shortColumn).sort());
  const predicate = (sql: string) => query(sql).predicate.map(shortColumn).sort();

  test('a view column counts as itself and as what is behind it', () => {
    expect(sources('SELECT contact FROM v_cust')).toEqual([['CUSTOMERS.EMAIL', 'V_CUST.CONTACT']]);
    expect(query('SELECT contact FROM v_cust').reads.map(formatObjectName)).toEqual([
      'APP.PUBLIC.V_CUST',
      'APP.PUBLIC.CUSTOMERS',
    ]);
  });

  test('a date part that is also a column counts as the column', () => {
    const cards: Catalog = { find: () => ({ kind: 'table', columns: [{ name: 'DAY', type: 'date' }] }) };
    expect(query('SELECT DATEADD(day, 1, CURRENT_DATE) FROM t', cards).outputs[0]?.sources).toHaveLength(1);
  });

  test.each([
    [
      'SELECT id FROM orders WHERE id IN (SELECT id FROM customers WHERE ssn = 1)',
      ['CUSTOMERS.ID', 'CUSTOMERS.SSN', 'ORDERS.ID'],
    ],
    ['SELECT id FROM orders ORDER BY amount', ['ORDERS.AMOUNT']],
    ['SELECT id, amount AS a FROM orders ORDER BY a', ['ORDERS.AMOUNT']],
    ['SELECT id, amount FROM orders ORDER BY 2', ['ORDERS.AMOUNT']],
    ['SELECT status, SUM(amount) FROM orders GROUP BY ALL', ['ORDERS.STATUS']],
    ['SELECT status FROM orders GROUP BY ROLLUP (status, (note, id))', ['ORDERS.ID', 'ORDERS.NOTE', 'ORDERS.STATUS']],
    ['SELECT status FROM orders GROUP BY GROUPING SETS ((status), (), (note))', ['ORDERS.NOTE', 'ORDERS.STATUS']],
    [
      'SELECT id FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY status ORDER BY amount) = 1',
      ['ORDERS.AMOUNT', 'ORDERS.STATUS'],
    ],
    [
      'SELECT o.id FROM orders o ASOF JOIN events e MATCH_CONDITION (o.created_at >= e.ts)',
      ['EVENTS.TS', 'ORDERS.CREATED_AT'],
    ],
    ['SELECT o.id FROM orders o, customers c WHERE o.customer_id = c.id (+)', ['CUSTOMERS.ID', 'ORDERS.CUSTOMER_ID']],
    ['SELECT id FROM orders UNION ALL SELECT id FROM customers', []],
    ['SELECT id FROM orders UNION SELECT id FROM customers', ['CUSTOMERS.ID', 'ORDERS.ID']],
    ['(SELECT id FROM orders) ORDER BY id', ['ORDERS.ID']],
    ['SELECT 1 FROM (SELECT id FROM orders WHERE note IS NULL)', ['ORDERS.NOTE']],
  ])('%s', (sql, expected) => expect(predicate(sql)).toEqual(expected));
});

describe('names', () => {
  test('the canonical text qualifies tables and points column names to their alias', () => {
    const sql = 'SELECT public.customers.email, app.public.customers.* FROM customers, hr.customers x';
    expect(read(sql).canonicalText).toBe(
      'SELECT "CUSTOMERS".email, "CUSTOMERS".* FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS", "APP"."HR"."CUSTOMERS" AS x',
    );
  });

  test('a bare alias gets its AS', () => {
    expect(read('SELECT o.id x FROM (SELECT id FROM orders)o').canonicalText).toBe(
      'SELECT o.id AS x FROM (SELECT id FROM "APP"."PUBLIC"."ORDERS" AS "ORDERS") AS o',
    );
  });

  test.each([
    ['two sources of one name', 'SELECT 1 FROM customers, hr.customers', 'unsupported'],
    ['a table name hidden by an alias', 'SELECT customers.id FROM customers c', 'unknown-column'],
    [
      'a qualified name hidden by an alias',
      'SELECT app.public.customers.id FROM customers customers',
      'unknown-column',
    ],
    ['a sibling seen from a derived table', 'SELECT 1 FROM orders o, (SELECT o.id)', 'unknown-column'],
    [
      'a query that refers to itself in another way',
      'WITH r AS (SELECT 1 AS n UNION SELECT n FROM r) SELECT n FROM r',
      'unknown-object',
    ],
    [
      'a recursive query whose first part refers to it',
      'WITH RECURSIVE r AS (SELECT n FROM r UNION ALL SELECT 1) SELECT n FROM r',
      'unsupported',
    ],
    ['aliases that refer to each other', 'SELECT b AS a, a AS b FROM orders', 'unknown-column'],
    ['a reserved word as a column', 'SELECT from FROM orders', 'unknown-syntax'],
    ['a trailing comma at the end', 'SELECT 1,', 'unknown-syntax'],
    ['two operands beside each other', 'SELECT id note amount FROM orders', 'unknown-syntax'],
    ['a secure view', 'SELECT x FROM v_secure', 'unreadable-view'],
    ['a set operation of unequal width', 'SELECT 1 UNION ALL SELECT 1, 2', 'unknown-syntax'],
    ['a position outside the outputs', 'SELECT id FROM orders ORDER BY 2', 'unknown-syntax'],
    ['a star over USING out of order', 'SELECT * FROM metrics JOIN labels USING (v)', 'unsupported'],
    ['one side of USING as a star', 'SELECT m.* FROM metrics m JOIN labels USING (id)', 'unsupported'],
    ['SELECT INTO', 'SELECT id INTO x FROM orders', 'unsupported'],
    ['FOR UPDATE', 'SELECT id FROM orders FOR UPDATE', 'unsupported'],
    ['a script variable', 'SELECT :name', 'dynamic'],
    ['a user-defined type', 'SELECT id::my_type FROM orders', 'unsupported'],
    ['a function in quotes', 'SELECT "UPPER"(note) FROM orders', 'unknown-function'],
    ['a method', 'SELECT m!predict(1) FROM orders m', 'unsupported'],
  ])('refuses %s', (_what, sql, kind) => {
    expect(analyze(sql, session, catalog)).toMatchObject({ read: false, class: 'SELECT', kind });
  });

  test('an unqualified name needs a current schema', () => {
    const nowhere = { ...session, database: undefined, schema: undefined };
    for (const sql of ['SELECT 1 FROM t', 'DROP TABLE t', 'INSERT INTO t SELECT 1']) {
      expect(analyze(sql, nowhere, catalog)).toMatchObject({ read: false, kind: 'unknown-object', needs: [] });
    }
    expect(read('SELECT id FROM app.public.orders', nowhere).read).toBe(true);
  });
});

describe('objects that are not loaded', () => {
  const loaded = new Map<string, 'loaded'>();
  const lazy: Catalog = {
    find: (name) => (loaded.has(formatObjectName(name)) ? catalog.find(name) : 'not-loaded'),
  };

  test('are asked for together, then those behind views, then the query is read', () => {
    const sql = 'SELECT contact, (SELECT MAX(id) FROM orders) FROM v_cust WHERE EXISTS (SELECT 1 FROM hr.customers)';
    const rounds: string[][] = [];
    for (;;) {
      const analysis = analyze(sql, session, lazy);
      if (analysis.read) break;
      expect(analysis.kind).toBe('unknown-object');
      expect(analysis.needs).not.toEqual([]);
      rounds.push(analysis.needs.map(formatObjectName));
      for (const name of analysis.needs) loaded.set(formatObjectName(name), 'loaded');
    }
    expect(rounds).toEqual([['APP.PUBLIC.ORDERS', 'APP.PUBLIC.V_CUST', 'APP.HR.CUSTOMERS'], ['APP.PUBLIC.CUSTOMERS']]);
  });
});

describe('views', () => {
  const withView = (definition: string, columns: readonly string[]): Catalog => ({
    find: (name) =>
      name.name === 'V'
        ? { kind: 'view', columns: columns.map((column) => ({ name: column, type: 'text' })), definition }
        : catalog.find(name),
  });

  test.each([
    'SELECT id, email FROM customers',
    "create or replace secure view V (a comment 'x', b) copy grants comment = 'as select' as select id, email from customers;",
    'CREATE VIEW app.public.v AS WITH q AS (SELECT * FROM customers) SELECT id, email FROM q',
  ])('are read from %s', (definition) => {
    expect(query('SELECT b FROM v', withView(definition, ['A', 'B'])).outputs[0]?.direct?.column).toBe('EMAIL');
  });

  test.each([
    ['columns the account does not report', 'SELECT id FROM customers'],
    ['a policy of its own', 'CREATE VIEW v (a, b) WITH ROW ACCESS POLICY p ON (a) AS SELECT id, email FROM customers'],
    ['itself', 'SELECT id, email FROM v'],
    ['a table function', 'SELECT 1, 2 FROM TABLE(f())'],
    ['two statements', 'SELECT 1, 2; SELECT 1, 2'],
    ['an unknown column', 'SELECT id, nothing FROM customers'],
  ])('are refused with %s', (_what, definition) => {
    const analysis = analyze('SELECT b FROM v', session, withView(definition, ['A', 'B']));
    expect(analysis).toMatchObject({ read: false, kind: 'unreadable-view' });
  });

  test('look their names up beside themselves, not in the current schema', () => {
    const view = withView('SELECT id, email FROM customers', ['A', 'B']);
    const facts = read('SELECT b FROM app.public.v', { ...session, schema: 'HR' }, view);
    expect(facts.query?.outputs[0]?.direct?.object.schema).toBe('PUBLIC');
  });
});

describe('placeholders and identifiers', () => {
  test('placeholders are counted: each ?, and each number once', () => {
    expect(read('SELECT id FROM orders WHERE id = ? OR id = ?').placeholders).toBe(2);
    expect(read('SELECT id FROM orders WHERE id = :1 OR id = :2 OR id = :1 LIMIT :3').placeholders).toBe(3);
    expect(read('SELECT items:a FROM orders').placeholders).toBe(0);
  });

  test('identifiers are given as stored, those of stages included', () => {
    expect(read('COPY INTO "t x" FROM @db.s."My stage"/path').identifiers).toEqual(
      expect.arrayContaining(['t x', 'DB', 'S', 'My stage']),
    );
  });
});
