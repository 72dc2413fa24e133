import type { MaskObligation, OutputExpectation } from '../policy/decision.js';
import type { Row } from '../protocol/results.js';
import { type MaskingKeys, maskCell, type PreparedKeys, prepareKeys } from './mask-cell.js';
import { type MaskedCount, placeObligations } from './mask-plan.js';
import { malformedResult } from './masking-failed.js';
import type { MaskableColumn } from './value-type.js';

export interface MaskedRows {
  readonly rows: readonly Row[];
  /** One entry per obligation, in their order; NULLs are not counted. */
  readonly counts: readonly MaskedCount[];
}

export interface Masker {
  /**
   * Applies every obligation to every row, or throws `MaskingFailed` and gives nothing. Rows, their order and the other
   * cells stay as they are; without obligations the very same rows come back.
   *
   * A masked cell can be longer than the original: a redacted text has 3 characters, a token 36, a partly masked one what
   * it keeps and three times its replacement. Sizes announced to a driver must be those of the rewritten rows.
   */
  maskRows(
    rowtype: readonly MaskableColumn[],
    rows: readonly Row[],
    obligations: readonly MaskObligation[],
  ): MaskedRows;
}

/** A masker that finds hash keys in `keys` under the names obligations use. */
export function createMasker({ keys }: { readonly keys: MaskingKeys }): Masker {
  const prepared = prepareKeys(keys);
  return {
    maskRows(rowtype, rows, obligations) {
      if (obligations.length === 0) return { rows, counts: [] };
      const byColumn = placeObligations(rowtype, obligations);
      const hidden = new Map<MaskObligation, number>(obligations.map((obligation) => [obligation, 0]));
      const masked = rows.map((row) => maskRow(row, rowtype, byColumn, hidden, prepared));
      const counts = obligations.map((obligation) => ({
        policy: obligation.policy,
        rule: obligation.rule,
        action: obligation.action.type,
        values: hidden.get(obligation) ?? 0,
      }));
      return { rows: masked, counts };
    },
  };
}

function maskRow(
  row: Row,
  rowtype: readonly MaskableColumn[],
  byColumn: readonly (MaskObligation | undefined)[],
  hidden: Map<MaskObligation, number>,
  keys: PreparedKeys,
): Row {
  if (!Array.isArray(row) || row.length !== rowtype.length)
    throw malformedResult('a row has another length than its row type');
  return row.map((cell: unknown, index) => {
    if (cell !== null && typeof cell !== 'string') throw malformedResult('a cell is neither a text nor null');
    const obligation = byColumn[index];
    if (obligation === undefined || cell === null) return cell;
    hidden.set(obligation, (hidden.get(obligation) ?? 0) + 1);
    const column = rowtype[index];
    return column === undefined ? null : maskCell(cell, column, obligation, keys);
  });
}

/**
 * Whether a result is the one that was analysed: as many columns, and the known names. Undefined when it is; otherwise
 * why not, in words that name no value. A result that fails must be dropped whole.
 */
export function checkRowtype(rowtype: readonly MaskableColumn[], expectation: OutputExpectation): string | undefined {
  const expected = expectation.names.length;
  if (rowtype.length !== expected) return `it has ${rowtype.length} columns instead of ${expected}`;
  const wrong = expectation.names.findIndex((name, index) => name !== undefined && name !== rowtype[index]?.name);
  return wrong === -1 ? undefined : `column ${wrong + 1} carries another name than analysed`;
}
