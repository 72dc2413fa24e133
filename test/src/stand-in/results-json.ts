import { type Cell, type Column, cellText } from './columns.js';

/** The text of a cell in a JSON result (protocol notes 5.3): always a string or null. */
export function toJsonCell(cell: Cell, column: Column): string | null {
  if (cell === null) return null;
  switch (column.type) {
    case 'fixed':
      return decimalText(cell as bigint, column.scale ?? 0);
    case 'boolean':
      return cell === true ? '1' : '0';
    case 'real':
      return realText(Number(cell));
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return secondsText(cell as bigint, column.scale ?? 9);
    case 'timestamp_tz':
      if (typeof cell !== 'object' || cell instanceof Uint8Array) return null;
      return `${secondsText(cell.nanos, column.scale ?? 9)} ${cell.offsetMinutes + 1440}`;
    case 'binary':
      return Buffer.from(cell as Uint8Array)
        .toString('hex')
        .toUpperCase();
    case 'date':
    case 'text':
    case 'variant':
    case 'object':
    case 'array':
    case 'geography':
      return cellText(cell);
  }
}

/** A row as compact JSON; non-ASCII stays raw, as one driver truncates `\u` escapes. */
export function toJsonRow(row: readonly Cell[], columns: readonly Column[]): string {
  return JSON.stringify(columns.map((column, index) => toJsonCell(row[index] ?? null, column)));
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function realText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  return String(value);
}

/** Nanoseconds as seconds with `scale` digits; further digits are cut. */
function secondsText(nanos: bigint, scale: number): string {
  return decimalText(nanos / 10n ** BigInt(9 - scale), scale);
}
