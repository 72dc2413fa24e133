import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';

/** The gateway's own credential for one account. Never leaves this room. */
export type UpstreamCredential =
  /** Keys in the order in which to try them: the current one, then the one being rotated in. */
  | { readonly type: 'KeyPair'; readonly user: string; readonly privateKeys: readonly KeyObject[] }
  | { readonly type: 'ProgrammaticAccessToken'; readonly user: string; readonly token: string };

/** Login fields that prove the credential. */
export interface Proof {
  readonly AUTHENTICATOR: 'SNOWFLAKE_JWT' | 'PROGRAMMATIC_ACCESS_TOKEN';
  readonly LOGIN_NAME: string;
  readonly TOKEN: string;
}

/** Snowflake accepts key-pair tokens for at most an hour; one login needs seconds. */
const JWT_LIFETIME_SECONDS = 55;

/** Reads a PEM private key (PKCS#8 or PKCS#1, RSA). Throws on anything else; the message holds nothing of the key. */
export function parsePrivateKey(pem: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pem), format: 'pem' });
  } catch {
    throw new Error('the private key is not an unencrypted PEM key');
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error('the private key is not an RSA key');
  return key;
}

/** `SHA256:` and the base64 digest of the public key, as Snowflake shows it in RSA_PUBLIC_KEY_FP. */
export function fingerprintOf(privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64')}`;
}

/** The proofs for one login, in the order in which to try them. A key-pair proof is a JWT good for less than a minute. */
export function createProofs(
  credential: UpstreamCredential,
  account: string,
  nowMs: number,
): Promise<readonly Proof[]> {
  const user = credential.user.toUpperCase();
  if (credential.type === 'ProgrammaticAccessToken') {
    return Promise.resolve([{ AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN', LOGIN_NAME: user, TOKEN: credential.token }]);
  }
  return Promise.all(credential.privateKeys.map((key) => signProof(key, user, account, nowMs)));
}

async function signProof(privateKey: KeyObject, user: string, account: string, nowMs: number): Promise<Proof> {
  const subject = `${accountName(account)}.${user}`;
  const issuedAt = Math.floor(nowMs / 1000);
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(`${subject}.${fingerprintOf(privateKey)}`)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + JWT_LIFETIME_SECONDS)
    .sign(privateKey);
  return { AUTHENTICATOR: 'SNOWFLAKE_JWT', LOGIN_NAME: user, TOKEN: jwt };
}

/** Upper case, without the region part of a legacy locator. */
function accountName(identifier: string): string {
  const [name = identifier] = identifier.split('.');
  return name.toUpperCase();
}
