import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { checkWellFormed } from './admissible.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Says which construction made the text, so that a later one can be told apart. */
const MARK = 's1.';

/** Keeps text secret and unaltered while it lies in a store that others can read or write. */
export interface Sealer {
  /** `context` is not stored; opening needs the same one. Use the store key, so that values cannot change places. */
  seal(text: string, context: string): string;
  /** The text, or undefined when it was altered, sealed by another key or for another context. */
  open(sealed: string, context: string): string | undefined;
}

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce and `context` as additional data:
 *
 *     "s1." base64url( nonce[12] ‖ ciphertext ‖ tag[16] )
 *
 * One key seals at most 2^32 texts. Throws a RangeError unless `key` has 32 bytes. An old text put back in its own
 * place still opens: sealing gives no freshness.
 */
export function createSealer(key: Uint8Array, random: (bytes: number) => Uint8Array = randomBytes): Sealer {
  if (key.length !== KEY_BYTES) throw new RangeError(`a sealing key has ${KEY_BYTES} bytes`);
  // Prepared once: raw bytes would be prepared again for every text.
  const ownKey = createSecretKey(Uint8Array.from(key));

  return Object.freeze({
    seal(text: string, context: string): string {
      checkWellFormed(text, context);
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', ownKey, nonce);
      cipher.setAAD(Buffer.from(context));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return MARK + sealed.toString('base64url');
    },
    open(sealed: string, context: string): string | undefined {
      if (!sealed.startsWith(MARK) || !context.isWellFormed()) return undefined;
      const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url');
      // Node's decoder skips what it does not know; a sealed text has one spelling only.
      if (bytes.toString('base64url') !== sealed.slice(MARK.length)) return undefined;
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', ownKey, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  });
}
