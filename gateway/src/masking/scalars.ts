import type { MaskAction } from '../policy/decision.js';

/** The unit words of DateTruncate. */
export type TruncationUnit = (MaskAction & { readonly type: 'DateTruncate' })['unit'];

const SECONDS_PER_HOUR = 3600;
export const SECONDS_PER_DAY = 86_400;
const DAYS_PER_WEEK = 7;
/** 1970-01-01 was a Thursday: three days after a Monday, where weeks begin. */
const EPOCH_WEEKDAY = 3;

/** Years far beyond this have no calendar in any driver; a number outside is no date. */
const MAX_DAYS = 100_000_000;

/** The first day of the unit that `days` (since 1970-01-01) lies in; undefined for a number that is no date, and for hours. */
export function truncateDays(days: number, unit: TruncationUnit): number | undefined {
  if (!Number.isInteger(days) || Math.abs(days) > MAX_DAYS) return undefined;
  switch (unit) {
    case 'Hour':
      return undefined;
    case 'Day':
      return days;
    case 'Week':
      return Math.floor((days + EPOCH_WEEKDAY) / DAYS_PER_WEEK) * DAYS_PER_WEEK - EPOCH_WEEKDAY;
    case 'Month':
    case 'Quarter':
    case 'Year':
      return firstOfMonths(days, unit);
  }
}

function firstOfMonths(days: number, unit: 'Month' | 'Quarter' | 'Year'): number | undefined {
  const date = new Date(days * SECONDS_PER_DAY * 1000);
  const month = { Month: date.getUTCMonth(), Quarter: Math.floor(date.getUTCMonth() / 3) * 3, Year: 0 }[unit];
  const first = new Date(0);
  first.setUTCFullYear(date.getUTCFullYear(), month, 1);
  const milliseconds = first.getTime();
  return Number.isNaN(milliseconds) ? undefined : milliseconds / (SECONDS_PER_DAY * 1000);
}

/** The same for whole seconds since the epoch, as seen in a zone `offsetSeconds` east of UTC. */
export function truncateSeconds(seconds: number, unit: TruncationUnit, offsetSeconds = 0): number | undefined {
  if (!Number.isSafeInteger(seconds)) return undefined;
  const local = seconds + offsetSeconds;
  if (unit === 'Hour') {
    return Math.abs(local) > MAX_DAYS * SECONDS_PER_DAY
      ? undefined
      : Math.floor(local / SECONDS_PER_HOUR) * SECONDS_PER_HOUR - offsetSeconds;
  }
  const days = truncateDays(Math.floor(local / SECONDS_PER_DAY), unit);
  return days === undefined ? undefined : days * SECONDS_PER_DAY - offsetSeconds;
}

/** `value / by`, rounded towards minus infinity. */
export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** Lower bound of the bucket; both in units of the column's last decimal. */
export function bucketUnscaled(unscaled: bigint, size: bigint): bigint {
  return floorDivide(unscaled, size) * size;
}

/** Lower bound of the bucket of a double; undefined for what is no number. A bound stays itself despite rounding. */
export function bucketReal(value: number, size: number): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const nearest = Math.round(value / size) * size;
  if (nearest === value) return value;
  const bound = Math.floor(value / size) * size;
  return Number.isFinite(bound) ? bound : undefined;
}

/** A bucket's size in units of the column's last decimal; undefined where the column cannot hold its bounds. */
export function unscaledSize(size: number, scale: number): bigint | undefined {
  return parseUnscaled(String(size), scale);
}

const DECIMAL = /^(-?)(\d{1,64})(?:\.(\d{0,64}))?$/;

/** A plain decimal in units of 10^-scale; undefined when it is none or has more decimals that are not zero. */
export function parseUnscaled(text: string, scale: number): bigint | undefined {
  return /\.\d*[1-9]/.test(cutDecimals(text, scale)) ? undefined : roundUnscaled(text, scale);
}

/** What `scale` decimals leave of a text, as a fraction of its own. */
const cutDecimals = (text: string, scale: number): string => `.${(text.split('.')[1] ?? '').slice(scale)}`;

/** The same with what is finer rounded, halves away from zero, as Snowflake casts. */
export function roundUnscaled(text: string, scale: number): bigint | undefined {
  const [, sign = '', whole, decimals = ''] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const cut = BigInt(`${whole}${decimals.slice(0, scale).padEnd(scale, '0')}`);
  const digits = (decimals[scale] ?? '0') >= '5' ? cut + 1n : cut;
  return sign === '-' ? -digits : digits;
}

/** The inverse: exactly `scale` decimals. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  if (scale === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
