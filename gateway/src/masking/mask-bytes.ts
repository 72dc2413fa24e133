import type { MaskObligation } from '../policy/decision.js';
import { encodeChunkBody, parseChunkBody, type RowBytes } from '../protocol/results.js';
import type { MaskableColumn, MaskedCount, Masker } from './masker.js';
import { MaskingFailed } from './masking-failed.js';

/** Rows that may leave, in the format they came in. */
export interface MaskedBytes {
  readonly format: RowBytes['format'];
  readonly bytes: Buffer;
  readonly rows: number;
  readonly counts: readonly MaskedCount[];
}

export function maskBytes(
  masker: Masker,
  rowtype: readonly MaskableColumn[],
  { format, bytes }: RowBytes,
  obligations: readonly MaskObligation[],
): MaskedBytes {
  if (format === 'arrow') throw new MaskingFailed('an Arrow result');
  const rows = parseChunkBody(bytes.toString('utf8'), rowtype.length);
  if (rows === undefined) throw new MaskingFailed('a malformed result');
  if (obligations.length === 0) return { format, bytes, rows: rows.length, counts: [] };
  const masked = masker.maskRows(rowtype, rows, obligations);
  return { format, bytes: Buffer.from(encodeChunkBody(masked.rows)), rows: rows.length, counts: masked.counts };
}
