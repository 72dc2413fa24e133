import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import { type Cell, type Column, cellText, type ZonedMoment } from './columns.js';

/**
 * One Arrow IPC stream of the rows (protocol notes 5.4): smallest integer that holds the values of this very stream,
 * decimal128 beyond 64 bits, structs for timestamps of scale 9, and Snowflake's metadata on every field.
 */
export function toArrowStream(columns: readonly Column[], rows: readonly (readonly Cell[])[]): Uint8Array {
  const vectorsOf = (part: readonly (readonly Cell[])[]): readonly Data<DataType>[] =>
    columns.map((column, index) => toVector(column, cellsOf(part, index), cellsOf(rows, index)));
  const fields = vectorsOf(rows).map((vector, index) => {
    const column = columns[index];
    if (column === undefined) throw new Error('no column for vector');
    return new Field(fieldName(columns, index), vector.type, column.nullable, metadata(column));
  });
  const schema = new Schema(fields);
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  for (const part of oddParts(rows)) {
    const children = [...vectorsOf(part)];
    const data = makeData({ type: new Struct(fields), length: part.length, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
  }
  writer.finish();
  return writer.toUint8Array(true);
}

const cellsOf = (rows: readonly (readonly Cell[])[], index: number): readonly Cell[] =>
  rows.map((row) => row[index] ?? null);

/**
 * A batch of n rows has n + 1 string offsets of 4 bytes. apache-arrow pads buffers to 8 bytes with zeros and counts the
 * padding as content; Python's reader then sees offsets that fall and refuses the stream. With n odd nothing is padded.
 */
function oddParts<T>(rows: readonly T[]): readonly (readonly T[])[] {
  if (rows.length === 0) return [];
  return rows.length % 2 === 1 ? [rows] : [rows.slice(0, -1), rows.slice(-1)];
}

/**
 * apache-arrow takes a stream with equal names and different types for two streams and leaves out the rows. Drivers take
 * names from the answer's `rowtype`, so a repeated one may carry its number here.
 */
function fieldName(columns: readonly Column[], index: number): string {
  const name = columns[index]?.name ?? '';
  return columns.findIndex((column) => column.name === name) === index ? name : `${name} (${index + 1})`;
}

function metadata(column: Column): Map<string, string> {
  const isZoned = column.type === 'timestamp_tz';
  return new Map(
    Object.entries({
      logicalType: column.type === 'geography' ? 'OBJECT' : column.type.toUpperCase(),
      precision: String(column.precision ?? 0),
      scale: String(column.scale ?? 0),
      charLength: String(column.length ?? 0),
      byteLength: String(isZoned ? 16 : (column.byteLength ?? 0)),
      finalType: 'T',
    }),
  );
}

function toVector(column: Column, cells: readonly Cell[], all: readonly Cell[]): Data<DataType> {
  const common = validity(cells);
  switch (column.type) {
    case 'fixed':
      return integers(cells as readonly (bigint | null)[], column, common, all as readonly (bigint | null)[]);
    case 'real':
      return makeData({ type: new Float64(), ...common, data: Float64Array.from(cells, (cell) => Number(cell ?? 0)) });
    case 'boolean':
      return makeData({ type: new Bool(), ...common, data: bits(cells.map((cell) => cell === true)) });
    case 'date':
      return makeData({ type: new DateDay(), ...common, data: Int32Array.from(cells, (cell) => Number(cell ?? 0)) });
    case 'time':
      return makeData({ type: new Int64(), ...common, data: scaled(cells, column) });
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      if ((column.scale ?? 9) <= 7) return makeData({ type: new Int64(), ...common, data: scaled(cells, column) });
      return moments(cells as readonly (bigint | null)[], common);
    case 'timestamp_tz':
      return zonedMoments(cells as readonly (ZonedMoment | null)[], common);
    case 'binary':
      return bytes(
        new Binary(),
        cells.map((cell) => (cell instanceof Uint8Array ? cell : new Uint8Array())),
        common,
      );
    case 'text':
    case 'variant':
    case 'object':
    case 'array':
    case 'geography':
      return bytes(
        new Utf8(),
        cells.map((cell) => Buffer.from(cell === null ? '' : cellText(cell))),
        common,
      );
  }
}

type Common = { readonly length: number; readonly nullCount: number; readonly nullBitmap: Uint8Array | null };

function validity(cells: readonly Cell[]): Common {
  const nullCount = cells.filter((cell) => cell === null).length;
  return {
    length: cells.length,
    nullCount,
    nullBitmap: nullCount === 0 ? null : bits(cells.map((cell) => cell !== null)),
  };
}

function bits(values: readonly boolean[]): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, index) => {
    if (value) packed[index >> 3] = (packed[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return packed;
}

/** `all`: the values of the whole stream, which has one type. */
function integers(
  cells: readonly (bigint | null)[],
  column: Column,
  common: Common,
  all: readonly (bigint | null)[],
): Data<DataType> {
  const fits = (width: number) => all.every((cell) => cell === null || BigInt.asIntN(width, cell) === cell);
  const numbers = () => cells.map((cell) => Number(cell ?? 0n));
  if (fits(8)) return makeData({ type: new Int8(), ...common, data: Int8Array.from(numbers()) });
  if (fits(16)) return makeData({ type: new Int16(), ...common, data: Int16Array.from(numbers()) });
  if (fits(32)) return makeData({ type: new Int32(), ...common, data: Int32Array.from(numbers()) });
  if (fits(64))
    return makeData({ type: new Int64(), ...common, data: BigInt64Array.from(cells, (cell) => cell ?? 0n) });
  const words = new BigInt64Array(cells.length * 2);
  cells.forEach((cell, index) => {
    words[index * 2] = BigInt.asIntN(64, cell ?? 0n);
    words[index * 2 + 1] = (cell ?? 0n) >> 64n;
  });
  const type = new Decimal(column.scale ?? 0, column.precision ?? 38, 128);
  return makeData({ type, ...common, data: new Uint32Array(words.buffer) });
}

function scaled(cells: readonly Cell[], column: Column): BigInt64Array {
  const unit = 10n ** BigInt(9 - (column.scale ?? 9));
  return BigInt64Array.from(cells, (cell) => floorDivide(typeof cell === 'bigint' ? cell : 0n, unit));
}

function moments(cells: readonly (bigint | null)[], common: Common): Data<DataType> {
  return struct(common, epochMembers(cells));
}

function zonedMoments(cells: readonly (ZonedMoment | null)[], common: Common): Data<DataType> {
  const zones = Int32Array.from(cells, (cell) => (cell?.offsetMinutes ?? 0) + 1440);
  const zone = { name: 'timezone', data: makeData({ type: new Int32(), ...common, data: zones }) };
  return struct(common, [
    ...epochMembers(
      cells.map((cell) => cell?.nanos ?? null),
      common,
    ),
    zone,
  ]);
}

type Member = { readonly name: string; readonly data: Data<DataType> };

const nanosPerSecond = 1_000_000_000n;

function epochMembers(cells: readonly (bigint | null)[], common: Common = validity(cells)): readonly Member[] {
  const seconds = BigInt64Array.from(cells, (cell) => floorDivide(cell ?? 0n, nanosPerSecond));
  const fractions = Int32Array.from(cells, (cell) =>
    Number((cell ?? 0n) - floorDivide(cell ?? 0n, nanosPerSecond) * nanosPerSecond),
  );
  return [
    { name: 'epoch', data: makeData({ type: new Int64(), ...common, data: seconds }) },
    { name: 'fraction', data: makeData({ type: new Int32(), ...common, data: fractions }) },
  ];
}

/** Rounds towards minus infinity, so that the fraction of a moment before 1970 stays positive. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function struct(common: Common, members: readonly Member[]): Data<DataType> {
  const fields = members.map(({ name, data }) => new Field(name, data.type, true));
  // Of two pieces of one memory that follow each other the writer keeps one, so a child never shares its parent's bitmap.
  const nullBitmap = common.nullBitmap?.slice() ?? null;
  return makeData({ type: new Struct(fields), ...common, nullBitmap, children: members.map(({ data }) => data) });
}

function bytes(type: Binary | Utf8, values: readonly Uint8Array[], common: Common): Data<DataType> {
  const valueOffsets = new Int32Array(values.length + 1);
  values.forEach((value, index) => {
    valueOffsets[index + 1] = (valueOffsets[index] ?? 0) + value.length;
  });
  return makeData({ type: type as Utf8, ...common, valueOffsets, data: Buffer.concat(values) });
}
