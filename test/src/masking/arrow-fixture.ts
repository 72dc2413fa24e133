import type { AnyResult } from '@piste/gateway/dist/masking/masking-contract.js';
import type { Cell as JsonCell } from '@piste/gateway/dist/protocol/results.js';
import { RecordBatchReader, Type, type Vector } from 'apache-arrow';
import { type Cell, type ColumnType, column } from '../stand-in/columns.js';
import { toArrowStream } from '../stand-in/results-arrow.js';

const NANOS = 1_000_000_000n;

/** The rows of a result as the stand-in would send them in Arrow. */
export function arrowOf({ rowtype, rows }: Pick<AnyResult, 'rowtype' | 'rows'>): Uint8Array {
  const columns = rowtype.map(({ name, type, raw }) =>
    column(name, type as ColumnType, { scale: Number(raw?.['scale'] ?? 0) }),
  );
  return toArrowStream(
    columns,
    rows.map((row) => row.map((cell, index) => fromJson(cell, rowtype[index]?.type ?? ''))),
  );
}

function fromJson(cell: JsonCell, type: string): Cell {
  if (cell === null) return null;
  switch (type) {
    case 'fixed':
      return BigInt(cell.replace('.', ''));
    case 'real':
      return cell.endsWith('inf') ? Number(cell.replace('inf', 'Infinity')) : Number(cell);
    case 'boolean':
      return cell === '1';
    case 'date':
      return Number(cell);
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return nanosOf(cell);
    case 'timestamp_tz': {
      const [number = '', zone] = cell.split(' ');
      return { nanos: nanosOf(number), offsetMinutes: Number(zone) - 1440 };
    }
    case 'binary':
      return Uint8Array.from(Buffer.from(cell, 'hex'));
    default:
      return cell;
  }
}

function nanosOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  const nanos = BigInt(whole.replace('-', '')) * NANOS + BigInt(fraction.padEnd(9, '0'));
  return text.startsWith('-') ? -nanos : nanos;
}

/** The rows of an Arrow stream as cells of the JSON format. */
export function jsonOf(stream: Uint8Array, { rowtype }: Pick<AnyResult, 'rowtype'>): JsonCell[][] {
  const rows: JsonCell[][] = [];
  for (const batch of RecordBatchReader.from(stream)) {
    for (let row = 0; row < batch.numRows; row += 1) {
      rows.push(
        rowtype.map(({ type, raw }, index) => {
          const vector = batch.getChildAt(index);
          return vector === null ? null : toJson(vector, row, type, Number(raw?.['scale'] ?? 0));
        }),
      );
    }
  }
  return rows;
}

function toJson(vector: Vector, row: number, type: string, scale: number): JsonCell {
  const value: unknown = vector.get(row);
  if (value === null) return null;
  switch (type) {
    case 'fixed':
      return decimal(
        vector.type.typeId === Type.Decimal ? decimalOf(value as Uint32Array) : BigInt(value as number),
        scale,
      );
    case 'boolean':
      return value === true ? '1' : '0';
    case 'date':
      return String(Number(value) / 86_400_000);
    case 'time':
      return decimal(value as bigint, scale);
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return typeof value === 'bigint' ? decimal(value, scale) : decimal(structNanos(value), 9);
    case 'timestamp_tz': {
      const { timezone } = value as { timezone: number };
      return `${decimal(structNanos(value) / 10n ** BigInt(9 - scale), scale)} ${timezone}`;
    }
    case 'binary':
      return Buffer.from(value as Uint8Array)
        .toString('hex')
        .toUpperCase();
    case 'real':
      return String(value as number);
    default:
      return value as string;
  }
}

function structNanos(value: unknown): bigint {
  const { epoch, fraction } = value as { epoch: bigint; fraction: number };
  return epoch * NANOS + BigInt(fraction);
}

function decimalOf(words: Uint32Array): bigint {
  const unsigned = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return BigInt.asIntN(128, unsigned);
}

function decimal(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
