/** A public key made ready for verifying. */
export interface Ed25519Key {
  /** False for anything but this key's signature over exactly this message. */
  verify(message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
}

/** A hash under way. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Ends it. */
  digest(): Buffer;
}

/** What a program of this kind needs from the machine it runs on: Node, or a web page without a network. */
export interface Platform {
  /** SHA-256 over the parts in order, 32 bytes. */
  sha256(parts: readonly Uint8Array[]): Buffer;
  /** SHA-256 of what comes piece by piece. */
  createSha256(): RunningHash;
  /** CRC-32 as in zlib, continued from `seed`. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** Takes the 32 bytes of a public key. */
  importEd25519(raw: Uint8Array): Ed25519Key;
  /** Raw DEFLATE that gives exactly `length` bytes and ends where `bytes` end; undefined for anything else. */
  inflate(bytes: Uint8Array, length: number): Promise<Uint8Array | undefined>;
  /** HMAC-SHA256, 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Buffer;
  /** AES-256-GCM with the tag behind the ciphertext; undefined when the tag does not fit. */
  openAesGcm(key: Uint8Array, sealed: GcmSealed): Uint8Array | undefined;
}

export interface GcmSealed {
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly additional: Uint8Array;
  /** Ciphertext, then the 16-byte tag. */
  readonly bytes: Uint8Array;
}
