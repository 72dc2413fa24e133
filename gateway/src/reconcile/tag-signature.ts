import { verify } from 'node:crypto';
import { type NoteVerifier, type QueryTag, tagText } from '@piste/verifier';

const SIGNATURE_BYTES = 64;

/** True when the writer's key signed exactly what the tag says. Verified off the calling thread. */
export function isTagSigned(tag: QueryTag, verifier: NoteVerifier): Promise<boolean> {
  const signature = Buffer.from(tag.signature ?? '', 'base64url');
  if (verifier.name !== tag.writer || signature.byteLength !== SIGNATURE_BYTES) return Promise.resolve(false);
  const text = Buffer.from(tagText(tag.writer, tag.index, tag.leafHash), 'utf8');
  return new Promise((resolve, reject) => {
    verify(null, text, verifier.publicKey, signature, (error, isSigned) => {
      if (error === null) resolve(isSigned);
      else reject(error);
    });
  });
}
