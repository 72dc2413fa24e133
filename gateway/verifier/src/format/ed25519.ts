import { createPublicKey, verify } from 'node:crypto';
import type { NoteVerifier } from './signed-note.js';

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A public key made ready for verifying, from its 32 bytes. */
export function importPublicKey(raw: Uint8Array): NoteVerifier['publicKey'] {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' });
}

/** False for anything but this key's signature over exactly this message. */
export async function isSignature(
  publicKey: NoteVerifier['publicKey'],
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return verify(null, message, publicKey, signature);
}
