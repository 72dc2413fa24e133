import { type Category, LOOKALIKE_SHIFT, SIGNS, type Sign } from './categories.js';
import { type Cell, cellOf } from './cell.js';
import { nextBackslash, unescapeJson } from './json-text.js';
import { planScan, scanCell } from './scan.js';
import { type Finding, judgeCounts, type SignCount } from './verdict.js';

/** A column of utf8 in Arrow's layout. Offsets may begin anywhere; the validity bitmap is absent when nothing is null. */
export interface Utf8Column {
  readonly data: Uint8Array;
  readonly offsets: Int32Array;
  readonly validity: Uint8Array | undefined;
  readonly rows: number;
}

/**
 * Watches one column of one result. Values may come in parts, in any of the forms, and add up. Nothing of a value is kept
 * but counts.
 */
export interface ColumnDetector {
  /** A cell as text; NULL is no value. */
  add(cell: string | null): void;
  /**
   * Cells of JSON rows: `spans` holds start and end of each cell's text in `bytes`, without its quotes; a start below 0 is
   * NULL. Cells stand in the order of their bytes. JSON escapes are resolved first.
   */
  addJson(bytes: Uint8Array, spans: Int32Array): void;
  addArrow(column: Utf8Column): void;
  /** Texts as they are, without escapes: value `i` stands at [starts[i], ends[i]). */
  addTexts(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number): void;
  /** Everything found so far, the gravest first; the text of a comment can hold several things. */
  findings(): readonly Finding[];
  /** The gravest finding so far. */
  verdict(): Finding | undefined;
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
/** UTF-8 takes at most this many bytes for one UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3;

/** A detector for one column that looks for these categories. */
export function createColumnDetector(categories: readonly Category[]): ColumnDetector {
  const plan = planScan(categories);
  const cell: Cell = cellOf(NO_BYTES);
  const matches = new Float64Array(SIGNS.length);
  const lookalikes = new Float64Array(SIGNS.length);
  let values = 0;
  let scratch = NO_BYTES;

  const scratchOf = (length: number): Uint8Array => {
    if (scratch.length < length) scratch = new Uint8Array(Math.max(length, 2 * scratch.length));
    return scratch;
  };
  const scan = (bytes: Uint8Array, start: number, end: number): void => {
    cell.bytes = bytes;
    cell.start = start;
    cell.end = end;
    values += 1;
    const signs = scanCell(cell, plan);
    if (signs !== 0) count(signs);
  };
  const count = (signs: number): void => {
    for (let sign = 0; sign < SIGNS.length; sign += 1) {
      if (((signs >> sign) & 1) !== 0) matches[sign] = (matches[sign] as number) + 1;
      else if (((signs >> (sign + LOOKALIKE_SHIFT)) & 1) !== 0) lookalikes[sign] = (lookalikes[sign] as number) + 1;
    }
  };
  const findings = (): readonly Finding[] => judgeCounts(countsOf(matches, lookalikes), values);

  return {
    add(text) {
      if (text === null) return;
      const bytes = scratchOf(text.length * MOST_BYTES_PER_UNIT);
      scan(bytes, 0, encoder.encodeInto(text, bytes).written);
    },
    addJson(bytes, spans) {
      let backslash = -1;
      for (let index = 0; index + 1 < spans.length; index += 2) {
        const start = spans[index] as number;
        const end = spans[index + 1] as number;
        if (start < 0) continue;
        if (backslash < start) backslash = nextBackslash(bytes, start);
        if (backslash >= end) scan(bytes, start, end);
        else {
          const text = scratchOf(end - start);
          scan(text, 0, unescapeJson(bytes, start, end, text));
        }
      }
    },
    addArrow({ data, offsets, validity, rows }) {
      for (let row = 0; row < rows; row += 1) {
        const isValid = validity === undefined || (((validity[row >> 3] as number) >> (row & 7)) & 1) === 1;
        if (isValid) scan(data, offsets[row] as number, offsets[row + 1] as number);
      }
    },
    addTexts(bytes, starts, ends, count) {
      for (let index = 0; index < count; index += 1) scan(bytes, starts[index] as number, ends[index] as number);
    },
    findings,
    verdict: () => findings()[0],
  };
}

const countsOf = (matches: Float64Array, lookalikes: Float64Array): Readonly<Record<Sign, SignCount>> =>
  Object.fromEntries(
    SIGNS.map((sign, index) => [sign, { matches: matches[index] as number, lookalikes: lookalikes[index] as number }]),
  ) as Record<Sign, SignCount>;
