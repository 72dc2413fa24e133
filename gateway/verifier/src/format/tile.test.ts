import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCheckpointText } from './checkpoint.js';
import { createHashTree } from './hash-tree.js';
import { hashLeaf } from './merkle.js';
import { isSignedBy, parseNote } from './note.js';
import { parseVkey } from './signed-note.js';
import { decodeBundle, encodeBundle, encodeTile, newTiles, tilePath, tilesOf } from './tile.js';
import { makeConsistencyProof, verifyConsistency } from './tree-proof.js';

const read = (name: string): Buffer => readFileSync(new URL(`../../testdata/tessera-log/${name}`, import.meta.url));
const GO_VKEY = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';

describe('tiles', () => {
  test.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 999, width: 255 }, 'tile/0/999.p/255'],
    [{ level: 2, index: 1000, width: 1 }, 'tile/2/x001/000.p/1'],
    [{ level: 'entries', index: 1_234_067, width: 256 }, 'tile/entries/x001/x234/067'],
  ] as const)('have the path the specification gives: %j', (place, path) => {
    expect(tilePath(place)).toBe(path);
  });

  test('are, for 70 000 entries, those the specification counts', () => {
    const places = tilesOf(70_000);
    const at = (level: number | 'entries') => places.filter((place) => place.level === level);
    expect(at(0).filter(({ width }) => width === 256)).toHaveLength(273);
    expect(at(0).at(-1)).toEqual({ level: 0, index: 273, width: 112 });
    expect(at(1).map(({ width }) => width)).toEqual([256, 17]);
    expect(at(2).map(({ width }) => width)).toEqual([1]);
    expect(at('entries')).toHaveLength(274);
  });

  test('new ones are exactly those the larger tree has and the smaller has not', () => {
    fc.assert(
      fc.property(fc.nat({ max: 70_000 }), fc.nat({ max: 70_000 }), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const before = new Set(tilesOf(from).map(tilePath));
        const expected = tilesOf(to)
          .map(tilePath)
          .filter((path) => !before.has(path));
        expect(newTiles(from, to).map(tilePath)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('every checkpoint of a log written in Go verifies, and its tile and bundle are the ones made here', async () => {
    const verifier = parseVkey(GO_VKEY);
    const entries = decodeBundle(read('entries-000.p-15'), 15);
    if (verifier === undefined || entries === undefined) throw new Error('vectors are readable');
    const tree = createHashTree();
    for (const entry of entries) tree.append(hashLeaf(entry));
    expect(encodeTile(tree, { level: 0, index: 0, width: 15 }).equals(read('tile-0-000.p-15'))).toBe(true);
    expect(encodeBundle(entries).equals(read('entries-000.p-15'))).toBe(true);
    const sizes = Array.from({ length: 16 }, (_, size) => size);
    const readCheckpoint = async (size: number) => {
      const note = parseNote(read(`checkpoint.${size}`));
      expect(note === undefined ? false : await isSignedBy(note, verifier)).toBe(true);
      const checkpoint = parseCheckpointText(note?.text ?? '');
      if (checkpoint === undefined) throw new Error('a checkpoint is expected');
      expect(checkpoint).toMatchObject({ origin: 'example.com/log/testdata', size });
      expect(checkpoint.root.equals(tree.root(size))).toBe(true);
      return checkpoint;
    };
    const checkpoints = await Promise.all(sizes.map(readCheckpoint));
    let proofs = 0;
    for (const older of checkpoints) {
      for (const newer of checkpoints.slice(older.size)) {
        const proof = makeConsistencyProof(tree, older.size, newer.size);
        const claim = { oldSize: older.size, oldRoot: older.root, size: newer.size, root: newer.root, proof };
        expect(verifyConsistency(claim)).toBe(true);
        proofs += 1;
      }
    }
    expect(proofs).toBe(136);
  });
});

describe('entry bundles', () => {
  test('read back what was written, and only whole', () => {
    const entry = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), fc.nat(), (entries, cut) => {
        const bundle = encodeBundle(entries);
        expect(decodeBundle(bundle, entries.length)?.map((item) => item.toString('hex'))).toEqual(
          entries.map((item) => Buffer.from(item).toString('hex')),
        );
        expect(decodeBundle(bundle, entries.length + 1)).toBeUndefined();
        expect(decodeBundle(bundle, entries.length - 1)).toBeUndefined();
        expect(decodeBundle(bundle.subarray(0, cut % bundle.byteLength), entries.length)).toBeUndefined();
      }),
    );
  });

  test('refuse an entry beyond 16 bits', () => {
    expect(() => encodeBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
    expect(decodeBundle(encodeBundle([Buffer.alloc(65_535)]), 1)?.[0]?.byteLength).toBe(65_535);
  });
});
