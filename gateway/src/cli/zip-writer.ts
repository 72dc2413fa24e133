import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { encodeCentralHeader, encodeEnd, encodeLocalHeader, isLarge, type StoredFile } from './zip-headers.js';

/** Writes a zip archive, one file after the other, nothing packed. */
export interface ZipWriter {
  /** Bytes so far. */
  readonly written: number;
  /** Adds a file of exactly this size; gives its SHA-256 (hex). */
  add(path: string, size: number, pieces: Pieces): Promise<string>;
  /** Adds a file that is known to be below 4 GiB, and no more of its size. */
  addSmall(path: string, pieces: Pieces): Promise<string>;
  /** Writes the table of contents and closes the file. */
  finish(): Promise<void>;
  /** Closes the file as it is. */
  abandon(): Promise<void>;
}

export type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Creates the archive; rejects with `EEXIST` when there is such a file, which is left alone. */
export async function createZip(path: string): Promise<ZipWriter> {
  const file = await open(path, 'wx', 0o600);
  const files: StoredFile[] = [];
  let written = 0;

  async function write(bytes: Uint8Array): Promise<void> {
    await writeAt(file, bytes, written);
    written += bytes.byteLength;
  }

  async function addFile(name: string, expected: number | undefined, pieces: Pieces): Promise<string> {
    const offset = written;
    // The header's length depends on the size alone; what else it says is known only at the end.
    await write(encodeLocalHeader({ path: name, size: expected ?? 0, crc: 0 }));
    const hash = createHash('sha256');
    const start = written;
    let crc = 0;
    for await (const piece of pieces) {
      hash.update(piece);
      crc = crc32(piece, crc);
      await write(piece);
    }
    const size = written - start;
    if (expected === undefined ? isLarge(size) : size !== expected)
      throw new Error(`${name} has another size than was known before`);
    await writeAt(file, encodeLocalHeader({ path: name, size, crc }), offset);
    files.push({ path: name, size, crc, offset });
    return hash.digest('hex');
  }

  return {
    get written() {
      return written;
    },
    add: addFile,
    addSmall: (name, pieces) => addFile(name, undefined, pieces),
    async finish() {
      const offset = written;
      for (const each of files) await write(encodeCentralHeader(each));
      await write(encodeEnd({ count: files.length, offset, bytes: written - offset }));
      await file.sync();
      await file.close();
    },
    abandon: () => file.close(),
  };
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, position + at);
    at += bytesWritten;
  }
}
