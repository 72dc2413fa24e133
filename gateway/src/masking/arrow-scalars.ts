import { type ArrowColumn, bitmapBytes } from './arrow-batch.js';
import { malformedArrow } from './arrow-flatbuffer.js';
import { type ColumnInput, isValid, type Validity } from './arrow-input.js';
import { type MaskedColumn, nullOut } from './arrow-null-out.js';
import type { ArrowLayout } from './arrow-schema.js';
import { checkScale, type MomentLayout, momentLayout } from './arrow-types.js';
import type { TypedConstant } from './constant.js';
import { momentUnits, OFFSET_BASE_MINUTES } from './mask-cell.js';
import {
  bucketReal,
  bucketUnscaled,
  floorDivide,
  type TruncationUnit,
  truncateDays,
  truncateSeconds,
  unscaledSize,
} from './scalars.js';
import { scaleOf } from './value-type.js';

/** Numbers, dates and moments: values of fixed width, in one buffer or one per member. */
export function maskScalars(input: ColumnInput, validity: Validity): MaskedColumn {
  const { field, column, mode, array, rows } = input;
  if (column.type !== 'real' && column.type !== 'date' && column.type !== 'boolean') checkScale(field, column);
  const writer = writerOf(input);
  if (writer === undefined) return nullOut(field.layout, rows, validity.values);
  const members = membersOf(field.layout, array);
  const targets = members.map((member) => ({ ...member, target: new Uint8Array(member.width * rows) }));
  if (mode.kind === 'constant' && field.layout.kind === 'bool') return repeatBit(mode.constant, validity);
  const sources = targets.map(({ source }) => viewOf(source));
  const views = targets.map(({ target }) => viewOf(target));
  const bitmap = new Uint8Array(bitmapBytes(rows));
  let kept = 0;
  for (let row = 0; row < rows; row += 1) {
    if (!isValid(validity, row) || !writer(sources, views, row)) continue;
    bitmap[row >> 3] = (bitmap[row >> 3] as number) | (1 << (row & 7));
    kept += 1;
  }
  const node = { length: rows, nullCount: rows - kept };
  const validBits = (): Uint8Array => (kept === rows ? new Uint8Array() : Uint8Array.from(bitmap));
  const values = targets.map(({ target }) => target);
  if (field.layout.kind !== 'struct') {
    return { nodes: [node], buffers: [validBits(), ...values], values: validity.values };
  }
  return {
    nodes: [node, ...values.map(() => node)],
    buffers: [validBits(), ...values.flatMap((target) => [validBits(), target])],
    values: validity.values,
  };
}

interface Member {
  readonly width: number;
  readonly source: Uint8Array;
}

/** The value buffers of a column: one, or one for each member of a struct. */
function membersOf(layout: ArrowLayout, { buffers }: ArrowColumn): readonly Member[] {
  if (layout.kind !== 'struct') return [{ width: widthOf(layout), source: buffers[1]?.bytes ?? new Uint8Array() }];
  return layout.children.map((child, index) => ({
    width: widthOf(child),
    source: buffers[2 + index * 2]?.bytes ?? new Uint8Array(),
  }));
}

function widthOf(layout: ArrowLayout): number {
  switch (layout.kind) {
    case 'int':
    case 'float':
      return layout.bytes;
    case 'decimal128':
      return DECIMAL_BYTES;
    case 'date32':
      return 4;
    case 'bool':
      return 0;
    case 'utf8':
    case 'binary':
    case 'struct':
    case 'list':
    case 'fixed-list':
      throw malformedArrow('a number in another form');
  }
}

const DECIMAL_BYTES = 16;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Writes the masked value of `row` into the targets' zeros; false leaves NULL there. */
type RowWriter = (sources: readonly DataView[], targets: readonly DataView[], row: number) => boolean;

