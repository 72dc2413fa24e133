import { byteAt, type Cell, codeOf, isAsciiWord, isBlank, isDigit, isLetterOrDigit, isToken } from './cell.js';

/** One way a secret shows itself: fixed text, and what must follow. */
export interface SecretForm {
  readonly literal: string;
  readonly ignoreCase: boolean;
  /** Whether the literal must begin a word. */
  readonly atWordStart: boolean;
  /** Whether a secret stands behind the literal; reads a bounded number of bytes, or up to the next literal at most. */
  readonly follows: (cell: Cell, at: number) => boolean;
}

type ByteTest = (byte: number) => boolean;

/** At least `count` such bytes; reads no further. */
const run =
  (count: number, test: ByteTest): SecretForm['follows'] =>
  (cell, at) => {
    for (let seen = 0; seen < count; seen += 1) if (!test(byteAt(cell, at + seen))) return false;
    return true;
  };

const isUpperOrDigit: ByteTest = (byte) => isDigit(byte) || (byte >= 0x41 && byte <= 0x5a);
const isHex: ByteTest = (byte) => isDigit(byte) || (byte >= 0x61 && byte <= 0x66);
const isAlphanumeric: ByteTest = (byte) => byte < 0x80 && isLetterOrDigit(byte);
const BASE64_MARKS = new Set(Array.from('+/=', codeOf));
const isBase64: ByteTest = (byte) => isAlphanumeric(byte) || BASE64_MARKS.has(byte);
const BEARER_MARKS = new Set(Array.from('._~+/-=', codeOf));
const isBearer: ByteTest = (byte) => isAlphanumeric(byte) || BEARER_MARKS.has(byte);

const token = (literal: string, count: number, test: ByteTest = isToken): SecretForm => ({
  literal,
  ignoreCase: false,
  atWordStart: true,
  follows: run(count, test),
});

const TOKENS: readonly SecretForm[] = [
  token('AKIA', 16, isUpperOrDigit), // AWS, long-lived and temporary
  token('ASIA', 16, isUpperOrDigit),
  token('AIza', 35), // Google
  token('ya29.', 20),
  token('GOCSPX-', 20),
  token('ghp_', 30, isAlphanumeric), // GitHub
  token('gho_', 30, isAlphanumeric),
  token('ghu_', 30, isAlphanumeric),
  token('ghs_', 30, isAlphanumeric),
  token('ghr_', 30, isAlphanumeric),
  token('github_pat_', 22, isAsciiWord),
  token('glpat-', 20),
  token('xoxb-', 10), // Slack
  token('xoxp-', 10),
  token('xoxa-', 10),
  token('xoxr-', 10),
  token('xoxs-', 10),
  token('sk_live_', 16, isAlphanumeric), // Stripe
  token('rk_live_', 16, isAlphanumeric),
  token('sk_test_', 16, isAlphanumeric),
  token('whsec_', 16),
  token('sk-ant-', 20),
  token('sk-proj-', 20),
  token('npm_', 36, isAlphanumeric),
  token('pypi-AgE', 30),
  token('SG.', 20),
  token('hf_', 30, isAlphanumeric),
  token('dapi', 32, isHex), // Databricks
  token('shpat_', 32, isHex),
  token('dop_v1_', 32, isHex),
  token('dckr_pat_', 20),
  token('AGE-SECRET-KEY-1', 20, isUpperOrDigit),
];

/** Names behind which a value is secret, as setting, URL parameter or JSON member. */
const NAMES = [
  'password',
  'passwd',
  'pwd',
  'secret',
  'secret_access_key',
  'secretkey',
  'api_key',
  'apikey',
  'api-key',
  'access_token',
  'auth_token',
  'refresh_token',
  'private_key',
  'accountkey',
  'sharedaccesskey',
  'x-amz-signature',
  '&sig',
  '?sig',
] as const;

