const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True for the canonical spelling of a ULID. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

const ULID_DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The time in a ULID's first ten characters, in ms since 1970. */
export function ulidTimeMs(ulid: string): number {
  let time = 0;
  for (const digit of ulid.slice(0, 10)) time = time * 32 + ULID_DIGITS.indexOf(digit);
  return time;
}