/** Undefined where the layout cannot hold what the mask gives: all of it becomes NULL. */
function writerOf({ field, column, mode }: ColumnInput): RowWriter | undefined {
  const { layout } = field;
  if (mode.kind === 'constant') return constantWriter(mode.constant, layout, column.type);
  if (mode.kind === 'bucket') {
    if (layout.kind === 'float') return realBucket(mode.size, layout.bytes);
    const size = unscaledSize(mode.size, scaleOf(column));
    return size === undefined || size <= 0n ? undefined : fixedBucket(size, layout);
  }
  if (mode.kind !== 'truncate') return undefined;
  const { unit } = mode;
  if (layout.kind === 'date32') {
    return ([source], [target], row) => {
      const days = truncateDays(source?.getInt32(row * 4, true) ?? 0, unit);
      // 32 bits hold less than the calendar does.
      if (days === undefined || (days | 0) !== days) return false;
      target?.setInt32(row * 4, days, true);
      return true;
    };
  }
  if (column.type === 'time') return truncateTimes(layout, unit, 10n ** BigInt(scaleOf(column)));
  const moments = momentLayout(column.type, layout);
  return moments === undefined ? undefined : truncateMoments(moments, unit, 10n ** BigInt(scaleOf(column)));
}

function truncateTimes(layout: ArrowLayout, unit: TruncationUnit, unitsPerSecond: bigint): RowWriter {
  return ([source], [target], row) => {
    if (source === undefined || target === undefined) return false;
    const seconds = Number(floorDivide(readUnits(source, layout, row), unitsPerSecond));
    const start = truncateSeconds(seconds, unit);
    return start !== undefined && writeUnits(target, layout, row, BigInt(start) * unitsPerSecond);
  };
}

function truncateMoments(layout: MomentLayout, unit: TruncationUnit, unitsPerSecond: bigint): RowWriter {
  const hasFraction = layout.kind === 'struct' && layout.fraction !== undefined;
  const timezone = layout.kind === 'struct' ? layout.timezone : undefined;
  // With a fraction of its own, the epoch counts seconds.
  const perSecond = hasFraction ? 1n : unitsPerSecond;
  return (sources, targets, row) => {
    const units = sources[0]?.getBigInt64(row * 8, true) ?? 0n;
    const seconds = Number(floorDivide(units, perSecond));
    const zone = timezone === undefined ? undefined : (sources[timezone]?.getInt32(row * 4, true) ?? 0);
    const offset = zone === undefined ? 0 : (zone - OFFSET_BASE_MINUTES) * 60;
    const start = truncateSeconds(seconds, unit, offset);
    if (start === undefined) return false;
    const begun = BigInt(start) * perSecond;
    if (BigInt.asIntN(64, begun) !== begun) return false;
    targets[0]?.setBigInt64(row * 8, begun, true);
    if (timezone !== undefined && zone !== undefined) targets[timezone]?.setInt32(row * 4, zone, true);
    return true;
  };
}

function realBucket(size: number, bytes: 4 | 8): RowWriter {
  return ([source], [target], row) => {
    const value = bytes === 8 ? source?.getFloat64(row * 8, true) : source?.getFloat32(row * 4, true);
    const bound = bucketReal(value ?? Number.NaN, size);
    if (bound === undefined) return false;
    if (bytes === 8) target?.setFloat64(row * 8, bound, true);
    else target?.setFloat32(row * 4, bound, true);
    return true;
  };
}

function fixedBucket(size: bigint, layout: ArrowLayout): RowWriter {
  return ([source], [target], row) =>
    source !== undefined &&
    target !== undefined &&
    writeUnits(target, layout, row, bucketUnscaled(readUnits(source, layout, row), size));
}

