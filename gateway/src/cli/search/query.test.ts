import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DECISIONS, parseQuery, SEARCH_FIELDS, type SearchTerm } from './query.js';
import { formatQuery, renderComplaint } from './query-text.js';

const NOW = Date.UTC(2026, 10, 23, 6);

function termsOf(query: string): readonly SearchTerm[] {
  const result = parseQuery(query, NOW);
  if (!result.ok) throw new Error(result.complaint.message);
  return result.terms;
}

describe('a query', () => {
  test.each<[string, readonly unknown[]]>([
    ['customers', [{ kind: 'text', negated: false, text: 'customers', isPrefix: false }]],
    ['cust*', [{ kind: 'text', negated: false, text: 'cust', isPrefix: true }]],
    ['"order by *"', [{ kind: 'text', negated: false, text: 'order by *', isPrefix: false }]],
    ['-"a ""b"""', [{ kind: 'text', negated: true, text: 'a "b"', isPrefix: false }]],
    ['table:CRM.*', [{ kind: 'field', negated: false, field: 'table', parts: ['crm.', ''] }]],
    ['Table:"My *"', [{ kind: 'field', negated: false, field: 'table', parts: ['my *'] }]],
    ['-decision:Block', [{ kind: 'field', negated: true, field: 'decision', parts: ['block'] }]],
    ['who:a:b', [{ kind: 'field', negated: false, field: 'who', parts: ['a:b'] }]],
    ['error:*', [{ kind: 'field', negated: false, field: 'error', parts: ['', ''] }]],
    ['bytes>10k', [{ kind: 'bytes', negated: false, operator: '>', bytes: 10_240 }]],
    ['-bytes<=2M', [{ kind: 'bytes', negated: true, operator: '<=', bytes: 2 * 1024 ** 2 }]],
    ['since:2026-11-23', [{ kind: 'since', negated: false, atMs: Date.UTC(2026, 10, 23) }]],
    ['until:2026-11-23', [{ kind: 'until', negated: false, atMs: Date.UTC(2026, 10, 24) }]],
    ['since:24h', [{ kind: 'since', negated: false, atMs: NOW - 86_400_000 }]],
    ['a-b', [{ kind: 'text', negated: false, text: 'a-b', isPrefix: false }]],
  ])('%s', (query, terms) => {
    expect(termsOf(query)).toEqual(terms);
  });

  test('needs all of its terms, in any order and spacing', () => {
    expect(termsOf('  select\ttable:x\n -rule:y ')).toHaveLength(3);
  });

  test.each([
    ['', 'the query is empty', ''],
    ['tabel:x', 'did you mean table:', 'tabel:'],
    ['a -sinc:x', 'did you mean since:', '-sinc:'],
    ['foo:bar', 'fields are table, column', 'foo:'],
    ['table:', 'needs a value', 'table:'],
    ['a decision:maybe b', 'a decision is one of allow', 'maybe'],
    ['since:tomorrow', 'no such time', 'tomorrow'],
    ['-since:7d', 'use until:', '-since:7d'],
    ['bytes:5', 'write bytes>N', 'bytes:5'],
    ['bytes>many', 'digits, with k, M or G', 'many'],
    ['rows>5', 'only bytes is compared', 'rows>5'],
    ['"open', 'never closed', '"open'],
    ['x table:"open one', 'never closed', '"open one'],
    ['a"b"', 'quotes stand around a whole word', 'a"b"'],
    ['"a"b', 'quotes stand around a whole word', '"a"b'],
    ['x -', 'no letter or digit', '-'],
    ['= 1', 'no letter or digit', '='],
    ['a*b', 'a word may end with *', 'a*b'],
    ['a.*', 'before * stands a letter or a digit', 'a.*'],
    ['*', 'no letter or digit', '*'],
  ])('%p is refused and pointed at', (query, message, place) => {
    const result = parseQuery(query, NOW);
    expect(result).toMatchObject({ ok: false, complaint: { message: expect.stringContaining(message) } });
    if (!result.ok) expect(query.slice(result.complaint.from, result.complaint.to)).toBe(place);
  });

  test('shows the place under the query, whatever stands in it', () => {
    const query = 'error:x \u001b[31m tabel:y';
    const result = parseQuery(query, NOW);
    if (result.ok) throw new Error('accepted');
    expect(renderComplaint(query, result.complaint).split('\n').slice(1)).toEqual([
      '  error:x \\x1b[31m tabel:y',
      '                   ^^^^^^',
    ]);
  });
});

const negated = fc.boolean();
const text = fc.string({ unit: 'grapheme' }).filter((value) => /[\p{L}\p{N}]/u.test(value));
const value = fc.string({ unit: 'grapheme', minLength: 1 }).map((one) => one.toLowerCase());
const plainPart = fc.stringMatching(/^[a-z0-9._-]{0,8}$/);
const term: fc.Arbitrary<SearchTerm> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), negated, text, isPrefix: fc.constant(false) }),
  fc.record({
    kind: fc.constant('text' as const),
    negated,
    text: fc.stringMatching(/^[a-z0-9]{1,8}$/),
    isPrefix: fc.constant(true),
  }),
  fc.record({
    kind: fc.constant('field' as const),
    negated,
    field: fc.constantFrom(...SEARCH_FIELDS.filter((field) => field !== 'decision')),
    parts: fc.oneof(
      fc.array(value, { minLength: 1, maxLength: 1 }),
      fc.array(plainPart, { minLength: 2, maxLength: 4 }),
    ),
  }),
  fc.record({
    kind: fc.constant('field' as const),
    negated,
    field: fc.constant('decision' as const),
    parts: fc.constantFrom(...DECISIONS).map((decision) => [decision]),
  }),
  fc.record({
    kind: fc.constantFrom('since' as const, 'until' as const),
    negated: fc.constant(false),
    atMs: fc.integer({ min: 1, max: Date.UTC(9999, 0) }),
  }),
  fc.record({
    kind: fc.constant('bytes' as const),
    negated,
    operator: fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const, '=' as const),
    bytes: fc.nat(),
  }),
);

describe('the grammar', () => {
  test('reads every query that terms can be written as', () => {
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 6 }), (terms) => {
        expect(parseQuery(formatQuery(terms), NOW)).toEqual({ ok: true, terms });
      }),
      { numRuns: 300 },
    );
  });

  test('answers any text with terms or with a complaint that points into it', () => {
    const pieces = fc.constantFrom(
      'table:',
      '"',
      '-',
      '*',
      ' ',
      'bytes',
      '>',
      '=',
      'since:',
      '7d',
      'a',
      ':',
      '\u001b',
      'é',
      '😀',
      '""',
    );
    const soup = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(soup, (query) => {
        const result = parseQuery(query, NOW);
        if (result.ok) return expect(result.terms.length).toBeGreaterThan(0);
        const { from, to } = result.complaint;
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeGreaterThanOrEqual(from);
        expect(to).toBeLessThanOrEqual(query.length);
        expect(renderComplaint(query, result.complaint)).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 500 },
    );
  });
});
