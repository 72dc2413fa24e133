import {
  decodeBundle,
  encodeBundle,
  hashLeaf,
  isSignedBy,
  type Note,
  type NoteVerifier,
  parseCheckpointText,
  parseNote,
  parseRegistryEntry,
  TILE_WIDTH,
  tilePath,
} from '@piste/verifier';
import type { RegistryStore } from './registry-store.js';
import { EMPTY_EDGE, edgeRoot, edgeTiles, growEdge, readEdge, type TreeEdge } from './tree-edge.js';

/** The end of the registry: enough to append to it. */
export interface RegistryState {
  readonly edge: TreeEdge;
  readonly root: Buffer;
  /** Entries of the bundle that is not full yet. */
  readonly bundle: readonly Buffer[];
  readonly lastTimeMs: number;
  /** Undefined before the first entry. */
  readonly checkpoint: { readonly note: Note; readonly bytes: Uint8Array; readonly version: string } | undefined;
}

export const EMPTY_STATE: RegistryState = Object.freeze({
  edge: EMPTY_EDGE,
  root: edgeRoot(EMPTY_EDGE),
  bundle: [],
  lastTimeMs: 0,
  checkpoint: undefined,
});

/** The registry is not what this gateway may continue. Nothing is appended until somebody looked at it. */
export class RegistryBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RegistryBroken';
  }
}

/** What the store held did not fit together, as it does while somebody else appends. Reading again helps. */
class Moved extends Error {}

const READ_ATTEMPTS = 5;

export interface StateSource {
  readonly store: RegistryStore;
  readonly origin: string;
  readonly verifier: NoteVerifier;
}

/** Reads the end of the registry; `known` is reused where its checkpoint still stands. Throws `RegistryBroken`. */
export async function readState(source: StateSource, known: RegistryState): Promise<RegistryState> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readStateOnce(source, known);
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      if (attempt === READ_ATTEMPTS) throw new RegistryBroken(error.message);
    }
  }
}

async function readStateOnce({ store, origin, verifier }: StateSource, known: RegistryState): Promise<RegistryState> {
  const held = await store.get('checkpoint');
  if (held?.version === known.checkpoint?.version) return known;
  if (held === undefined) throw new Moved('the registry lost its checkpoint');
  const note = parseNote(held.bytes);
  const head = note === undefined ? undefined : parseCheckpointText(note.text);
  if (note === undefined || head?.origin !== origin) throw new RegistryBroken('the checkpoint is not of this registry');
  if (!(await isSignedBy(note, verifier)))
    throw new RegistryBroken(
      'the registry is signed by another key than this identity: it was handed over to a new one, or belongs to another deployment',
    );
  const checkpoint = { note, ...held };
  if (head.size === known.edge.size && head.root.equals(known.root)) return { ...known, checkpoint };
  if (head.size < known.edge.size) throw new Moved('the registry is shorter than it was');
  const tiles = new Map<number, Uint8Array>();
  for (const place of edgeTiles(head.size)) {
    const tile = await readPart(store, place, 32);
    tiles.set(place.level, tile);
  }
  const edge = readEdge(head.size, tiles);
  if (edge === undefined || !edgeRoot(edge).equals(head.root))
    throw new Moved('the tiles of the registry are not those of its checkpoint');
  const bundle = await readBundle(store, head.size);
  if (bundle.some((entry, at) => edge.levels[0]?.[at]?.equals(hashLeaf(entry)) !== true))
    throw new Moved('the entries of the registry are not those of its tiles');
  const last = bundle.at(-1) ?? (await readBundle(store, head.size - 1, TILE_WIDTH)).at(-1);
  const lastTimeMs = last === undefined ? undefined : parseRegistryEntry(last)?.timeMs;
  if (lastTimeMs === undefined) throw new RegistryBroken('the last entry of the registry is none');
  return { edge, root: head.root, bundle, lastTimeMs, checkpoint };
}

/** A partial tile; where it was cleared away, the beginning of the full one. */
async function readPart(
  store: RegistryStore,
  place: { readonly level: number; readonly index: number; readonly width: number },
  bytesEach: number,
): Promise<Uint8Array> {
  const held = (await store.get(tilePath(place))) ?? (await store.get(tilePath({ ...place, width: TILE_WIDTH })));
  if (held === undefined) throw new Moved('a tile of the registry is missing');
  return held.bytes.subarray(0, place.width * bytesEach);
}

/** The entries of the bundle in which index `size` stands, up to `size`; none where `size` begins a bundle. */
export async function readBundle(
  store: RegistryStore,
  size: number,
  width = size % TILE_WIDTH,
): Promise<readonly Buffer[]> {
  if (width === 0) return [];
  const place = { level: 'entries', index: Math.floor(size / TILE_WIDTH), width } as const;
  for (const held of new Set([width, TILE_WIDTH])) {
    const stored = await store.get(tilePath({ ...place, width: held }));
    if (stored === undefined) continue;
    const entries = decodeBundle(stored.bytes, held);
    if (entries === undefined) throw new Moved('an entry bundle of the registry is damaged');
    return entries.slice(0, width);
  }
  throw new Moved('an entry bundle of the registry is missing');
}

/** An object to be stored before a checkpoint names it. */
export interface StoredPart {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The state after these entries, without its checkpoint, and what must be stored for it: bundles first. */
export function growState(
  state: RegistryState,
  entries: readonly Buffer[],
): { readonly state: RegistryState; readonly parts: readonly StoredPart[] } {
  const { edge, tiles } = growEdge(state.edge, entries.map(hashLeaf));
  const parts: StoredPart[] = [];
  let bundle = [...state.bundle];
  let index = Math.floor(state.edge.size / TILE_WIDTH);
  const keep = (): void => {
    const path = tilePath({ level: 'entries', index, width: bundle.length });
    parts.push({ path, bytes: encodeBundle(bundle) });
  };
  for (const entry of entries) {
    bundle.push(entry);
    if (bundle.length < TILE_WIDTH) continue;
    keep();
    bundle = [];
    index += 1;
  }
  if (bundle.length > 0) keep();
  parts.push(...tiles.map(({ place, bytes }) => ({ path: tilePath(place), bytes })));
  const last = entries.at(-1);
  const lastTimeMs = (last === undefined ? undefined : parseRegistryEntry(last)?.timeMs) ?? state.lastTimeMs;
  return { state: { edge, root: edgeRoot(edge), bundle, lastTimeMs, checkpoint: state.checkpoint }, parts };
}
