import type { MaskObligation } from '../policy/decision.js';
import { PLACEHOLDER, TOKEN_DIGITS, TOKEN_PREFIX } from '../policy/placeholder.js';
import type { JsonObject } from '../protocol/json.js';
import { HIDDEN_RUN } from './mask-cell.js';

/** The part of a row type's entry that a mask can make untrue. */
export interface DescribedColumn {
  readonly type: string;
  readonly raw: JsonObject;
}

const TOKEN_CHARACTERS = TOKEN_PREFIX.length + TOKEN_DIGITS;
const MAX_UTF8_BYTES_PER_UNIT = 4;

/**
 * The row type of a masked result: masked columns may be NULL, and masked texts may be longer than the column they stand
 * for, so `nullable`, `length` and `byteLength` say so. Columns without an obligation are the very same objects.
 */
export function maskedRowtype<T extends DescribedColumn>(
  rowtype: readonly T[],
  obligations: readonly MaskObligation[],
): readonly T[] {
  const byIndex = new Map(obligations.map((obligation) => [obligation.index, obligation]));
  return rowtype.map((column, index) => {
    const obligation = byIndex.get(index);
    return obligation === undefined ? column : { ...column, raw: widen(column, obligation) };
  });
}

/**
 * Bytes by which masks can lengthen the JSON text of one row at most: JDBC reserves what is announced for a part and fails
 * past it.
 */
export function rowGrowthBytes(obligations: readonly MaskObligation[]): number {
  return obligations.reduce((sum, obligation) => sum + cellGrowthBytes(obligation), 0);
}

/** Room for a number or moment that a shorter one became. */
const SCALAR_GROWTH_BYTES = 64;

function cellGrowthBytes({ action }: MaskObligation): number {
  switch (action.type) {
    case 'Null':
      return NULL_TEXT_BYTES;
    case 'Redact':
    case 'Tokenize':
      return NULL_TEXT_BYTES + PLACEHOLDER.length;
    case 'Hash':
      return TOKEN_CHARACTERS;
    case 'Partial':
      return Buffer.byteLength(JSON.stringify(action.replacement.repeat(HIDDEN_RUN)));
    case 'Constant':
      return SCALAR_GROWTH_BYTES + Buffer.byteLength(JSON.stringify(action.value));
    case 'DateTruncate':
    case 'Bucket':
      return SCALAR_GROWTH_BYTES;
  }
}

/** `null` in place of an empty text. */
const NULL_TEXT_BYTES = 4;

function widen(column: DescribedColumn, obligation: MaskObligation): JsonObject {
  const raw = { ...column.raw, nullable: true };
  if (column.type !== 'text') return raw;
  const characters = longestMask(obligation);
  return {
    ...raw,
    ...atLeast(column.raw, 'length', characters),
    ...atLeast(column.raw, 'byteLength', characters * MAX_UTF8_BYTES_PER_UNIT),
  };
}

function atLeast(raw: JsonObject, field: string, minimum: number): JsonObject {
  const value = raw[field];
  return value === undefined || Number(value) >= minimum ? {} : { [field]: minimum };
}

function longestMask({ action }: MaskObligation): number {
  switch (action.type) {
    case 'Null':
    case 'DateTruncate':
    case 'Bucket':
      return 0;
    case 'Constant':
      return action.value.length;
    case 'Redact':
    // A token is as long as the text, or it is the placeholder.
    case 'Tokenize':
      return PLACEHOLDER.length;
    case 'Hash':
      return TOKEN_CHARACTERS;
    case 'Partial':
      return action.keepFirst + action.keepLast + HIDDEN_RUN * action.replacement.length;
  }
}
