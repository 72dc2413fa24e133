import type { RowBytes } from '../protocol/results.js';
import { visitArrowTexts } from './arrow-stream.js';
import { type Category, createColumnDetector, type Finding } from './detection/index.js';
import { CELL_NULL, scanRows } from './json-scan.js';
import type { MaskPlan } from './mask-plan.js';

/** Types whose cells are texts that people wrote. Numbers and times are not looked into. */
const LOOKED_INTO: ReadonlySet<string> = new Set(['text', 'variant', 'object', 'array']);

/**
 * What the columns of one part of a result hold, by their place; undefined where nothing was found or a mask hides the
 * column anyway. Throws `MaskingFailed` for whatever is not rows of the plan's columns.
 */
export function detectColumns(
  plan: MaskPlan,
  { format, bytes }: RowBytes,
  categories: readonly Category[],
): readonly (Finding | undefined)[] {
  const wanted = plan.columns.map(({ column, mode }) => mode === undefined && LOOKED_INTO.has(column.type));
  const detectors = wanted.map((isWanted) => (isWanted ? createColumnDetector(categories) : undefined));
  if (format === 'json') detectInJson(bytes, wanted, detectors);
  else if (bytes.length > 0) {
    visitArrowTexts(bytes, plan, (column, { bytes: data, starts, ends, count }) =>
      detectors[column]?.addTexts(data, starts, ends, count),
    );
  }
  return detectors.map((detector) => detector?.verdict());
}

type Detectors = readonly (ReturnType<typeof createColumnDetector> | undefined)[];

function detectInJson(bytes: Uint8Array, wanted: readonly boolean[], detectors: Detectors): void {
  const columns = detectors.filter((detector) => detector !== undefined);
  if (columns.length === 0) return;
  const { cells, starts, ends, kinds } = scanRows(bytes, wanted);
  const rows = cells / columns.length;
  columns.forEach((detector, place) => {
    const spans = new Int32Array(rows * 2);
    for (let row = 0; row < rows; row += 1) {
      const cell = row * columns.length + place;
      const isNull = kinds[cell] === CELL_NULL;
      spans[row * 2] = isNull ? -1 : (starts[cell] as number) + 1;
      spans[row * 2 + 1] = isNull ? -1 : (ends[cell] as number) - 1;
    }
    detector.addJson(bytes, spans);
  });
}
