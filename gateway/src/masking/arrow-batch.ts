import { type FlatReader, type FlatTable, type FlatVector, malformedArrow } from './arrow-flatbuffer.js';
import { type ArrowField, type ArrowLayout, partsOf } from './arrow-schema.js';

const STRUCT_BYTES = 16;
const OFFSET_BYTES = 4;
const BATCH = { length: 0, nodes: 1, buffers: 2, compression: 3, variadicCounts: 4 } as const;

/** Length and null count of one array in a batch. */
export interface ArrowNode {
  readonly length: number;
  readonly nullCount: number;
}

export interface ArrowBuffer {
  /** Within the body. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One column's part of a batch, children behind their parents as in the message. */
export interface ArrowColumn {
  readonly firstNode: number;
  readonly firstBuffer: number;
  readonly nodes: readonly ArrowNode[];
  readonly buffers: readonly ArrowBuffer[];
}

export interface ArrowBatch {
  readonly rows: number;
  readonly columns: readonly ArrowColumn[];
  /** Where the message keeps what a changed column must correct. */
  readonly nodesAt: number;
  readonly buffersAt: number;
}

/** Reads a RecordBatch message over its body. Throws `MaskingFailed` unless every part lies where the columns need it. */
export function readBatch(
  reader: FlatReader,
  header: FlatTable,
  body: Uint8Array,
  fields: readonly ArrowField[],
): ArrowBatch {
  if (reader.field(header, BATCH.compression) !== undefined) throw malformedArrow('compressed buffers');
  if (reader.field(header, BATCH.variadicCounts) !== undefined) throw malformedArrow('views instead of values');
  const rowsAt = reader.field(header, BATCH.length);
  const rows = rowsAt === undefined ? 0 : reader.length64(rowsAt);
  const nodes = readNodes(reader, reader.vector(header, BATCH.nodes, STRUCT_BYTES));
  const buffers = readBuffers(reader, reader.vector(header, BATCH.buffers, STRUCT_BYTES), body);
  const columns: ArrowColumn[] = [];
  let node = 0;
  let buffer = 0;
  for (const { layout } of fields) {
    const parts = partsOf(layout);
    const column: ArrowColumn = {
      firstNode: node,
      firstBuffer: buffer,
      nodes: nodes.values.slice(node, node + parts.nodes),
      buffers: buffers.values.slice(buffer, buffer + parts.buffers),
    };
    node += parts.nodes;
    buffer += parts.buffers;
    if (node > nodes.values.length || buffer > buffers.values.length) throw malformedArrow('missing parts');
    checkColumn(layout, column, rows);
    columns.push(column);
  }
  if (node !== nodes.values.length || buffer !== buffers.values.length) throw malformedArrow('parts of no column');
  return { rows, columns, nodesAt: nodes.at, buffersAt: buffers.at };
}

interface Parts<T> {
  readonly at: number;
  readonly values: readonly T[];
}

function readNodes(reader: FlatReader, vector: FlatVector | undefined): Parts<ArrowNode> {
  if (vector === undefined) return { at: 0, values: [] };
  const values = Array.from({ length: vector.length }, (_, index) => {
    const at = vector.at + index * STRUCT_BYTES;
    return { length: reader.length64(at), nullCount: reader.length64(at + 8) };
  });
  return { at: vector.at, values };
}

/** Buffers follow each other: one that reached into another could carry its bytes out. */
function readBuffers(reader: FlatReader, vector: FlatVector | undefined, body: Uint8Array): Parts<ArrowBuffer> {
  if (vector === undefined) return { at: 0, values: [] };
  let end = 0;
  const values = Array.from({ length: vector.length }, (_, index): ArrowBuffer => {
    const at = vector.at + index * STRUCT_BYTES;
    const offset = reader.length64(at);
    const length = reader.length64(at + 8);
    if (offset + length > body.length) throw malformedArrow('a buffer out of bounds');
    if (length > 0 && offset < end) throw malformedArrow('buffers that overlap');
    if (length > 0) end = offset + length;
    return { offset, bytes: body.subarray(offset, offset + length) };
  });
  return { at: vector.at, values };
}

/** Bytes of `bits` bits. */
export const bitmapBytes = (bits: number): number => Math.ceil(bits / 8);

function checkColumn(layout: ArrowLayout, column: ArrowColumn, rows: number): void {
  const place = { node: 0, buffer: 0 };
  checkArray(layout, column, place, rows);
}

/** Every array of the tree has the length its parent asks for, and buffers long enough for it. */
function checkArray(
  layout: ArrowLayout,
  column: ArrowColumn,
  place: { node: number; buffer: number },
  expectedLength: number | undefined,
): void {
  const node = column.nodes[place.node++];
  if (node === undefined || (expectedLength !== undefined && node.length !== expectedLength)) {
    throw malformedArrow('arrays of unequal length');
  }
  if (node.nullCount > node.length) throw malformedArrow('more nulls than values');
  const atLeast = (bytes: number): void => {
    const buffer = column.buffers[place.buffer++];
    if (buffer === undefined || buffer.bytes.length < bytes) throw malformedArrow('a buffer that is too short');
  };
  atLeast(node.nullCount === 0 ? 0 : bitmapBytes(node.length));
  const offsets = node.length === 0 ? 0 : (node.length + 1) * OFFSET_BYTES;
  switch (layout.kind) {
    case 'utf8':
    case 'binary':
      atLeast(offsets);
      atLeast(0);
      return;
    case 'struct':
      for (const child of layout.children) checkArray(child, column, place, node.length);
      return;
    case 'list':
      atLeast(offsets);
      checkArray(layout.child, column, place, undefined);
      return;
    case 'fixed-list':
      checkArray(layout.child, column, place, node.length * layout.size);
      return;
    case 'int':
    case 'decimal128':
    case 'float':
    case 'bool':
    case 'date32':
      atLeast(valueBytes(layout, node.length));
  }
}

type FlatLayout = Exclude<ArrowLayout, { kind: 'utf8' | 'binary' | 'struct' | 'list' | 'fixed-list' }>;

/** Bytes of `length` values of fixed width. */
export function valueBytes(layout: FlatLayout, length: number): number {
  switch (layout.kind) {
    case 'bool':
      return bitmapBytes(length);
    case 'date32':
      return length * 4;
    case 'decimal128':
      return length * 16;
    case 'int':
    case 'float':
      return length * layout.bytes;
  }
}
