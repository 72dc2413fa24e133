import { type Ed25519Key, platform } from '../platform/index.js';
import { sha256 } from './merkle.js';

/**
 * C2SP signed notes with Ed25519 (c2sp.org/signed-note): a text, an empty line, one line `— <name> <base64(key id ‖ signature)>`.
 * This reader accepts exactly one signature and only canonical base64.
 */
export const ED25519_ALGORITHM = 0x01;
const ED25519_PUBLIC_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: Ed25519Key;
}

/** Decodes base64 that is exactly what an encoder would have written; undefined otherwise. */
export function decodeCanonicalBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Key id of C2SP: `encodedKey` starts with the algorithm's byte. */
export function keyIdOf(name: string, encodedKey: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n`, 'utf8'), encodedKey).subarray(0, KEY_ID_BYTES);
}

/** True for what may stand before the first plus sign of a vkey. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && !/[\s+\p{C}]/u.test(name);
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
  return { name, keyId, publicKey: platform.importEd25519(encodedKey.subarray(1)) };
}

/** Base64 may contain plus signs, so only the first two separate. */
function splitVkey(vkey: string): readonly string[] {
  const first = vkey.indexOf('+');
  const second = vkey.indexOf('+', first + 1);
  if (first < 0 || second < 0) return [];
  return [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}

/**
 * The text of a note that carries exactly one signature, by this key, over exactly this text; undefined otherwise. Throws
 * `TypeError` where the platform cannot verify at once; `checkNote` waits.
 */
export function openNote(note: Uint8Array, verifier: NoteVerifier): string | undefined {
  const text = checkNote(note, verifier);
  if (text instanceof Promise) throw new TypeError('signatures are verified asynchronously here');
  return text;
}

/** `openNote`, at once where the platform can. */
export function checkNote(
  note: Uint8Array,
  { name, keyId, publicKey }: NoteVerifier,
): string | undefined | Promise<string | undefined> {
  const split = splitNote(note);
  if (split === undefined) return undefined;
  const { text, signatureLine } = split;
  const prefix = `— ${name} `;
  if (!signatureLine.startsWith(prefix)) return undefined;
  const blob = decodeCanonicalBase64(signatureLine.slice(prefix.length));
  if (blob === undefined || blob.byteLength !== KEY_ID_BYTES + ED25519_SIGNATURE_BYTES) return undefined;
  if (!blob.subarray(0, KEY_ID_BYTES).equals(keyId)) return undefined;
  const isSigned = publicKey.verify(Buffer.from(text, 'utf8'), blob.subarray(KEY_ID_BYTES));
  if (isSigned instanceof Promise) return isSigned.then((yes) => (yes ? text : undefined));
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
