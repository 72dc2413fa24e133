import { type FileHandle, open } from 'node:fs/promises';
import type { RandomAccess } from './zip.js';

/** A file to read anywhere in; the caller closes it. Rejects when it cannot be opened. */
export async function openFile(path: string): Promise<RandomAccess & { close(): Promise<void> }> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return { size, read: (from, length) => readFrom(file, from, length), close: () => file.close() };
}

/** The bytes from `from` on, `length` of them or up to the end of the file. */
export async function readFrom(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
