import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Zip, ZipPassThrough } from 'fflate';
import { InputError } from './io.js';

/** Beyond this a zip archive needs an extension that the verifier does not read. */
const MAX_ARCHIVE_BYTES = 0xffff_ffff - 64 * 1024 * 1024;
/** Zip archives know no time before; times in a bundle mean nothing. */
const TIME = new Date(1980, 0, 1);

/** Writes a zip archive, one file after the other, nothing packed. */
export interface ZipWriter {
  /** Adds a file; gives its SHA-256 (hex). */
  add(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string>;
  /** Writes the table of contents and closes the file. */
  finish(): Promise<void>;
  /** Closes the file as it is. */
  abandon(): Promise<void>;
}

/** Creates the archive; rejects with `EEXIST` when there is such a file, which is left alone. */
export async function createZip(path: string): Promise<ZipWriter> {
  const file = await open(path, 'wx', 0o600);
  let waiting: Uint8Array[] = [];
  let written = 0;
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error;
    waiting.push(piece);
  });

  async function flush(): Promise<void> {
    const pieces = waiting;
    waiting = [];
    for (const piece of pieces) {
      written += piece.byteLength;
      if (written > MAX_ARCHIVE_BYTES)
        throw new InputError('a bundle holds at most 4 GiB: choose a session, or --since');
      await file.writeFile(piece);
    }
  }

  return {
    async add(name, pieces) {
      const hash = createHash('sha256');
      const entry = new ZipPassThrough(name);
      entry.mtime = TIME;
      zip.add(entry);
      for await (const piece of pieces) {
        hash.update(piece);
        entry.push(Uint8Array.from(piece), false);
        await flush();
      }
      entry.push(new Uint8Array(0), true);
      await flush();
      return hash.digest('hex');
    },
    async finish() {
      zip.end();
      await flush();
      await file.sync();
      await file.close();
    },
    abandon: () => file.close(),
  };
}
