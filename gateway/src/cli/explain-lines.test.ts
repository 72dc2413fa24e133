import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { type LineageCase, lineageCases } from '../sql/testing/corpus.js';
import { type CatalogFile, readCatalog } from './explain-catalog.js';
import { createLineExplainer, type LineAnswer } from './explain-lines.js';
import { run } from './run-fixture.js';

const CORPUS = fileURLToPath(new URL('../../testdata/lineage-cases.json', import.meta.url));
const ARGV = ['explain', '--catalog', CORPUS, '--json'];

interface Expected extends LineageCase {
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}

const cases = lineageCases as readonly Expected[];
const file: CatalogFile = readCatalog(JSON.parse(await readFile(CORPUS, 'utf8')), 'the corpus');
const answer = createLineExplainer(file);

function answers(out: string): readonly LineAnswer[] {
  return out
    .split('\n')
    .slice(0, -1)
    .map((line): LineAnswer => JSON.parse(line));
}

async function ask(lines: readonly string[]): Promise<readonly LineAnswer[]> {
  const { code, out, err } = await run(ARGV, { input: Readable.from(lines.map((line) => Buffer.from(line))) });
  expect([code, err]).toEqual([0, '']);
  return answers(out);
}

const given = await ask(cases.map(({ id, sql, session }) => `${JSON.stringify({ id, sql, session })}\n`));
const both = cases.map((expected, index) => ({ expected, got: given[index] as LineAnswer }));

/** What is wrong with an analysis, measured against a case. */
function faults(expected: LineageCase['orAnalyze'] & Pick<Expected, 'reads' | 'writes' | 'flow'>, got: LineAnswer) {
  const must = expected.tainted ?? [];
  const may = [...must, ...(expected.maybe ?? [])];
  const isPredicateKnown = expected.maybePredicate !== true;
  return [
    ...(got.outputs === expected.outputs ? [] : ['column count']),
    ...(must.every((index) => got.tainted.includes(index)) ? [] : ['UNDER-MASKED']),
    ...(got.tainted.every((index) => may.includes(index)) ? [] : ['over-masked']),
    ...(isPredicateKnown && got.predicate !== expected.predicate ? ['predicate'] : []),
    ...(expected.flow === undefined || expected.flow === got.flow ? [] : ['flow']),
    ...(expected.reads === undefined || String(expected.reads) === String(got.reads) ? [] : ['reads']),
    ...(expected.writes === undefined || String(expected.writes) === String(got.writes) ? [] : ['writes']),
  ];
}

describe('the lineage corpus through `piste explain --json`', () => {
  test('gets one answer for each line, in order', () => {
    expect(given.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
  });

  test('has the class of every statement', () => {
    const wrong = both.filter(
      ({ expected, got }) => ![expected.class, ...(expected.maybeClass ?? [])].includes(got.class ?? ''),
    );
    expect(wrong).toEqual([]);
  });

  test('is analysed exactly or refused, and never taken for harmless', () => {
    const wrong = both
      .filter(({ expected, got }) => expected.outcome === 'analyze' && got.outcome !== 'reject')
      .map(({ expected, got }) => [expected.id, got.outcome, ...faults(expected, got)])
      .filter(([, outcome, ...found]) => outcome !== 'analyze' || found.length > 0);
    expect(wrong).toEqual([]);
  });

  test('is refused where it must be', () => {
    const wrong = both
      .filter(({ expected, got }) => expected.outcome === 'reject' && got.outcome !== 'reject')
      .filter(({ expected, got }) => expected.orAnalyze === undefined || faults(expected.orAnalyze, got).length > 0);
    expect(wrong).toEqual([]);
  });

  test('loses no statement that could be analysed before', () => {
    const analysed = both.filter(({ expected, got }) => expected.outcome === 'analyze' && got.outcome === 'analyze');
    expect(analysed.length).toBeGreaterThanOrEqual(138);
    expect(both.filter(({ got }) => got.outcome === 'classify').length).toBeGreaterThanOrEqual(40);
  });

  test('gets a text to send for every query it analyses, and none for what it refuses', () => {
    for (const { got } of both) {
      if (got.outcome === 'reject') expect([got.id, got.rewritten]).toEqual([got.id, null]);
      else if (got.class === 'SELECT')
        expect([got.id, got.rewritten ?? got.reason]).toEqual([got.id, expect.any(String)]);
    }
  });

  test('reads nothing protected any more in what would be sent', () => {
    const unmasked = {
      ...file,
      isProtected: () => false,
    };
    // Behind the mask every protected column stands in `CASE WHEN FALSE THEN … END` and nowhere else.
    for (const { expected, got } of both) {
      if (got.outcome !== 'analyze' || got.rewritten === null || got.class !== 'SELECT') continue;
      const bare = got.rewritten.replace(/CASE WHEN FALSE THEN "(?:[^"]|"")+" END/g, 'NULL');
      const again = answer(JSON.stringify({ id: got.id, sql: bare, session: expected.session }));
      expect([again.id, again.tainted, again.predicate, again.reason]).toEqual([got.id, [], false, undefined]);
      const readable = createLineExplainer(unmasked)(
        JSON.stringify({ id: got.id, sql: got.rewritten, session: expected.session }),
      );
      expect([readable.id, readable.outcome, readable.outputs]).toEqual([got.id, 'analyze', got.outputs]);
    }
  });

  test('is sent as it is where nothing is protected', () => {
    const isPlain = (name: string): boolean =>
      ['APP.PUBLIC.ORDERS', 'APP.PUBLIC.PUBLIC_INFO', 'APP.HR.CUSTOMERS'].includes(name);
    const plain = both.filter(
      ({ got }) =>
        got.class === 'SELECT' && got.reads.every(isPlain) && got.outcome === 'analyze' && got.tainted.length === 0,
    );
    expect(plain.length).toBeGreaterThan(5);
    for (const { got } of plain) expect(got.rewritten).toBe(got.canonical);
  });
});

