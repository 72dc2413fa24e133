import { clip, toLine } from './plain-text.js';

const MAX_CELL_CHARACTERS = 40;

/** Lays out cells in columns, made safe and cut to width. The first row is the heading. */
export function layOutTable(
  rows: readonly (readonly string[])[],
  separator: string,
  maxCell = MAX_CELL_CHARACTERS,
): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => clip(toLine(cell), maxCell)));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
      .join(separator)
      .trimEnd(),
  );
}

/** Characters, not UTF-16 units. */
function widthOf(cell: string): number {
  return Array.from(cell).length;
}