const FEWEST_VALUE_BYTES = 6;
const VALUE_ENDS = new Set([0, ...Array.from('"\';&,<>)}] ', codeOf)]);
/** What stands for a value that was left out or hidden: `***`, `${NAME}`, `<password>`, `{{name}}`, `%s`. */
const STAND_INS = new Set(Array.from('*$<{[(%', codeOf));
const QUOTES = new Set(Array.from('"\'', codeOf));
const BACKSLASH = codeOf('\\');

function hasValue(cell: Cell, start: number): boolean {
  let at = start;
  if (isBlank(byteAt(cell, at))) at += 1;
  if (byteAt(cell, at) === BACKSLASH) at += 1;
  if (QUOTES.has(byteAt(cell, at))) at += 1;
  if (STAND_INS.has(byteAt(cell, at))) return false;
  return run(FEWEST_VALUE_BYTES, (byte) => !VALUE_ENDS.has(byte) && !isBlank(byte))(cell, at);
}

const NAMED: readonly SecretForm[] = NAMES.flatMap((name) =>
  ['=', ' =', '":', '\\":', "':"].map((sign) => ({
    literal: `${name}${sign}`,
    ignoreCase: true,
    atWordStart: false,
    follows: hasValue,
  })),
);

const FEWEST_SEGMENT_BYTES = 10;

/** Two more parts of base64url behind dots: a signed or encrypted JSON web token. Programmatic access tokens are such. */
function isRestOfJwt(cell: Cell, start: number): boolean {
  let at = start;
  while (isToken(byteAt(cell, at))) at += 1;
  if (at - start < FEWEST_SEGMENT_BYTES || byteAt(cell, at) !== codeOf('.')) return false;
  const second = at + 1;
  at = second;
  while (isToken(byteAt(cell, at))) at += 1;
  return at - second >= FEWEST_SEGMENT_BYTES && byteAt(cell, at) === codeOf('.');
}

const LONGEST_KEY_KIND = 24;
const PRIVATE_KEY = Array.from('PRIVATE KEY', codeOf);

/** `RSA PRIVATE KEY`, `OPENSSH PRIVATE KEY`, … */
function isPrivateKeyKind(cell: Cell, start: number): boolean {
  for (let at = start; at - start < LONGEST_KEY_KIND; at += 1) {
    if (PRIVATE_KEY.every((byte, index) => byteAt(cell, at + index) === byte)) return true;
  }
  return false;
}

const LONGEST_USER_INFO = 512;

/** `user:password@` behind the `://` of a URL. */
function hasUserInfo(cell: Cell, start: number): boolean {
  let colon = -1;
  for (let at = start; at - start < LONGEST_USER_INFO; at += 1) {
    const byte = byteAt(cell, at);
    if (byte === codeOf('@')) return colon !== -1 && at - colon > 1 && !STAND_INS.has(byteAt(cell, colon + 1));
    if (byte === codeOf(':') && colon === -1) colon = at;
    if (byte === 0 || byte === codeOf('/') || byte === codeOf('"') || isBlank(byte)) return false;
  }
  return false;
}

function hasBearer(cell: Cell, at: number): boolean {
  const length = 20;
  let digits = 0;
  for (let seen = 0; seen < length; seen += 1) {
    const byte = byteAt(cell, at + seen);
    if (!isBearer(byte)) return false;
    if (isDigit(byte)) digits += 1;
  }
  return digits > 0;
}

const form = (literal: string, follows: SecretForm['follows'], ignoreCase = false): SecretForm => ({
  literal,
  ignoreCase,
  atWordStart: false,
  follows,
});

export const SECRET_FORMS: readonly SecretForm[] = [
  ...TOKENS,
  ...NAMED,
  { literal: 'eyJ', ignoreCase: false, atWordStart: true, follows: isRestOfJwt },
  form('-----BEGIN ', isPrivateKeyKind),
  form('PuTTY-User-Key-File-', run(1, isDigit)),
  form('://', hasUserInfo),
  form('bearer ', hasBearer, true),
  form('authorization: basic ', run(12, isBase64), true),
  form('hooks.slack.com/services/', run(10, isUpperOrDigit)),
  // OpenAI's keys carry this in their middle, Snowflake's session tokens this near their beginning.
  form('T3BlbkFJ', run(16, isToken)),
  form('-hint:', run(4, isDigit)),
];

