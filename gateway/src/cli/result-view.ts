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

/** A table of the rows exactly as they were delivered, cut with a note. */
export function viewRows(bytes: Buffer, columns: readonly string[]): readonly string[] {
  const rows = parseJson(bytes);
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row)))
    return [`(${bytes.byteLength} bytes of rows, not shown as a table)`];
  if (rows.length === 0) return ['(no rows)'];
  const width = Math.max(columns.length, ...rows.slice(0, MAX_ROWS).map((row: readonly unknown[]) => row.length));
  const shown = Math.min(width, MAX_COLUMNS);
  const heading = Array.from({ length: shown }, (_, column) => columns[column] ?? `#${column + 1}`);
  const body = rows
    .slice(0, MAX_ROWS)
    .map((row: readonly unknown[]) => Array.from({ length: shown }, (_, column) => toCell(row[column])));
  const cut = [
    ...(rows.length > MAX_ROWS ? [`${rows.length - MAX_ROWS} more rows`] : []),
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
