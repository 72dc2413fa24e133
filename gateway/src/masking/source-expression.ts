import { createHash } from 'node:crypto';
import type { MaskAction } from '../policy/decision.js';
import { PLACEHOLDER, TOKEN_DIGITS, TOKEN_PREFIX } from '../policy/placeholder.js';
import type { CatalogColumn } from '../sql/facts.js';
import { HIDDEN_RUN } from './mask-cell.js';

/** What stands for the two halves of an HMAC key in a text: placeholders, or hexadecimal pads. */
export interface KeyPads {
  readonly inner: string;
  readonly outer: string;
}

/**
 * The Snowflake expression that replaces a column where it is read. It has the column's type, fails for no value, and depends
 * on no setting of the session: a caller who changes week start or time zone must not see the value from another side. What an
 * action cannot do to a type becomes NULL. `quoted` is the column's name as SQL, `key` gives SQL texts for a key's pads.
 */
export function sourceExpression(
  action: MaskAction,
  column: CatalogColumn,
  quoted: string,
  key: (name: string) => KeyPads,
): string {
  return serve(action, column, quoted, key) ?? typedNull(column, quoted);
}

/** Undefined where the action cannot serve the type. */
function serve(
  action: MaskAction,
  column: CatalogColumn,
  quoted: string,
  key: (name: string) => KeyPads,
): string | undefined {
  const isText = column.type === 'text';
  switch (action.type) {
    case 'Null':
    case 'Tokenize':
      return undefined;
    case 'Redact':
      // Also in place of NULL, so that it does not show which values there are.
      return isText ? textLiteral(PLACEHOLDER) : undefined;
    case 'Partial':
      return isText ? partial(action, quoted) : undefined;
    case 'Hash':
      return isText ? hash(quoted, key(action.key)) : undefined;
    case 'DateTruncate':
      return truncate(action.unit, column, quoted);
    case 'Bucket':
      return bucket(action.size, column, quoted);
    case 'Constant':
      return constant(action.value, column);
  }
}

/** As `maskCell` does it: characters are counted, and a value no longer than what is kept is hidden whole. */
function partial({ keepFirst, keepLast, replacement }: MaskAction & { type: 'Partial' }, quoted: string): string {
  const hidden = textLiteral(replacement.repeat(HIDDEN_RUN));
  const pieces = [
    ...(keepFirst === 0 ? [] : [`LEFT(${quoted}, ${keepFirst})`]),
    hidden,
    ...(keepLast === 0 ? [] : [`RIGHT(${quoted}, ${keepLast})`]),
  ];
  const shown = pieces.length === 1 ? hidden : `CONCAT(${pieces.join(', ')})`;
  return `CASE WHEN LENGTH(${quoted}) <= ${keepFirst + keepLast} THEN ${hidden} ELSE ${shown} END`;
}

/** HMAC-SHA-256 (RFC 2104) over the value's UTF-8 bytes: H(outer pad ‖ H(inner pad ‖ value)). NULL stays NULL. */
function hash(quoted: string, pads: KeyPads): string {
  const inner = `SHA2_BINARY(CONCAT(TO_BINARY(${pads.inner}, 'HEX'), TO_BINARY(${quoted}, 'UTF-8')), 256)`;
  const digest = `SHA2_HEX(CONCAT(TO_BINARY(${pads.outer}, 'HEX'), ${inner}), 256)`;
  return `CONCAT(${textLiteral(TOKEN_PREFIX)}, LEFT(${digest}, ${TOKEN_DIGITS}))`;
}

type Unit = (MaskAction & { type: 'DateTruncate' })['unit'];

function truncate(unit: Unit, column: CatalogColumn, quoted: string): string | undefined {
  const type = sqlType(column);
  if (type === undefined) return undefined;
  switch (column.type) {
    case 'date':
      return unit === 'Hour' ? undefined : `CAST(${beginningOf(unit, quoted)} AS ${type})`;
    case 'time':
      return unit === 'Hour' ? `CAST(${beginningOf(unit, quoted)} AS ${type})` : undefined;
    case 'timestamp_ntz':
    case 'timestamp_tz':
      return `CAST(${beginningOf(unit, quoted)} AS ${type})`;
    case 'timestamp_ltz':
      // Its days and years begin where the session's time zone says; UTC is the same for all.
      return `CAST(${beginningOf(unit, `CONVERT_TIMEZONE('UTC', ${quoted})`)} AS ${type})`;
    default:
      return undefined;
  }
}

