import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Facts } from './facts.js';
import { type Analysis, analyze, effectsOf } from './index.js';
import { lex } from './lexer.js';
import { catalogOf, sessionOf } from './testing/corpus.js';

const run = (text: string): Analysis => analyze(text, sessionOf(), catalogOf());

/** A column that may stand as a value, and whether it is protected. */
const columns = [
  'c.email',
  'c."EMAIL"',
  'c.ssn',
  'c.city',
  'c.id',
  'UPPER(c.email)',
  "c.city || ':' || c.ssn",
  '1',
  "'FROM'",
];
const names = ['note', '"from"', '"select"', '"a, b"', 'first', 'limit', '"--"', '"/*"'];
const list = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...columns)), { minLength: 1, maxLength: 4 });
const filter = fc.constantFrom('', ' WHERE c.id = 1', ' WHERE c.ssn IS NULL', " WHERE c.city IN ('WHERE', ')')");

interface Form {
  readonly make: (target: readonly string[], values: readonly string[], where: string) => string;
  readonly of: (facts: Facts) => Facts['moved'];
}

const moved = (facts: Facts): Facts['moved'] => facts.moved;
const query = (values: readonly string[], where: string): string =>
  `SELECT ${values.join(', ')} FROM customers AS c${where}`;

/** Every way to carry the values of a query away, and where its lineage shows. */
const FORMS: readonly Form[] = [
  { make: (into, values, where) => `INSERT INTO orders (${into.join(', ')}) ${query(values, where)}`, of: moved },
  { make: (into, values, where) => `INSERT INTO orders (${into.join(', ')}) (${query(values, where)})`, of: moved },
  {
    make: (into, values, where) => `INSERT OVERWRITE INTO orders (${into.join(', ')}) (${query(values, where)})`,
    of: moved,
  },
  {
    make: (into, values, where) =>
      `CREATE TABLE t (${into.map((name) => `${name} TEXT`).join(', ')}) AS ${query(values, where)}`,
    of: moved,
  },
  {
    make: (into, values, where) =>
      `CREATE DYNAMIC TABLE t (${into.join(', ')}) WAREHOUSE = w AS ${query(values, where)}`,
    of: moved,
  },
  {
    make: (into, values, where) =>
      `CREATE OR REPLACE SECURE VIEW t (${into.join(', ')}) COPY GRANTS AS ${query(values, where)}`,
    of: (facts) => facts.defined,
  },
  {
    make: (into, values, where) => `CREATE MATERIALIZED VIEW t (${into.join(', ')}) AS (${query(values, where)})`,
    of: moved,
  },
  { make: (into, values, where) => `SET (${into.join(', ')}) = (${query(values, where)})`, of: moved },
  {
    make: (into, values, where) =>
      `UPDATE orders SET ${into.map((name, index) => `${name} = ${values[index]}`).join(', ')} FROM customers AS c${where}`,
    of: moved,
  },
  {
    make: (into, values, where) =>
      `MERGE INTO orders USING customers AS c ON ${where === '' ? 'TRUE' : where.replace(' WHERE ', '')} WHEN MATCHED THEN UPDATE SET ` +
      into.map((name, index) => `${name} = ${values[index]}`).join(', '),
    of: moved,
  },
  {
    make: (into, values, where) =>
      `MERGE INTO orders USING customers AS c ON TRUE WHEN NOT MATCHED${where.replace(' WHERE', ' AND')} THEN INSERT (${into.join(', ')}) VALUES (${values.join(', ')})`,
    of: moved,
  },
  { make: (_, values, where) => `COPY INTO @out FROM (${query(values, where)}) HEADER = TRUE`, of: moved },
  { make: (_, values, where) => `EXPLAIN USING TEXT ${query(values, where)}`, of: (facts) => facts.explained },
];

const statement = fc
  .tuple(
    fc.constantFrom(...FORMS),
    fc.uniqueArray(fc.constantFrom(...names), { minLength: 4, maxLength: 4 }),
    list,
    filter,
  )
  .map(([form, into, entries, where]) => {
    const values = entries.map(([, value]) => value);
    return { form, values, where, sql: form.make(into.slice(0, values.length), values, where) };
  });

const columnNames = (columns: readonly { readonly column: string }[]): readonly string[] =>
  [...new Set(columns.map((column) => column.column))].sort();

const GAPS = [' ', '\n', '\r\n', '\t', ' /* SELECT ssn FROM customers */ ', ' -- ; DROP\n', ' /**/'];

/** The same tokens with other white space and comments between them, and keywords in other case. */
function disguised(sql: string, choices: readonly number[]): string {
  const { tokens } = lex(sql);
  return tokens
    .map((token, index) => {
      const choice = choices[index % choices.length] ?? 0;
      const raw = token.kind === 'word' && choice % 2 === 1 ? token.raw.toLowerCase() : token.raw;
      return (token.gap ? (GAPS[choice % GAPS.length] ?? ' ') : '') + raw;
    })
    .join('');
}

