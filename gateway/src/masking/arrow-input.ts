import type { ArrowColumn } from './arrow-batch.js';
import type { ArrowField } from './arrow-schema.js';
import type { ColumnMode, Kernels } from './kernels.js';
import type { MaskableColumn } from './value-type.js';

/** Which rows of an array hold a value. Without a bitmap all do. */
export interface Validity {
  readonly bitmap: Uint8Array | undefined;
  readonly rows: number;
  /** How many are not NULL. */
  readonly values: number;
}

export const isValid = ({ bitmap }: Validity, row: number): boolean =>
  bitmap === undefined || (((bitmap[row >> 3] as number) >> (row & 7)) & 1) === 1;

export interface ColumnInput {
  readonly field: ArrowField;
  readonly column: MaskableColumn;
  readonly mode: ColumnMode;
  readonly kernels: Kernels;
  readonly array: ArrowColumn;
  readonly rows: number;
}
