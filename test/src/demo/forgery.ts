import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A copy of a log in which one bit of one byte is different. */
export interface Forgery {
  readonly directory: string;
  /** The changed file, relative to the directory. */
  readonly file: string;
  readonly offset: number;
  /** What the changed byte says now. */
  readonly letter: string;
  /** Makes the checksum of the frame around the byte right again, as a careful forger would. */
  repairChecksum(): Promise<void>;
  /** Puts the copy back as it was. */
  undo(): Promise<void>;
}

/** The part of the log to change: the byte at `at` within the last occurrence of `text`. */
export interface Target {
  readonly text: string;
  readonly at: number;
}

/** Changes one byte of the copy of a log at `to`. @throws Error when the log does not hold the text. */
export async function forge(to: string, { text, at }: Target): Promise<Forgery> {
  for (const file of (await readdir(to, { recursive: true })).filter((name) => name.endsWith('.seg'))) {
    const path = join(to, file);
    const original = await readFile(path);
    const start = original.lastIndexOf(text);
    if (start === -1) continue;
    const offset = start + at;
    const bytes = Buffer.from(original);
    const forged = bytes.readUInt8(offset) ^ 1;
    bytes.writeUInt8(forged, offset);
    await writeFile(path, bytes);
    return {
      directory: to,
      file,
      offset,
      letter: String.fromCharCode(forged),
      async repairChecksum() {
        writeChecksum(bytes, offset);
        await writeFile(path, bytes);
      },
      undo: () => writeFile(path, original),
    };
  }
  throw new Error('the log does not hold the text to change');
}

/** Header of a frame, as docs/recording-format.md draws it: "PSTR", type, flags, length at 8, checksum at 12, payload. */
const FRAME = { magic: 'PSTR', length: 8, checksum: 12, payload: 16 } as const;

function writeChecksum(bytes: Buffer, within: number): void {
  const start = bytes.lastIndexOf(FRAME.magic, within);
  const end = start + FRAME.payload + bytes.readUInt32BE(start + FRAME.length);
  const header = bytes.subarray(start, start + FRAME.checksum);
  bytes.writeUInt32BE(crc32(bytes.subarray(start + FRAME.payload, end), crc32(header)), start + FRAME.checksum);
}
