import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Analysis, analyze } from './index.js';
import { lex } from './lexer.js';
import { catalogOf, lineageCases, sessionOf } from './testing/corpus.js';

const session = sessionOf();
const catalog = catalogOf();
const run = (text: string): Analysis => analyze(text, session, catalog);

const texts = lineageCases.map((one) => one.sql).filter((sql) => sql.length < 2_000);
const words = [...new Set(texts.flatMap((sql) => lex(sql).tokens.map((token) => token.raw)))];

/** A statement of the corpus with some of its tokens dropped, doubled, swapped or replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...words)), { minLength: 1, maxLength: 4 }),
  )
  .map(([sql, changes]) => {
    const tokens = lex(sql).tokens.map((token) => token.raw);
    for (const [position, kind, word] of changes) {
      const at = tokens.length === 0 ? 0 : position % tokens.length;
      if (kind === 0) tokens.splice(at, 1);
      else if (kind === 1) tokens.splice(at, 0, word);
      else if (kind === 2) tokens.splice(at, 1, word);
      else tokens.splice(at, 0, ...tokens.slice(at, at + 5));
    }
    return tokens.join(' ');
  });

/** Where reading stopped depends on the spacing. */
const withoutSpan = (analysis: Analysis) => ({ ...analysis, span: undefined });

describe('whatever the text', () => {
  test('analysis never throws on arbitrary characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(typeof run(text).class).toBe('string');
      }),
      { numRuns: 2_000 },
    );
  });

  test('a changed statement is refused, or its canonical text means the same', () => {
    let read = 0;
    fc.assert(
      fc.property(mutated, (text) => {
        const first = run(text);
        if (!first.read) return;
        read += 1;
        expect(run(first.canonicalText)).toEqual(first);
      }),
      { numRuns: 4_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test('white space and comments between tokens change nothing but the canonical spacing', () => {
    const gap = fc.constantFrom(' ', '\n', '\r\n', '\t', ' /* c */ ', ' -- c\n');
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.infiniteStream(gap), (sql, gaps) => {
        const lexed = lex(sql);
        if (!lexed.ok) return;
        const spaced = lexed.tokens.map((token) => (token.gap ? (gaps.next().value ?? ' ') : '') + token.raw).join('');
        expect(withoutSpan(run(spaced))).toEqual(withoutSpan(run(sql)));
      }),
      { numRuns: 500 },
    );
  });

  test('a column a text mentions in its select list is never lost', () => {
    // Wrapping an output in a pure expression keeps its sources, however the rest is changed.
    fc.assert(
      fc.property(mutated, (text) => {
        const inner = run(text);
        if (!inner.read || inner.query === undefined) return;
        const outer = run(`SELECT COUNT(*), (${inner.canonicalText}) IS NULL FROM (${inner.canonicalText}) AS "outer"`);
        if (!outer.read || outer.query === undefined) return;
        const mentioned = [...inner.query.outputs.flatMap((output) => output.sources), ...inner.query.predicate];
        expect(outer.query.outputs[1]?.sources).toEqual(expect.arrayContaining(mentioned));
        expect(outer.query.predicate).toEqual(expect.arrayContaining([...inner.query.predicate]));
      }),
      { numRuns: 1_500 },
    );
  });
});
