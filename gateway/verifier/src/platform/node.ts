import { createDecipheriv, createHash, createHmac, createPublicKey, hash, verify } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import type { Platform } from './platform.js';

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const TAG_BYTES = 16;

/** Node's own cryptography and compression. */
export const platform: Platform = {
  sha256(parts) {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'buffer');
    const whole = createHash('sha256');
    for (const part of parts) whole.update(part);
    return whole.digest();
  },
  createSha256() {
    const running = createHash('sha256');
    return { update: (bytes) => void running.update(bytes), digest: () => running.digest() };
  },
  crc32,
  importEd25519(raw) {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' });
    return { verify: (message, signature) => verify(null, message, key, signature) };
  },
  async inflate(bytes, length) {
    try {
      const { buffer, engine } = inflateRawSync(bytes, {
        maxOutputLength: Math.max(1, length),
        info: true,
      }) as unknown as {
        readonly buffer: Buffer;
        readonly engine: { readonly bytesWritten: number };
      };
      return buffer.byteLength === length && engine.bytesWritten === bytes.byteLength ? buffer : undefined;
    } catch {
      return undefined;
    }
  },
  hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
  openAesGcm(key, { nonce, additional, bytes }) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAAD(additional);
    decipher.setAuthTag(bytes.subarray(bytes.byteLength - TAG_BYTES));
    try {
      const head = decipher.update(bytes.subarray(0, bytes.byteLength - TAG_BYTES));
      decipher.final();
      return head;
    } catch {
      return undefined;
    }
  },
};