/** Everything said of a statement but its texts. */
function meaning(analysis: Analysis): unknown {
  return JSON.parse(
    JSON.stringify({ ...analysis, hazards: effectsOf(analysis) }, (key, value: unknown) =>
      key === 'text' || key === 'canonicalText' ? '' : value,
    ),
  );
}

describe('statements that carry values', () => {
  test('tell each value as the query alone does, in whatever form they are written', () => {
    fc.assert(
      fc.property(statement, ({ form, values, where, sql }) => {
        const analysis = run(sql);
        const alone = run(query(values, where));
        if (!analysis.read || !alone.read || alone.query === undefined) throw new Error(`${sql}: not read`);
        const traced = form.of(analysis);
        if (traced === undefined) {
          // Only where nothing but constants is set.
          expect([sql, alone.query.outputs.flatMap((output) => output.sources)]).toEqual([sql, []]);
          return;
        }
        if (traced === 'unread') throw new Error(`${sql}: ${analysis.unreadBecause}`);
        const sources = (outputs: typeof traced.outputs) => outputs.map((output) => columnNames(output.sources));
        expect([sql, sources(traced.outputs)]).toEqual([sql, sources(alone.query.outputs)]);
        expect([sql, columnNames(traced.predicate)]).toEqual([sql, columnNames(alone.query.predicate)]);
      }),
      { numRuns: 1_500 },
    );
  });

  test('mean the same whatever stands between their tokens', () => {
    fc.assert(
      fc.property(statement, fc.array(fc.nat(20), { minLength: 3, maxLength: 40 }), ({ sql }, choices) => {
        expect([sql, meaning(run(disguised(sql, choices)))]).toEqual([sql, meaning(run(sql))]);
      }),
      { numRuns: 600 },
    );
  });

  test('never lose a query: where one stands in them, something is traced or unread', () => {
    const tokens = [
      ...new Set(FORMS.flatMap((form) => lex(form.make(names, columns, '')).tokens.map((token) => token.raw))),
    ];
    const change = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...tokens));
    let seen = 0;
    fc.assert(
      fc.property(statement, fc.array(change, { minLength: 1, maxLength: 3 }), ({ sql }, changes) => {
        const words = lex(sql).tokens.map((token) => token.raw);
        for (const [position, kind, word] of changes) {
          const at = position % words.length;
          if (kind === 0) words.splice(at, 1);
          else words.splice(at, kind - 1, word);
        }
        const analysis = run(words.join(' '));
        // A load from files alone has a query, and no column of the catalog in it.
        if (!analysis.read || analysis.class === 'SELECT' || analysis.class === 'LOAD') return;
        const holdsQuery = lex(analysis.canonicalText).tokens.some(
          (token) => token.kind === 'word' && token.value === 'SELECT',
        );
        if (!holdsQuery) return;
        seen += 1;
        const traced = analysis.moved ?? analysis.defined ?? analysis.explained;
        // SET of several variables, and a query without any column, may come out as constants.
        const mayBeConstant =
          analysis.effect?.kind === 'variable' && analysis.effect.variables.every((one) => one.sources?.length === 0);
        expect([words.join(' '), traced !== undefined || mayBeConstant]).toEqual([words.join(' '), true]);
      }),
      { numRuns: 3_000 },
    );
    expect(seen).toBeGreaterThan(100);
  });
});

