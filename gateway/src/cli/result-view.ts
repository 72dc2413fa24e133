import { MaskingFailed, readArrowCells } from '../masking/index.js';
import { clip, toLine } from './plain-text.js';
import { layOutTable } from './table.js';

const MAX_ROWS = 10;
const MAX_COLUMNS = 12;
/** Larger bodies are named, not parsed: a preview is not worth the memory. */
const MAX_PARSED_BYTES = 8 * 1024 * 1024;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Buffer | undefined): unknown {
  if (bytes === undefined || bytes.byteLength > MAX_PARSED_BYTES) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The message of a recorded response envelope: for a refusal, the text the driver showed. */
export function messageOf(head: Buffer | undefined): string | undefined {
  const envelope = parseJson(head);
  return isRecord(envelope) && typeof envelope['message'] === 'string' && envelope['message'] !== ''
    ? envelope['message']
    : undefined;
}

/** Column names of a recorded response envelope. */
export function columnsOf(head: Buffer | undefined): readonly string[] {
  const envelope = parseJson(head);
  const inner = isRecord(envelope) && isRecord(envelope['data']) ? envelope['data'] : envelope;
  const rowtype = isRecord(inner) ? inner['rowtype'] : undefined;
  if (!Array.isArray(rowtype)) return [];
  return rowtype.map((column: unknown) =>
    isRecord(column) && typeof column['name'] === 'string' ? column['name'] : '?',
  );
}

/** Chunks come without the outer brackets. */
const OPEN = Buffer.from('[');
const CLOSE = Buffer.from(']');

function parseRows(bytes: Buffer): readonly (readonly unknown[])[] | undefined {
  const rows = parseJson(bytes);
  return Array.isArray(rows) && rows.every((row): row is readonly unknown[] => Array.isArray(row)) ? rows : undefined;
}

/** A table of the rows exactly as they were delivered, cut with a note. */
export function viewRows(bytes: Buffer, columns: readonly string[]): readonly string[] {
  const arrow = parseArrow(bytes);
  if (arrow !== undefined) return layOutRows(arrow.rows, arrow.total, columns);
  const rows = parseRows(bytes) ?? parseRows(Buffer.concat([OPEN, bytes, CLOSE]));
  if (rows === undefined) return [`(${bytes.byteLength} bytes of rows, not shown as a table)`];
  return layOutRows(rows.slice(0, MAX_ROWS), rows.length, columns);
}

/** The beginning of every Arrow stream; no JSON begins so. */
const ARROW_MARK = Buffer.from([0xff, 0xff, 0xff, 0xff]);

function parseArrow(bytes: Buffer): ReturnType<typeof readArrowCells> | undefined {
  if (!bytes.subarray(0, ARROW_MARK.length).equals(ARROW_MARK)) return undefined;
  try {
    return readArrowCells(bytes, MAX_ROWS);
  } catch (error) {
    if (error instanceof MaskingFailed) return undefined;
    throw error;
  }
}

/** The first rows of `total`. */
function layOutRows(
  rows: readonly (readonly unknown[])[],
  total: number,
  columns: readonly string[],
): readonly string[] {
  if (total === 0) return ['(no rows)'];
  const width = Math.max(columns.length, ...rows.map((row) => row.length));
  const shown = Math.min(width, MAX_COLUMNS);
  const heading = Array.from({ length: shown }, (_, column) => columns[column] ?? `#${column + 1}`);
  const body = rows.map((row) => Array.from({ length: shown }, (_, column) => toCell(row[column])));
  const cut = [
    ...(total > rows.length ? [`${total - rows.length} more rows`] : []),
    ...(width > shown ? [`${width - shown} more columns`] : []),
  ];
  return [...layOutTable([heading, ...body], ' | '), ...(cut.length > 0 ? [`(${cut.join(', ')} not shown here)`] : [])];
}

function toCell(value: unknown): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** A short safe quotation of any body. */
export function quoteBody(bytes: Buffer, maximum: number): string {
  return clip(toLine(bytes.toString('utf8')), maximum);
}
