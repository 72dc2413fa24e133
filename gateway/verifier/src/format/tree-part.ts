import type { HashTree } from './hash-tree.js';
import { hashNode } from './merkle.js';
import { consistencyRanges, type LeafRange, makeConsistencyProof, splitOf, verifyConsistency } from './tree-proof.js';

/** A root the tree had when it was smaller, with the proof that it did. */
export interface EarlierRoot {
  readonly size: number;
  readonly root: Buffer;
  readonly hashes: readonly Buffer[];
}

/** Some leaves of a tree, and the hashes that give its root with them. */
export interface TreePart {
  /** Ascending. */
  readonly places: readonly number[];
  /** Roots of the subtrees that hold none of the leaves, from left to right. */
  readonly hashes: readonly Buffer[];
  /** Ascending by size. */
  readonly earlier: readonly EarlierRoot[];
}

/** A leaf and where it stands. */
export interface PlacedLeaf {
  readonly place: number;
  readonly leafHash: Uint8Array;
}

/** The part of a tree, when it had `size` leaves, with those at these ascending places, and with the roots it had at these sizes before. */
export function makeTreePart(
  tree: HashTree,
  places: readonly number[],
  { before = [], size = tree.size }: { readonly before?: Iterable<number>; readonly size?: number } = {},
): TreePart {
  const sizes = [...new Set(before)].filter((each) => each > 0 && each < size).sort((a, b) => a - b);
  return {
    places,
    hashes: rangesBeside(places, { start: 0, end: size }).map(({ start, end }) => tree.rangeRoot(start, end)),
    earlier: sizes.map((each) => ({
      size: each,
      root: tree.root(each),
      hashes: makeConsistencyProof(tree, each, size),
    })),
  };
}

/** The largest subtrees below a range that hold none of the places, from left to right. */
function rangesBeside(places: readonly number[], range: LeafRange): readonly LeafRange[] {
  const { start, end } = range;
  if (places.length === 0) return end > start ? [range] : [];
  if (end - start === 1) return [];
  const middle = start + splitOf(end - start);
  const isLeft = (place: number): boolean => place < middle;
  return [
    ...rangesBeside(places.filter(isLeft), { start, end: middle }),
    ...rangesBeside(
      places.filter((place) => !isLeft(place)),
      { start: middle, end },
    ),
  ];
}

/** The root of the tree of `size` leaves that these leaves and hashes give; undefined where they are not exactly as many as that takes. */
export function rootOfPart(
  size: number,
  leaves: readonly PlacedLeaf[],
  hashes: readonly Uint8Array[],
): Buffer | undefined {
  let used = 0;
  function rootOf({ start, end }: LeafRange, inside: readonly PlacedLeaf[]): Uint8Array | undefined {
    if (inside.length === 0) return hashes[used++];
    if (end - start === 1) return inside.length === 1 ? inside[0]?.leafHash : undefined;
    const middle = start + splitOf(end - start);
    const isLeft = ({ place }: PlacedLeaf): boolean => place < middle;
    const left = rootOf({ start, end: middle }, inside.filter(isLeft));
    const right = rootOf(
      { start: middle, end },
      inside.filter((leaf) => !isLeft(leaf)),
    );
    return left === undefined || right === undefined ? undefined : hashNode(left, right);
  }
  if (leaves.some(({ place }) => place < 0 || place >= size)) return undefined;
  const root = rootOf({ start: 0, end: size }, leaves);
  return root === undefined || used !== hashes.length ? undefined : Buffer.from(root);
}

/** True when the tree with this root had all these roots before. */
export function areEarlier(
  earlier: readonly EarlierRoot[],
  tree: { readonly size: number; readonly root: Uint8Array },
): boolean {
  return earlier.every(
    ({ size, root, hashes }, at) =>
      size > (earlier[at - 1]?.size ?? 0) &&
      size < tree.size &&
      hashes.length === consistencyRanges(size, tree.size).length &&
      verifyConsistency({ oldSize: size, oldRoot: root, size: tree.size, root: tree.root, proof: hashes }),
  );
}