describe('lines on standard input', () => {
  test.each([
    ['{', null, 'the line is not JSON'],
    ['[]', null, 'the line is not a JSON object'],
    ['"select 1"', null, 'the line is not a JSON object'],
    ['{"id":7}', 7, 'the line has no text in "sql"'],
    ['{"id":7,"sql":1}', 7, 'the line has no text in "sql"'],
    ['{"id":"a","sql":"select 1","session":7}', 'a', 'the line: session: this is not an object'],
    ['{"id":"a","sql":"select 1","session":{"path":"x"}}', 'a', 'the line: session.path is not known'],
    [
      '{"id":"a","sql":"select 1","session":{"vars":{"V":"maybe"}}}',
      'a',
      'the line: session.vars.V: this is not a list',
    ],
    ['{"id":"a","sql":"select 1","session":{"tempTables":["T"]}}', 'a', 'the line: T is not DB.SCHEMA.NAME'],
  ])('%s is rejected and the next line is answered', async (line, id, reason) => {
    const [bad, good] = await ask([`${line}\n`, '{"id":"next","sql":"select 1"}\n']);
    expect(bad).toMatchObject({ id, outcome: 'reject', rewritten: null, reason });
    expect(good).toMatchObject({ id: 'next', outcome: 'analyze', outputs: 1 });
  });

  test('may be cut anywhere, end in CRLF or in nothing, and be blank', async () => {
    const text = Buffer.from('{"id":"ä","sql":"select \'ü\'"}\r\n\n  \n{"id":2,"sql":"select 2"}');
    for (let at = 0; at < text.length; at += 1) {
      const { out } = await run(ARGV, { input: Readable.from([text.subarray(0, at), text.subarray(at)]) });
      expect(answers(out).map(({ id, canonical }) => [id, canonical])).toEqual([
        ['ä', "select 'ü'"],
        [2, 'select 2'],
      ]);
    }
  });

  test('are answered as they come, and only as fast as the answers are taken', async () => {
    const events: string[] = [];
    async function* input(): AsyncGenerator<Buffer> {
      for (const id of [1, 2, 3]) {
        events.push(`asked ${id}`);
        yield Buffer.from(`{"id":${id},"sql":"select 1"}\n`);
      }
    }
    await run(ARGV, {
      input: input(),
      write: async (text) => {
        const [{ id } = { id: null }] = answers(text);
        await Promise.resolve();
        events.push(`taken ${String(id)}`);
      },
    });
    expect(events).toEqual(['asked 1', 'taken 1', 'asked 2', 'taken 2', 'asked 3', 'taken 3']);
  });

  test('that are too long are not kept', async () => {
    const piece = Buffer.alloc(1024 * 1024, 0x20);
    const { out } = await run(ARGV, {
      input: Readable.from([...Array<Buffer>(9).fill(piece), Buffer.from('\n{"id":1,"sql":"select 1"}\n')]),
    });
    expect(answers(out)).toMatchObject([
      { id: null, outcome: 'reject', reason: expect.stringContaining('longer than') },
      { id: 1, outcome: 'analyze' },
    ]);
  });

  test('cannot steer a terminal', async () => {
    const [got] = await ask(['{"id":"\\u001b[2J\\u202e","sql":"select 1"}\n']);
    expect(got?.id).toBe('\u001b[2J\u202e');
    const { out } = await run(ARGV, {
      input: Readable.from([Buffer.from('{"id":"\\u202e\\u009b","sql":"select 1"}\n')]),
    });
    expect(out).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
  });

  test('say whether a session variable holds something protected', () => {
    const line = (taint: unknown) =>
      answer(JSON.stringify({ id: 1, sql: 'SELECT $v AS x, id FROM orders', session: { vars: { v: taint } } }));
    for (const taint of ['tainted', ['APP.PUBLIC.CUSTOMERS.EMAIL']]) {
      const got = line(taint);
      expect(got.outcome === 'reject' || got.tainted.includes(0)).toBe(true);
      expect(got.rewritten).toBeNull();
    }
    const clean = line('clean');
    expect(clean.outcome === 'reject' || clean.tainted.length === 0).toBe(true);
  });

  test('are answered by the hundred in a second, whatever else the machine does', async () => {
    const many = cases
      .filter(({ outcome }) => outcome === 'analyze')
      .map(({ id, sql }) => `${JSON.stringify({ id, sql })}\n`);
    const started = performance.now();
    const got = await ask(Array.from({ length: 20 }, () => many.join('')));
    const perSecond = (got.length / (performance.now() - started)) * 1000;
    // Thousands on an idle machine; this only finds an answer that became ten times slower on a busy one.
    expect(perSecond).toBeGreaterThan(100);
  });
});

