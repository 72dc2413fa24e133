import { isUtf8 } from 'node:buffer';
import { TOKEN_BYTES } from './hmac-tokens.js';
import { CELL_ESCAPED, CELL_NULL, CELL_PLAIN, type ScannedRows, scanRows } from './json-scan.js';
import { constantText } from './mask-cell.js';
import {
  countsOf,
  type MaskedCount,
  type MaskPlan,
  maskTexts,
  type PlannedColumn,
  type TextMode,
} from './mask-plan.js';
import { MaskingFailed } from './masking-failed.js';
import { writePartial } from './partial-bytes.js';
import type { MaskedTexts, Texts } from './texts.js';

export interface MaskedJson {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** One entry per obligation, in their order; NULLs are not counted. */
  readonly counts: readonly MaskedCount[];
}

const NULL_BYTES = Buffer.from('null', 'latin1');
const QUOTE = 0x22;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/**
 * Masks the body of a result chunk: rows separated by commas, without the outer brackets. What no mask touches passes byte
 * for byte. Throws `MaskingFailed` for anything that is not rows of this plan's width made of strings and nulls.
 */
export function maskJsonRows(bytes: Uint8Array, plan: MaskPlan): MaskedJson {
  const scanned = scan(bytes, plan, false);
  if (!isBlank(bytes, scanned.end)) throw new MaskingFailed('a result part that ends within a row');
  return { ...rewrite(bytes, scanned, plan, bytes.length), rows: scanned.rows };
}

/** The same for an inline `rowset`: the array with its brackets. */
export function maskJsonRowset(bytes: Uint8Array, plan: MaskPlan): MaskedJson {
  let start = 0;
  let end = bytes.length;
  while (isBlankByte(bytes[start])) start += 1;
  while (end > start && isBlankByte(bytes[end - 1])) end -= 1;
  if (end - start < 2 || bytes[start] !== OPEN || bytes[end - 1] !== CLOSE) {
    throw new MaskingFailed('a rowset that is no array');
  }
  const inner = maskJsonRows(bytes.subarray(start + 1, end - 1), plan);
  const whole = Buffer.allocUnsafeSlow(inner.bytes.length + 2);
  whole[0] = OPEN;
  whole.set(inner.bytes, 1);
  whole[whole.length - 1] = CLOSE;
  return { ...inner, bytes: whole };
}

export interface JsonRowStream {
  /** Masks every row that is complete by now. The bytes given are not kept beyond the call. */
  push(piece: Uint8Array): Uint8Array;
  /** Throws `MaskingFailed` when the last row is not complete. */
  end(): { readonly rows: number; readonly counts: readonly MaskedCount[] };
}

/** The body of a chunk in pieces, as `maskJsonRows` masks it. A row longer than `maxRowBytes` is refused. */
export function createJsonRowStream(plan: MaskPlan, maxRowBytes: number): JsonRowStream {
  let carried: Uint8Array = new Uint8Array();
  let rows = 0;
  let hidden = plan.obligations.map(() => 0);
  return {
    push(piece) {
      const bytes = carried.length === 0 ? piece : Buffer.concat([carried, piece]);
      const scanned = scan(bytes, plan, rows > 0);
      if (bytes.length - scanned.end > maxRowBytes) throw new MaskingFailed('a row longer than the gateway takes');
      carried = Uint8Array.from(bytes.subarray(scanned.end));
      rows += scanned.rows;
      const masked = rewrite(bytes, scanned, plan, scanned.end);
      hidden = hidden.map((values, index) => values + (masked.counts[index]?.values ?? 0));
      return masked.bytes;
    },
    end() {
      if (!isBlank(carried, 0)) throw new MaskingFailed('a result part that ends within a row');
      const perColumn: number[] = [];
      plan.obligations.forEach(({ index }, place) => {
        perColumn[index] = hidden[place] ?? 0;
      });
      return { rows, counts: countsOf(plan, perColumn) };
    },
  };
}

function scan(bytes: Uint8Array, plan: MaskPlan, isContinued: boolean): ScannedRows {
  const scanned = scanRows(
    bytes,
    plan.columns.map(({ mode }) => mode !== undefined),
    isContinued,
  );
  if (!isUtf8(bytes.subarray(0, scanned.end))) throw new MaskingFailed('a result part that is not UTF-8');
  return scanned;
}

const isBlankByte = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function isBlank(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) if (!isBlankByte(bytes[at])) return false;
  return true;
}

/** Writes the masked form of one cell at `at`; gives where it ends. */
type CellWriter = (target: Uint8Array, at: number, cell: number) => number;

interface Writer {
  readonly write: CellWriter;
  /** Bytes by which one cell can grow at most. */
  readonly growth: number;
}

