/** A file of a recording, by its path below the recording's root, with `/` between names. */
export interface SourceFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Read-only access to a recording, wherever it lies: a directory, a bundle, a bucket, files chosen in a browser. */
export interface RecordingSource {
  /** What a person calls this place. */
  readonly label: string;
  list(): Promise<readonly SourceFile[]>;
  /** The bytes from `from` on, `length` of them or up to the end of the file. Rejects when the file cannot be read. */
  read(path: string, from: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
