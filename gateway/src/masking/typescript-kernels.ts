import { hashTexts } from './hmac-tokens.js';
import {
  encodeByReference,
  encodeConstant,
  encodeHidden,
  growthOf,
  type MaskedPlace,
  maskedPlaces,
  NULL_BYTES,
  textAt,
} from './json-cells.js';
import { CELL_ESCAPED, CELL_NULL, CELL_PLAIN, type ScannedRows, scanRows } from './json-scan.js';
import { type Kernels, type MaskedRowBytes, maskTexts, type TextMode } from './kernels.js';
import { maskPartialTexts, writePartial } from './partial-bytes.js';
import type { MaskedTexts, Texts } from './texts.js';

const QUOTE = 0x22;

/** The loops in plain TypeScript: the reference for the other ones, and what remains where WebAssembly cannot be had. */
export const typescriptKernels: Kernels = {
  kind: 'typescript',
  maskRows(bytes, columns, isContinued, into) {
    const flags = columns.map(({ mode }) => mode !== undefined);
    const places = maskedPlaces(columns);
    const source = asBytes(bytes);
    // What is read must not be overwritten yet.
    const free = into?.buffer === bytes.buffer ? undefined : into;
    return rewrite(source, scanRows(source, flags, isContinued), places, free);
  },
  maskPartialTexts,
  hashTexts,
};

/** Loops over bytes are fastest where they only ever see one class. */
function asBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes the masked form of one cell at `at`; gives where it ends. */
type CellWriter = (target: Uint8Array, at: number, cell: number) => number;

function rewrite(
  bytes: Uint8Array,
  scanned: ScannedRows,
  places: readonly MaskedPlace[],
  into: Uint8Array | undefined,
): MaskedRowBytes {
  const { rows, end } = scanned;
  if (places.length === 0) return { bytes: bytes.subarray(0, end), rows, end, hidden: [] };
  const escaped = maskEscaped(bytes, scanned, places);
  const writers = places.map((place, index) => writerOf(bytes, scanned, place, { index, of: places.length }));
  const growth = places.reduce((sum, { mode }) => sum + growthOf(mode), 0) * rows + escaped.growth;
  const target = asBytes(
    into !== undefined && into.length >= end + growth ? into : Buffer.allocUnsafeSlow(end + growth),
  );
  const hidden = places.map(() => 0);
  let copied = 0;
  let at = 0;
  for (let cell = 0, index = 0; cell < scanned.cells; cell += 1) {
    const kind = scanned.kinds[cell] as number;
    if (kind !== CELL_NULL) {
      at = copy(bytes, copied, scanned.starts[cell] as number, target, at);
      copied = scanned.ends[cell] as number;
      hidden[index] = (hidden[index] as number) + 1;
      if (kind === CELL_ESCAPED) at = append(target, at, escaped.cells.get(cell) ?? NULL_BYTES);
      else at = (writers[index] as CellWriter)(target, at, cell);
    }
    index = index + 1 === places.length ? 0 : index + 1;
  }
  at = copy(bytes, copied, end, target, at);
  return { bytes: target.subarray(0, at), rows, end, hidden };
}

/** Cells with escapes are few: each is decoded, masked by the reference and encoded. */
function maskEscaped(
  bytes: Uint8Array,
  { cells, kinds, starts, ends }: ScannedRows,
  places: readonly MaskedPlace[],
): { readonly cells: ReadonlyMap<number, Uint8Array>; readonly growth: number } {
  const replaced = new Map<number, Uint8Array>();
  let growth = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    if (kinds[cell] !== CELL_ESCAPED) continue;
    const { planned } = places[cell % places.length] as MaskedPlace;
    const encoded = encodeByReference(planned, textAt(bytes, starts[cell] as number, ends[cell] as number));
    replaced.set(cell, encoded);
    growth += encoded.length;
  }
  return { cells: replaced, growth };
}

function writerOf(
  bytes: Uint8Array,
  scanned: ScannedRows,
  { planned, mode }: MaskedPlace,
  position: { readonly index: number; readonly of: number },
): CellWriter {
  const { starts, ends } = scanned;
  switch (mode.kind) {
    case 'null':
      return (target, at) => append(target, at, NULL_BYTES);
    case 'constant': {
      const encoded = asBytes(encodeConstant(mode.constant));
      return (target, at) => append(target, at, encoded);
    }
    case 'partial': {
      const partial = { ...mode.partial, hidden: asBytes(encodeHidden(mode.partial.hidden)) };
      return (target, at, cell) => {
        target[at] = QUOTE;
        const span = { start: (starts[cell] as number) + 1, end: (ends[cell] as number) - 1 };
        const to = writePartial(partial, bytes, span.start, span.end, target, at + 1);
        target[to] = QUOTE;
        return to + 1;
      };
    }
    case 'hash':
    case 'tokenize':
      return batchWriter(bytes, scanned, mode, position);
    case 'truncate':
    case 'bucket':
      return (target, at, cell) => {
        const quoted = textAt(bytes, starts[cell] as number, ends[cell] as number);
        return append(target, at, encodeByReference(planned, quoted));
      };
  }
}

/** All plain texts of the column at once; the writer then takes them one after the other. */
function batchWriter(
  bytes: Uint8Array,
  scanned: ScannedRows,
  mode: TextMode,
  { index, of }: { readonly index: number; readonly of: number },
): CellWriter {
  const masked = maskTexts(typescriptKernels, mode, plainTexts(bytes, scanned, index, of));
  let next = 0;
  return (target, at) => {
    target[at] = QUOTE;
    const to = appendText(target, at + 1, masked, next++);
    target[to] = QUOTE;
    return to + 1;
  };
}

function plainTexts(bytes: Uint8Array, scanned: ScannedRows, index: number, of: number): Texts {
  const starts = new Int32Array(scanned.rows);
  const ends = new Int32Array(scanned.rows);
  let count = 0;
  for (let cell = index; cell < scanned.cells; cell += of) {
    if (scanned.kinds[cell] !== CELL_PLAIN) continue;
    starts[count] = (scanned.starts[cell] as number) + 1;
    ends[count] = (scanned.ends[cell] as number) - 1;
    count += 1;
  }
  return { bytes, starts, ends, count };
}

function appendText(target: Uint8Array, at: number, { data, offsets }: MaskedTexts, index: number): number {
  return copy(data, offsets[index] as number, offsets[index + 1] as number, target, at);
}

function append(target: Uint8Array, at: number, bytes: Uint8Array): number {
  return copy(bytes, 0, bytes.length, target, at);
}

/** Short copies are cheaper by hand than by a call. */
const SHORT_COPY_BYTES = 64;

function copy(from: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const length = end - start;
  if (length > SHORT_COPY_BYTES) target.set(from.subarray(start, end), at);
  else for (let index = 0; index < length; index += 1) target[at + index] = from[start + index] as number;
  return at + length;
}
