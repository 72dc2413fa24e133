import type { RecordingSource } from './source.js';

/** A recording that lies in memory, by path. */
export function openMemory(label: string, files: ReadonlyMap<string, Uint8Array>): RecordingSource {
  return Object.freeze({
    label,
    list: async () => [...files].map(([path, bytes]) => ({ path, size: bytes.byteLength })),
    async read(path: string, from: number, length: number) {
      const bytes = files.get(path);
      if (bytes === undefined) throw new Error(`there is no ${path} in ${label}`);
      return bytes.subarray(from, from + length);
    },
    close: () => Promise.resolve(),
  });
}
