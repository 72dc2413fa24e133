/** Memory is taken in slabs, each twice as large as the one before. */
const FIRST_SLAB_BYTES = 16 * 1024;
const MAX_SLAB_BYTES = 1024 * 1024;

/** Where the frames of waiting records are put together, one behind the other, so that they are written in few pieces. */
export interface FrameBuffer {
  /** So many bytes, with anything in them. */
  take(byteLength: number): Buffer;
  /** Nothing that was taken is needed any more. */
  clear(): void;
}

export function createFrameBuffer(): FrameBuffer {
  let slab = Buffer.allocUnsafeSlow(FIRST_SLAB_BYTES);
  let used = 0;
  return {
    take(byteLength) {
      if (used + byteLength > slab.byteLength) {
        slab = Buffer.allocUnsafeSlow(Math.max(byteLength, Math.min(2 * slab.byteLength, MAX_SLAB_BYTES)));
        used = 0;
      }
      used += byteLength;
      return slab.subarray(used - byteLength, used);
    },
    clear() {
      used = 0;
    },
  };
}

/** The same bytes in fewer pieces, where one piece ends in memory where the next begins. */
export function joinAdjacent(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let first: Uint8Array | undefined;
  let length = 0;
  const flush = (): void => {
    if (first === undefined) return;
    joined.push(length === first.byteLength ? first : new Uint8Array(first.buffer, first.byteOffset, length));
  };
  for (const piece of pieces) {
    if (first?.buffer === piece.buffer && first.byteOffset + length === piece.byteOffset) {
      length += piece.byteLength;
      continue;
    }
    flush();
    first = piece;
    length = piece.byteLength;
  }
  flush();
  return joined;
}
