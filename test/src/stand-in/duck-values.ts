import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type Cell, type Column, column } from './columns.js';

/** Members of the DuckDB struct that carries a TIMESTAMP_TZ: DuckDB itself forgets the offset. */
export const zonedMembers = { moment: 'tz_moment', offset: 'tz_offset_minutes' } as const;

/** The Snowflake column for a DuckDB result column. */
export function toColumn(name: string, type: DuckDBType): Column {
  if (type instanceof DuckDBDecimalType) return column(name, 'fixed', { precision: type.width, scale: type.scale });
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return column(name, 'boolean');
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UINTEGER:
      return column(name, 'fixed', { precision: 18 });
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
      return column(name, 'fixed');
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return column(name, 'real');
    case DuckDBTypeId.DATE:
      return column(name, 'date');
    case DuckDBTypeId.TIME:
      return column(name, 'time');
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_NS:
      return column(name, 'timestamp_ntz');
    case DuckDBTypeId.TIMESTAMP_MS:
      return column(name, 'timestamp_ntz', { scale: 3 });
    case DuckDBTypeId.TIMESTAMP_S:
      return column(name, 'timestamp_ntz', { scale: 0 });
    case DuckDBTypeId.TIMESTAMP_TZ:
      return column(name, 'timestamp_ltz');
    case DuckDBTypeId.BLOB:
      return column(name, 'binary');
    case DuckDBTypeId.VARCHAR:
      return column(name, type.alias === 'JSON' ? 'variant' : 'text');
    case DuckDBTypeId.STRUCT:
      return column(name, isZoned(type) ? 'timestamp_tz' : 'object');
    case DuckDBTypeId.MAP:
      return column(name, 'object');
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return column(name, 'array');
    default:
      return column(name, 'text');
  }
}

function isZoned(type: DuckDBType): boolean {
  return type instanceof DuckDBStructType && type.entryNames.includes(zonedMembers.offset);
}

/** The encoders' value for a DuckDB value of that column. */
export function toCell(value: DuckDBValue, to: Column): Cell {
  if (value === null) return null;
  switch (to.type) {
    case 'fixed':
      return value instanceof DuckDBDecimalValue ? value.value : BigInt(value as number | bigint);
    case 'real':
      return Number(value);
    case 'boolean':
      return Boolean(value);
    case 'date':
      return value instanceof DuckDBDateValue ? value.days : null;
    case 'time':
      return value instanceof DuckDBTimeValue ? value.micros * 1000n : null;
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return toNanos(value);
    case 'timestamp_tz':
      return toZoned(value);
    case 'binary':
      return value instanceof DuckDBBlobValue ? value.bytes : null;
    case 'object':
    case 'array':
      return JSON.stringify(toJson(value));
    case 'variant':
    case 'text':
      return String(value);
  }
}

function toNanos(value: DuckDBValue): bigint | null {
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return value.micros * 1000n;
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos;
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis * 1_000_000n;
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds * 1_000_000_000n;
  return null;
}

function toZoned(value: DuckDBValue): Cell {
  if (!(value instanceof DuckDBStructValue)) return null;
  const nanos = toNanos(value.entries[zonedMembers.moment] ?? null);
  if (nanos === null) return null;
  return { nanos, offsetMinutes: Number(value.entries[zonedMembers.offset] ?? 0) };
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

function toJson(value: DuckDBValue): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') {
    return value;
  }
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  if (value instanceof DuckDBListValue) return value.items.map(toJson);
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(value.entries.map((entry) => [String(entry.key), toJson(entry.value)]));
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, member]) => [key, toJson(member)]));
  }
  return String(value);
}
