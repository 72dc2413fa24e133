import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { encodeSignatureLine } from './note.js';
import type { NoteSigner } from './note-signer.js';
import { isKeyName, keyIdOf } from './signed-note.js';

const NOTE_TYPE = 0x01;
/** Signature type of timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature). */
const COSIGNATURE_TYPE = 0x04;
/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX_BYTES = 12;
const TIME_BYTES = 8;

/** Creates a note signer with a key that is kept. Throws `TypeError` unless it is an Ed25519 private key. */
export function createKeptNoteSigner(name: string, privateKey: KeyObject): NoteSigner {
  const { vkey, keyId } = describeKey(name, privateKey, NOTE_TYPE);
  return Object.freeze({
    name,
    vkey,
    signNote(text: string): string {
      const signature = sign(null, Buffer.from(text, 'utf8'), privateKey);
      return `${text}\n${encodeSignatureLine({ name, keyId, signature })}`;
    },
    sign: (text: string) => sign(null, Buffer.from(text, 'utf8'), privateKey).toString('base64url'),
  });
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
  const { vkey, keyId } = describeKey(name, privateKey, COSIGNATURE_TYPE);
  return Object.freeze({
    name,
    vkey,
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

function describeKey(name: string, privateKey: KeyObject, type: number): { vkey: string; keyId: Buffer } {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces, plus signs or control characters');
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('an Ed25519 key is needed');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const encodedKey = Buffer.concat([Uint8Array.of(type), spki.subarray(SPKI_PREFIX_BYTES)]);
  const keyId = keyIdOf(name, encodedKey);
  return { keyId, vkey: `${name}+${keyId.toString('hex')}+${encodedKey.toString('base64')}` };
}