function rewrite(
  bytes: Uint8Array,
  scanned: ScannedRows,
  plan: MaskPlan,
  end: number,
): { bytes: Uint8Array; counts: readonly MaskedCount[] } {
  const masked = plan.columns.flatMap((column, index) => (column.mode === undefined ? [] : [{ column, index }]));
  if (masked.length === 0) return { bytes: bytes.subarray(0, end), counts: [] };
  const escaped = maskEscaped(bytes, scanned, masked);
  const writers = masked.map(({ column }, place) => writerOf(bytes, scanned, column, { place, of: masked.length }));
  const growth = writers.reduce((sum, writer) => sum + writer.growth, 0) * scanned.rows;
  const target = Buffer.allocUnsafeSlow(end + growth + escaped.growth);
  const hidden = masked.map(() => 0);
  let copied = 0;
  let at = 0;
  for (let cell = 0, place = 0; cell < scanned.cells; cell += 1) {
    const start = scanned.starts[cell] as number;
    const kind = scanned.kinds[cell] as number;
    if (kind !== CELL_NULL) {
      at = copy(bytes, copied, start, target, at);
      copied = scanned.ends[cell] as number;
      hidden[place] = (hidden[place] as number) + 1;
      if (kind === CELL_ESCAPED) at = append(target, at, escaped.cells.get(cell) ?? NULL_BYTES);
      else at = (writers[place] as Writer).write(target, at, cell);
    }
    place = place + 1 === masked.length ? 0 : place + 1;
  }
  at = copy(bytes, copied, end, target, at);
  const perColumn: number[] = [];
  masked.forEach(({ index }, place) => {
    perColumn[index] = hidden[place] ?? 0;
  });
  return { bytes: target.subarray(0, at), counts: countsOf(plan, perColumn) };
}

/** Cells with escapes are few: each is decoded, masked by the reference and encoded. */
function maskEscaped(
  bytes: Uint8Array,
  { cells, kinds, starts, ends }: ScannedRows,
  masked: readonly { readonly column: PlannedColumn }[],
): { readonly cells: ReadonlyMap<number, Uint8Array>; readonly growth: number } {
  const replaced = new Map<number, Uint8Array>();
  let growth = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    if (kinds[cell] !== CELL_ESCAPED) continue;
    const column = masked[cell % masked.length]?.column;
    const quoted = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      'utf8',
      starts[cell],
      ends[cell],
    );
    const encoded = Buffer.from(JSON.stringify(column?.maskCell(String(JSON.parse(quoted))) ?? null));
    replaced.set(cell, encoded);
    growth += encoded.length;
  }
  return { cells: replaced, growth };
}

function writerOf(
  bytes: Uint8Array,
  scanned: ScannedRows,
  { mode, maskCell }: PlannedColumn,
  position: { readonly place: number; readonly of: number },
): Writer {
  switch (mode?.kind) {
    case undefined:
    case 'null':
      return constantWriter(NULL_BYTES);
    case 'constant':
      return constantWriter(Buffer.from(JSON.stringify(constantText(mode.constant))));
    case 'partial': {
      // What is kept stood in JSON already; the replacement did not.
      const hidden = Buffer.from(JSON.stringify(Buffer.from(mode.partial.hidden).toString()).slice(1, -1));
      const partial = { ...mode.partial, hidden };
      return {
        growth: hidden.length,
        write: (target, at, cell) => {
          target[at] = QUOTE;
          const [start, end] = [(scanned.starts[cell] as number) + 1, (scanned.ends[cell] as number) - 1];
          const to = writePartial(partial, bytes, start, end, target, at + 1);
          target[to] = QUOTE;
          return to + 1;
        },
      };
    }
    case 'hash':
    case 'tokenize':
      return batchWriter(bytes, scanned, mode, position);
    case 'truncate':
    case 'bucket': {
      const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return {
        growth: LONGEST_SCALAR_BYTES,
        write: (target, at, cell) => {
          const text = source.toString(
            'latin1',
            (scanned.starts[cell] as number) + 1,
            (scanned.ends[cell] as number) - 1,
          );
          const masked = maskCell(text);
          return append(target, at, masked === null ? NULL_BYTES : Buffer.from(`"${masked}"`, 'latin1'));
        },
      };
    }
  }
}

/** Room for a number or moment that a shorter one became. */
const LONGEST_SCALAR_BYTES = 64;

function constantWriter(encoded: Uint8Array): Writer {
  return { growth: encoded.length, write: (target, at) => append(target, at, encoded) };
}

/** All plain texts of the column at once; the writer then takes them one after the other. */
function batchWriter(
  bytes: Uint8Array,
  scanned: ScannedRows,
  mode: TextMode,
  { place, of }: { readonly place: number; readonly of: number },
): Writer {
  const texts = plainTexts(bytes, scanned, place, of);
  const masked = maskTexts(mode, texts);
  let next = 0;
  return {
    growth: TOKEN_BYTES + 2,
    write: (target, at) => {
      target[at] = QUOTE;
      const to = appendText(target, at + 1, masked, next++);
      target[to] = QUOTE;
      return to + 1;
    },
  };
}

function plainTexts(bytes: Uint8Array, scanned: ScannedRows, place: number, of: number): Texts {
  const starts = new Int32Array(scanned.rows);
  const ends = new Int32Array(scanned.rows);
  let count = 0;
  for (let cell = place; cell < scanned.cells; cell += of) {
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
