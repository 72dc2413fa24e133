import { isUtf8 } from 'node:buffer';
import { type ArrowColumn, bitmapBytes } from './arrow-batch.js';
import { malformedArrow } from './arrow-flatbuffer.js';
import { type ColumnInput, isValid, type Validity } from './arrow-input.js';
import { type MaskedColumn, nullOut } from './arrow-null-out.js';
import { maskScalars } from './arrow-scalars.js';
import { maskTexts } from './kernels.js';
import type { MaskedTexts, Texts } from './texts.js';

/** One column of a batch under its mask, in new buffers of the same layout. */
export function maskArrowColumn(input: ColumnInput): MaskedColumn {
  const { field, mode, array, rows } = input;
  const validity = validityOf(array, rows);
  if (mode.kind === 'null') return nullOut(field.layout, rows, validity.values);
  const { layout } = field;
  if (mode.kind === 'constant' && mode.constant.kind === 'text' && layout.kind === 'utf8') {
    return repeatBytes(Buffer.from(mode.constant.text), validity);
  }
  if (mode.kind === 'partial' || mode.kind === 'hash' || mode.kind === 'tokenize') {
    if (layout.kind !== 'utf8') throw malformedArrow('a text in another form');
    return assembleTexts(maskTexts(input.kernels, mode, textsOf(array, validity)), validity);
  }
  return maskScalars(input, validity);
}

/** The texts of a column of utf8 that are not NULL. */
export function readTexts(array: ArrowColumn, rows: number): Texts {
  return textsOf(array, validityOf(array, rows));
}

/** The bitmap must hold as many nulls as announced: readers trust one or the other. */
function validityOf(array: ArrowColumn, rows: number): Validity {
  const nullCount = array.nodes[0]?.nullCount ?? 0;
  const bitmap = array.buffers[0]?.bytes;
  if (nullCount === 0 || bitmap === undefined) return { bitmap: undefined, rows, values: rows };
  const validity = { bitmap: cleanBitmap(bitmap, rows), rows, values: rows - nullCount };
  let found = 0;
  for (let row = 0; row < rows; row += 1) if (isValid(validity, row)) found += 1;
  if (found !== validity.values) throw malformedArrow('another number of nulls than announced');
  return validity;
}

/** A copy without what may lie behind the last row. */
function cleanBitmap(bitmap: Uint8Array, rows: number): Uint8Array {
  const clean = Uint8Array.from(bitmap.subarray(0, bitmapBytes(rows)));
  const rest = rows & 7;
  if (rest !== 0) clean[clean.length - 1] = (clean[clean.length - 1] as number) & ((1 << rest) - 1);
  return clean;
}

/** The values that are not NULL. Offsets must rise within the data, and every value must be UTF-8 by itself. */
function textsOf(array: ArrowColumn, validity: Validity): Texts {
  const { rows, values } = validity;
  const data = array.buffers[2]?.bytes ?? new Uint8Array();
  const offsets = offsetsOf(array.buffers[1]?.bytes ?? new Uint8Array(), rows);
  let last = rows === 0 ? 0 : (offsets[0] as number);
  if (last < 0) throw malformedArrow('a text out of bounds');
  const first = last;
  for (let row = 1; row <= rows; row += 1) {
    const next = offsets[row] as number;
    if (next < last) throw malformedArrow('a text that ends before it begins');
    last = next;
  }
  if (last > data.length) throw malformedArrow('a text out of bounds');
  if (!isUtf8(data.subarray(first, last))) throw malformedArrow('a text that is not UTF-8');
  for (let row = 0; row <= rows; row += 1) {
    const at = offsets[row] as number;
    if (at < last && ((data[at] as number) & 0xc0) === 0x80) throw malformedArrow('a text that is not UTF-8');
  }
  if (validity.bitmap === undefined) {
    return { bytes: data, starts: offsets, ends: offsets.subarray(Math.min(1, offsets.length)), count: rows };
  }
  const starts = new Int32Array(values);
  const ends = new Int32Array(values);
  for (let row = 0, value = 0; row < rows; row += 1) {
    if (!isValid(validity, row)) continue;
    starts[value] = offsets[row] as number;
    ends[value++] = offsets[row + 1] as number;
  }
  return { bytes: data, starts, ends, count: values };
}

const OFFSET_BYTES = 4;

function offsetsOf(bytes: Uint8Array, rows: number): Int32Array {
  const length = rows === 0 ? 0 : rows + 1;
  if (bytes.byteOffset % OFFSET_BYTES === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, length);
  return new Int32Array(Uint8Array.from(bytes.subarray(0, length * OFFSET_BYTES)).buffer);
}

function repeatBytes(bytes: Uint8Array, validity: Validity): MaskedColumn {
  const data = new Uint8Array(bytes.length * validity.values);
  const offsets = new Int32Array(validity.values + 1);
  if (data.length > 0) data.set(bytes);
  // Doubling: each copy takes all that stands already.
  for (let filled = bytes.length; filled < data.length && filled > 0; filled *= 2) data.copyWithin(filled, 0, filled);
  for (let value = 1; value <= validity.values; value += 1) offsets[value] = value * bytes.length;
  return assembleTexts({ data, offsets }, validity);
}

/** Spreads offsets of values over rows: a NULL is as long as nothing. */
function assembleTexts({ data, offsets }: MaskedTexts, validity: Validity): MaskedColumn {
  const { bitmap, rows, values } = validity;
  let spread = offsets;
  if (bitmap !== undefined) {
    spread = new Int32Array(rows + 1);
    for (let row = 0, value = 0; row < rows; row += 1) {
      if (isValid(validity, row)) value += 1;
      spread[row + 1] = offsets[value] as number;
    }
  }
  const offsetBytes = new Uint8Array(spread.buffer, spread.byteOffset, spread.byteLength);
  return {
    nodes: [{ length: rows, nullCount: rows - values }],
    buffers: [bitmap ?? new Uint8Array(), offsetBytes, data],
    values,
  };
}
