import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { sha256 } from './merkle.js';

/**
 * C2SP signed notes with Ed25519 (c2sp.org/signed-note): a text, an empty line, one line `— <name> <base64(key id ‖ signature)>`.
 * This reader accepts exactly one signature and only canonical base64.
 */
const ED25519_ALGORITHM = 0x01;
const ED25519_PUBLIC_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

export interface NoteSigner {
  readonly name: string;
  /** `<name>+<hex key id>+<base64 key>`: what others need to verify. */
  readonly vkey: string;
  /** Signs a text that ends in a newline. */
  signNote(text: string): string;
  /** The bare signature over a text, base64url. */
  sign(text: string): string;
}

/** Decodes base64 that is exactly what an encoder would have written; undefined otherwise. */
export function decodeCanonicalBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function keyIdOf(name: string, encodedKey: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n`, 'utf8'), encodedKey).subarray(0, KEY_ID_BYTES);
}

function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\s+\p{C}]/u.test(name);
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
  return { privateKey, publicKey: pair.publicKey.subarray(SPKI_PREFIX.byteLength) };
}

/** Reads a verifier key (vkey); undefined when it is not exactly one Ed25519 key with its right id. */
export function parseVkey(vkey: string): NoteVerifier | undefined {
  const [name, keyIdHex, keyBase64, ...rest] = splitVkey(vkey);
  if (name === undefined || keyIdHex === undefined || keyBase64 === undefined || rest.length > 0) return undefined;
  const encodedKey = decodeCanonicalBase64(keyBase64);
  if (!isKeyName(name) || encodedKey === undefined) return undefined;
  if (encodedKey.byteLength !== 1 + ED25519_PUBLIC_BYTES || encodedKey[0] !== ED25519_ALGORITHM) return undefined;
  const keyId = keyIdOf(name, encodedKey);
  if (keyId.toString('hex') !== keyIdHex) return undefined;
  const spki = Buffer.concat([SPKI_PREFIX, encodedKey.subarray(1)]);
  return { name, keyId, publicKey: createPublicKey({ key: spki, type: 'spki', format: 'der' }) };
}

/** Base64 may contain plus signs, so only the first two separate. */
function splitVkey(vkey: string): readonly string[] {
  const first = vkey.indexOf('+');
  const second = vkey.indexOf('+', first + 1);
  if (first < 0 || second < 0) return [];
  return [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}

/** The text of a note that carries exactly one signature, by this key, over exactly this text; undefined otherwise. */
export function openNote(note: Uint8Array, verifier: NoteVerifier): string | undefined {
  const split = splitNote(note);
  if (split === undefined) return undefined;
  const { text, signatureLine } = split;
  const prefix = `— ${verifier.name} `;
  if (!signatureLine.startsWith(prefix)) return undefined;
  const blob = decodeCanonicalBase64(signatureLine.slice(prefix.length));
  if (blob === undefined || blob.byteLength !== KEY_ID_BYTES + ED25519_SIGNATURE_BYTES) return undefined;
  if (!blob.subarray(0, KEY_ID_BYTES).equals(verifier.keyId)) return undefined;
  const isSigned = verify(null, Buffer.from(text, 'utf8'), verifier.publicKey, blob.subarray(KEY_ID_BYTES));
  return isSigned ? text : undefined;
}

function splitNote(note: Uint8Array): { readonly text: string; readonly signatureLine: string } | undefined {
  let whole: string;
  try {
    whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  } catch {
    return undefined;
  }
  const gap = whole.indexOf('\n\n');
  if (gap < 0 || !whole.endsWith('\n')) return undefined;
  const signatureLine = whole.slice(gap + 2, -1);
  return signatureLine.includes('\n') ? undefined : { text: whole.slice(0, gap + 1), signatureLine };
}
