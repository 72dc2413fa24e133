import type { JsonObject } from '../protocol/json.js';

/** The part of a row type that masking looks at. */
export interface MaskableColumn {
  readonly name: string;
  /** Snowflake's type word, lower case. */
  readonly type: string;
  /** Where `scale` and `precision` stand. */
  readonly raw?: JsonObject;
}

const DEFAULT_PRECISION = 38;
const DEFAULT_TIME_SCALE = 9;
const MAX_SCALE = 38;

/** Decimals of a number, or digits of a fraction of a second. */
export function scaleOf(column: MaskableColumn): number {
  const fallback = column.type === 'time' || column.type.startsWith('timestamp_') ? DEFAULT_TIME_SCALE : 0;
  return count(column.raw?.['scale'], fallback);
}

/** Digits a number may have. */
export function precisionOf(column: MaskableColumn): number {
  return count(column.raw?.['precision'], DEFAULT_PRECISION) || DEFAULT_PRECISION;
}

function count(value: unknown, fallback: number): number {
  const number = value === undefined || value === null ? fallback : Number(value);
  return Number.isInteger(number) && number >= 0 && number <= MAX_SCALE ? number : fallback;
}