function readUnits(view: DataView, layout: ArrowLayout, row: number): bigint {
  if (layout.kind === 'decimal128') {
    const at = row * DECIMAL_BYTES;
    return (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true);
  }
  switch (layout.kind === 'int' ? layout.bytes : undefined) {
    case 1:
      return BigInt(view.getInt8(row));
    case 2:
      return BigInt(view.getInt16(row * 2, true));
    case 4:
      return BigInt(view.getInt32(row * 4, true));
    case 8:
      return view.getBigInt64(row * 8, true);
    case undefined:
      throw malformedArrow('a number in another form');
  }
}

/** False when the number does not fit the width this part of the result happens to have. */
function writeUnits(view: DataView, layout: ArrowLayout, row: number, value: bigint): boolean {
  const width = widthOf(layout);
  if (BigInt.asIntN(width * 8, value) !== value) return false;
  if (width === DECIMAL_BYTES) {
    view.setBigUint64(row * DECIMAL_BYTES, BigInt.asUintN(64, value), true);
    view.setBigInt64(row * DECIMAL_BYTES + 8, value >> 64n, true);
  } else if (width === 8) view.setBigInt64(row * 8, value, true);
  else if (width === 4) view.setInt32(row * 4, Number(value), true);
  else if (width === 2) view.setInt16(row * 2, Number(value), true);
  else view.setInt8(row, Number(value));
  return true;
}

function constantWriter(constant: TypedConstant, layout: ArrowLayout, type: string): RowWriter | undefined {
  switch (constant.kind) {
    case 'fixed':
      return layout.kind === 'int' || layout.kind === 'decimal128' ? units(constant.unscaled, layout) : undefined;
    case 'real':
      if (layout.kind !== 'float') return undefined;
      return (_, [target], row) => {
        if (layout.bytes === 8) target?.setFloat64(row * 8, constant.number, true);
        else target?.setFloat32(row * 4, constant.number, true);
        return true;
      };
    case 'date':
      return (_, [target], row) => {
        target?.setInt32(row * 4, constant.days, true);
        return true;
      };
    case 'boolean':
      return layout.kind === 'bool' ? () => true : undefined;
    case 'moment':
      return layout.kind === 'int' ? units(momentUnits(constant), layout) : momentWriter(constant, layout, type);
    case 'text':
      return undefined;
  }
}

function units(value: bigint, layout: ArrowLayout): RowWriter {
  return (_, [target], row) => target !== undefined && writeUnits(target, layout, row, value);
}

const NANOS_PER_SECOND = 1_000_000_000n;

function momentWriter(
  constant: TypedConstant & { readonly kind: 'moment' },
  layout: ArrowLayout,
  type: string,
): RowWriter | undefined {
  const moments = momentLayout(type, layout);
  if (moments?.kind !== 'struct') return undefined;
  const { fraction, timezone } = moments;
  const scaled = momentUnits(constant);
  const nanos = scaled * 10n ** BigInt(Math.max(0, 9 - constant.scale));
  const seconds = floorDivide(nanos, NANOS_PER_SECOND);
  return (_, targets, row) => {
    targets[0]?.setBigInt64(row * 8, fraction === undefined ? scaled : seconds, true);
    if (fraction !== undefined) {
      targets[fraction]?.setInt32(row * 4, Number(nanos - seconds * NANOS_PER_SECOND), true);
    }
    if (timezone !== undefined) {
      targets[timezone]?.setInt32(row * 4, (constant.offsetMinutes ?? 0) + OFFSET_BASE_MINUTES, true);
    }
    return true;
  };
}

function repeatBit(constant: TypedConstant, validity: Validity): MaskedColumn {
  const { rows, values } = validity;
  const isTrue = constant.kind === 'boolean' && constant.isTrue;
  const bits = new Uint8Array(bitmapBytes(rows));
  for (let row = 0; row < rows; row += 1) {
    if (isTrue && isValid(validity, row)) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  }
  const bitmap = values === rows ? new Uint8Array() : (validity.bitmap ?? new Uint8Array());
  return { nodes: [{ length: rows, nullCount: rows - values }], buffers: [bitmap, bits], values };
}
