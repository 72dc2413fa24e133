import { platform } from '../platform/index.js';
import type { NoteVerifier } from './signed-note.js';

/** A public key made ready for verifying, from its 32 bytes. */
export function importPublicKey(raw: Uint8Array): NoteVerifier['publicKey'] {
  return platform.importEd25519(raw);
}

/** False for anything but this key's signature over exactly this message. */
export async function isSignature(
  publicKey: NoteVerifier['publicKey'],
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return await publicKey.verify(message, signature);
}
