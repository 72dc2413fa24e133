import { hashNode, sha256 } from './merkle.js';

const HASH_BYTES = 32;
const FIRST_CAPACITY = 64 * HASH_BYTES;

/** An RFC 6962 tree that keeps every complete subtree's hash (64 bytes per leaf), so that roots, proofs and tiles are quick. */
export interface HashTree {
  readonly size: number;
  append(leafHash: Uint8Array): void;
  /** Hash of the complete subtree of 2^level leaves whose number at its level is `index`. Throws `RangeError` beyond the tree. */
  subtree(level: number, index: number): Buffer;
  /** Root of the first `size` leaves, by default of all. Throws `RangeError` beyond the tree. */
  root(size?: number): Buffer;
  /** MTH(D[start:end]) of RFC 6962 section 2.1, for a `start` that is a multiple of the largest power of two below the length. */
  rangeRoot(start: number, end: number): Buffer;
}

/** A subtree of 2^level leaves by its number at that level. */
export interface SubtreePlace {
  readonly level: number;
  readonly index: number;
}

/** The complete subtrees that make up a range of leaves, from left to right. */
export function completeSubtrees(start: number, end: number): readonly SubtreePlace[] {
  const places: SubtreePlace[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    places.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return places;
}

/** Joins the hashes of complete subtrees from the right, as RFC 6962 section 2.1 does; of none, SHA-256 of nothing. */
export function joinPeaks(peaks: readonly Uint8Array[]): Buffer {
  const last = peaks.at(-1);
  if (last === undefined) return sha256();
  return Buffer.from(peaks.slice(0, -1).reduceRight((right, left) => hashNode(left, right), last));
}

/** Creates an empty tree. */
export function createHashTree(): HashTree {
  const levels: { bytes: Buffer; count: number }[] = [];

  function push(level: number, hash: Uint8Array): void {
    let row = levels[level];
    if (row === undefined) {
      row = { bytes: Buffer.alloc(FIRST_CAPACITY), count: 0 };
      levels[level] = row;
    }
    const at = row.count * HASH_BYTES;
    if (at === row.bytes.byteLength) row.bytes = Buffer.concat([row.bytes, Buffer.alloc(at)]);
    row.bytes.set(hash, at);
    row.count += 1;
  }

  function subtree(level: number, index: number): Buffer {
    const row = levels[level];
    if (row === undefined || index < 0 || index >= row.count) throw new RangeError('no such subtree');
    return row.bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  function rangeRoot(start: number, end: number): Buffer {
    return joinPeaks(completeSubtrees(start, end).map(({ level, index }) => subtree(level, index)));
  }

  const size = (): number => levels[0]?.count ?? 0;
  return {
    get size() {
      return size();
    },
    append(leafHash) {
      if (leafHash.byteLength !== HASH_BYTES) throw new RangeError('a leaf hash has 32 bytes');
      push(0, leafHash);
      for (let level = 0, count = size(); count % 2 === 0; level += 1, count /= 2) {
        push(level + 1, hashNode(subtree(level, count - 2), subtree(level, count - 1)));
      }
    },
    subtree,
    root(at = size()) {
      if (at < 0 || at > size()) throw new RangeError('the tree is not that large');
      return rangeRoot(0, at);
    },
    rangeRoot,
  };
}
