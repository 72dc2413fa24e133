import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { MaskAction, MaskObligation } from '../policy/decision.js';
import { isPlaceholder, PLACEHOLDER, TOKEN_DIGITS, TOKEN_PREFIX } from '../policy/placeholder.js';
import type { Cell } from '../protocol/results.js';
import { type TypedConstant, typedConstant } from './constant.js';
import { MaskingFailed } from './masking-failed.js';
import {
  bucketReal,
  bucketUnscaled,
  decimalText,
  floorDivide,
  parseUnscaled,
  type TruncationUnit,
  truncateDays,
  truncateSeconds,
  unscaledSize,
} from './scalars.js';
import { createTokenizer } from './tokenize.js';
import type { MaskableColumn } from './value-type.js';

/** The hidden middle is always this long: a mask must not tell how long the value is. */
export const HIDDEN_RUN = 3;

/** Key bytes by the name that stands in obligations. */
export type MaskingKeys = ReadonlyMap<string, Uint8Array>;

/** The same keys ready for use: raw bytes would be prepared again for every cell. */
export type PreparedKeys = ReadonlyMap<string, KeyObject>;

/** Empty keys are no keys. */
export function prepareKeys(keys: MaskingKeys): PreparedKeys {
  return new Map(
    [...keys].filter(([, bytes]) => bytes.length > 0).map(([name, bytes]) => [name, createSecretKey(bytes)]),
  );
}

/** What one column's cells go through. */
export type CellMask = Pick<MaskObligation, 'action' | 'barrier'>;

/**
 * One cell of the JSON result format (protocol notes 5.3) under one action, written to be read: the byte kernels must give
 * the same. NULL stays NULL, and a value whose type the action cannot serve becomes NULL. At the second barrier a value
 * that already is what the action gives stays. Throws `MaskingFailed` when the key is missing.
 */
export function maskCell(cell: Cell, column: MaskableColumn, mask: CellMask, keys: PreparedKeys): Cell {
  if (cell === null) return null;
  const { action, barrier } = mask;
  switch (action.type) {
    case 'Null':
      return null;
    case 'Constant': {
      const constant = typedConstant(action.value, column);
      return constant === undefined ? null : constantText(constant);
    }
    case 'DateTruncate':
      return truncateCell(cell, column, action);
    case 'Bucket':
      return bucketCell(cell, column, action.size);
    case 'Redact':
      return column.type === 'text' ? PLACEHOLDER : null;
    case 'Partial':
      return column.type === 'text' ? maskPartially(cell, action, barrier) : null;
    case 'Hash':
      if (column.type !== 'text') return null;
      return barrier === 'second' && isToken(cell) ? cell : hashToken(cell, keyOf(action.key, keys));
    case 'Tokenize':
      if (column.type !== 'text') return null;
      return createTokenizer(keyOf(action.key, keys).export(), action.alphabet).tokenize(cell);
  }
}

const isToken = (text: string): boolean => text !== PLACEHOLDER && isPlaceholder(text);

function maskPartially(text: string, action: MaskAction & { type: 'Partial' }, barrier: CellMask['barrier']): string {
  const characters = Array.from(text);
  const hidden = action.replacement.repeat(HIDDEN_RUN);
  if (characters.length <= action.keepFirst + action.keepLast) return hidden;
  if (barrier === 'second' && text === hidden) return hidden;
  const last = action.keepLast === 0 ? '' : characters.slice(-action.keepLast).join('');
  return `${characters.slice(0, action.keepFirst).join('')}${hidden}${last}`;
}

/** Equal texts under one key give equal tokens, in every column: joins and counts on tokens work. */
function hashToken(text: string, key: KeyObject): string {
  const digest = createHmac('sha256', key).update(text, 'utf8').digest('hex');
  return `${TOKEN_PREFIX}${digest.slice(0, TOKEN_DIGITS)}`;
}

export function keyOf<Key>(name: string, keys: ReadonlyMap<string, Key>): Key {
  const key = keys.get(name);
  if (key === undefined) throw new MaskingFailed('its key is not available');
  return key;
}

const DAYS = /^-?\d{1,9}$/;
/** Seconds, a fraction, and for `timestamp_tz` the offset in minutes plus 1440. */
const MOMENT = /^(-?\d{1,12}(?:\.(\d{0,9}))?)(?: (\d{1,4}))?$/;
const NANO_DIGITS = 9;
const NANOS_PER_SECOND = 1_000_000_000n;
export const OFFSET_BASE_MINUTES = 1440;

function truncateCell(cell: string, { type }: MaskableColumn, { unit }: MaskAction & { type: 'DateTruncate' }): Cell {
  if (type === 'date') {
    const days = DAYS.test(cell) ? truncateDays(Number(cell), unit) : undefined;
    return days === undefined ? null : String(days);
  }
  if (!canTruncateSeconds(type, unit)) return null;
  const [, number = '', fraction, zone] = MOMENT.exec(cell) ?? [];
  if ((type === 'timestamp_tz') !== (zone !== undefined)) return null;
  const nanos = parseUnscaled(number, NANO_DIGITS);
  if (nanos === undefined) return null;
  const seconds = Number(floorDivide(nanos, NANOS_PER_SECOND));
  const offset = zone === undefined ? 0 : (Number(zone) - OFFSET_BASE_MINUTES) * 60;
  const start = truncateSeconds(seconds, unit, offset);
  if (start === undefined) return null;
  const zeros = fraction === undefined ? '' : `.${'0'.repeat(fraction.length)}`;
  return `${start}${zeros}${zone === undefined ? '' : ` ${zone}`}`;
}

/**
 * Moments have every unit, times of day only hours. A `timestamp_ltz` is truncated in UTC, as source masks do it: a result
 * does not name the session's zone.
 */
export function canTruncateSeconds(type: string, unit: TruncationUnit): boolean {
  return type.startsWith('timestamp_') || (type === 'time' && unit === 'Hour');
}

const REAL = /^-?\d+(\.\d*)?([eE][+-]?\d+)?$/;

function bucketCell(cell: string, { type }: MaskableColumn, size: number): Cell {
  if (type === 'real') {
    const bound = REAL.test(cell) ? bucketReal(Number(cell), size) : undefined;
    return bound === undefined ? null : bound === Number(cell) ? cell : String(bound);
  }
  if (type !== 'fixed') return null;
  const point = cell.indexOf('.');
  const scale = point === -1 ? 0 : cell.length - point - 1;
  const unscaled = parseUnscaled(cell, scale);
  const unit = unscaledSize(size, scale);
  if (unscaled === undefined || unit === undefined || unit <= 0n) return null;
  return decimalText(bucketUnscaled(unscaled, unit), scale);
}

/** A constant as a cell of the JSON format. */
export function constantText(constant: TypedConstant): string {
  switch (constant.kind) {
    case 'text':
      return constant.text;
    case 'fixed':
      return decimalText(constant.unscaled, constant.scale);
    case 'real':
      return String(constant.number);
    case 'boolean':
      return constant.isTrue ? '1' : '0';
    case 'date':
      return String(constant.days);
    case 'moment': {
      const number = decimalText(momentUnits(constant), constant.scale);
      return constant.offsetMinutes === undefined
        ? number
        : `${number} ${constant.offsetMinutes + OFFSET_BASE_MINUTES}`;
    }
  }
}

/** A moment in units of 10^-scale seconds; what is finer is cut off. */
export function momentUnits({ nanos, scale }: { readonly nanos: bigint; readonly scale: number }): bigint {
  return floorDivide(nanos, 10n ** BigInt(Math.max(0, NANO_DIGITS - scale)));
}
