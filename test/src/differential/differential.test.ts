import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Comparison } from './compare.js';
import { OtherParser } from './other-parser.js';
import { readOther, readOurselves } from './readings.js';
import { describeComparison, runComparison } from './run.js';
import { corpusStatements } from './statements.js';

const seed = Number(process.env['PISTE_SEED']);
const rounds = process.env['PISTE_TORTURE'] === '1' ? 500 : 5;
/** Far beyond what so many rounds take, so that a busy machine compares the same statements. */
const milliseconds = process.env['PISTE_TORTURE'] === '1' ? 900_000 : 90_000;

describe(`a second parser reads what ours reads, PISTE_SEED=${seed}`, () => {
  let found: Comparison;

  beforeAll(async () => {
    found = await runComparison({ seed, rounds, milliseconds, withBenchmarks: false });
  }, milliseconds + 40_000);

  test('what both read has the same columns, the same sources of each, and the same columns deciding about rows', () => {
    console.info(describeComparison(found));
    expect(found.disagreements).toEqual([]);
  });

  test('the comparison was worth something: whole, random and broken statements were read by both', () => {
    expect(found.groups['corpus']?.both).toBeGreaterThan(80);
    expect(found.groups['random']?.both).toBeGreaterThan(50);
    expect(found.groups['mutated corpus']?.both).toBeGreaterThan(10);
  });
});

describe('the second parser', () => {
  const other = new OtherParser();
  afterAll(async () => await other.close());

  test('does not survive a long chain, and is replaced for the next text', async () => {
    const chain = `SELECT ${Array.from({ length: 20_000 }, () => 'a').join(' || ')} FROM t`;
    const [first, second] = await other.parse([chain, 'SELECT id FROM customers']);
    expect([first?.kind, second?.kind, other.broken]).toEqual(['broken', 'tree', 1]);
  });

  test('a query that hides the second side of a union is seen with both sides', async () => {
    const [statement] = corpusStatements();
    if (statement === undefined) throw new Error('the corpus is empty');
    const { session, catalog } = statement;
    const sqlText = 'SELECT id FROM customers WHERE id > (SELECT 0) UNION ALL SELECT email FROM customers';
    const [parsed] = await other.parse([sqlText]);
    if (parsed === undefined) throw new Error('no answer');
    const theirs = readOther(parsed, session, catalog);
    expect(theirs).toEqual(readOurselves(sqlText, session, catalog));
    expect(theirs.ok && theirs.reading.outputs).toEqual([
      { name: 'ID', sources: ['APP.PUBLIC.CUSTOMERS.EMAIL', 'APP.PUBLIC.CUSTOMERS.ID'] },
    ]);
  });
});
