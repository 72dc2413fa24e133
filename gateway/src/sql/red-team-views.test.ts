import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog } from './index.js';
import { catalogOf, sessionOf, shortColumn } from './testing/corpus.js';

const base = catalogOf();

/** What `SELECT * FROM hr.v` shows, when V has this text and these columns. */
function seen(definition: string, columns: readonly string[] = ['X']): string {
  const catalog: Catalog = {
    find: (name) =>
      name.name === 'V'
        ? { kind: 'view', columns: columns.map((column) => ({ name: column, type: 'text' })), definition }
        : base.find(name),
  };
  const analysis = analyze('SELECT * FROM hr.v', sessionOf(), catalog);
  if (!analysis.read) return `refused: ${analysis.kind}`;
  const outputs = analysis.query?.outputs ?? [];
  const behind = outputs.map((output) => output.sources.map(shortColumn).filter((name) => !name.startsWith('V.')));
  return behind.map((names) => names.sort().join('+') || '-').join(', ');
}

describe('the text of a view', () => {
  test.each([
    ['SELECT email AS x FROM app.public.customers', 'CUSTOMERS.EMAIL'],
    ['SELECT email AS x FROM app.public.customers;', 'CUSTOMERS.EMAIL'],
    ['(SELECT email AS x FROM app.public.customers)', 'CUSTOMERS.EMAIL'],
    ['WITH q AS (SELECT ssn FROM app.public.customers) SELECT ssn FROM q', 'CUSTOMERS.SSN'],
    ['CREATE VIEW v (a) AS SELECT ssn FROM app.public.customers', 'CUSTOMERS.SSN'],
    [
      "create or replace view v(a) copy grants comment = 'as select 1 as x' as select ssn from app.public.customers",
      'CUSTOMERS.SSN',
    ],
    [
      "CREATE VIEW v (a COMMENT 'as') COMMENT = $$ AS SELECT 1 $$ AS SELECT ssn FROM app.public.customers",
      'CUSTOMERS.SSN',
    ],
    [
      "CREATE VIEW v WITH TAG (t = 'as') CHANGE_TRACKING = TRUE AS SELECT ssn FROM app.public.customers",
      'CUSTOMERS.SSN',
    ],
    ['CREATE VIEW IF NOT EXISTS "AS" AS SELECT ssn FROM app.public.customers', 'CUSTOMERS.SSN'],
    ['CREATE VIEW v /* AS SELECT 1 */ AS -- SELECT 1\n SELECT ssn FROM app.public.customers', 'CUSTOMERS.SSN'],
    ['CREATE OR ALTER SECURE LOCAL TEMP VIEW v AS SELECT ssn FROM app.public.customers', 'CUSTOMERS.SSN'],
    ['CREATE MATERIALIZED VIEW v AS SELECT ssn FROM app.public.customers', 'CUSTOMERS.SSN'],
    // Names are looked up beside the view, not in the session's schema.
    ['SELECT email FROM customers', 'CUSTOMERS.EMAIL'],
    ['SELECT ssn FROM customers', 'refused: unreadable-view'],
    ['SELECT title FROM public_info', 'refused: unknown-object'],
    ['SELECT title FROM public.public_info', 'PUBLIC_INFO.TITLE'],
    ['', 'refused: unreadable-view'],
    ['-- SELECT 1', 'refused: unreadable-view'],
    ['SELECT 1; SELECT ssn FROM app.public.customers', 'refused: unreadable-view'],
    ['CREATE VIEW v', 'refused: unreadable-view'],
    ['CREATE VIEW v AS', 'refused: unreadable-view'],
    ['CREATE VIEW v (AS SELECT 1)', 'refused: unreadable-view'],
    ['CREATE VIEW as AS SELECT 1', 'refused: unreadable-view'],
    ['CREATE VIEW v AS (SELECT 1) AS SELECT ssn FROM app.public.customers', 'refused: unreadable-view'],
    [
      'CREATE VIEW v AS SELECT ssn FROM app.public.customers WITH ROW ACCESS POLICY p ON (x)',
      'refused: unreadable-view',
    ],
    ['CREATE VIEW v (x MASKING POLICY p) AS SELECT 1 FROM app.public.customers', 'refused: unreadable-view'],
    ['CREATE VIEW v WITH ROW ACCESS POLICY p ON (x) AS SELECT 1 AS x', 'refused: unreadable-view'],
    ['CREATE RECURSIVE VIEW v (x) AS SELECT 1', 'refused: unreadable-view'],
    ['CREATE TABLE v AS SELECT 1 AS x', 'refused: unreadable-view'],
    ['CREATE SEMANTIC VIEW v AS SELECT 1 AS x', 'refused: unreadable-view'],
    ['INSERT INTO v SELECT 1', 'refused: unreadable-view'],
    ['SELECT 1 ->> SELECT 2', 'refused: unreadable-view'],
    ['SELECT $1 FROM customers', 'CUSTOMERS.ID'],
    ['SELECT $v AS x', 'refused: unreadable-view'],
    ["SELECT email FROM IDENTIFIER('customers')", 'CUSTOMERS.EMAIL'],
    ['SELECT f.value FROM app.public.customers, LATERAL FLATTEN(profile) f', 'CUSTOMERS.PROFILE'],
    ['SELECT my_udf(1) AS x', 'refused: unreadable-view'],
    ['SELECT x FROM v', 'refused: unreadable-view'],
    ['SELECT x FROM app.hr.v', 'refused: unreadable-view'],
    ['SELECT x FROM app.public.v_secure', 'refused: unreadable-view'],
  ])('%s', (definition, expected) => expect(seen(definition)).toBe(expected));
});

describe('a view whose table changed after it was made', () => {
  const star = 'CREATE VIEW v AS SELECT * FROM app.public.public_info';
  test.each([
    ['the same columns', ['ID', 'TITLE', 'BODY'], 'PUBLIC_INFO.ID, PUBLIC_INFO.TITLE, PUBLIC_INFO.BODY'],
    ['one more now', ['ID', 'TITLE'], 'refused: unreadable-view'],
    ['one less now', ['ID', 'TITLE', 'BODY', 'NOTE'], 'refused: unreadable-view'],
    ['no columns reported', [], 'refused: unreadable-view'],
    // By position, as Snowflake gives them.
    ['others in their place', ['ID', 'BODY', 'TITLE'], 'PUBLIC_INFO.ID, PUBLIC_INFO.TITLE, PUBLIC_INFO.BODY'],
  ])('%s', (_name, columns, expected) => expect(seen(star, columns)).toBe(expected));

  test('a column list that does not fit the query is refused', () => {
    expect(seen('CREATE VIEW v (a, b) AS SELECT id FROM app.public.public_info', ['A', 'B'])).toBe(
      'refused: unreadable-view',
    );
  });
});
