import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CATEGORIES, createColumnDetector, type Finding } from './index.js';
import { createSeededRandom, inContext, NEGATIVE_KINDS, POSITIVE_KINDS, pick } from './testing/corpus.js';

const seed = Number(process.env['PISTE_SEED']);
const COLUMNS = 60;
const ROWS = 50;

type Cells = readonly (string | null)[];

function byCells(cells: Cells): readonly Finding[] {
  const detector = createColumnDetector(CATEGORIES);
  for (const cell of cells) detector.add(cell);
  return detector.findings();
}

/** The cells as one column of JSON rows with two columns; `encode` writes a JSON string. */
function byJson(cells: Cells, encode: (text: string) => string): readonly Finding[] {
  const spans: number[] = [];
  let at = 0;
  const parts = cells.map((cell) => {
    const text = cell === null ? 'null' : encode(cell);
    const start = at + '["1",'.length;
    const length = Buffer.byteLength(text);
    spans.push(...(cell === null ? [-1, -1] : [start + 1, start + length - 1]));
    at = start + length + '],'.length;
    return `["1",${text}],`;
  });
  const detector = createColumnDetector(CATEGORIES);
  detector.addJson(Buffer.from(parts.join('')), Int32Array.from(spans));
  return detector.findings();
}

/** The cells as an Arrow column; bytes of NULL cells stay in the data, as a careless writer leaves them. */
function byArrow(cells: Cells, behindNull = ''): readonly Finding[] {
  const texts = cells.map((cell) => cell ?? behindNull);
  const offsets = new Int32Array(cells.length + 1);
  texts.forEach((text, row) => {
    offsets[row + 1] = (offsets[row] ?? 0) + Buffer.byteLength(text);
  });
  const validity = new Uint8Array(Math.ceil(cells.length / 8));
  cells.forEach((cell, row) => {
    if (cell !== null) validity[row >> 3] = (validity[row >> 3] ?? 0) | (1 << (row & 7));
  });
  const detector = createColumnDetector(CATEGORIES);
  detector.addArrow({ data: Buffer.from(texts.join('')), offsets, validity, rows: cells.length });
  return detector.findings();
}

const escapedThroughout = (text: string): string =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

describe(`the three forms of a column, PISTE_SEED=${seed}`, () => {
  const random = createSeededRandom(seed);
  const kinds = [...POSITIVE_KINDS, ...NEGATIVE_KINDS];

  test('texts, JSON rows with any escapes and Arrow buffers give the same findings', () => {
    for (let column = 0; column < COLUMNS; column += 1) {
      const chosen = [pick(random, kinds), pick(random, kinds), pick(random, NEGATIVE_KINDS)];
      const cells = Array.from({ length: ROWS }, () =>
        random() < 0.1 ? null : inContext(random, pick(random, chosen).make(random)),
      );
      const expected = byCells(cells);
      expect(byJson(cells, (text) => JSON.stringify(text))).toEqual(expected);
      expect(byJson(cells, escapedThroughout)).toEqual(expected);
      expect(byArrow(cells)).toEqual(expected);
    }
  });

  test('arbitrary texts, broken surrogates aside, are read alike and never throw', () => {
    const cell = fc.option(fc.string({ unit: 'binary', maxLength: 40 }), { nil: null });
    const atom = fc.constantFrom(
      '@',
      '.',
      '4111',
      ' ',
      '1111',
      '-',
      '+49',
      'a',
      'DE',
      '89',
      '\\',
      '"',
      '%40',
      'é',
      '😀',
      'eyJ',
      '://',
      ':',
    );
    const hostile = fc.array(atom, { maxLength: 40 }).map((atoms) => atoms.join(''));
    fc.assert(
      fc.property(fc.array(fc.oneof(cell, hostile), { maxLength: 20 }), (cells) => {
        const expected = byCells(cells);
        expect(byJson(cells, (text) => JSON.stringify(text))).toEqual(expected);
        expect(byArrow(cells)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(POSITIVE_KINDS)('$name cut in two by a cell border is not put together again', ({ make }) => {
    for (let round = 0; round < ROWS; round += 1) {
      const value = make(random);
      const at = Math.floor(random() * (value.length + 1));
      const cells = [value.slice(0, at), value.slice(at)];
      const alone = cells.map((cell) => byCells([cell]).length);
      if (alone.some((findings) => findings > 0)) continue;
      expect(byArrow(cells)).toEqual([]);
      expect(byJson(cells, (text) => JSON.stringify(text))).toEqual([]);
    }
  });
});

describe('a column detector', () => {
  test('does not look at what lies behind a NULL', () => {
    expect(byArrow([null, 'x', null], 'maria@example.com')).toEqual([]);
  });

  test('counts values and not NULLs, and a value with two addresses once', () => {
    const [finding] = byCells(['a@example.com b@example.com', null, 'x', 'y', 'z']);
    expect(finding).toEqual({ category: 'Email', matches: 1, values: 4, share: 0.25 });
  });

  test('adds up what comes in parts and in different forms', () => {
    const detector = createColumnDetector(['Email']);
    detector.add('a@example.com');
    detector.addJson(Buffer.from('["b@example.com"]'), Int32Array.of(2, 15));
    const data = Buffer.from('c@example.comx');
    detector.addArrow({ data, offsets: Int32Array.of(0, 13, 14), validity: undefined, rows: 2 });
    expect(detector.verdict()).toEqual({ category: 'Email', matches: 3, values: 4, share: 0.75 });
  });

  test('looks only for what it was asked for', () => {
    const detector = createColumnDetector(['Card']);
    detector.add('maria@example.com, +49 171 1234567, password=hunter2222');
    expect(detector.verdict()).toBeUndefined();
    detector.add('4111 1111 1111 1111');
    expect(detector.verdict()?.category).toBe('Card');
  });

  test('reads Arrow offsets that begin in the middle of the data', () => {
    const detector = createColumnDetector(CATEGORIES);
    const data = Buffer.from('maria@example.comnothing');
    detector.addArrow({ data, offsets: Int32Array.of(17, 24), validity: undefined, rows: 1 });
    expect(detector.findings()).toEqual([]);
  });
});
