import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { ED25519_ALGORITHM, isKeyName, keyIdOf } from './signed-note.js';

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX_BYTES = 12;

export interface NoteSigner {
  readonly name: string;
  /** `<name>+<hex key id>+<base64 key>`: what others need to verify. */
  readonly vkey: string;
  /** Signs a text that ends in a newline. */
  signNote(text: string): string;
  /** The bare signature over a text, base64url. */
  sign(text: string): string;
}

/** Creates a signer with a fresh key that exists in this process's memory only. */
export function createNoteSigner(name: string): NoteSigner {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces, plus signs or control characters');
  const { privateKey, publicKey } = generateEd25519();
  const encodedKey = Buffer.concat([Uint8Array.of(ED25519_ALGORITHM), publicKey]);
  const keyId = keyIdOf(name, encodedKey);
  return Object.freeze({
    name,
    vkey: `${name}+${keyId.toString('hex')}+${encodedKey.toString('base64')}`,
    signNote(text: string): string {
      const signature = sign(null, Buffer.from(text, 'utf8'), privateKey);
      return `${text}\n— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
    },
    sign: (text: string) => sign(null, Buffer.from(text, 'utf8'), privateKey).toString('base64url'),
  });
}

function generateEd25519(): { readonly privateKey: KeyObject; readonly publicKey: Buffer } {
  const pair = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const privateKey = createPrivateKey({ key: pair.privateKey, type: 'pkcs8', format: 'der' });
  return { privateKey, publicKey: pair.publicKey.subarray(SPKI_PREFIX_BYTES) };
}
