import type { RowBytes } from '../protocol/results.js';
import { maskJsonRows } from './json-rows.js';
import type { MaskedCount, MaskPlan } from './mask-plan.js';
import { MaskingFailed } from './masking-failed.js';

/** Rows that may leave, in the format they came in. */
export interface MaskedBytes {
  readonly format: RowBytes['format'];
  readonly bytes: Buffer;
  readonly rows: number;
  readonly counts: readonly MaskedCount[];
}

/** One part of a result under its plan. Throws `MaskingFailed` for whatever is not rows of the plan's columns. */
export function maskBytes(plan: MaskPlan, { format, bytes }: RowBytes): MaskedBytes {
  if (format === 'arrow') throw new MaskingFailed('an Arrow result');
  const masked = maskJsonRows(bytes, plan);
  return { ...masked, format, bytes: Buffer.from(masked.bytes.buffer, masked.bytes.byteOffset, masked.bytes.length) };
}
