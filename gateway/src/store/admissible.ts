/** Longest life of a value: a year. Longer ones are mistakes of a unit. */
const MAX_TTL_SECONDS = 366 * 24 * 3600;

/** The life in whole milliseconds; throws a RangeError for anything but a positive number of at most a year. */
export function toTtlMs(ttlSeconds: number): number {
  if (!(ttlSeconds > 0 && ttlSeconds <= MAX_TTL_SECONDS))
    throw new RangeError('ttlSeconds must be above 0 and at most a year');
  return Math.ceil(ttlSeconds * 1000);
}

/** Throws a RangeError for text that UTF-8 cannot hold: two such keys or values would silently become one. */
export function checkWellFormed(...texts: readonly string[]): void {
  for (const text of texts) {
    if (!text.isWellFormed()) throw new RangeError('keys and values of the store must be well-formed Unicode');
  }
}
