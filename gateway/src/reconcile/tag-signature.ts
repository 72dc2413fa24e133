import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { parseVkey, type QueryTag, tagText } from '@piste/verifier';

const SIGNATURE_BYTES = 64;
/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A writer's key, for the signatures in tags. */
export interface TagKey {
  /** Origin of the writer's log. */
  readonly writer: string;
  readonly key: KeyObject;
}

/** Reads a verifier key (vkey); undefined when it is none. */
export function parseTagKey(vkey: string): TagKey | undefined {
  const writer = parseVkey(vkey)?.name;
  if (writer === undefined) return undefined;
  // Behind the name and the key id, neither of which has a plus sign: one byte for the algorithm, then the key.
  const encoded = vkey.slice(vkey.indexOf('+', writer.length + 1) + 1);
  const raw = Buffer.from(encoded, 'base64').subarray(1);
  return { writer, key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' }) };
}

/** True when the writer's key signed exactly what the tag says. Verified off the calling thread: a million take a while. */
export function isTagSigned(tag: QueryTag, { writer, key }: TagKey): Promise<boolean> {
  const signature = Buffer.from(tag.signature ?? '', 'base64url');
  if (writer !== tag.writer || signature.byteLength !== SIGNATURE_BYTES) return Promise.resolve(false);
  const text = Buffer.from(tagText(tag.writer, tag.index, tag.leafHash), 'utf8');
  return new Promise((resolve, reject) => {
    verify(null, text, key, signature, (error, isSigned) => {
      if (error === null) resolve(isSigned);
      else reject(error);
    });
  });
}
