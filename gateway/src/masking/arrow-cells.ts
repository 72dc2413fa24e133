import type { Cell, Row } from '../protocol/results.js';
import type { ArrowColumn } from './arrow-batch.js';
import { malformedArrow } from './arrow-flatbuffer.js';
import type { ArrowField, ArrowLayout } from './arrow-schema.js';
import { visitBatches } from './arrow-stream.js';
import { decimalText, floorDivide } from './scalars.js';

/** Rows of an Arrow stream as the JSON format would have written them (protocol notes 5.3). */
export interface ArrowCells {
  /** The first rows. */
  readonly rows: readonly Row[];
  /** How many there are in all. */
  readonly total: number;
}

/**
 * Reads at most `limit` rows of an Arrow stream for people to look at. Types come from the stream itself, as Snowflake describes
 * them in its fields. Throws `MaskingFailed` for bytes that are no such stream.
 */
export function readArrowCells(bytes: Uint8Array, limit: number): ArrowCells {
  const rows: Row[] = [];
  let total = 0;
  visitBatches(
    bytes,
    () => undefined,
    (batch, fields) => {
      const readers = fields.map((field, index) => cellReader(field, batch.columns[index]));
      const wanted = Math.min(batch.rows, limit - rows.length);
      for (let row = 0; row < wanted; row += 1) rows.push(readers.map((read) => read(row)));
      total += batch.rows;
    },
  );
  return { rows, total };
}

type CellReader = (row: number) => Cell;

function cellReader({ layout, metadata }: ArrowField, array: ArrowColumn | undefined): CellReader {
  if (array === undefined) throw malformedArrow('missing parts');
  const scale = scaleIn(metadata);
  const hasValue = validityReader(array);
  const read = valueReader(layout, array, scale);
  return (row) => (hasValue(row) ? read(row) : null);
}

const MAX_SCALE = 38;

function scaleIn(metadata: ReadonlyMap<string, string>): number {
  const scale = Number(metadata.get('scale') ?? 0);
  return Number.isInteger(scale) && scale >= 0 && scale <= MAX_SCALE ? scale : 0;
}

function validityReader({ nodes, buffers }: ArrowColumn): (row: number) => boolean {
  if ((nodes[0]?.nullCount ?? 0) === 0) return () => true;
  const bitmap = buffers[0]?.bytes ?? new Uint8Array();
  return (row) => (((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

function valueReader(layout: ArrowLayout, array: ArrowColumn, scale: number): CellReader {
  const values = viewOf(array, 1);
  switch (layout.kind) {
    case 'int':
      return (row) => decimalText(integerAt(values, layout.bytes, row), scale);
    case 'decimal128':
      return (row) => decimalText(decimalAt(values, row), layout.scale);
    case 'float':
      return (row) =>
        realText(layout.bytes === 4 ? values.getFloat32(row * 4, true) : values.getFloat64(row * 8, true));
    case 'bool':
      return (row) => String((values.getUint8(row >> 3) >> (row & 7)) & 1);
    case 'date32':
      return (row) => String(values.getInt32(row * 4, true));
    case 'utf8':
      return (row) => bytesAt(array, row).toString('utf8');
    case 'binary':
      return (row) => bytesAt(array, row).toString('hex').toUpperCase();
    case 'struct':
      return momentReader(layout.names, array, scale) ?? nested('object');
    case 'list':
    case 'fixed-list':
      return nested('list');
  }
}

/** Values with parts inside are named, not written out. */
const nested =
  (what: string): CellReader =>
  () =>
    `(${what})`;

function viewOf(array: ArrowColumn, buffer: number): DataView {
  const { buffer: memory, byteOffset, byteLength } = array.buffers[buffer]?.bytes ?? new Uint8Array();
  return new DataView(memory, byteOffset, byteLength);
}

function integerAt(values: DataView, bytes: 1 | 2 | 4 | 8, row: number): bigint {
  switch (bytes) {
    case 1:
      return BigInt(values.getInt8(row));
    case 2:
      return BigInt(values.getInt16(row * 2, true));
    case 4:
      return BigInt(values.getInt32(row * 4, true));
    case 8:
      return values.getBigInt64(row * 8, true);
  }
}

function decimalAt(values: DataView, row: number): bigint {
  return (values.getBigInt64(row * 16 + 8, true) << 64n) + values.getBigUint64(row * 16, true);
}

function realText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
}

function bytesAt(array: ArrowColumn, row: number): Buffer {
  const offsets = viewOf(array, 1);
  const data = array.buffers[2]?.bytes ?? new Uint8Array();
  const start = offsets.getInt32(row * 4, true);
  const end = offsets.getInt32(row * 4 + 4, true);
  if (start < 0 || end < start || end > data.length) throw malformedArrow('a text out of bounds');
  return Buffer.from(data.buffer, data.byteOffset + start, end - start);
}

const NANO_DIGITS = 9;
const NANOS_PER_SECOND = 1_000_000_000n;

/** The members of a moment: each has a bitmap and then its values, behind the bitmap of the whole. */
function momentReader(names: readonly string[], array: ArrowColumn, scale: number): CellReader | undefined {
  const [first, ...others] = names;
  if (first !== 'epoch' || !others.every((name) => name === 'fraction' || name === 'timezone')) return undefined;
  const member = (name: string): DataView | undefined => {
    const index = names.indexOf(name);
    return index === -1 ? undefined : viewOf(array, 2 + index * 2);
  };
  const [epoch, fraction, timezone] = [member('epoch'), member('fraction'), member('timezone')];
  return (row) => {
    const seconds = epoch?.getBigInt64(row * 8, true) ?? 0n;
    const nanos = seconds * NANOS_PER_SECOND + BigInt(fraction?.getInt32(row * 4, true) ?? 0);
    const units =
      fraction === undefined ? seconds : floorDivide(nanos, 10n ** BigInt(Math.max(0, NANO_DIGITS - scale)));
    const zone = timezone === undefined ? '' : ` ${timezone.getInt32(row * 4, true)}`;
    return `${decimalText(units, scale)}${zone}`;
  };
}
