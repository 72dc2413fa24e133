import type { FileHandle } from 'node:fs/promises';
import { readUpTo } from './frame-reader.js';

const STEP_BYTES = 64 * 1024;

/**
 * Length of the first `size` bytes of a file without the zeros at their end: a writer writes zeros ahead, and one that was
 * interrupted leaves them. No frame that is whole ends in a zero.
 */
export async function usedLength(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; end -= STEP_BYTES) {
    const from = Math.max(0, end - STEP_BYTES);
    const bytes = await readUpTo(file, from, end - from);
    const last = bytes.findLastIndex((byte) => byte !== 0);
    if (last >= 0) return from + last + 1;
  }
  return 0;
}