/** DATE_TRUNC of a week follows the session's WEEK_START; the ISO weekday does not. Weeks begin on Monday. */
function beginningOf(unit: Unit, value: string): string {
  if (unit !== 'Week') return `DATE_TRUNC('${unit.toUpperCase()}', ${value})`;
  return `DATEADD('DAY', 1 - DAYOFWEEKISO(${value}), DATE_TRUNC('DAY', ${value}))`;
}

/**
 * The largest multiple of `size` that is not above the value. MOD is exact where a quotient would be rounded, and takes the sign
 * of the value. The precision is the widest there is: the bucket below a negative number may have more digits than the column.
 */
function bucket(size: number, column: CatalogColumn, quoted: string): string | undefined {
  switch (column.type) {
    case 'fixed':
      return `CAST(${quoted} - MOD(MOD(${quoted}, ${size}) + ${size}, ${size}) AS NUMBER(38, ${column.scale ?? 0}))`;
    case 'real':
      return `CAST(FLOOR(${quoted} / ${size}) * ${size} AS FLOAT)`;
    default:
      return undefined;
  }
}

/** Types TRY_CAST takes a text to; it gives NULL where the text does not fit. */
const CASTABLE: ReadonlySet<string> = new Set([
  'boolean',
  'date',
  'fixed',
  'real',
  'time',
  'timestamp_ltz',
  'timestamp_ntz',
  'timestamp_tz',
]);

function constant(value: string, column: CatalogColumn): string | undefined {
  if (column.type === 'text') return textLiteral(value);
  return CASTABLE.has(column.type) ? `TRY_CAST(${textLiteral(value)} AS ${sqlType(column)})` : undefined;
}

/** A NULL that keeps whatever type the column has, also one that cannot be spelled out here. */
function typedNull(column: CatalogColumn, quoted: string): string {
  const type = sqlType(column);
  return type === undefined ? `CASE WHEN FALSE THEN ${quoted} END` : `CAST(NULL AS ${type})`;
}

const MAX_FRACTION_DIGITS = 9;

/** The column's type as SQL writes it; undefined where the catalog does not tell enough (arrays and objects may have types inside). */
function sqlType({ type, precision, scale, length }: CatalogColumn): string | undefined {
  const sized = (name: string, size: number | undefined): string => (size === undefined ? name : `${name}(${size})`);
  // Snowflake reports the fraction digits of times as their scale, and a precision of 0 beside it.
  const fraction = scale ?? precision ?? MAX_FRACTION_DIGITS;
  switch (type) {
    case 'text':
      return sized('VARCHAR', length);
    case 'binary':
      return sized('BINARY', length);
    case 'fixed':
      return `NUMBER(${precision ?? 38}, ${scale ?? 0})`;
    case 'real':
      return 'FLOAT';
    case 'time':
    case 'timestamp_ltz':
    case 'timestamp_ntz':
    case 'timestamp_tz':
      return `${type.toUpperCase()}(${fraction})`;
    case 'boolean':
    case 'date':
    case 'geography':
    case 'geometry':
    case 'variant':
      return type.toUpperCase();
    default:
      return undefined;
  }
}

/** A text as a literal of Snowflake, where a backslash escapes too. */
function textLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** The two pads of HMAC-SHA-256 for a key, as upper-case hexadecimal. They are as secret as the key. */
export function keyPads(key: Uint8Array): KeyPads {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? createHash('sha256').update(key).digest() : key);
  const padWith = (pad: number): string =>
    Buffer.from(block.map((byte) => byte ^ pad))
      .toString('hex')
      .toUpperCase();
  return { inner: padWith(INNER_PAD), outer: padWith(OUTER_PAD) };
}
