import { roundUnscaled, SECONDS_PER_DAY } from './scalars.js';
import { type MaskableColumn, precisionOf, scaleOf } from './value-type.js';

/** A Constant as a column's type holds it; undefined where the type cannot. */
export type TypedConstant =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'fixed'; readonly unscaled: bigint; readonly scale: number }
  | { readonly kind: 'real'; readonly number: number }
  | { readonly kind: 'boolean'; readonly isTrue: boolean }
  | { readonly kind: 'date'; readonly days: number }
  /** Times of day and moments; `offsetMinutes` only where the type carries one. */
  | {
      readonly kind: 'moment';
      readonly nanos: bigint;
      readonly scale: number;
      readonly offsetMinutes: number | undefined;
    };

/** Binary, semi-structured and unknown types hold no constant, as source masks have none for them either. */
export function typedConstant(value: string, column: MaskableColumn): TypedConstant | undefined {
  const scale = scaleOf(column);
  switch (column.type) {
    case 'text':
      return { kind: 'text', text: value };
    case 'fixed':
      return fixedConstant(value, scale, precisionOf(column));
    case 'real':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) && Number.isFinite(Number(value))
        ? { kind: 'real', number: Number(value) }
        : undefined;
    case 'boolean':
      if (/^(true|t|yes|y|on|1)$/i.test(value)) return { kind: 'boolean', isTrue: true };
      return /^(false|f|no|n|off|0)$/i.test(value) ? { kind: 'boolean', isTrue: false } : undefined;
    case 'date': {
      const days = parseDays(value);
      return days === undefined ? undefined : { kind: 'date', days };
    }
    case 'time': {
      const nanos = parseTimeOfDay(value);
      return nanos === undefined ? undefined : { kind: 'moment', nanos, scale, offsetMinutes: undefined };
    }
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return momentConstant(value, column.type, scale);
    default:
      return undefined;
  }
}

function fixedConstant(value: string, scale: number, precision: number): TypedConstant | undefined {
  const unscaled = roundUnscaled(value, scale);
  if (unscaled === undefined) return undefined;
  const limit = 10n ** BigInt(precision);
  return unscaled < limit && unscaled > -limit ? { kind: 'fixed', unscaled, scale } : undefined;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

function parseDays(text: string): number | undefined {
  if (!DATE.test(text)) return undefined;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  // Some engines roll 30 February over into March.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 10) !== text) return undefined;
  return milliseconds / (SECONDS_PER_DAY * 1000);
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?$/;
const NANOS_PER_SECOND = 1_000_000_000n;

function parseTimeOfDay(text: string): bigint | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds, fraction = ''] = match;
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return BigInt(whole) * NANOS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?))?(?: ?(Z|[+-]\d{2}:?\d{2}))?$/;

function momentConstant(
  value: string,
  type: 'timestamp_ntz' | 'timestamp_ltz' | 'timestamp_tz',
  scale: number,
): TypedConstant | undefined {
  const [, date = '', time = '00:00:00', zone] = MOMENT.exec(value) ?? [];
  const days = parseDays(date);
  const timeOfDay = parseTimeOfDay(time);
  const offset = parseOffset(zone ?? 'Z');
  if (days === undefined || timeOfDay === undefined || offset === undefined) return undefined;
  if (type === 'timestamp_ntz' && zone !== undefined) return undefined;
  const local = BigInt(days * SECONDS_PER_DAY) * NANOS_PER_SECOND + timeOfDay;
  const nanos = local - BigInt(offset * 60) * NANOS_PER_SECOND;
  return { kind: 'moment', nanos, scale, offsetMinutes: type === 'timestamp_tz' ? offset : undefined };
}

function parseOffset(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  if (minutes > 14 * 60 || Number(zone.slice(-2)) > 59) return undefined;
  return zone.startsWith('-') ? -minutes : minutes;
}
