import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHashTree, type HashTree } from './hash-tree.js';
import { hashLeaf } from './merkle.js';
import { encodePartFile, parsePartFile } from './part-file.js';
import { areEarlier, makeTreePart, type PlacedLeaf, rootOfPart } from './tree-part.js';

function treeOf(size: number): HashTree {
  const tree = createHashTree();
  for (let leaf = 0; leaf < size; leaf += 1) tree.append(leafOf(leaf));
  return tree;
}

const leafOf = (place: number): Buffer => hashLeaf(Buffer.from(`leaf ${place}`));
const leavesAt = (places: readonly number[]): readonly PlacedLeaf[] =>
  places.map((place) => ({ place, leafHash: leafOf(place) }));

/** A tree's size, some of its leaves and some earlier sizes. */
const parts = fc.integer({ min: 1, max: 70 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    places: fc.uniqueArray(fc.nat(size - 1), { maxLength: 12 }).map((list) => list.sort((a, b) => a - b)),
    sizes: fc.array(fc.integer({ min: 0, max: size }), { maxLength: 3 }),
  }),
);

describe('a part of a tree', () => {
  test('gives the root, by any leaves and at any size', () => {
    fc.assert(
      fc.property(parts, ({ size, places, sizes }) => {
        const tree = treeOf(size);
        const { hashes, earlier } = makeTreePart(tree, places, { before: sizes });
        const root = rootOfPart(size, leavesAt(places), hashes);
        expect(root).toEqual(tree.root());
        expect(areEarlier(earlier, { size, root: tree.root() })).toBe(true);
        expect(earlier.every((each) => each.root.equals(tree.root(each.size)))).toBe(true);
      }),
    );
  });

  test('is the same of a tree that grew', () => {
    const options = { before: [3, 8], size: 13 };
    expect(makeTreePart(treeOf(29), [2, 12], options)).toEqual(makeTreePart(treeOf(13), [2, 12], options));
  });

  test('gives another root, or none, with a leaf left out, moved or changed, or a hash more or less', () => {
    fc.assert(
      fc.property(parts, fc.nat(), ({ size, places }, chosen) => {
        fc.pre(places.length > 0);
        const tree = treeOf(size);
        const { hashes } = makeTreePart(tree, places);
        const leaves = leavesAt(places);
        const at = chosen % leaves.length;
        const place = leaves[at]?.place ?? 0;
        const isRoot = (others: readonly PlacedLeaf[], list: readonly Uint8Array[] = hashes): boolean =>
          rootOfPart(size, others, list)?.equals(tree.root()) ?? false;
        expect(isRoot(leaves.toSpliced(at, 1))).toBe(false);
        expect(isRoot(leaves.with(at, { place, leafHash: leafOf(place + 1) }))).toBe(false);
        expect(isRoot(leaves.with(at, { place: place + 1, leafHash: leafOf(place) }))).toBe(false);
        expect(isRoot([...leaves, { place, leafHash: leafOf(place) }])).toBe(false);
        expect(isRoot(leaves, [...hashes, tree.root()])).toBe(false);
        if (hashes.length > 0) expect(isRoot(leaves, hashes.slice(1))).toBe(false);
      }),
    );
  });

  test('does not show a root the tree never had', () => {
    const tree = treeOf(21);
    const { earlier } = makeTreePart(tree, [3], { before: [7, 16, 20] });
    const root = { size: 21, root: tree.root() };
    expect(earlier.map(({ size }) => size)).toEqual([7, 16, 20]);
    for (const [at, each] of earlier.entries()) {
      expect(areEarlier(earlier.with(at, { ...each, root: leafOf(1) }), root)).toBe(false);
      expect(areEarlier(earlier.with(at, { ...each, size: each.size - 1 }), root)).toBe(false);
      for (const hash of each.hashes.keys())
        expect(areEarlier(earlier.with(at, { ...each, hashes: each.hashes.with(hash, leafOf(1)) }), root)).toBe(false);
    }
    expect(areEarlier(earlier.toReversed(), root)).toBe(false);
  });
});

test('a proof.json is read as it was written, and in no other way', () => {
  const part = { ...makeTreePart(treeOf(9), [0, 4], { before: [5] }), note: 'a\n\n— n x\n' };
  for (const file of [part, { ...part, entries: ['{}', 'x'] }]) {
    const text = encodePartFile(file);
    expect(parsePartFile(Buffer.from(text))).toEqual(file);
    for (const [from, to] of [
      ['"v":1', '"v":2'],
      ['"v":1', '"v":1,"w":1'],
      ['[0,4]', '[4,0]'],
      ['[0,4]', '[0,0]'],
      ['[0,4]', '[0,-4]'],
      ['[0,4]', '["0",4]'],
      ['"size":5', '"size":5,"x":1'],
      ['"size":5', '"size":"5"'],
      ['=","size"', '","size"'],
      ['}\n', '}'],
      ['}\n', '}\n\n'],
      ['{"earlier', ' {"earlier'],
    ] as const) {
      expect(text).toContain(from);
      expect({ to, read: parsePartFile(Buffer.from(text.replace(from, to))) }).toEqual({ to, read: undefined });
    }
  }
});
