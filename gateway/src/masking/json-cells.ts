import type { TypedConstant } from './constant.js';
import { TOKEN_BYTES } from './hmac-tokens.js';
import type { ColumnMode, PlannedColumn } from './kernels.js';
import { constantText } from './mask-cell.js';

export const NULL_BYTES: Uint8Array = Uint8Array.from(Buffer.from('null', 'latin1'));

/** Room for a number or moment that a shorter one became. */
const LONGEST_SCALAR_BYTES = 64;

/** A masked column with its place in the row. */
export interface MaskedPlace {
  readonly planned: PlannedColumn;
  readonly mode: ColumnMode;
}

export function maskedPlaces(columns: readonly PlannedColumn[]): readonly MaskedPlace[] {
  return columns.flatMap((planned) => (planned.mode === undefined ? [] : [{ planned, mode: planned.mode }]));
}

/** A constant as a cell's JSON. */
export function encodeConstant(constant: TypedConstant): Uint8Array {
  return Buffer.from(JSON.stringify(constantText(constant)));
}

/** The hidden middle as it stands in JSON: what is kept stood there already, the replacement did not. */
export function encodeHidden(hidden: Uint8Array): Uint8Array {
  return Buffer.from(JSON.stringify(Buffer.from(hidden).toString()).slice(1, -1));
}

/** One cell by the reference: with escapes, or of a type that is no text. `quoted` is its JSON. */
export function encodeByReference(planned: PlannedColumn, quoted: string): Uint8Array {
  return Buffer.from(JSON.stringify(planned.maskCell(JSON.parse(quoted) as string)));
}

/** Bytes by which one cell of this mode can grow at most, cells with escapes aside. */
export function growthOf(mode: ColumnMode): number {
  switch (mode.kind) {
    case 'null':
      return NULL_BYTES.length;
    case 'constant':
      return encodeConstant(mode.constant).length;
    case 'partial':
      return encodeHidden(mode.partial.hidden).length;
    case 'hash':
    case 'tokenize':
      return TOKEN_BYTES + 2;
    case 'truncate':
    case 'bucket':
      return LONGEST_SCALAR_BYTES;
  }
}

export const textAt = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end);
