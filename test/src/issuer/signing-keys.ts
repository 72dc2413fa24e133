import type { CryptoKey, JWK } from 'jose';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';

/** What a token shall say, and what shall be wrong with it. */
export interface MintRequest {
  readonly subject: string;
  readonly audience: string | readonly string[];
  /** Further claims, and replacements of the usual ones; `undefined` leaves a usual claim out. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Life from now; negative for a token that has expired. Default 300. */
  readonly expiresInSeconds?: number | undefined;
  /** Default `issuer`. */
  readonly signedWith?: Signature | undefined;
  /** Added to the header. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * `issuer`: the issuer's key. `foreign`: another key under the issuer's key id. `unknown-key`: another key under its own
 * id. `none`: no signature. `public-key-as-secret`: HS256 with the issuer's public key as the secret (RFC 8725 §2.1).
 */
export type Signature = 'issuer' | 'foreign' | 'unknown-key' | 'none' | 'public-key-as-secret';

export interface SigningKeys {
  /** For the provider: the private key with id and use. */
  readonly privateJwk: JWK;
  mint(issuer: string, request: MintRequest): Promise<string>;
}

const ALGORITHM = 'RS256';
const KEY_ID = 'issuer-1';

/** A fresh key of the issuer, and a stranger's. */
export async function createSigningKeys(clock: () => number): Promise<SigningKeys> {
  const own = await generateKeyPair(ALGORITHM, { extractable: true });
  const stranger = await generateKeyPair(ALGORITHM);
  return {
    privateJwk: { ...(await exportJWK(own.privateKey)), kid: KEY_ID, use: 'sig', alg: ALGORITHM },
    async mint(issuer, request) {
      const claims = claimsOf(issuer, request, Math.floor(clock() / 1000));
      return sign(claims, request, own, stranger.privateKey);
    },
  };
}

function claimsOf(issuer: string, request: MintRequest, nowSeconds: number): Record<string, unknown> {
  const lifeSeconds = request.expiresInSeconds ?? 300;
  const usual = {
    iss: issuer,
    sub: request.subject,
    aud: request.audience,
    iat: nowSeconds + Math.min(0, lifeSeconds - 1),
    exp: nowSeconds + lifeSeconds,
  };
  return { ...usual, ...request.claims };
}

async function sign(
  claims: Record<string, unknown>,
  request: MintRequest,
  own: { publicKey: CryptoKey; privateKey: CryptoKey },
  stranger: CryptoKey,
): Promise<string> {
  const signer = (alg: string, kid: string | undefined) =>
    new SignJWT(claims).setProtectedHeader({
      alg,
      typ: 'JWT',
      ...(kid === undefined ? {} : { kid }),
      ...request.header,
    });
  switch (request.signedWith ?? 'issuer') {
    case 'issuer':
      return signer(ALGORITHM, KEY_ID).sign(own.privateKey);
    case 'foreign':
      return signer(ALGORITHM, KEY_ID).sign(stranger);
    case 'unknown-key':
      return signer(ALGORITHM, 'stranger-1').sign(stranger);
    case 'none':
      return `${segment({ alg: 'none', typ: 'JWT' })}.${segment(claims)}.`;
    case 'public-key-as-secret':
      return signer('HS256', KEY_ID).sign(new TextEncoder().encode(await exportSPKI(own.publicKey)));
  }
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
