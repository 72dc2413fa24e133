import { isUtf8 } from 'node:buffer';
import type { MaskedRowBytes } from './kernels.js';
import { countsOf, type MaskedCount, type MaskPlan } from './mask-plan.js';
import { MaskingFailed, malformedResult } from './masking-failed.js';

export interface MaskedJson {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** One entry per obligation, in their order; NULLs are not counted. */
  readonly counts: readonly MaskedCount[];
}

const OPEN = 0x5b;
const CLOSE = 0x5d;
/** Bytes masked at once: larger pieces only cost more memory. */
const PIECE_BYTES = 16 * 1024 * 1024;

/**
 * Masks the body of a result chunk: rows separated by commas, without the outer brackets. What no mask touches passes byte
 * for byte. Throws `MaskingFailed` for anything that is not rows of this plan's width made of strings and nulls.
 *
 * `into` is memory the result may be put into, since touching fresh memory costs more than masking; the result is then a view
 * of it. It may be `bytes` itself, whose content is then lost.
 */
export function maskJsonRows(bytes: Uint8Array, plan: MaskPlan, into?: Uint8Array): MaskedJson {
  let stop = bytes.length;
  while (stop > 0 && isBlankByte(bytes[stop - 1])) stop -= 1;
  const blanks = Uint8Array.from(bytes.subarray(stop));
  const { pieces, end, rows, hidden } = maskPieces(bytes.subarray(0, stop), plan, into);
  if (end !== stop) throw malformedResult('a result part that ends within a row');
  if (blanks.length > 0) pieces.push(blanks);
  const [only] = pieces;
  const whole = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  return { bytes: whole, rows, counts: countsOf(plan, perColumn(plan, hidden)) };
}

/** The same for an inline `rowset`: the array with its brackets. */
export function maskJsonRowset(bytes: Uint8Array, plan: MaskPlan): MaskedJson {
  let start = 0;
  let end = bytes.length;
  while (isBlankByte(bytes[start])) start += 1;
  while (end > start && isBlankByte(bytes[end - 1])) end -= 1;
  if (end - start < 2 || bytes[start] !== OPEN || bytes[end - 1] !== CLOSE) {
    throw malformedResult('a rowset that is no array');
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
  let hidden: readonly number[] = [];
  return {
    push(piece) {
      const bytes = carried.length === 0 ? piece : Buffer.concat([carried, piece]);
      const masked = maskRows(bytes, plan, rows > 0);
      if (bytes.length - masked.end > maxRowBytes) throw new MaskingFailed('a row longer than the gateway takes');
      carried = Uint8Array.from(bytes.subarray(masked.end));
      rows += masked.rows;
      hidden = sum(hidden, masked.hidden);
      return masked.bytes.buffer === bytes.buffer ? Uint8Array.from(masked.bytes) : masked.bytes;
    },
    end() {
      if (!isBlank(carried, 0)) throw malformedResult('a result part that ends within a row');
      return { rows, counts: countsOf(plan, perColumn(plan, hidden)) };
    },
  };
}

interface MaskedPieces {
  readonly pieces: Uint8Array[];
  readonly end: number;
  readonly rows: number;
  readonly hidden: readonly number[];
}

function maskPieces(bytes: Uint8Array, plan: MaskPlan, into?: Uint8Array): MaskedPieces {
  const pieces: Uint8Array[] = [];
  let hidden: readonly number[] = [];
  let rows = 0;
  let at = 0;
  for (let size = PIECE_BYTES; ; ) {
    const isLast = at + size >= bytes.length;
    const masked = maskRows(bytes.subarray(at, at + size), plan, rows > 0, at === 0 && isLast ? into : undefined);
    pieces.push(masked.bytes);
    hidden = sum(hidden, masked.hidden);
    rows += masked.rows;
    at += masked.end;
    if (isLast) return { pieces, end: at, rows, hidden };
    // A row as long as the piece itself needs a longer one.
    size = masked.end === 0 ? size * 2 : PIECE_BYTES;
  }
}

function maskRows(bytes: Uint8Array, plan: MaskPlan, isContinued: boolean, into?: Uint8Array): MaskedRowBytes {
  // A piece may end within a character, but no row ends behind the last bracket.
  if (!isUtf8(bytes.subarray(0, bytes.lastIndexOf(CLOSE) + 1))) {
    throw malformedResult('a result part that is not UTF-8');
  }
  return plan.kernels.maskRows(bytes, plan.columns, isContinued, into);
}

const sum = (one: readonly number[], other: readonly number[]): readonly number[] =>
  other.map((value, index) => value + (one[index] ?? 0));

/** Counts of masked columns spread over all columns. */
function perColumn({ columns }: MaskPlan, hidden: readonly number[]): readonly number[] {
  let place = 0;
  return columns.map(({ mode }) => (mode === undefined ? 0 : (hidden[place++] ?? 0)));
}

const isBlankByte = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function isBlank(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) if (!isBlankByte(bytes[at])) return false;
  return true;
}
