import { Buffer } from './browser-buffer.js';
import { crc32Of } from './crc32.js';
import type { Platform } from './platform.js';
import { createSha256Here } from './sha256.js';

/** A page's cryptography and compression: signatures and packed bytes are dealt with later, the rest at once. */
export const platform: Platform = {
  sha256(parts) {
    const running = createSha256Here();
    for (const part of parts) running.update(part);
    return toBuffer(running.digest());
  },
  createSha256() {
    const running = createSha256Here();
    return { update: (bytes) => running.update(bytes), digest: () => toBuffer(running.digest()) };
  },
  crc32: crc32Of,
  importEd25519(raw) {
    const key = crypto.subtle.importKey('raw', copy(raw), 'Ed25519', false, ['verify']);
    // Whoever verifies hears of a key that cannot be used.
    key.catch(() => undefined);
    return {
      verify: async (message, signature) => crypto.subtle.verify('Ed25519', await key, copy(signature), copy(message)),
    };
  },
  async inflate(bytes, length) {
    try {
      const unpacked = new Blob([copy(bytes)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
      const whole = new Uint8Array(length);
      let filled = 0;
      for await (const piece of unpacked) {
        if (filled + piece.byteLength > length) return undefined;
        whole.set(piece, filled);
        filled += piece.byteLength;
      }
      return filled === length ? whole : undefined;
    } catch {
      return undefined;
    }
  },
  hmacSha256() {
    throw new TypeError('a page holds no keys');
  },
  openAesGcm() {
    throw new TypeError('a page holds no keys');
  },
};

function toBuffer(bytes: Uint8Array): ReturnType<Platform['sha256']> {
  return Buffer.from(bytes) as unknown as ReturnType<Platform['sha256']>;
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}
