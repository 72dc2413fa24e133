import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Gateway tokens: `ps_<session id>_<secret>` for requests, `pm_<session id>_<secret>` for renewal. The id finds the
 * session in one look-up, the secret proves the right; only its digest is stored.
 */
export type TokenKind = 'session' | 'master';

export interface ParsedToken {
  readonly kind: TokenKind;
  readonly sessionId: string;
  readonly digest: string;
}

const PREFIX: Readonly<Record<TokenKind, string>> = { session: 'ps', master: 'pm' };
const TOKEN = /^(ps|pm)_([0-9a-f]{32})_([0-9a-f]{64})$/;
const SESSION_ID_BYTES = 16;
const SECRET_BYTES = 32;

export type RandomBytes = (bytes: number) => Uint8Array;

export function createSessionId(random: RandomBytes): string {
  return Buffer.from(random(SESSION_ID_BYTES)).toString('hex');
}

/** A fresh token and the digest to keep. */
export function createToken(
  kind: TokenKind,
  sessionId: string,
  random: RandomBytes,
): { token: string; digest: string } {
  const secret = Buffer.from(random(SECRET_BYTES)).toString('hex');
  const token = `${PREFIX[kind]}_${sessionId}_${secret}`;
  return { token, digest: digestOf(token) };
}

/** The parts of a token of ours, or undefined for anything else. */
export function parseToken(token: string): ParsedToken | undefined {
  const [, prefix, sessionId] = TOKEN.exec(token) ?? [];
  if (prefix === undefined || sessionId === undefined) return undefined;
  return { kind: prefix === 'ps' ? 'session' : 'master', sessionId, digest: digestOf(token) };
}

/** Compares digests in constant time. */
export function isSameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
