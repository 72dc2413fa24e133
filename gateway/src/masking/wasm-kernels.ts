import { type HmacStates, TOKEN_BYTES } from './hmac-tokens.js';
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
import { CELL_ESCAPED, CELL_NULL } from './json-scan.js';
import type { Kernels, MaskedRowBytes, PlannedColumn } from './kernels.js';
import { malformedResult } from './masking-failed.js';
import type { PartialBytes } from './partial-bytes.js';
import type { MaskedTexts, Texts } from './texts.js';
import { typescriptKernels } from './typescript-kernels.js';
import { WasmMemory } from './wasm-memory.js';

/** More than this at once goes the slow way: the module's memory never shrinks again. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;
/** The scanner looks this far past the end. */
const SLACK_BYTES = 16;
const WORD = 4;
/** Kinds of `writeRows` (kernels/rows.ts). */
const MODE = { constant: 0, partial: 1, texts: 2, replaced: 3 } as const;
const MODE_WORDS = 4;
/** Results of `scanRows` (kernels/rows.ts). */
const REFUSALS: Readonly<Record<string, string>> = {
  '-1': 'a result part that is not rows of texts and nulls',
  '-2': 'a row has another length than its row type',
  '-3': 'a cell is neither a text nor null',
};

/** The loops of `kernels/`, compiled to WebAssembly. Throws when the module is not the one this file was written for. */
export function createWasmKernels(exports: Readonly<Record<string, unknown>>): Kernels {
  const wasm = new WasmMemory(exports);
  return {
    kind: 'wasm',
    maskRows: (bytes, columns, isContinued, into) =>
      bytes.length > MAX_INPUT_BYTES
        ? typescriptKernels.maskRows(bytes, columns, isContinued, into)
        : wasm.use(() => maskRows(wasm, { bytes, columns, isContinued, into })),
    maskPartialTexts: (partial, texts) =>
      texts.bytes.length > MAX_INPUT_BYTES
        ? typescriptKernels.maskPartialTexts(partial, texts)
        : wasm.use(() => maskPartialTexts(wasm, partial, texts)),
    hashTexts: (states, texts, keepsTokens) =>
      texts.bytes.length > MAX_INPUT_BYTES
        ? typescriptKernels.hashTexts(states, texts, keepsTokens)
        : wasm.use(() => hashTexts(wasm, states, texts, keepsTokens)),
  };
}

function maskPartialTexts(wasm: WasmMemory, partial: PartialBytes, { bytes, starts, ends, count }: Texts): MaskedTexts {
  const input = wasm.put(bytes);
  const [from, to] = [wasm.putWords(starts, count), wasm.putWords(ends, count)];
  const words = putPartial(wasm, partial, partial.hidden);
  let kept = 0;
  for (let row = 0; row < count; row += 1) kept += (ends[row] as number) - (starts[row] as number);
  const target = wasm.reserve(kept + count * partial.hidden.length);
  const offsets = wasm.reserve((count + 1) * WORD);
  const size = wasm.exports.maskPartialTexts(words, input, from, to, count, target, offsets);
  return { data: wasm.take(target, size), offsets: wasm.takeWords(offsets, count + 1) };
}

function putPartial(wasm: WasmMemory, partial: PartialBytes, hidden: Uint8Array): number {
  const middle = wasm.put(hidden);
  return wasm.putWords(
    Int32Array.of(partial.keepFirst, partial.keepLast, middle, hidden.length, partial.keepsHidden ? 1 : 0),
    5,
  );
}

function hashTexts(
  wasm: WasmMemory,
  states: HmacStates,
  { bytes, starts, ends, count }: Texts,
  keepsTokens: boolean,
): MaskedTexts {
  const input = wasm.put(bytes);
  const [from, to] = [wasm.putWords(starts, count), wasm.putWords(ends, count)];
  const target = hashInPlace(wasm, { input, from, to, count }, states, keepsTokens);
  return { data: wasm.take(target, count * TOKEN_BYTES), offsets: tokenOffsets(count) };
}

