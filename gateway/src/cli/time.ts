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

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A point in time (`2026-11-23`, `2026-11-23T06:00:00Z`), or how long ago (`90m`, `12h`, `7d`), as milliseconds. Throws `UsageError`. */
export function parseSince(text: string, nowMs: number): number {
  const [, amount, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const timeMs = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs))
    throw new UsageError(`--since ${text}: write 2026-11-23T06:00:00Z, or how long ago: 90m, 12h, 7d`);
  return timeMs;
}
