import type { HashTree } from './hash-tree.js';

/** Hashes in a full tile and entries in a full bundle (c2sp.org/tlog-tiles). */
export const TILE_WIDTH = 256;
const TILE_LEVEL_BITS = 8;
const HASH_BYTES = 32;
const MAX_BUNDLE_ENTRY_BYTES = 65_535;

/** A tile or entry bundle by its place; `width` below 256 is a partial one. */
export interface TilePlace {
  /** 0 holds leaf hashes; `entries` is a bundle. */
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`. */
export function tilePath({ level, index, width }: TilePlace): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Every tile and bundle of a tree of this size: bundles first, then levels from the leaves up. */
export function tilesOf(size: number): readonly TilePlace[] {
  return [...placesAt('entries', 0, size), ...hashTiles(0, size)];
}

/** The tiles and bundles a tree of `size` has and the tree of `oldSize` before it did not: bundles first. */
export function newTiles(oldSize: number, size: number): readonly TilePlace[] {
  return [...placesAt('entries', oldSize, size), ...hashTiles(oldSize, size)];
}

function hashTiles(oldSize: number, size: number): readonly TilePlace[] {
  const places: TilePlace[] = [];
  let [from, to] = [oldSize, size];
  for (let level = 0; to > 0; level += 1) {
    places.push(...placesAt(level, from, to));
    [from, to] = [Math.floor(from / TILE_WIDTH), Math.floor(to / TILE_WIDTH)];
  }
  return places;
}

/** Tiles of one level with `to` hashes that the same level with `from` hashes did not have. */
function placesAt(level: TilePlace['level'], from: number, to: number): readonly TilePlace[] {
  if (from === to) return [];
  const places: TilePlace[] = [];
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index += 1) {
    places.push({ level, index, width: Math.min(TILE_WIDTH, to - index * TILE_WIDTH) });
  }
  return places;
}

/** The bytes of a hash tile of this tree. Throws `RangeError` when the tree is too small for it. */
export function encodeTile(tree: HashTree, { level, index, width }: TilePlace & { readonly level: number }): Buffer {
  const hashes: Buffer[] = [];
  for (let at = 0; at < width; at += 1) hashes.push(tree.subtree(level * TILE_LEVEL_BITS, index * TILE_WIDTH + at));
  return Buffer.concat(hashes, width * HASH_BYTES);
}

/** The bytes of an entry bundle: each entry behind its length in two bytes, big-endian. Throws `RangeError` for a long entry. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.byteLength > MAX_BUNDLE_ENTRY_BYTES) throw new RangeError('an entry of a bundle is too long');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.byteLength);
      return [length, entry];
    }),
  );
}

/** The entries of a bundle; undefined unless it holds exactly `count` of them and nothing else. */
export function decodeBundle(bytes: Uint8Array, count: number): readonly Buffer[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Buffer[] = [];
  let at = 0;
  while (at < buffer.byteLength) {
    if (entries.length === count || at + 2 > buffer.byteLength) return undefined;
    const end = at + 2 + buffer.readUInt16BE(at);
    if (end > buffer.byteLength) return undefined;
    entries.push(buffer.subarray(at + 2, end));
    at = end;
  }
  return entries.length === count ? entries : undefined;
}