describe('the description of a catalogue', () => {
  const TABLE = { columns: ['A'] };
  test.each<[unknown, string]>([
    [[], 'the description: this is not an object'],
    [{}, 'there is neither tables nor views in it'],
    [{ catalog: 7 }, 'catalog: this is not an object'],
    [{ tables: { 'A.B': TABLE } }, 'tables.A.B: this is not DB.SCHEMA.NAME'],
    [{ tables: { 'A.B.C.D': TABLE } }, 'tables.A.B.C.D: this is not DB.SCHEMA.NAME'],
    [{ tables: { 'A.B.C': {} } }, 'tables.A.B.C.columns: this is not a list'],
    [{ tables: { 'A.B.C': { columns: [7] } } }, 'tables.A.B.C.columns[0]: this is not an object'],
    [{ tables: { 'A.B.C': { columns: ['A', 'A'] } } }, 'a column stands here twice'],
    [
      { tables: { 'A.B.C': { columns: ['A'], protected: ['a'] } } },
      'tables.A.B.C.protected[0]: there is no such column: a',
    ],
    [{ tables: { 'A.B.C': TABLE }, views: { 'A.B.C': TABLE } }, 'views.A.B.C: the object stands here twice'],
    [{ views: { 'A.B.C': { columns: ['A'], definition: 7 } } }, 'this is the text of a query, or null'],
    [{ tables: { 'A.B.C': { columns: [{ name: 'A', precision: 'x' }] } } }, 'precision: this is not a whole number'],
  ])('%j is refused', (description, complaint) => {
    expect(() => readCatalog(description, 'c.json')).toThrow(complaint);
  });

  test('may quote parts of names, and describe columns at length', () => {
    const { objects, isProtected } = readCatalog(
      {
        tables: {
          'A."b.c"."d""e"': {
            columns: [{ name: 'X', type: 'FIXED', precision: 10, scale: 2, tags: { 'G.T.P': 'x' }, category: 'email' }],
            protected: ['X'],
          },
        },
      },
      'c.json',
    );
    const object = { database: 'A', schema: 'b.c', name: 'd"e' };
    expect([...objects.values()]).toEqual([
      {
        kind: 'table',
        columns: [
          {
            name: 'X',
            type: 'fixed',
            precision: 10,
            scale: 2,
            tags: [{ name: 'G.T.P', value: 'x' }],
            category: 'EMAIL',
          },
        ],
      },
    ]);
    expect(isProtected({ object, column: 'X' })).toBe(true);
    expect(isProtected({ object, column: 'x' })).toBe(false);
  });

  test('that is broken ends the command with exit code 2 and a plain message', async () => {
    for (const [path, complaint] of [
      ['/nowhere.json', '/nowhere.json: cannot be read (ENOENT)'],
      [fileURLToPath(import.meta.url), 'this is not JSON'],
    ] as const) {
      const { code, out, err } = await run(['explain', '--catalog', path, '--json']);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(complaint);
      expect(err).not.toContain('Usage:');
    }
  });
});
