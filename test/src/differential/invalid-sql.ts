/**
 * Kinds of text that are no SQL of Snowflake's and that one of the two parsers takes for something all the same. What two
 * parsers make of them says nothing. Kinds, never texts; each with its reason.
 */
const KINDS: readonly { readonly why: string; readonly isSeen: (sqlText: string) => boolean }[] = [];

export function isInvalidSql(sqlText: string): boolean {
  return KINDS.some(({ isSeen }) => isSeen(sqlText));
}
