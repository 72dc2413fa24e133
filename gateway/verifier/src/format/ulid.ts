const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True for the canonical spelling of a ULID. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}
