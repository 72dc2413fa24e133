import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHashTree, type HashTree } from './hash-tree.js';
import { createTree, hashLeaf } from './merkle.js';
import { makeConsistencyProof, makeInclusionProof, verifyConsistency, verifyInclusion } from './tree-proof.js';

interface Vectors {
  readonly consistency: readonly {
    readonly desc: string;
    readonly size1: number;
    readonly size2: number;
    readonly root1: string;
    readonly root2: string;
    readonly proof: readonly string[] | null;
    readonly wantErr: boolean;
  }[];
  readonly inclusion: readonly {
    readonly desc: string;
    readonly leafIdx: number;
    readonly treeSize: number;
    readonly root: string;
    readonly leafHash: string;
    readonly proof: readonly string[] | null;
    readonly wantErr: boolean;
  }[];
}

const VECTORS: Vectors = JSON.parse(
  readFileSync(new URL('../../testdata/tree-proofs.json', import.meta.url), 'utf8'),
) as Vectors;

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

function treeOf(size: number): HashTree {
  const tree = createHashTree();
  for (let at = 0; at < size; at += 1) tree.append(hashLeaf(Buffer.from(`leaf ${at}`)));
  return tree;
}

describe('tree proofs', () => {
  test('judges the consistency vectors of the Go implementation as it does', () => {
    expect(VECTORS.consistency.length).toBeGreaterThan(90);
    // The Go code has no proof from the empty tree; the witness protocol says that it begins every tree. And it takes one root
    // of another length than a hash's, which nothing here does.
    const fromSomething = VECTORS.consistency.filter(
      ({ size1, root1, wantErr }) => size1 > 0 && (wantErr || bytes(root1).byteLength === 32),
    );
    const wrong = fromSomething.filter(
      ({ size1, size2, root1, root2, proof, wantErr }) =>
        verifyConsistency({
          oldSize: size1,
          oldRoot: bytes(root1),
          size: size2,
          root: bytes(root2),
          proof: (proof ?? []).map(bytes),
        }) === wantErr,
    );
    expect(wrong.map(({ desc }) => desc)).toEqual([]);
  });

  test('judges the inclusion vectors of the Go implementation as it does', () => {
    expect(VECTORS.inclusion.length).toBeGreaterThan(90);
    const wrong = VECTORS.inclusion.filter(
      ({ leafIdx, treeSize, root, leafHash, proof, wantErr }) =>
        verifyInclusion({
          leafHash: bytes(leafHash),
          index: leafIdx,
          size: treeSize,
          root: bytes(root),
          proof: (proof ?? []).map(bytes),
        }) === wantErr,
    );
    expect(wrong.map(({ desc }) => desc)).toEqual([]);
  });

  test('every proof made verifies, for every index and size up to 70', () => {
    const tree = treeOf(70);
    const small = createTree();
    for (let size = 1; size <= 70; size += 1) {
      small.append(tree.subtree(0, size - 1));
      const root = tree.root(size);
      expect(root.equals(small.root())).toBe(true);
      for (let index = 0; index < size; index += 1) {
        const leafHash = tree.subtree(0, index);
        const proof = makeInclusionProof(tree, index, size);
        expect(verifyInclusion({ leafHash, index, size, root, proof })).toBe(true);
        const older = makeConsistencyProof(tree, index, size);
        expect(verifyConsistency({ oldSize: index, oldRoot: tree.root(index), size, root, proof: older })).toBe(true);
      }
    }
  });

  test('a proof for one place proves nothing about another, and no changed proof verifies', () => {
    const tree = treeOf(300);
    const place = fc.integer({ min: 1, max: 300 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        index: fc.nat({ max: size - 1 }),
        other: fc.nat({ max: size - 1 }),
        flip: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(place, ({ size, index, other, flip }) => {
        const root = tree.root(size);
        const leafHash = tree.subtree(0, index);
        const proof = makeInclusionProof(tree, index, size);
        if (other !== index) expect(verifyInclusion({ leafHash, index: other, size, root, proof })).toBe(false);
        if (proof.length > 0) {
          const changed = proof.map((hash) => Buffer.from(hash));
          const target = changed[flip % changed.length];
          if (target !== undefined) target[flip % 32] = (target[flip % 32] ?? 0) ^ 1;
          expect(verifyInclusion({ leafHash, index, size, root, proof: changed })).toBe(false);
          expect(verifyInclusion({ leafHash, index, size, root, proof: proof.slice(1) })).toBe(false);
        }
        const older = makeConsistencyProof(tree, other, size);
        if (other > 0 && other !== index && index > 0) {
          expect(verifyConsistency({ oldSize: other, oldRoot: tree.root(index), size, root, proof: older })).toBe(
            false,
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test('refuses indexes and sizes beyond the tree', () => {
    const tree = treeOf(5);
    expect(() => makeInclusionProof(tree, 5)).toThrow(RangeError);
    expect(() => makeInclusionProof(tree, 0, 6)).toThrow(RangeError);
    expect(() => makeConsistencyProof(tree, 4, 3)).toThrow(RangeError);
    expect(() => tree.root(6)).toThrow(RangeError);
  });
});
