/** A text that tries to cost more than an answer is worth. All of them are about CUSTOMERS, which has a column ID. */
export interface ResourceAttack {
  readonly name: string;
  readonly sqlText: string;
}

const times = (count: number, text: string): string => text.repeat(count);
const each = (count: number, text: (index: number) => string, separator: string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(separator);

/** Each alias twice as long as the one before it, were they written out. */
function aliasChain(length: number): string {
  return `SELECT id AS a0, ${each(length, (n) => `a${n} || a${n} AS a${n + 1}`, ', ')} FROM customers`;
}

/** Each common table expression reads the one before it twice. */
function doublingCtes(count: number): string {
  const ctes = each(count, (n) => `c${n + 1} AS (SELECT a.id FROM c${n} a JOIN c${n} b ON a.id = b.id)`, ', ');
  return `WITH c0 AS (SELECT id FROM customers), ${ctes} SELECT id FROM c${count}`;
}

/** As many columns as the one before it twice. */
function wideningStars(count: number): string {
  const ctes = each(count, (n) => `c${n + 1} AS (SELECT a.*, b.* FROM c${n} a CROSS JOIN c${n} b)`, ', ');
  return `WITH c0 AS (SELECT * FROM customers), ${ctes} SELECT * FROM c${count}`;
}

function nestedScalars(depth: number): string {
  return `SELECT ${times(depth, '(SELECT id + ')}1${times(depth, ' FROM customers)')} FROM customers`;
}

function repeatedSubquery(width: number, depth: number): string {
  if (depth === 0) return 'SELECT MAX(id) FROM customers';
  return `SELECT ${each(width, () => `(${repeatedSubquery(width, depth - 1)})`, ' + ')} FROM customers`;
}

export const RESOURCE_ATTACKS: readonly ResourceAttack[] = [
  { name: '100,000 brackets', sqlText: `SELECT ${times(100_000, '(')}id${times(100_000, ')')} FROM customers` },
  { name: '100,000 open brackets', sqlText: `SELECT ${times(100_000, '(')}` },
  { name: '199 brackets', sqlText: `SELECT ${times(199, '(')}id${times(199, ')')} FROM customers` },
  { name: '5,000 nested calls', sqlText: `SELECT ${times(5_000, 'ABS(')}id${times(5_000, ')')} FROM customers` },
  {
    name: '5,000 nested CASE',
    sqlText: `SELECT ${times(5_000, 'CASE WHEN id = 1 THEN ')}1${times(5_000, ' END')} FROM customers`,
  },
  { name: '10,000 NOT', sqlText: `SELECT id FROM customers WHERE ${times(10_000, 'NOT ')}id = 1` },
  { name: '50,000 signs', sqlText: `SELECT ${times(50_000, '- ')}id FROM customers` },
  {
    name: '60 nested derived tables',
    sqlText: `${times(60, 'SELECT * FROM (')}SELECT * FROM customers${times(60, ')')}`,
  },
  {
    name: '2,000 nested derived tables',
    sqlText: `${times(2_000, 'SELECT * FROM (')}SELECT * FROM customers${times(2_000, ')')}`,
  },
  { name: '150 nested scalar subqueries', sqlText: nestedScalars(150) },
  { name: '1,000 brackets around a join', sqlText: `SELECT 1 FROM ${times(1_000, '(')}customers${times(1_000, ')')}` },
  { name: 'a string of 10 MB', sqlText: `SELECT id FROM customers WHERE 'x' = '${times(10_000_000, 'x')}'` },
  { name: 'a comment of 10 MB', sqlText: `SELECT id /* ${times(10_000_000, 'x')} */ FROM customers` },
  { name: 'a name of 10 MB', sqlText: `SELECT "${times(10_000_000, 'x')}" FROM customers` },
  { name: '10 MB of white space', sqlText: `SELECT ${times(10_000_000, ' ')}id FROM customers` },
  { name: '10 MB of quotes', sqlText: `SELECT ${times(10_000_000, "'")}` },
  { name: '10 MB of escapes', sqlText: `SELECT '${times(5_000_000, '\\\\')}` },
  { name: '10 MB of dollars', sqlText: `SELECT ${times(10_000_000, '$')}` },
  { name: '190,000 open block comments', sqlText: `SELECT ${times(95_000, '/*')}` },
  {
    name: '500 common table expressions',
    sqlText: `WITH ${each(500, (n) => `c${n} AS (SELECT * FROM ${n === 0 ? 'customers' : `c${n - 1}`})`, ', ')} SELECT * FROM c499`,
  },
  {
    name: '2,000 common table expressions that are not used',
    sqlText: `WITH ${each(2_000, (n) => `c${n} AS (SELECT id FROM customers)`, ', ')} SELECT 1`,
  },
  { name: '30 doubling common table expressions', sqlText: doublingCtes(30) },
  { name: '25 widening stars', sqlText: wideningStars(25) },
  { name: 'an IN list of 50,000', sqlText: `SELECT id FROM customers WHERE id IN (${each(50_000, String, ',')})` },
  { name: 'an IN list of 500,000', sqlText: `SELECT id FROM customers WHERE id IN (${each(500_000, String, ',')})` },
  { name: '20,000 ORs', sqlText: `SELECT id FROM customers WHERE ${each(20_000, (n) => `id = ${n}`, ' OR ')}` },
  { name: '9,000 ORs', sqlText: `SELECT id FROM customers WHERE ${each(9_000, (n) => `id = ${n}`, ' OR ')}` },
  { name: '40,000 ||', sqlText: `SELECT ${each(40_000, () => 'id', '||')} FROM customers` },
  { name: '20,000 casts', sqlText: `SELECT id${times(20_000, '::INT')} FROM customers` },
  { name: '20,000 paths', sqlText: `SELECT id:a${times(20_000, '.a')} FROM customers` },
  { name: 'a chain of 40 aliases', sqlText: aliasChain(40) },
  { name: 'a chain of 3,000 aliases', sqlText: aliasChain(3_000) },
  {
    name: 'aliases in a circle',
    sqlText: `SELECT ${each(2_000, (n) => `a${(n + 1) % 2_000} AS a${n}`, ', ')} FROM customers`,
  },
  {
    name: 'one name for 10,000 aliases',
    sqlText: `SELECT ${each(10_000, () => 'id AS x', ', ')} FROM customers WHERE x = 1`,
  },
  { name: '5,000 UNION ALL', sqlText: each(5_000, () => 'SELECT id FROM customers', ' UNION ALL ') },
  { name: '3,000 UNION', sqlText: each(3_000, () => 'SELECT id, id, id FROM customers', ' UNION ') },
  {
    name: '300 unions in brackets',
    sqlText: `${times(150, '(')}SELECT id FROM customers${times(150, ' UNION SELECT id FROM customers)')}`,
  },
  { name: 'a star over 2,000 joins', sqlText: `SELECT * FROM ${each(2_000, (n) => `customers t${n}`, ', ')}` },
  {
    name: '200 stars over 200 joins',
    sqlText: `SELECT ${each(200, () => '*', ', ')} FROM ${each(200, (n) => `customers t${n}`, ' CROSS JOIN ')}`,
  },
  { name: '5,000 stars', sqlText: `SELECT ${each(5_000, () => '*', ', ')} FROM customers` },
  { name: '1,000 NATURAL joins', sqlText: `SELECT * FROM ${each(1_000, (n) => `customers t${n}`, ' NATURAL JOIN ')}` },
  {
    name: '800 joins by USING',
    sqlText: `SELECT * FROM customers ${each(800, (n) => `JOIN customers t${n} USING (id)`, ' ')}`,
  },
  { name: '6 subqueries, 5 deep, in each other', sqlText: repeatedSubquery(6, 5) },
  {
    name: '10,000 windows',
    sqlText: `SELECT ${each(4_000, () => 'MAX(id) OVER (PARTITION BY id ORDER BY id)', ', ')} FROM customers`,
  },
  {
    name: '5,000 exists',
    sqlText: `SELECT id FROM customers WHERE ${each(3_000, () => 'EXISTS (SELECT 1 FROM customers)', ' AND ')}`,
  },
  { name: 'rows of 40,000 values', sqlText: `SELECT * FROM (VALUES ${each(20_000, () => '(1, 2)', ',')}) v` },
  { name: '100,000 placeholders', sqlText: `SELECT id FROM customers WHERE id IN (${each(90_000, () => '?', ',')})` },
  {
    name: 'an EXCLUDE of 20,000 names',
    sqlText: `SELECT * EXCLUDE (${each(20_000, (n) => `c${n}`, ',')}) FROM customers`,
  },
  { name: '100,000 statements', sqlText: times(60_000, 'SELECT 1;') },
  { name: '60,000 flow operators', sqlText: each(30_000, () => 'SELECT 1', ' ->> ') },
  {
    name: '12 recursive common table expressions',
    sqlText: `WITH RECURSIVE ${each(12, (n) => `r${n} AS (SELECT id, id AS b, id AS c FROM customers UNION ALL SELECT c, x.id, b FROM r${n} x)`, ', ')} SELECT * FROM r11`,
  },
  {
    name: '500 lateral FLATTENs',
    sqlText: `SELECT * FROM customers ${each(500, (n) => `, LATERAL FLATTEN(INPUT => id) f${n}`, '')}`,
  },
  {
    name: 'a PIVOT over 5,000 values',
    sqlText: `SELECT * FROM customers PIVOT (MAX(id) FOR id IN (${each(5_000, String, ',')}))`,
  },
];
