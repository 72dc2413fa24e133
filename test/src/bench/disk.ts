import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { percentile } from './statistics.js';

const APPENDS = 150;
const APPEND_BYTES = 1024;

/** What one durable append costs here: 1 KB written at the end of a file, then fdatasync. */
export async function syncedAppend(
  directory: string,
): Promise<{ readonly p50Micros: number; readonly p99Micros: number }> {
  const file = join(directory, 'synced-append');
  const bytes = Buffer.alloc(APPEND_BYTES, 'x');
  const micros: number[] = [];
  const handle = await open(file, 'a');
  try {
    for (let append = 0; append < APPENDS; append += 1) {
      const startedMs = performance.now();
      await handle.write(bytes);
      await handle.datasync();
      micros.push((performance.now() - startedMs) * 1000);
    }
  } finally {
    await handle.close();
    await rm(file);
  }
  return { p50Micros: percentile(micros, 0.5), p99Micros: percentile(micros, 0.99) };
}

/** Bytes of all files below a folder. */
export async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
