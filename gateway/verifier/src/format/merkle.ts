import { platform } from '../platform/index.js';

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** SHA-256 over the parts, as raw bytes. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return platform.sha256(parts);
}

/** RFC 6962 section 2.1: hash of a leaf. */
export function hashLeaf(bytes: Uint8Array): Buffer {
  // Joined, because one call over one piece costs less than the copy.
  return sha256(Buffer.concat([LEAF_PREFIX, bytes]));
}

/** RFC 6962 section 2.1: hash of an inner node. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Buffer.concat([NODE_PREFIX, left, right]));
}

/** A growing RFC 6962 tree that keeps only the roots of its complete subtrees: 32 bytes per level. */
export interface Tree {
  readonly size: number;
  append(leafHash: Uint8Array): void;
  /** Root of the tree as it stands; of the empty tree, SHA-256 of nothing. */
  root(): Buffer;
}

/** Creates an empty tree. */
export function createTree(): Tree {
  let size = 0;
  /** Complete subtrees from left (largest) to right (smallest): one per set bit of `size`. */
  const peaks: Uint8Array[] = [];
  return {
    get size() {
      return size;
    },
    append(leafHash) {
      let carried = leafHash;
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        const left = peaks.pop();
        if (left === undefined) throw new Error('tree lost a subtree');
        carried = hashNode(left, carried);
      }
      peaks.push(carried);
      size += 1;
    },
    root() {
      const last = peaks.at(-1);
      if (last === undefined) return sha256();
      return Buffer.from(peaks.slice(0, -1).reduceRight<Uint8Array>((right, left) => hashNode(left, right), last));
    },
  };
}
