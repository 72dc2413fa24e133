import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readHistoryFile, splitObjects } from './history-file.js';
import { parseHistoryRow, parseTime } from './history-row.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'piste-history-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const AT = 1_795_406_400_123;
const columns = {
  QUERY_ID: '01B2-A',
  QUERY_TEXT: 'SELECT "a,b"\n\u2028FROM t',
  QUERY_TAG: '{"piste":1}',
  USER_NAME: 'PISTE_SVC',
  SESSION_ID: '123456789012345678901',
  START_TIME: '2026-11-23 04:00:00.123 +0000',
  END_TIME: '2026-11-23T04:00:01Z',
  EXECUTION_STATUS: 'SUCCESS',
  ROWS_PRODUCED: '3',
};
const row = {
  id: '01b2-a',
  text: columns.QUERY_TEXT,
  tag: '{"piste":1}',
  user: 'PISTE_SVC',
  sessionId: '123456789012345678901',
  startMs: AT,
  endMs: 1_795_406_401_000,
  failed: false,
  resultRows: undefined,
  rowsProduced: 3,
  rootId: undefined,
  parentId: undefined,
};

async function read(name: string, text: string): Promise<readonly unknown[]> {
  const path = join(directory, name);
  await writeFile(path, text);
  const found: unknown[] = [];
  for await (const result of readHistoryFile(path)) found.push(result.ok ? result.row : result.complaint);
  return found;
}

const csvCell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const toCsv = (cells: Readonly<Record<string, string>>): string =>
  `${Object.keys(cells).join(',')}\r\n${Object.values(cells).map(csvCell).join(',')}\r\n`;

const { QUERY_TAG: _tags, ...withoutTags } = columns;

describe('an exported history', () => {
  test.each([
    ['lines of objects', 'a.jsonl', `${JSON.stringify(columns)}\n${JSON.stringify(columns)}\n`, 2],
    ['an array', 'a.json', JSON.stringify([columns, columns], null, 1), 2],
    ['objects one after another', 'b.json', JSON.stringify(columns).repeat(3), 3],
    ['nothing', 'c.json', '', 0],
    ['an empty array', 'd.json', ' [ ] ', 0],
    ['a table', 'a.csv', toCsv(columns), 1],
    ['a table with a byte order mark', 'b.csv', `\ufeff${toCsv(columns)}`, 1],
  ])('is read as %s', async (_, name, text, count) => {
    expect(await read(name, text)).toEqual(Array.from({ length: count }, () => row));
  });

  test('is read whatever the case of its columns', async () => {
    const lower = Object.fromEntries(Object.entries(columns).map(([name, cell]) => [name.toLowerCase(), cell]));
    expect(await read('e.json', JSON.stringify(lower))).toEqual([row]);
  });

  test.each([
    ['a name that says nothing', 'a.parquet', '', /\.json, \.jsonl or \.csv/],
    ['a cut array', 'f.json', JSON.stringify([columns]).slice(0, -3), /not complete/],
    ['a cut object', 'f.jsonl', '{"QUERY_ID":"a', /object 1: Unterminated/],
    ['a line of something else', 'k.jsonl', '[1]\n', /object 1 is not an object/],
    ['something between objects', 'g.json', '{} error {}', /between two objects/],
    ['an end without beginning', 'h.json', '{}}', /never began/],
    ['what is no JSON', 'i.json', '{a}', /object 1/],
    ['a table with a short line', 'c.csv', `${toCsv(columns)}a,b\n`, /columns length/i],
    ['a table with an open quote', 'd.csv', `${toCsv(columns)}"a\n`, /quote/i],
    ['an empty table', 'l.csv', '', /is empty/],
    ['a table without the column of the tags', 'm.csv', toCsv(withoutTags), /lacks QUERY_TAG;/],
    [
      'a table without a header',
      'n.csv',
      toCsv(columns).split('\r\n').slice(1).join('\r\n'),
      /lacks QUERY_ID, QUERY_TEXT/,
    ],
    ['a table with semicolons', 'o.csv', toCsv(columns).replaceAll(',', ';'), /lacks QUERY_ID.*separated by commas/],
  ])('is refused with %s', async (_, name, text, message) => {
    await expect(read(name, text)).rejects.toThrow(message);
  });

  test.each([
    ['without id', { ...columns, QUERY_ID: '' }, 'row 1: no QUERY_ID'],
    ['without user', { ...columns, USER_NAME: '\\N' }, 'row 1: query 01b2-a: no USER_NAME'],
    ['without text', { ...columns, QUERY_TEXT: null }, 'row 1: query 01b2-a: no QUERY_TEXT'],
    ['without time zone', { ...columns, START_TIME: '2026-11-23 04:00:00' }, expect.stringMatching(/time zone/)],
  ])('has a complaint about a row %s', async (_, cells, complaint) => {
    expect(await read('j.json', JSON.stringify(cells))).toEqual([complaint]);
  });
});

describe('a moment', () => {
  test.each<readonly [unknown, number | undefined]>([
    ['2026-11-23T04:00:00.123Z', AT],
    ['2026-11-23 04:00:00.123456789 Z', AT],
    ['2026-11-22 20:00:00.123 -0800', AT],
    ['2026-11-23 05:30:00.123 +01:30', AT],
    ['1795406400.123000000', AT],
    [AT, AT],
    ['2026-11-23', undefined],
    ['2026-13-23T04:00:00Z', undefined],
    ['yesterday', undefined],
    [null, undefined],
  ])('%s', (cell, expected) => {
    expect(parseTime(cell)).toBe(expected);
  });
});

describe('any row', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '\\', '"', '{', '}', '\u2028', '\r\n', '],['),
  );

  test('comes back whole however the file is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(cell, cell, { maxKeys: 4 }), { maxLength: 4 }),
        fc.constantFrom('', '\n', ' , '),
        fc.integer({ min: 1, max: 9 }),
        async (objects, between, size) => {
          const text = `[${objects.map((object) => JSON.stringify(object)).join(between)}]`;
          const chunks = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
          const found: unknown[] = [];
          for await (const object of splitObjects(chunksOf(chunks))) found.push(JSON.parse(object));
          expect(found).toEqual(JSON.parse(JSON.stringify(objects)));
        },
      ),
    );
  });

  test('is read or complained about, never thrown over', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(columns)), fc.anything()), (cells) => {
        expect(typeof parseHistoryRow(cells).ok).toBe('boolean');
      }),
    );
  });
});

async function* chunksOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}
