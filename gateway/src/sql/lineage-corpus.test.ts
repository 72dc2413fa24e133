import { describe, expect, test } from '@jest/globals';
import { analyze, type QueryFacts } from './index.js';
import { catalogOf, isProtected, type LineageCase, lineageCases, sessionOf } from './testing/corpus.js';

type Expected = Pick<LineageCase, 'outputs' | 'tainted' | 'maybe' | 'predicate' | 'maybePredicate'>;

const run = (test: LineageCase) => analyze(test.sql, sessionOf(test), catalogOf(test));

/** What is wrong with the facts of a query, measured against a case. */
function faults(facts: QueryFacts, expected: Expected): readonly string[] {
  const tainted = facts.outputs.flatMap((output, index) => (output.sources.some(isProtected) ? [index] : []));
  const must = expected.tainted ?? [];
  const may = [...must, ...(expected.maybe ?? [])];
  const predicate = facts.predicate.some(isProtected);
  return [
    ...(facts.outputs.length === expected.outputs ? [] : ['column count']),
    ...(must.every((index) => tainted.includes(index)) ? [] : ['under-masked']),
    ...(tainted.every((index) => may.includes(index)) ? [] : ['over-masked']),
    ...(expected.predicate === true && !predicate && expected.maybePredicate !== true ? ['predicate missed'] : []),
    ...(expected.predicate !== true && predicate && expected.maybePredicate !== true ? ['predicate invented'] : []),
  ];
}

describe('the lineage corpus', () => {
  test.each(lineageCases.map((one) => [one.id, one] as const))('%s has its class', (_id, one) => {
    expect([one.class, ...(one.maybeClass ?? [])]).toContain(run(one).class);
  });

  const rejects = lineageCases.filter((one) => one.outcome === 'reject');
  test.each(rejects.map((one) => [one.id, one] as const))('%s is refused', (_id, one) => {
    const analysis = run(one);
    if (one.orAnalyze !== undefined && analysis.read && analysis.query !== undefined) {
      expect(faults(analysis.query, one.orAnalyze)).toEqual([]);
    } else {
      expect(analysis.read).toBe(false);
    }
  });

  const queries = lineageCases.filter((one) => one.outcome === 'analyze' && one.class === 'SELECT');
  const analysed = queries.filter((one) => run(one).read);
  test.each(analysed.map((one) => [one.id, one] as const))('%s is analysed exactly', (_id, one) => {
    const analysis = run(one);
    expect(analysis.read && analysis.query !== undefined ? faults(analysis.query, one) : ['unread']).toEqual([]);
  });

  test('no fewer queries are analysed than before', () => {
    expect(lineageCases).toHaveLength(227);
    expect(rejects).toHaveLength(35);
    expect(queries).toHaveLength(129);
    // What sends values to a model, and what the account tells of itself, may stay refused.
    const refused = queries.filter((one) => !analysed.includes(one));
    expect(refused.map((one) => [one.id, one.mayReject])).toEqual([
      ['L195', true],
      ['L198', true],
    ]);
  });

  test('the analysis of the canonical text is the analysis of the text', () => {
    for (const one of lineageCases) {
      const first = run(one);
      if (!first.read) continue;
      const again = analyze(first.canonicalText, sessionOf(one), catalogOf(one));
      expect([one.id, again]).toEqual([one.id, first]);
    }
  });
});
