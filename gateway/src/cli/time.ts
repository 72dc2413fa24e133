/** UTC with milliseconds; a time outside what a calendar shows is printed as its number. */
export function toUtc(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString().replace('T', ' ');
}

/** Time since the start of something, in seconds. */
export function toElapsed(milliseconds: number): string {
  return `+${(Math.max(0, milliseconds) / 1000).toFixed(3)}s`;
}
