import type { RowBytes } from '../protocol/results.js';
import { maskArrowStream } from './arrow-stream.js';
import { maskJsonRows } from './json-rows.js';
import { countsOf, type MaskedCount, type MaskPlan } from './mask-plan.js';

/** Rows that may leave, in the format they came in. */
export interface MaskedBytes {
  readonly format: RowBytes['format'];
  readonly bytes: Buffer;
  readonly rows: number;
  readonly counts: readonly MaskedCount[];
}

/** One part of a result under its plan. Throws `MaskingFailed` for whatever is not rows of the plan's columns. */
export function maskBytes(plan: MaskPlan, { format, bytes }: RowBytes): MaskedBytes {
  if (format === 'json') {
    const masked = maskJsonRows(bytes, plan);
    return { format, bytes: toBuffer(masked.bytes), rows: masked.rows, counts: masked.counts };
  }
  // A result without rows may come without a stream.
  if (bytes.length === 0) return { format, bytes, rows: 0, counts: countsOf(plan, []) };
  const masked = maskArrowStream(bytes, plan);
  const [only] = masked.segments;
  const whole = masked.segments.length === 1 && only !== undefined ? toBuffer(only) : Buffer.concat(masked.segments);
  return { format, bytes: whole, rows: masked.rows, counts: masked.counts };
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
