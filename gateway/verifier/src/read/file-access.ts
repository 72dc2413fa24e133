import { open } from 'node:fs/promises';
import type { RandomAccess } from './zip.js';

/** A file to read anywhere in; the caller closes it. Rejects when it cannot be opened. */
export async function openFile(path: string): Promise<RandomAccess & { close(): Promise<void> }> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return {
    size,
    async read(from, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    close: () => file.close(),
  };
}
