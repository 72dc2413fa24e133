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
    rowtype: table.columns.map(toWire),
    total: table.rows.length,
    returned: table.rows.length,
    queryResultFormat: format,
    ...(rest.length > 0 && chunks.publish(rest.map((rows) => encodePart(rows, table.columns, format)))),
  };
  if (format === 'arrow') {
    // Without rows Snowflake sends no stream.
    const stream = inline.length === 0 ? new Uint8Array() : toArrowStream(table.columns, inline);
    return { ...fields, rowsetBase64: Buffer.from(stream).toString('base64') };
  }
  return { ...fields, rowset: inline.map((row) => JSON.parse(toJsonRow(row, table.columns)) as unknown) };
}

/** In a result a geography is an object that says so beside its type. */
function toWire(column: Column): object {
  return column.type === 'geography' ? { ...column, type: 'object', extTypeName: 'GEOGRAPHY' } : column;
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
