import { hashNode, joinPeaks, TILE_WIDTH, type TilePlace } from '@piste/verifier';

const HASH_BYTES = 32;

/** A tile as it is to be stored. */
export interface EdgeTile {
  readonly place: TilePlace & { readonly level: number };
  readonly bytes: Buffer;
}

/**
 * The right edge of a tree: the hashes of the tile that is not full yet, level by level from the leaves. Enough to append to
 * a tree of any size, and as small as the tree is high.
 */
export interface TreeEdge {
  readonly size: number;
  readonly levels: readonly (readonly Buffer[])[];
}

export const EMPTY_EDGE: TreeEdge = Object.freeze({ size: 0, levels: [] });

/** The tiles one must read to know the edge of a tree of this size. */
export function edgeTiles(size: number): readonly (TilePlace & { readonly level: number })[] {
  const places: (TilePlace & { readonly level: number })[] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH;
    if (width > 0) places.push({ level, index: Math.floor(count / TILE_WIDTH), width });
  }
  return places;
}

/** The edge from its tiles; undefined unless each holds exactly its hashes. */
export function readEdge(size: number, tiles: ReadonlyMap<number, Uint8Array>): TreeEdge | undefined {
  const levels: Buffer[][] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH;
    const bytes = Buffer.from(tiles.get(level) ?? []);
    if (bytes.byteLength !== width * HASH_BYTES) return undefined;
    levels.push(Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)));
  }
  return { size, levels };
}

/** Root of complete subtrees of equal height that stand side by side, as RFC 6962 joins them. */
function peaksOf(hashes: readonly Buffer[]): readonly Buffer[] {
  const peaks: { readonly hash: Buffer; readonly width: number }[] = [];
  for (const hash of hashes) {
    let peak = { hash, width: 1 };
    for (let left = peaks.at(-1); left?.width === peak.width; left = peaks.at(-1)) {
      peaks.pop();
      peak = { hash: hashNode(left.hash, peak.hash), width: peak.width * 2 };
    }
    peaks.push(peak);
  }
  return peaks.map(({ hash }) => hash);
}

/** Root of the whole tree. */
export function edgeRoot({ levels }: TreeEdge): Buffer {
  return joinPeaks(levels.toReversed().flatMap(peaksOf));
}

/** The edge after these leaves, and the tiles the larger tree has that the smaller had not. */
export function growEdge(
  edge: TreeEdge,
  leafHashes: readonly Buffer[],
): { edge: TreeEdge; tiles: readonly EdgeTile[] } {
  const levels = edge.levels.map((hashes) => [...hashes]);
  const full: EdgeTile[] = [];
  const counts: number[] = [];
  for (let count = edge.size; count > 0; count = Math.floor(count / TILE_WIDTH)) counts.push(count);
  const touched = new Set<number>();
  const push = (level: number, hash: Buffer): void => {
    const row = levels[level] ?? [];
    levels[level] = row;
    row.push(hash);
    touched.add(level);
    counts[level] = (counts[level] ?? 0) + 1;
    if (row.length < TILE_WIDTH) return;
    const index = (counts[level] ?? 0) / TILE_WIDTH - 1;
    full.push({ place: { level, index, width: TILE_WIDTH }, bytes: Buffer.concat(row) });
    levels[level] = [];
    const [root] = peaksOf(row);
    if (root !== undefined) push(level + 1, root);
  };
  for (const hash of leafHashes) push(0, hash);
  const partial = levels.flatMap((row, level): EdgeTile[] => {
    const index = Math.floor((counts[level] ?? 0) / TILE_WIDTH);
    return touched.has(level) && row.length > 0
      ? [{ place: { level, index, width: row.length }, bytes: Buffer.concat(row) }]
      : [];
  });
  return { edge: { size: edge.size + leafHashes.length, levels }, tiles: [...full, ...partial] };
}
