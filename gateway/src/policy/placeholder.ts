/** What stands in place of a redacted text. */
export const PLACEHOLDER = '***';

/** Every hash token begins with this, so that a token written back can be told from data. */
export const TOKEN_PREFIX = 'pst_';

/** Hexadecimal digits behind the prefix. */
export const TOKEN_DIGITS = 32;

const TOKEN = new RegExp(`^${TOKEN_PREFIX}[0-9a-f]{${TOKEN_DIGITS}}$`);

/**
 * True for a text that is a placeholder of this gateway: `***`, or a hash token. Partly masked texts are not recognised:
 * nothing tells them from data.
 */
export function isPlaceholder(text: string): boolean {
  return text === PLACEHOLDER || TOKEN.test(text);
}
