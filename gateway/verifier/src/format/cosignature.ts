import { type KeyObject, sign, verify } from 'node:crypto';
import { encodeSignatureLine, type Note } from './note.js';
import { decodeCanonicalBase64, isKeyName, keyIdOf, publicBytesOf, publicKeyOf, splitVkey } from './signed-note.js';

/** Signature type of timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature). */
const COSIGNATURE_TYPE = 0x04;
const PUBLIC_BYTES = 32;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** A witness's key. */
export interface CosignatureVerifier {
  readonly name: string;
  readonly keyId: Buffer;
  /** Hex of the public key: two vkeys with the same one are the same witness. */
  readonly publicHex: string;
  readonly publicKey: KeyObject;
}

/** Reads a witness's vkey of type 0x04; undefined when it is none, has another type, or a wrong id. */
export function parseCosignatureVkey(vkey: string): CosignatureVerifier | undefined {
  const [name, keyIdHex, keyBase64] = splitVkey(vkey);
  if (name === undefined || keyIdHex === undefined || keyBase64 === undefined || !isKeyName(name)) return undefined;
  const encodedKey = decodeCanonicalBase64(keyBase64);
  if (encodedKey?.byteLength !== 1 + PUBLIC_BYTES || encodedKey[0] !== COSIGNATURE_TYPE) return undefined;
  const keyId = keyIdOf(name, encodedKey);
  if (keyId.toString('hex') !== keyIdHex) return undefined;
  const publicBytes = encodedKey.subarray(1);
  return { name, keyId, publicHex: publicBytes.toString('hex'), publicKey: publicKeyOf(publicBytes) };
}

/** Makes cosignatures. */
export interface Cosigner {
  readonly name: string;
  readonly vkey: string;
  /** The signature line over a checkpoint's text as of a time in whole seconds since 1970. */
  cosign(checkpointText: string, timeSeconds: number): string;
}

/** Creates a cosigner. Throws `TypeError` unless the key is an Ed25519 private key and the name can be one. */
export function createCosigner(name: string, privateKey: KeyObject): Cosigner {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces, plus signs or control characters');
  const encodedKey = Buffer.concat([Uint8Array.of(COSIGNATURE_TYPE), publicBytesOf(privateKey)]);
  const keyId = keyIdOf(name, encodedKey);
  return Object.freeze({
    name,
    vkey: `${name}+${keyId.toString('hex')}+${encodedKey.toString('base64')}`,
    cosign(checkpointText: string, timeSeconds: number): string {
      const time = Buffer.alloc(TIME_BYTES);
      time.writeBigUInt64BE(BigInt(timeSeconds));
      const signature = sign(null, cosignedMessage(checkpointText, BigInt(timeSeconds)), privateKey);
      return encodeSignatureLine({ name, keyId, signature: Buffer.concat([time, signature]) });
    },
  });
}

function cosignedMessage(checkpointText: string, timeSeconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${checkpointText}`, 'utf8');
}

/**
 * When this witness cosigned the note, in seconds since 1970, the latest of several; undefined when it did not. A line with
 * its name and id that does not verify counts as none.
 */
export function cosignedAt({ text, signatures }: Note, witness: CosignatureVerifier): number | undefined {
  let latest: number | undefined;
  for (const { name, keyId, signature } of signatures) {
    if (name !== witness.name || !keyId.equals(witness.keyId)) continue;
    if (signature.byteLength !== TIME_BYTES + SIGNATURE_BYTES) continue;
    const time = signature.readBigUInt64BE();
    if (time === 0n || time > BigInt(Number.MAX_SAFE_INTEGER)) continue;
    if (!verify(null, cosignedMessage(text, time), witness.publicKey, signature.subarray(TIME_BYTES))) continue;
    latest = Math.max(latest ?? 0, Number(time));
  }
  return latest;
}
