import type { ChunkPart, Chunks } from './chunks.js';
import type { Cell, Column, Table } from './columns.js';
import { toArrowStream } from './results-arrow.js';
import { toJsonRow } from './results-json.js';

/** The format of a result. */
export type ResultFormat = 'json' | 'arrow';

/** Encodes a table into the result fields of a response; what exceeds the inline part goes into chunks. */
export function encodeTable(
  table: Table,
  format: ResultFormat,
  partBytes: number,
  chunks: Chunks,
): Readonly<Record<string, unknown>> {
  const parts = split(table, partBytes);
  const [inline = [], ...rest] = parts;
  const fields = {
    rowtype: table.columns,
    total: table.rows.length,
    returned: table.rows.length,
    queryResultFormat: format,
    ...(rest.length > 0 && chunks.publish(rest.map((rows) => encodePart(rows, table.columns, format)))),
  };
  if (format === 'arrow') {
    return { ...fields, rowsetBase64: Buffer.from(toArrowStream(table.columns, inline)).toString('base64') };
  }
  return { ...fields, rowset: inline.map((row) => JSON.parse(toJsonRow(row, table.columns)) as unknown) };
}

function encodePart(rows: readonly (readonly Cell[])[], columns: readonly Column[], format: ResultFormat): ChunkPart {
  const body =
    format === 'arrow'
      ? toArrowStream(columns, rows)
      : Buffer.from(rows.map((row) => toJsonRow(row, columns)).join(','));
  return { body, rowCount: rows.length };
}

/** Cuts rows into runs of about `partBytes` of JSON text each; both formats are cut at the same rows. */
function split(table: Table, partBytes: number): readonly (readonly (readonly Cell[])[])[] {
  const parts: (readonly Cell[])[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of table.rows) {
    const size = toJsonRow(row, table.columns).length;
    if (bytes + size > partBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(row);
    bytes += size;
  }
  return parts;
}
