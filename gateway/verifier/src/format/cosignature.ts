import { importPublicKey, isSignature } from './ed25519.js';
import type { Note } from './note.js';
import { decodeCanonicalBase64, isKeyName, keyIdOf, type NoteVerifier } from './signed-note.js';

/** Signature type of timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature). */
const COSIGNATURE_TYPE = 0x04;
const PUBLIC_BYTES = 32;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u;

/** A witness's key. */
export interface CosignatureVerifier extends NoteVerifier {
  /** Hex of the public key: two vkeys with the same one are the same witness. */
  readonly publicHex: string;
}

/** Reads a witness's vkey of type 0x04; undefined when it is none, has another type, or a wrong id. */
export function parseCosignatureVkey(vkey: string): CosignatureVerifier | undefined {
  const [, name, keyIdHex, keyBase64] = VKEY.exec(vkey) ?? [];
  if (name === undefined || keyIdHex === undefined || keyBase64 === undefined || !isKeyName(name)) return undefined;
  const encodedKey = decodeCanonicalBase64(keyBase64);
  if (encodedKey?.byteLength !== 1 + PUBLIC_BYTES || encodedKey[0] !== COSIGNATURE_TYPE) return undefined;
  const keyId = keyIdOf(name, encodedKey);
  if (keyId.toString('hex') !== keyIdHex) return undefined;
  const publicBytes = encodedKey.subarray(1);
  return { name, keyId, publicHex: publicBytes.toString('hex'), publicKey: importPublicKey(publicBytes) };
}

/**
 * When this witness cosigned the note, in seconds since 1970, the latest of several; undefined when it did not. A line with
 * its name and id that does not verify counts as none.
 */
export async function cosignedAt(
  { text, signatures }: Note,
  witness: CosignatureVerifier,
): Promise<number | undefined> {
  let latest: number | undefined;
  for (const { name, keyId, signature } of signatures) {
    if (name !== witness.name || !keyId.equals(witness.keyId)) continue;
    if (signature.byteLength !== TIME_BYTES + SIGNATURE_BYTES) continue;
    const time = signature.readBigUInt64BE();
    if (time === 0n || time > BigInt(Number.MAX_SAFE_INTEGER)) continue;
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`, 'utf8');
    if (!(await isSignature(witness.publicKey, message, signature.subarray(TIME_BYTES)))) continue;
    latest = Math.max(latest ?? 0, Number(time));
  }
  return latest;
}
