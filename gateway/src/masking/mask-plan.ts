import type { MaskAction, MaskObligation } from '../policy/decision.js';
import { PLACEHOLDER } from '../policy/placeholder.js';
import { typedConstant } from './constant.js';
import { prepareHmac } from './hmac-tokens.js';
import type { ColumnMode, Kernels, PlannedColumn } from './kernels.js';
import { loadKernels } from './load-kernels.js';
import { canTruncateSeconds, HIDDEN_RUN, keyOf, type MaskingKeys, maskCell, prepareKeys } from './mask-cell.js';
import { MaskingFailed } from './masking-failed.js';
import type { PartialBytes } from './partial-bytes.js';
import { createTokenizer } from './tokenize.js';
import type { MaskableColumn } from './value-type.js';

/** How many values one rule hid in one call. */
export interface MaskedCount {
  readonly policy: string;
  readonly rule: string;
  readonly action: MaskAction['type'];
  readonly values: number;
}

/** Obligations placed on the columns of one result, ready to be applied to any part of it in either format. */
export interface MaskPlan {
  readonly columns: readonly PlannedColumn[];
  readonly obligations: readonly MaskObligation[];
  readonly kernels: Kernels;
}

/**
 * Prepares masks for results of this row type. Throws `MaskingFailed` for an obligation that does not fit it: beyond the
 * columns, on a column of another name, twice on one column, without its key, or with senseless parameters.
 */
export function createMaskPlan(
  rowtype: readonly MaskableColumn[],
  obligations: readonly MaskObligation[],
  keys: MaskingKeys,
  kernels: Kernels = loadKernels(),
): MaskPlan {
  const placed = placeObligations(rowtype, obligations);
  const prepared = prepareKeys(keys);
  const columns = rowtype.map((column, index): PlannedColumn => {
    const obligation = placed[index];
    if (obligation === undefined) return { column, obligation, mode: undefined, maskCell: (text) => text };
    return {
      column,
      obligation,
      mode: modeOf(column, obligation, keys),
      maskCell: (text) => maskCell(text, column, obligation, prepared),
    };
  });
  return { columns, obligations, kernels };
}

/** One slot per column; anything that does not fit the row type exactly is refused. */
export function placeObligations(
  rowtype: readonly MaskableColumn[],
  obligations: readonly MaskObligation[],
): readonly (MaskObligation | undefined)[] {
  const byColumn = rowtype.map((): MaskObligation | undefined => undefined);
  for (const obligation of obligations) {
    const column = rowtype[obligation.index];
    if (column === undefined) throw new MaskingFailed('the result has fewer columns than expected');
    if (obligation.name !== undefined && obligation.name !== column.name) {
      throw new MaskingFailed('its column carries another name than expected');
    }
    if (byColumn[obligation.index] !== undefined) throw new MaskingFailed('two masks meet in one column');
    byColumn[obligation.index] = obligation;
  }
  return byColumn;
}

const NULL_MODE: ColumnMode = { kind: 'null' };

function modeOf(column: MaskableColumn, { action, barrier }: MaskObligation, keys: MaskingKeys): ColumnMode {
  const isSecond = barrier === 'second';
  const isText = column.type === 'text';
  switch (action.type) {
    case 'Null':
      return NULL_MODE;
    case 'Redact':
      return isText ? { kind: 'constant', constant: { kind: 'text', text: PLACEHOLDER } } : NULL_MODE;
    case 'Constant': {
      const constant = typedConstant(action.value, column);
      return constant === undefined ? NULL_MODE : { kind: 'constant', constant };
    }
    case 'Partial':
      return isText ? { kind: 'partial', partial: partialBytes(action, isSecond) } : NULL_MODE;
    case 'Hash': {
      const states = prepareHmac(nonEmptyKey(action.key, keys));
      return isText ? { kind: 'hash', states, keepsTokens: isSecond } : NULL_MODE;
    }
    case 'Tokenize': {
      const tokenizer = createTokenizer(nonEmptyKey(action.key, keys), action.alphabet);
      return isText ? { kind: 'tokenize', tokenizer } : NULL_MODE;
    }
    case 'DateTruncate':
      return column.type === 'date' || canTruncateSeconds(column.type, action.unit)
        ? { kind: 'truncate', unit: action.unit }
        : NULL_MODE;
    case 'Bucket':
      if (!(action.size > 0 && Number.isFinite(action.size))) throw new MaskingFailed('a bucket without a size');
      return column.type === 'fixed' || column.type === 'real' ? { kind: 'bucket', size: action.size } : NULL_MODE;
  }
}

function nonEmptyKey(name: string, keys: MaskingKeys): Uint8Array {
  const key = keyOf(name, keys);
  if (key.length === 0) throw new MaskingFailed('its key is not available');
  return key;
}

function partialBytes(action: MaskAction & { readonly type: 'Partial' }, isSecond: boolean): PartialBytes {
  const { keepFirst, keepLast, replacement } = action;
  if (!isCount(keepFirst) || !isCount(keepLast)) throw new MaskingFailed('a partial mask without counts');
  return {
    keepFirst,
    keepLast,
    hidden: Uint8Array.from(Buffer.from(replacement.repeat(HIDDEN_RUN))),
    keepsHidden: isSecond,
  };
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** One count per obligation, in their order. `values[column]` says how many were not NULL. */
export function countsOf(plan: MaskPlan, values: readonly number[]): readonly MaskedCount[] {
  return plan.obligations.map(({ index, policy, rule, action }) => ({
    policy,
    rule,
    action: action.type,
    values: values[index] ?? 0,
  }));
}