interface PlacedTexts {
  readonly input: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

function hashInPlace(wasm: WasmMemory, texts: PlacedTexts, { inner, outer }: HmacStates, keepsTokens: boolean): number {
  const key = wasm.putWords(Int32Array.of(...inner, ...outer), inner.length + outer.length);
  const target = wasm.reserve(texts.count * TOKEN_BYTES);
  wasm.exports.hashTexts(texts.input, texts.from, texts.to, texts.count, key, target, keepsTokens);
  wasm.clear(key, (inner.length + outer.length) * WORD);
  return target;
}

function tokenOffsets(count: number): Int32Array {
  const offsets = new Int32Array(count + 1);
  for (let index = 1; index <= count; index += 1) offsets[index] = index * TOKEN_BYTES;
  return offsets;
}

/** Where the scanner left the masked cells. */
interface Scan {
  readonly input: number;
  readonly starts: number;
  readonly ends: number;
  readonly kinds: number;
  readonly rows: number;
  readonly cells: number;
  readonly end: number;
}

interface RowsInput {
  readonly bytes: Uint8Array;
  readonly columns: readonly PlannedColumn[];
  readonly isContinued: boolean;
  readonly into: Uint8Array | undefined;
}

function maskRows(wasm: WasmMemory, { bytes, columns, isContinued, into }: RowsInput): MaskedRowBytes {
  const places = maskedPlaces(columns);
  const scan = scanRows(wasm, bytes, columns, places.length, isContinued);
  const { rows, end } = scan;
  if (places.length === 0) return { bytes: bytes.subarray(0, end), rows, end, hidden: [] };
  const replaced = replaceCells(wasm, bytes, scan, places);
  const modes = Int32Array.from(
    places.flatMap((place, index) => modeWords(wasm, bytes, scan, place, { index, of: places.length })),
  );
  const growth = places.reduce((sum, { mode }) => sum + growthOf(mode), 0) * rows + replaced.bytes;
  const target = wasm.reserve(end + growth);
  const counts = wasm.putWords(new Int32Array(places.length), places.length);
  const modesAt = wasm.putWords(modes, modes.length);
  const size = wasm.exports.writeRows(
    scan.input,
    end,
    scan.cells,
    places.length,
    scan.starts,
    scan.ends,
    scan.kinds,
    modesAt,
    replaced.words,
    counts,
    target,
  );
  return { bytes: wasm.take(target, size, into), rows, end, hidden: [...wasm.takeWords(counts, places.length)] };
}

function scanRows(
  wasm: WasmMemory,
  bytes: Uint8Array,
  columns: readonly PlannedColumn[],
  masked: number,
  isContinued: boolean,
): Scan {
  const width = columns.length;
  // The shortest row holds empty texts only.
  const shortestRow = 3 * width + 2;
  const capacity = (Math.floor((bytes.length + 1) / shortestRow) + 2) * masked;
  const input = wasm.reserve(bytes.length + SLACK_BYTES);
  const flags = wasm.put(Uint8Array.from(columns, ({ mode }) => (mode === undefined ? 0 : 1)));
  const [starts, ends] = [wasm.reserve(capacity * WORD), wasm.reserve(capacity * WORD)];
  const kinds = wasm.reserve(capacity);
  const found = wasm.reserve(3 * WORD);
  wasm.write(input, bytes);
  wasm.clear(input + bytes.length, SLACK_BYTES);
  const result = wasm.exports.scanRows(input, bytes.length, flags, width, isContinued, starts, ends, kinds, found);
  if (result < 0) throw malformedResult(REFUSALS[result] ?? 'a result part that cannot be read');
  const [rows = 0, cells = 0, end = 0] = wasm.takeWords(found, 3);
  return { input, starts, ends, kinds, rows, cells, end };
}

/** Cells that no loop takes, one behind the other in the order they are written. */
function replaceCells(
  wasm: WasmMemory,
  bytes: Uint8Array,
  { starts, ends, kinds, cells }: Scan,
  places: readonly MaskedPlace[],
): { readonly words: number; readonly bytes: number } {
  const isReplaced = places.map(({ mode }) => mode.kind === 'truncate' || mode.kind === 'bucket');
  const encoded: Uint8Array[] = [];
  const kindOf = wasm.take(kinds, cells);
  if (isReplaced.includes(true) || kindOf.includes(CELL_ESCAPED)) {
    const [from, to] = [wasm.takeWords(starts, cells), wasm.takeWords(ends, cells)];
    for (let cell = 0; cell < cells; cell += 1) {
      const index = cell % places.length;
      if (kindOf[cell] === CELL_NULL || (kindOf[cell] !== CELL_ESCAPED && isReplaced[index] !== true)) continue;
      const { planned } = places[index] as MaskedPlace;
      encoded.push(encodeByReference(planned, textAt(bytes, from[cell] as number, to[cell] as number)));
    }
  }
  const offsets = new Int32Array(encoded.length + 1);
  encoded.forEach((text, index) => {
    offsets[index + 1] = (offsets[index] as number) + text.length;
  });
  const data = Buffer.concat(encoded);
  return { words: wasm.putWords(textsWords(wasm, { data, offsets }), 3), bytes: data.length };
}

/** Three words of `takeText`: places of data and offsets, and the next text. */
function textsWords(wasm: WasmMemory, { data, offsets }: MaskedTexts): Int32Array {
  return Int32Array.of(wasm.put(data), wasm.putWords(offsets, offsets.length), 0);
}

/** The words that tell `writeRows` how one column writes its cells. */
function modeWords(
  wasm: WasmMemory,
  bytes: Uint8Array,
  scan: Scan,
  { mode }: MaskedPlace,
  position: { readonly index: number; readonly of: number },
): readonly number[] {
  const constant = (encoded: Uint8Array): readonly number[] => [MODE.constant, wasm.put(encoded), encoded.length, 0];
  switch (mode.kind) {
    case 'null':
      return constant(NULL_BYTES);
    case 'constant':
      return constant(encodeConstant(mode.constant));
    case 'partial':
      return [MODE.partial, putPartial(wasm, mode.partial, encodeHidden(mode.partial.hidden)), 0, 0];
    case 'hash': {
      const texts = plainTexts(wasm, scan, position);
      const data = hashInPlace(wasm, texts, mode.states, mode.keepsTokens);
      const offsets = tokenOffsets(texts.count);
      return [MODE.texts, data, wasm.putWords(offsets, offsets.length), 0];
    }
    case 'tokenize': {
      const { from, to, count } = plainTexts(wasm, scan, position);
      const texts = { bytes, starts: wasm.takeWords(from, count), ends: wasm.takeWords(to, count), count };
      return [MODE.texts, ...textsWords(wasm, mode.tokenizer.tokenizeTexts(texts))];
    }
    case 'truncate':
    case 'bucket':
      return [MODE.replaced, ...Array<number>(MODE_WORDS - 1).fill(0)];
  }
}

function plainTexts(
  wasm: WasmMemory,
  { input, starts, ends, kinds, rows, cells }: Scan,
  { index, of }: { readonly index: number; readonly of: number },
): PlacedTexts {
  const [from, to] = [wasm.reserve(rows * WORD), wasm.reserve(rows * WORD)];
  const count = wasm.exports.plainTexts(cells, index, of, starts, ends, kinds, from, to);
  return { input, from, to, count };
}
