import { platform } from '../platform/index.js';

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);
const HASH_BYTES = 32;
/** An inner node while it is hashed: one call over one piece costs less than one over three. */
const node = new Uint8Array([...NODE_PREFIX, ...new Uint8Array(2 * HASH_BYTES)]);

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
  // What somebody else calls a hash may be longer or shorter; then it leads to no root.
  if (left.byteLength !== HASH_BYTES || right.byteLength !== HASH_BYTES) return sha256(NODE_PREFIX, left, right);
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
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
