/**
 * - `word`: unquoted identifier or keyword; `value` is upper case.
 * - `quoted`: `"…"`; `value` is the exact name.
 * - `string`: `'…'`; `value` is the text between the quotes with its escapes, see `decodeString`.
 * - `dollar-string`: `$$…$$`; `value` is the raw content, which has no escapes.
 * - `number`: `value` is the text.
 * - `variable`: `$name` or `$1`; `value` is upper case without the `$`.
 * - `stage`: `@…` whole, up to white space, `,`, `;` or a bracket.
 * - `file`: `file://…` of PUT and GET, up to white space.
 * - `symbol`: operators and brackets.
 */
export type TokenKind =
  | 'word'
  | 'quoted'
  | 'string'
  | 'dollar-string'
  | 'number'
  | 'variable'
  | 'stage'
  | 'file'
  | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  /** As it stands in the text. */
  readonly raw: string;
  /** Offsets in the text: first character and one past the last. */
  readonly start: number;
  readonly end: number;
  /** White space or a comment stands before it. */
  readonly gap: boolean;
}

/** Is this the unquoted word `word` (upper case), or one of several? */
export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token !== undefined && token.kind === 'word' && words.includes(token.value);
}

export function isSymbol(token: Token | undefined, ...symbols: readonly string[]): boolean {
  return token !== undefined && token.kind === 'symbol' && symbols.includes(token.value);
}

export type Identifier = Token & { readonly kind: 'word' | 'quoted' };

/** Could this token be a name? Keywords included: only the grammar can tell. */
export function isIdentifier(token: Token | undefined): token is Identifier {
  return token !== undefined && (token.kind === 'word' || token.kind === 'quoted');
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
};

/** The text a `'…'` literal stands for (Snowflake: string constants, escape sequences). */
export function decodeString(value: string): string {
  return value.replace(
    /''|\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{3})|([\s\S]))/g,
    (whole: string, unicode?: string, hex?: string, octal?: string, other?: string) => {
      if (whole === "''") return "'";
      if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode, 16));
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return other === undefined ? '' : (SIMPLE_ESCAPES[other] ?? other);
    },
  );
}

/** The text a string token of either form stands for. */
export function stringValue(token: Token): string {
  return token.kind === 'dollar-string' ? token.value : decodeString(token.value);
}
