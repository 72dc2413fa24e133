import { SnowflakeFailure } from './failures.js';

/** One bind of a request (protocol notes 4.7): a value, or an array of values for a batch. */
export type Bind = { readonly type: string; readonly value: string | null | readonly (string | null)[] };

/** Binds by position (`"1"`) or name. */
export type Binds = Readonly<Record<string, Bind>>;

const zone = 'UTC';

/** How many executions the binds ask for. @throws SnowflakeFailure if batch arrays have different lengths. */
export function batchSize(binds: Binds): number {
  const lengths = Object.values(binds).flatMap((bind) => (Array.isArray(bind.value) ? [bind.value.length] : []));
  const size = lengths[0] ?? 1;
  if (lengths.some((length) => length !== size)) {
    throw new SnowflakeFailure('002128', '42601', 'Bind arrays have different lengths.');
  }
  return size;
}

/** The value of a bind in one execution of the batch. */
export function valueAt(bind: Bind, row: number): string | null {
  if (bind.value === null || typeof bind.value === 'string') return bind.value;
  return bind.value[row] ?? null;
}

/** SQL that turns the text parameter `$n` into a value of the bind's type. The texts come from {@link toParameter}. */
export function bindExpression(bind: Bind | undefined, parameter: string): string {
  const text = `CAST(${parameter} AS VARCHAR)`;
  if (bind === undefined) return text;
  switch (bind.type.toUpperCase()) {
    case 'FIXED':
      return `CAST(${text} AS DECIMAL(38, ${scaleOf(bind)}))`;
    case 'REAL':
    case 'DECFLOAT':
      return `CAST(${text} AS DOUBLE)`;
    case 'BOOLEAN':
      return `CAST(${text} AS BOOLEAN)`;
    case 'DATE':
      return `CAST(${text} AS DATE)`;
    case 'TIME':
      return `CAST(${text} AS TIME)`;
    case 'TIMESTAMP_NTZ':
    case 'TIMESTAMP':
      return `CAST(${text} AS TIMESTAMP)`;
    case 'TIMESTAMP_LTZ':
      return `CAST(${text} AS TIMESTAMPTZ)`;
    case 'TIMESTAMP_TZ':
      return `SF_TO_TIMESTAMP_TZ(${text})`;
    case 'BINARY':
      return `unhex(${text})`;
    case 'VARIANT':
    case 'OBJECT':
    case 'ARRAY':
      return `CAST(${text} AS JSON)`;
    default:
      return text;
  }
}

function scaleOf(bind: Bind): number {
  const values = Array.isArray(bind.value) ? bind.value : [bind.value];
  return Math.max(0, ...values.map((value) => value?.split('.')[1]?.length ?? 0));
}

const nanosPerSecond = 1_000_000_000n;

/** The text handed to DuckDB for a bind value: moments become ISO text, everything else stays as it is. */
export function toParameter(type: string, value: string | null): string | null {
  if (value === null) return null;
  switch (type.toUpperCase()) {
    case 'DATE':
      return /^-?\d+$/.test(value) ? new Date(Number(value)).toISOString().slice(0, 10) : value;
    case 'TIME':
      return /^\d+$/.test(value) ? isoFromNanos(BigInt(value)).slice(11) : value;
    case 'TIMESTAMP':
    case 'TIMESTAMP_NTZ':
      return /^-?\d+$/.test(value) ? isoFromNanos(BigInt(value)) : value;
    case 'TIMESTAMP_LTZ':
      return /^-?\d+$/.test(value) ? `${isoFromNanos(BigInt(value))} ${zone}` : value;
    case 'TIMESTAMP_TZ':
      return zonedIso(value);
    default:
      return value;
  }
}

function zonedIso(value: string): string {
  const match = /^(-?\d+) (\d+)$/.exec(value);
  if (match === null) return value;
  const offset = Number(match[2]) - 1440;
  const local = isoFromNanos(BigInt(match[1] ?? '0') + BigInt(offset * 60) * nanosPerSecond);
  const minutes = Math.abs(offset);
  const pad = (part: number) => String(part).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** `YYYY-MM-DD HH:MM:SS.ffffff`, DuckDB's precision being microseconds. */
function isoFromNanos(nanos: bigint): string {
  const micros = nanos / 1000n - (nanos % 1000n < 0n ? 1n : 0n);
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const iso = new Date(Number(millis)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(micros - millis * 1000n).padStart(3, '0')}`;
}
