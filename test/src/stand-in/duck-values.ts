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
import { type Cell, type Column, type ColumnType, column } from './columns.js';

/** The member of the DuckDB struct that carries a GEOGRAPHY, as GeoJSON: DuckDB has no such type of its own. */
export const geographyMember = 'geo_json';

/** Members of the DuckDB struct that carries a TIMESTAMP_TZ: DuckDB itself forgets the offset. */
export const zonedMembers = { moment: 'tz_moment', offset: 'tz_offset_minutes' } as const;

const columnTypes: Readonly<Partial<Record<DuckDBTypeId, readonly [ColumnType, Partial<Column>?]>>> = {
  [DuckDBTypeId.BOOLEAN]: ['boolean'],
  [DuckDBTypeId.TINYINT]: ['fixed'],
  [DuckDBTypeId.SMALLINT]: ['fixed'],
  [DuckDBTypeId.INTEGER]: ['fixed'],
  [DuckDBTypeId.HUGEINT]: ['fixed'],
  [DuckDBTypeId.UTINYINT]: ['fixed'],
  [DuckDBTypeId.USMALLINT]: ['fixed'],
  [DuckDBTypeId.UBIGINT]: ['fixed'],
  [DuckDBTypeId.UHUGEINT]: ['fixed'],
  [DuckDBTypeId.UINTEGER]: ['fixed', { precision: 18 }],
  // COUNT and the like: NUMBER(18,0) in Snowflake.
  [DuckDBTypeId.BIGINT]: ['fixed', { precision: 18 }],
  [DuckDBTypeId.FLOAT]: ['real'],
  [DuckDBTypeId.DOUBLE]: ['real'],
  [DuckDBTypeId.DATE]: ['date'],
  [DuckDBTypeId.TIME]: ['time'],
  [DuckDBTypeId.TIMESTAMP]: ['timestamp_ntz'],
  [DuckDBTypeId.TIMESTAMP_NS]: ['timestamp_ntz'],
  [DuckDBTypeId.TIMESTAMP_MS]: ['timestamp_ntz', { scale: 3 }],
  [DuckDBTypeId.TIMESTAMP_S]: ['timestamp_ntz', { scale: 0 }],
  [DuckDBTypeId.TIMESTAMP_TZ]: ['timestamp_ltz'],
  [DuckDBTypeId.BLOB]: ['binary'],
  [DuckDBTypeId.MAP]: ['object'],
  [DuckDBTypeId.STRUCT]: ['object'],
  [DuckDBTypeId.LIST]: ['array'],
  [DuckDBTypeId.ARRAY]: ['array'],
};

/** The Snowflake column for a DuckDB result column; types Snowflake does not have are shown as text. */
export function toColumn(name: string, type: DuckDBType): Column {
  if (type instanceof DuckDBDecimalType) return column(name, 'fixed', { precision: type.width, scale: type.scale });
  if (type.alias === 'JSON') return column(name, 'variant');
  if (type instanceof DuckDBStructType && type.entryNames.includes(geographyMember)) return column(name, 'geography');
  if (isZoned(type)) return column(name, 'timestamp_tz');
  const [columnType, facts] = columnTypes[type.typeId] ?? ['text' as const];
  return column(name, columnType, facts);
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
    case 'geography':
      return value instanceof DuckDBStructValue ? String(value.entries[geographyMember]) : null;
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
