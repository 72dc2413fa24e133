import { UsageError } from './io.js';

/** UTC with milliseconds; a time outside what a calendar shows is printed as its number. */
export function toUtc(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString().replace('T', ' ');
}

/** Time since the start of something, in seconds. */
export function toElapsed(milliseconds: number): string {
  return `+${(Math.max(0, milliseconds) / 1000).toFixed(3)}s`;
}

/** The time a word names: a day is all of it, a moment is one millisecond. */
export interface TimeSpan {
  readonly startMs: number;
  /** The first millisecond that is no more of it. */
  readonly endMs: number;
}

const CALENDAR =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/;
const AGO = /^(\d{1,6})([smhdw])$/;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNIT_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** What `parseTime` accepts, for people. */
export const TIME_FORMS =
  '2026-11-23, 2026-11-23T06:00, 2026-11-23T06:00:00.000Z (UTC unless an offset is given), or 90m, 24h, 7d ago';

/** Parses a time, or how long ago it was; undefined where it is neither or no such time exists. */
export function parseTime(text: string, nowMs: number): TimeSpan | undefined {
  const [, count, unit = ''] = AGO.exec(text) ?? [];
  if (count !== undefined) {
    const at = nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
    return { startMs: at, endMs: at };
  }
  const parts = CALENDAR.exec(text);
  return parts === null ? undefined : spanOf(parts);
}

function spanOf([, year, month, day, hour, minute, second, fraction, offset]: RegExpExecArray): TimeSpan | undefined {
  const fields = [year, month ?? '1', day ?? '1', hour ?? '0', minute ?? '0', second ?? '0'].map(Number);
  const [y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0] = fields;
  const startMs = Date.UTC(y, mo - 1, d, h, mi, s, Number((fraction ?? '').padEnd(3, '0')));
  // A calendar has no 31st of February: what it names instead is another day.
  const date = new Date(startMs);
  const exists =
    y >= 100 &&
    date.getUTCMonth() === mo - 1 &&
    date.getUTCDate() === d &&
    date.getUTCHours() === h &&
    date.getUTCMinutes() === mi &&
    date.getUTCSeconds() === s;
  const shiftMs = offset === undefined ? 0 : offsetMs(offset);
  if (!exists || shiftMs === undefined) return undefined;
  const lengthMs = lengthOf({ y, mo, startMs }, [month, day, hour, minute, second, fraction]);
  return { startMs: startMs - shiftMs, endMs: startMs - shiftMs + lengthMs };
}

function offsetMs(text: string): number | undefined {
  if (text === 'Z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(-2));
  if (hours > 14 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

function lengthOf(
  { y, mo, startMs }: { readonly y: number; readonly mo: number; readonly startMs: number },
  [month, day, hour, minute, second, fraction]: readonly (string | undefined)[],
): number {
  if (month === undefined) return Date.UTC(y + 1, 0) - startMs;
  if (day === undefined) return Date.UTC(y, mo) - startMs;
  if (hour === undefined) return DAY_MS;
  if (minute === undefined) return HOUR_MS;
  if (second === undefined) return MINUTE_MS;
  return fraction === undefined ? SECOND_MS : 1;
}

/** When `--since` begins, as milliseconds. Throws `UsageError`. */
export function parseSince(text: string, nowMs: number): number {
  const span = parseTime(text, nowMs);
  if (span === undefined) throw new UsageError(`--since ${text}: write ${TIME_FORMS}`);
  return span.startMs;
}