describe('hostile forms', () => {
  const tainted = (sql: string): string => {
    const analysis = run(sql);
    if (!analysis.read) return `refused: ${analysis.kind}`;
    const traced = analysis.moved ?? analysis.defined ?? analysis.explained;
    if (traced === undefined || traced === 'unread') return traced ?? 'nothing';
    return traced.outputs.map((output) => columnNames(output.sources).join('+')).join(' ');
  };

  test.each([
    ["UPDATE orders SET note = 'FROM x', status = c.ssn /* , id = 1 */ FROM customers c", ' SSN'],
    ['UPDATE orders SET note = (SELECT ssn FROM customers LIMIT 1), status = 1 WHERE id = 1', 'SSN '],
    ['UPDATE orders SET "WHERE" = c.ssn FROM customers c', 'SSN'],
    ['UPDATE orders SET note = CASE WHEN c.ssn IS NULL THEN 1 ELSE 2 END FROM customers c', 'SSN'],
    ['UPDATE orders SET note = c.id FROM customers c, (SELECT MAX(ssn) AS s FROM customers) d WHERE d.s > 1', 'ID'],
    ['UPDATE orders AS c SET note = c.ssn FROM customers', 'unread'],
    ['UPDATE orders SET (note, id) = (SELECT ssn, id FROM customers)', 'unread'],
    ['UPDATE orders SET note = 1 FROM customers UNION SELECT ssn FROM customers', 'unread'],
    ['UPDATE orders SET note = 1 AS x FROM customers', 'unread'],
    ['UPDATE orders SET note = 1) , (SELECT ssn FROM customers', 'refused: lexical'],
    ['UPDATE orders SET note = VALUE FROM cards', 'VALUE'],
    ['UPDATE orders SET note = "DATE" FROM cards', 'DATE'],
    ['DELETE FROM orders USING (SELECT ssn FROM customers) AS using WHERE note = ssn', 'unread'],
    ['DELETE FROM orders USING (SELECT ssn FROM customers) AS "USING" WHERE note = ssn', ''],
    [
      'MERGE INTO orders USING customers c ON TRUE WHEN MATCHED THEN UPDATE SET note = (SELECT ssn FROM customers LIMIT 1)',
      'SSN',
    ],
    ['MERGE INTO orders USING customers c ON (TRUE) OR (FALSE) WHEN NOT MATCHED THEN INSERT VALUES (ssn, 1)', 'SSN '],
    ['MERGE INTO orders USING customers c ON TRUE WHEN NOT MATCHED BY SOURCE THEN DELETE', 'unread'],
    ['MERGE INTO orders USING TABLE(f()) c ON TRUE WHEN MATCHED THEN DELETE', 'unread'],
    ['INSERT INTO orders SELECT 1 ; ', ''],
    ['INSERT INTO orders TABLE customers', 'unread'],
    ['INSERT INTO orders FROM customers SELECT ssn', 'unread'],
    ['INSERT INTO orders ("SELECT") VALUES (1)', 'nothing'],
    ["INSERT INTO orders (note) VALUES ('SELECT ssn FROM customers')", 'nothing'],
    ['INSERT INTO orders (note) VALUES (1), ((((SELECT ssn FROM customers))))', 'SSN'],
    ['INSERT INTO orders VALUES (1) SELECT ssn FROM customers', 'unread'],
    ['INSERT ALL INTO orders VALUES (ssn) INTO orders SELECT ssn AS "INTO", ssn FROM customers', 'SSN SSN SSN'],
    ['INSERT FIRST WHEN TRUE THEN INTO orders SELECT 1 UNION ALL SELECT ssn FROM customers', 'SSN'],
    ['CREATE TABLE t AS WITH q AS (SELECT ssn FROM customers) SELECT * FROM q', 'SSN'],
    ['CREATE TABLE t COMMENT = $$AS SELECT 1$$ AS SELECT ssn FROM customers', 'SSN'],
    ['CREATE TABLE t ("AS" TEXT) AS SELECT ssn FROM customers', 'SSN'],
    ['CREATE TABLE "AS SELECT 1" AS SELECT ssn FROM customers', 'SSN'],
    ['CREATE TABLE t AS SELECT 1 AS SELECT ssn FROM customers', 'unread'],
    ['CREATE TABLE t AS (SELECT 1) CLONE customers', 'unread'],
    ['CREATE TABLE t CLONE orders AS SELECT ssn FROM customers', 'unread'],
    ['CREATE VIEW v AS SELECT 1 AS a -- FROM orders\n, ssn FROM customers', ' SSN'],
    ['CREATE VIEW v (a) AS SELECT $1 FROM customers', 'ID'],
    ['CREATE VIEW IF NOT EXISTS v AS SELECT ssn FROM customers', 'SSN'],
    ['COPY INTO @out FROM (((SELECT ssn FROM customers)))', 'SSN'],
    ['COPY INTO @out FROM customers, orders', 'unread'],
    ['COPY INTO @out FROM (customers)', 'unread'],
    ['COPY INTO @out/FROM FROM "FROM"', 'unread'],
    ['COPY INTO @"FROM" FROM (SELECT ssn FROM customers)', 'SSN'],
    ['SET (a) = ((SELECT ssn FROM customers))', 'SSN'],
    ['SET a = (SELECT ssn FROM customers) || (SELECT city FROM customers)', 'CITY+SSN'],
    ['EXPLAIN EXPLAIN SELECT ssn FROM customers', 'refused: unknown-syntax'],
    ['EXPLAIN USING ssn SELECT ssn FROM customers', 'refused: unknown-statement'],
    ["EXPLAIN EXECUTE IMMEDIATE 'SELECT 1'", 'refused: dynamic'],
  ])('%s: %s', (sql, expected) => expect(tainted(sql)).toBe(expected));

  test('a flood of branches is not worked through', () => {
    const branches = Array.from(
      { length: 400 },
      (_, index) => `INTO t${index} (a) VALUES (ssn + ${index}) INTO u${index}`,
    ).join(' ');
    const wide = Array.from({ length: 400 }, (_, index) => `ssn AS c${index}`).join(', ');
    const analysis = run(`INSERT ALL ${branches} SELECT ssn, ${wide} FROM customers`);
    expect(analysis.read && analysis.moved).toBe('unread');
  });
});
