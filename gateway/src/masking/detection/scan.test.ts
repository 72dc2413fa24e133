import { describe, expect, test } from '@jest/globals';
import { CATEGORIES } from './categories.js';
import { cellOf, isDigit } from './cell.js';
import { planScan, scanCell } from './scan.js';
import { formsAt, SECRET_FORMS } from './secret.js';

const plan = planScan(CATEGORIES);

/** How often the scan reads a byte of a text: its work, without a clock. */
function readsOf(text: string): number {
  const bytes = Buffer.from(text);
  let reads = 0;
  const counting = new Proxy(bytes, {
    get(target, property) {
      reads += 1;
      return Reflect.get(target, property, target) as unknown;
    },
  });
  scanCell(cellOf(counting, 0, bytes.length), plan);
  return reads;
}

const repeat = (piece: string, length: number): string =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

const HOSTILE = [
  ...Array.from('0149@.- +(/%_=":\\\'eaJ{', (character) => character),
  '@.',
  'a@',
  'a.b@',
  '"@',
  'a"@',
  '%40',
  'a%40',
  'a@b.',
  'a@b.c@',
  'x@[1',
  '1 ',
  '12 ',
  '123-',
  '1234 ',
  '1234-5678-',
  '01 ',
  '012 345 ',
  '+1 ',
  '+49 ',
  '(0',
  '(012) ',
  '4111 1111 1111 ',
  'DE12 ',
  'DE12-',
  'de12',
  'FR76 3000 6000 ',
  '\u00a0',
  '1\u00a0',
  'eyJ',
  'eyJ.',
  'eyJaaaaaaaaaaaa.',
  '-----BEGIN ',
  '://',
  '://a:',
  '://a:b',
  'password=',
  'password="',
  'bearer ',
  'bearer a',
  'AKIA',
  'ghp_',
  'xoxb-',
  'sk-ant-',
  'T3BlbkFJ',
  '-hint:',
  'authorization: basic ',
];

/** Bytes of the shorter of two texts whose work is compared. */
const SHORT = 2_000;

/** Reads of one byte that the worst piece may cause; a constant of the patterns, not of the input. */
const MOST_READS_PER_BYTE = 60;

describe('the work of a scan', () => {
  test.each(HOSTILE)('stays proportional to the length of a long run of %j', (piece) => {
    const short = readsOf(repeat(piece, SHORT));
    const long = readsOf(repeat(piece, 4 * SHORT));
    expect(short).toBeLessThanOrEqual(SHORT * MOST_READS_PER_BYTE);
    expect(long).toBeLessThanOrEqual(4 * short * 1.02 + 2_000);
  });

  test.each([
    ['one address with an endless name', (length: number) => `${'a'.repeat(length)}@example.com`],
    ['one address with an endless domain', (length: number) => `a@${'b.'.repeat(length / 2)}1`],
    ['one address with an endless quoted name', (length: number) => `"${'a '.repeat(length / 2)}"@1`],
    ['a web token with an endless header', (length: number) => `eyJ${'a'.repeat(length)}`],
    ['many headers and no signature', (length: number) => `eyJ${'a'.repeat(length / 2)}.${'eyJ-'.repeat(length / 8)}`],
    ['an endless number', (length: number) => `+49${'1'.repeat(length)}`],
    ['an endless password', (length: number) => `://a:${'b'.repeat(length)}`],
  ])('stays proportional for %s', (_, make) => {
    expect(readsOf(make(4 * SHORT))).toBeLessThanOrEqual(4 * readsOf(make(SHORT)) * 1.02 + 2_000);
  });
});

describe('triggers', () => {
  test.each(SECRET_FORMS)('$literal is tried at a byte of its own, which is no digit', ({ literal, ignoreCase }) => {
    const writings = ignoreCase ? [literal.toLowerCase(), literal.toUpperCase()] : [literal];
    for (const writing of writings) {
      const bytes = Array.from(Buffer.from(writing));
      const at = bytes.find((byte, offset) =>
        formsAt(bytes[offset - 1] ?? 0, byte).some(
          (entry) => entry.form.literal === literal && entry.offset === offset,
        ),
      );
      if (at === undefined) throw new Error(`no trigger in ${writing}`);
      expect(isDigit(at)).toBe(false);
      expect(plan.triggers[at]).toBeGreaterThan(0);
    }
  });
});
