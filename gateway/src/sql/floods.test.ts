import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog } from './index.js';
import { catalogOf, sessionOf } from './testing/corpus.js';

/**
 * Texts made to cost time or depth. Each is answered by a bound on counted work; what the answer is matters less than that there
 * is one, so only its kind is told.
 */
function answer(sql: string, catalog: Catalog = catalogOf()): string {
  const analysis = analyze(sql, sessionOf(), catalog);
  return analysis.read ? 'read' : analysis.kind;
}

const repeat = (count: number, piece: (index: number) => string, between = '') =>
  Array.from({ length: count }, (_, index) => piece(index)).join(between);

const nest = (depth: number, open: (level: number) => string, core: string, close: string) =>
  `${repeat(depth, open)}${core}${close.repeat(depth)}`;

describe('floods', () => {
  test.each([
    ['100,000 brackets', () => nest(100_000, () => '(', '1', ')'), 'too-large'],
    ['190 brackets in a query', () => `SELECT ${nest(190, () => '(', 'id', ')')} FROM orders`, 'read'],
    ['190 queries inside each other', () => nest(190, () => 'SELECT * FROM (', 'SELECT id FROM orders', ')'), 'read'],
    ['a string of ten million characters', () => `SELECT '${'x'.repeat(10_000_000)}'`, 'too-large'],
    ['20,000 ORs', () => `SELECT id FROM orders WHERE ${repeat(20_000, () => 'id=1', ' OR ')}`, 'read'],
    ['20,000 casts', () => `SELECT id${'::INT'.repeat(20_000)} FROM orders`, 'read'],
    ['20,000 NOTs', () => `SELECT ${'NOT '.repeat(20_000)}id FROM orders`, 'read'],
    ['20,000 values in IN', () => `SELECT id FROM orders WHERE id IN (${repeat(20_000, String, ',')})`, 'read'],
    ['60,000 outputs', () => `SELECT ${repeat(60_000, () => '1', ',')}`, 'too-large'],
    [
      '500 common table expressions in a row',
      () =>
        `WITH c0 AS (SELECT id FROM orders), ${repeat(500, (n) => `c${n + 1} AS (SELECT id FROM c${n})`, ', ')} SELECT id FROM c500`,
      'read',
    ],
    [
      '60 that each read the last one twice',
      () =>
        `WITH c0 AS (SELECT * FROM customers), ${repeat(60, (n) => `c${n + 1} AS (SELECT a.* FROM c${n} a, c${n} b)`, ', ')} SELECT id FROM c60`,
      'read',
    ],
    [
      'columns that double',
      () =>
        `WITH c0 AS (SELECT * FROM customers), ${repeat(30, (n) => `c${n + 1} AS (SELECT a.*, b.* FROM c${n} a, c${n} b)`, ', ')} SELECT 1 FROM c30`,
      'too-large',
    ],
    [
      'aliases that mention the next one twice',
      () => `SELECT ${repeat(45, (n) => `(a${n + 1} + a${n + 1}) AS a${n}`, ', ')}, 1 AS a45 FROM orders`,
      'read',
    ],
    [
      'a chain of 2,000 aliases',
      () => `SELECT ${repeat(2_000, (n) => `a${n + 1} AS a${n}`, ', ')}, 1 AS a2000 FROM orders`,
      'unsupported',
    ],
    [
      'recursive queries inside each other',
      () =>
        nest(
          25,
          () => 'WITH r AS (SELECT 1 AS x UNION ALL SELECT x FROM r UNION ALL (',
          'SELECT ssn FROM customers',
          ')) SELECT x FROM r',
        ),
      'too-large',
    ],
    [
      'recursion that passes 2,000 columns on',
      () =>
        `WITH r (${repeat(2_000, (n) => `c${n}`, ',')}) AS (SELECT ssn, ${repeat(1_999, () => '0', ',')} FROM customers UNION ALL SELECT 0, ${repeat(1_999, (n) => `c${n}`, ',')} FROM r) SELECT c1999 FROM r`,
      'too-large',
    ],
    [
      '2,000 lateral sources',
      () => `SELECT 1 FROM orders o, ${repeat(2_000, (n) => `LATERAL FLATTEN(o.items) f${n}`, ', ')}`,
      'too-large',
    ],
    [
      '100 lateral joins in a chain',
      () => `SELECT 1 FROM orders o ${repeat(100, (n) => `JOIN LATERAL FLATTEN(o.items) f${n} ON TRUE`, ' ')}`,
      'read',
    ],
    [
      '2,000 joins',
      () => `SELECT 1 FROM orders o ${repeat(2_000, (n) => `JOIN orders o${n} ON TRUE`, ' ')}`,
      'too-large',
    ],
    [
      'CONNECT BY in every query of a nest',
      () => nest(60, () => 'SELECT (', 'SELECT 1', ') AS x FROM orders CONNECT BY x = 1'),
      'unsupported',
    ],
    [
      'lambdas inside each other',
      () => `SELECT ${nest(150, () => 'TRANSFORM(items, x -> ', 'x', ')')} FROM orders`,
      'read',
    ],
    ['a name pattern of signs', () => `SELECT * ILIKE '${'%_'.repeat(5_000)}%' FROM customers`, 'unknown-syntax'],
    [
      '5,000 named windows',
      () =>
        `SELECT RANK() OVER w0 FROM orders WINDOW w0 AS (ORDER BY id), ${repeat(5_000, (n) => `w${n + 1} AS (w${n})`, ', ')}`,
      'read',
    ],
    [
      'windows that gather keys',
      () =>
        `SELECT RANK() OVER w4000 FROM orders WINDOW w0 AS (ORDER BY id), ${repeat(4_000, (n) => `w${n + 1} AS (w${n} ORDER BY id)`, ', ')}`,
      'read',
    ],
    ['a name of 10,000 parts', () => `SELECT ${repeat(10_000, () => 'a', '.')} FROM orders`, 'unknown-syntax'],
    ['3,000 set operations', () => repeat(3_000, () => 'SELECT id FROM orders', ' UNION ALL '), 'read'],
    [
      '10,000 CASEs inside each other',
      () => `SELECT ${nest(10_000, () => 'CASE WHEN TRUE THEN ', '1', ' END')}`,
      'too-large',
    ],
  ])('%s', (_what, sql, expected) => expect(answer(sql())).toBe(expected));

  test('views that read the next view twice', () => {
    const catalog: Catalog = {
      find({ name }) {
        const level = Number(/^V([0-9]+)$/.exec(name)?.[1]);
        const columns = [{ name: 'A', type: 'text' }];
        if (Number.isNaN(level)) return { kind: 'table', columns };
        const next = level === 14 ? 't' : `v${level + 1}`;
        return { kind: 'view', columns, definition: `SELECT x.a FROM ${next} x, ${next} y` };
      },
    };
    expect(answer('SELECT a FROM v0', catalog)).toBe('read');
  });
});
