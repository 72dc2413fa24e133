import { describe, expect, test } from '@jest/globals';
import { IBAN_LENGTHS } from './iban.js';
import { CATEGORIES, type Category, createColumnDetector } from './index.js';
import {
  CHANCE_KINDS,
  createSeededRandom,
  iban,
  inContext,
  NEGATIVE_KINDS,
  POSITIVE_KINDS,
  pick,
} from './testing/corpus.js';

const seed = Number(process.env['PISTE_SEED']);
const VALUES_PER_KIND = 150;
const COLUMN_VALUES = 1_500;

const categoriesIn = (cell: string): readonly Category[] => {
  const detector = createColumnDetector(CATEGORIES);
  detector.add(cell);
  return detector.findings().map(({ category }) => category);
};

/** Enough examples to see what is wrong. */
const EXAMPLES = 5;

const wrong = (values: readonly string[], expected: readonly Category[]): readonly string[] =>
  values.filter((value) => categoriesIn(value).join() !== expected.join()).slice(0, EXAMPLES);

describe(`single values, PISTE_SEED=${seed}`, () => {
  const random = createSeededRandom(seed);
  const many = <T>(make: () => T): readonly T[] => Array.from({ length: VALUES_PER_KIND }, make);

  test.each(POSITIVE_KINDS)('finds every $name and nothing else in it', ({ category, make }) => {
    expect(
      wrong(
        many(() => make(random)),
        [category],
      ),
    ).toEqual([]);
  });

  test.each(POSITIVE_KINDS)('finds every $name within text, other scripts and JSON', ({ category, make }) => {
    const values = many(() => inContext(random, make(random)));
    const missed = values.filter((value) => !categoriesIn(value).includes(category));
    expect(missed.slice(0, EXAMPLES)).toEqual([]);
  });

  test.each(NEGATIVE_KINDS)('finds nothing in any $name', ({ make }) => {
    expect(
      wrong(
        many(() => make(random)),
        [],
      ),
    ).toEqual([]);
  });

  test.each(NEGATIVE_KINDS)('finds nothing in any $name within text, other scripts and JSON', ({ make }) => {
    expect(
      wrong(
        many(() => inContext(random, make(random))),
        [],
      ),
    ).toEqual([]);
  });

  test.each(Object.keys(IBAN_LENGTHS))('knows the account numbers of %s, and only their length', (country) => {
    const value = iban(random, country);
    expect(categoriesIn(value)).toEqual(['Iban']);
    expect(categoriesIn(`${value}0`)).toEqual([]);
    expect(categoriesIn(value.slice(0, -1))).toEqual([]);
  });
});

describe(`whole columns, PISTE_SEED=${seed}`, () => {
  const random = createSeededRandom(seed + 1);
  const findingsOf = (make: () => string): readonly Category[] => {
    const detector = createColumnDetector(CATEGORIES);
    for (let row = 0; row < COLUMN_VALUES; row += 1) detector.add(make());
    return detector.findings().map(({ category }) => category);
  };

  test.each(CHANCE_KINDS)('leaves a column of $name alone', ({ make }) => {
    expect(findingsOf(() => make(random))).toEqual([]);
  });

  test('leaves a column of everything harmless alone', () => {
    expect(findingsOf(() => pick(random, NEGATIVE_KINDS).make(random))).toEqual([]);
  });

  test.each(POSITIVE_KINDS)('finds a few of $name among much else', ({ category, make }) => {
    const harmless = (): string => pick(random, NEGATIVE_KINDS).make(random);
    const found = findingsOf(() => inContext(random, random() < 0.05 ? make(random) : harmless()));
    expect(found).toContain(category);
  });
});
