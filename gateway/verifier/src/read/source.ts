/** A file of a recording, by its path below the recording's root, with `/` between names. */
export interface SourceFile {
  /** A path that ends in `/` is a folder without files. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When its bytes were last changed, where the place tells. */
  readonly modifiedMs?: number;
  /** Neither a file nor a folder: a link, a device. Never read. */
  readonly special?: true;
}

/** Read-only access to a recording, wherever it lies: a directory, a bundle, a bucket, files chosen in a browser. */
export interface RecordingSource {
  /** What a person calls this place. */
  readonly label: string;
  /** Every file, in any order. Rejects when the place cannot be read. */
  list(): Promise<readonly SourceFile[]>;
  /** The bytes from `from` on, `length` of them or up to the end of the file. Rejects when the file cannot be read. */
  read(path: string, from: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The bytes as a `Buffer` over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
