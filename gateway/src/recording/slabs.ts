/** The smallest slab; larger ones are twice, four times … as large. */
const MIN_SLAB_BYTES = 8 * 1024;
/** Larger bodies get memory of their own, once. */
const MAX_SLAB_BYTES = 4 * 1024 * 1024;
/** Memory kept for what comes next. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Memory that carries bodies to the writer and comes back: new memory for every body costs as much as hashing it, in page
 * faults and in the collector.
 */
export interface Slabs {
  /** At least so many bytes, with anything in them. */
  take(byteLength: number): ArrayBuffer;
  giveBack(slabs: readonly ArrayBuffer[]): void;
}

export function createSlabs(): Slabs {
  const kept = new Map<number, ArrayBuffer[]>();
  let keptBytes = 0;
  return {
    take(byteLength) {
      const size = sizeFor(byteLength);
      const slab = kept.get(size)?.pop();
      if (slab === undefined) return Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer;
      keptBytes -= size;
      return slab;
    },
    giveBack(slabs) {
      for (const slab of slabs) {
        const size = slab.byteLength;
        if (size > MAX_SLAB_BYTES || keptBytes + size > MAX_KEPT_BYTES) continue;
        const same = kept.get(size) ?? [];
        kept.set(size, same);
        same.push(slab);
        keptBytes += size;
      }
    },
  };
}

function sizeFor(byteLength: number): number {
  if (byteLength > MAX_SLAB_BYTES) return byteLength;
  let size = MIN_SLAB_BYTES;
  while (size < byteLength) size *= 2;
  return size;
}