/** Lower means rarer in ordinary text and identifiers, so fewer false triggers. Only speed depends on it. */
function commonness(byte: number): number {
  const letters = 'zqjxkvbywgpfmucdlhrsnioate';
  const rank = letters.indexOf(String.fromCharCode(byte).toLowerCase());
  if (rank !== -1) return 3 * rank + (byte >= 0x61 ? 20 : 0);
  if (isDigit(byte) || byte === 0x20) return 100;
  return '-.:"/'.includes(String.fromCharCode(byte)) ? 60 : 10;
}

/** A form and the offset of the byte whose sight makes the scan try it. */
export interface Anchored {
  readonly form: SecretForm;
  readonly literal: Uint8Array;
  readonly offset: number;
}

/** Bytes at which a secret is tried: each form names one of its own literal, so no text that has the form is without it. */
export const SECRET_TRIGGERS = new Uint8Array(256);

/** Forms by the trigger and the byte before it, which belongs to the literal too. */
const BUCKETS: Anchored[][] = [[]];
/** For two neighbouring bytes the number of their bucket. */
const BUCKET_OF_PAIR = new Uint8Array(256 * 256);

for (const one of SECRET_FORMS) {
  const literal = Uint8Array.from(one.literal, codeOf);
  const offset = rarestBehindFirst(literal);
  const anchored = { form: one, literal, offset };
  for (const before of writingsOf(literal[offset - 1] as number, one.ignoreCase)) {
    for (const trigger of writingsOf(literal[offset] as number, one.ignoreCase)) {
      SECRET_TRIGGERS[trigger] = 1;
      const pair = before * 256 + trigger;
      if (BUCKET_OF_PAIR[pair] === 0) BUCKET_OF_PAIR[pair] = BUCKETS.push([]) - 1;
      BUCKETS[BUCKET_OF_PAIR[pair] as number]?.push(anchored);
    }
  }
}

function rarestBehindFirst(literal: Uint8Array): number {
  let best = 1;
  for (let at = 2; at < literal.length; at += 1) {
    if (commonness(literal[at] as number) < commonness(literal[best] as number)) best = at;
  }
  return best;
}

function writingsOf(byte: number, ignoreCase: boolean): ReadonlySet<number> {
  const letter = String.fromCharCode(byte);
  return new Set(ignoreCase ? [letter.toLowerCase(), letter.toUpperCase()].map(codeOf) : [byte]);
}

/** The forms that may have their trigger byte at a place. */
export const formsAt = (before: number, trigger: number): readonly Anchored[] =>
  BUCKETS[BUCKET_OF_PAIR[before * 256 + trigger] as number] as readonly Anchored[];

/** Whether a secret has its trigger byte at this place. */
export function isSecretAt(cell: Cell, at: number, trigger: number): boolean {
  const before = byteAt(cell, at - 1);
  if (BUCKET_OF_PAIR[before * 256 + trigger] === 0) return false;
  for (const { form: one, literal, offset } of formsAt(before, trigger)) {
    const start = at - offset;
    if (!standsAt(cell, start, literal, one.ignoreCase)) continue;
    if (one.atWordStart && isToken(byteAt(cell, start - 1)) && !isEscaped(cell, start - 1)) continue;
    if (one.follows(cell, start + literal.length)) return true;
  }
  return false;
}

/** The letter of `\n` or `\t` in JSON text within a cell is no part of a word. */
const isEscaped = (cell: Cell, at: number): boolean => byteAt(cell, at - 1) === BACKSLASH;

const CASE_BIT = 0x20;

function standsAt(cell: Cell, start: number, literal: Uint8Array, ignoreCase: boolean): boolean {
  if (start < cell.start || start + literal.length > cell.end) return false;
  const mask = ignoreCase ? CASE_BIT : 0;
  for (let index = 0; index < literal.length; index += 1) {
    if (((cell.bytes[start + index] as number) | mask) !== ((literal[index] as number) | mask)) return false;
  }
  return true;
}
