import {
  completeSubtrees,
  consistencyRanges,
  encodeCheckpointText,
  encodeRegistryEntry,
  hashNode,
  joinPeaks,
  type NoteSigner,
  parseRegistryEntry,
  parseVkey,
  type RegistryEntry,
  type RegistryFields,
  type RegistryKind,
  TILE_WIDTH,
  tilePath,
} from '@piste/verifier';
import { encodeProposal, openProposal, type Proposal, proposalPath } from './proposal.js';
import {
  EMPTY_STATE,
  growState,
  RegistryBroken,
  type RegistryState,
  readBundle,
  readState,
  type StateSource,
} from './registry-state.js';
import type { RegistryStore } from './registry-store.js';

/** Of many gateways at one store each takes a place sooner or later; more rounds than this mean that something is wrong. */
const MAX_ROUNDS = 200;
/** Read side by side: one after the other, a long registry takes minutes from a bucket. */
const BUNDLES_AHEAD = 8;
/** Entries of one append: they fit into two bundles, and a proposal stays small. */
const MAX_ENTRIES = TILE_WIDTH;
const MAX_PROPOSAL_BYTES = 256 * 1024;

/** An entry as a caller hands it over; its time is the registry's. */
export interface NewRegistryEntry {
  readonly kind: RegistryKind;
  readonly fields: RegistryFields;
}

/** Where the registry stands, as it may be published. */
export interface RegistryHead {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** Signed checkpoint. */
  readonly note: string;
}

export interface RegistryLogDeps {
  readonly store: RegistryStore;
  /** Its name is the registry's origin. */
  readonly signer: NoteSigner;
  readonly nowMs: () => number;
  /** Of an identity that hands over: signs the tree with the `key.rotate` entry. After that entry this log appends no more. */
  readonly successor?: NoteSigner;
  /** A checkpoint this gateway kept elsewhere: a registry shorter than that is refused. */
  readonly kept?: { readonly size: number; readonly root: string };
}

/** The registry's log, which any number of gateways append to at once. */
export interface RegistryLog {
  readonly origin: string;
  readonly vkey: string;
  /**
   * Appends entries together; resolves with the index of the first once they are durable and a signed checkpoint covers them.
   * Rejects when it is not known whether they stand: appending again is safe, and may say the same twice.
   */
  append(entries: readonly NewRegistryEntry[]): Promise<number>;
  /** Newest checkpoint in the store; undefined before the first entry. */
  head(): Promise<RegistryHead | undefined>;
  /** Keeps a checkpoint of this size with its cosignatures beside the log; one kept before stays. */
  keepCosigned(size: number, note: string): Promise<void>;
  /** The entries as of now, newest first, read bundle by bundle: stop when enough was seen. */
  newestFirst(): AsyncGenerator<RegistryEntry>;
  /**
   * The stored bytes of the entries `[from, to)`, bundle by bundle and oldest first; `to` is the size of a head or the end of a
   * bundle. They are proven by nothing yet: hash them up to the root of a head. Rejects where a bundle is missing or damaged.
   */
  storedEntries(from: number, to: number): AsyncGenerator<readonly Buffer[]>;
  /** RFC 6962 consistency proof between two sizes, the larger at most that of the newest checkpoint. */
  consistencyProof(oldSize: number, size: number): Promise<readonly Buffer[]>;
}

function openingOf({ name, vkey }: NoteSigner): NewRegistryEntry {
  return { kind: 'registry.open', fields: { origin: name, vkey } };
}

/** Opens the log; nothing is read or written yet. `registry.open` is written before the first entry, by the log itself. */
export function openRegistryLog({ store, signer, nowMs, kept, successor }: RegistryLogDeps): RegistryLog {
  const verifier = parseVkey(signer.vkey);
  if (verifier === undefined) throw new TypeError('the identity has no Ed25519 key');
  const source: StateSource = { store, origin: signer.name, verifier };
  let state: RegistryState = EMPTY_STATE;
  let queue: Promise<unknown> = Promise.resolve();

  async function refresh(): Promise<RegistryState> {
    const isFirst = state === EMPTY_STATE;
    state = await readState(source, state);
    if (isFirst && kept !== undefined) await checkKept(state, kept);
    return state;
  }

  async function checkKept({ edge }: RegistryState, { size, root }: { size: number; root: string }): Promise<void> {
    if (edge.size < size)
      throw new RegistryBroken(`the registry has ${edge.size} entries, a checkpoint kept here covers ${size}`);
    if ((await rootAt(size)).toString('base64') !== root)
      throw new RegistryBroken('the registry is not the one a checkpoint kept here covers');
  }

  async function appendAll(entries: readonly NewRegistryEntry[]): Promise<number> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const before = await refresh();
      const mine = propose(before, entries);
      const path = proposalPath(before.edge.size);
      const outcome = await store.putIfAbsent(path, encodeProposal(mine, signer));
      const settled = outcome === 'other' ? await adopt(path, before) : mine;
      const isPublished = await complete(before, settled);
      // A late writer can find the place of an append that was cleared away free again: only what stands counts.
      if (settled === mine && (isPublished || (await stands(mine))))
        return mine.from + mine.entries.length - entries.length;
    }
    throw new Error('the registry has no place left for an append: others were always first');
  }

  function propose(before: RegistryState, entries: readonly NewRegistryEntry[]): Proposal {
    const timeMs = Math.max(nowMs(), before.lastTimeMs);
    // The first append of all opens the registry: of several at once one is the first.
    const whole = before.edge.size === 0 ? [openingOf(signer), ...entries] : entries;
    const bytes = whole.map(({ kind, fields }) => encodeRegistryEntry({ kind, fields, timeMs }));
    return {
      origin: signer.name,
      from: before.edge.size,
      root: growState(before, bytes).state.root,
      entries: bytes,
    };
  }

  /** What somebody else settled for this index before: it is finished for them. */
  async function adopt(path: string, before: RegistryState): Promise<Proposal | undefined> {
    const held = await store.get(path);
    if (held === undefined) return undefined;
    const proposal = await openProposal(held.bytes, { ...source, from: before.edge.size });
    const isWhole = proposal?.entries.every((entry) => parseRegistryEntry(entry) !== undefined) === true;
    if (!isWhole || !growState(before, proposal.entries).state.root.equals(proposal.root))
      throw new RegistryBroken(`${path} is no append that this identity signed`);
    return proposal;
  }

  /** Stores what a settled append adds, then its checkpoint. False: somebody else had done so, or the place was stale. */
  async function complete(before: RegistryState, settled: Proposal | undefined): Promise<boolean> {
    if (settled === undefined) return false;
    const keeper = keeperOf(settled);
    const { state: after, parts } = growState(before, settled.entries);
    if (await isOvertaken(before)) return false;
    for (const { path, bytes } of parts) {
      if ((await store.putIfAbsent(path, bytes)) === 'other') {
        if ((await refresh()).edge.size > before.edge.size) return false;
        throw new RegistryBroken(`${path} is there and holds something else`);
      }
    }
    const text = encodeCheckpointText({ origin: signer.name, size: after.edge.size, root: after.root });
    const isPut = await store.compareAndPutCheckpoint(
      before.checkpoint?.version,
      Buffer.from(keeper.signNote(text), 'utf8'),
    );
    if (!isPut) return false;
    // Its version is read next time; size and root then say that the rest is known.
    state = after;
    await clearAway(before.edge.size, after.edge.size);
    return true;
  }

  /** Whose signature the tree with these entries bears. */
  function keeperOf({ entries }: Proposal): NoteSigner {
    const rotation = entries.map(parseRegistryEntry).findLast((entry) => entry?.kind === 'key.rotate');
    if (rotation === undefined) return signer;
    if (successor === undefined || rotation.fields['to'] !== successor.vkey)
      throw new RegistryBroken('the registry changes to another identity key');
    return successor;
  }

  /** A full bundle where this state sees a partial one: the checkpoint read is an old one. */
  async function isOvertaken({ edge }: RegistryState): Promise<boolean> {
    const index = Math.floor(edge.size / TILE_WIDTH);
    const full = await store.get(tilePath({ level: 'entries', index, width: TILE_WIDTH }));
    if (full === undefined) return false;
    const now = await refresh();
    // Its own proposal may already have filled the bundle before somebody died.
    return now.edge.size > edge.size;
  }

  async function stands({ from, entries }: Proposal): Promise<boolean> {
    const { edge } = await refresh();
    if (edge.size < from + entries.length) return false;
    for (const [at, entry] of entries.entries()) {
      const index = from + at;
      const isLast = Math.floor(index / TILE_WIDTH) === Math.floor(edge.size / TILE_WIDTH);
      const bundle = await readBundle(store, index, isLast ? edge.size % TILE_WIDTH : TILE_WIDTH);
      if (bundle[index % TILE_WIDTH]?.equals(entry) !== true) return false;
    }
    return true;
  }

  /** Partial tiles and settled appends of the tile before the last full one: no checkpoint of today needs them. */
  async function clearAway(oldSize: number, size: number): Promise<void> {
    const filled = Math.floor(size / TILE_WIDTH);
    if (store.remove === undefined || filled === Math.floor(oldSize / TILE_WIDTH) || filled < 2) return;
    const index = filled - 2;
    const paths: string[] = [];
    for (let width = 1; width < TILE_WIDTH; width += 1) {
      paths.push(tilePath({ level: 'entries', index, width }), tilePath({ level: 0, index, width }));
    }
    for (let at = 0; at < TILE_WIDTH; at += 1) paths.push(proposalPath(index * TILE_WIDTH + at));
    // Housekeeping: what stays only takes room, and the next full tile does not come back to it.
    await store.remove(paths).catch(() => undefined);
  }

  async function rootAt(size: number): Promise<Buffer> {
    return rangeRoot(0, size);
  }

  async function rangeRoot(start: number, end: number): Promise<Buffer> {
    const peaks: Buffer[] = [];
    for (const { level, index } of completeSubtrees(start, end)) peaks.push(await subtree(level, index));
    return joinPeaks(peaks);
  }

  /** A complete subtree's hash from the tile that holds it or the hashes it is made of. */
  async function subtree(level: number, index: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / 8);
    const width = 2 ** (level % 8);
    const first = index * width;
    const count = Math.floor(state.edge.size / TILE_WIDTH ** tileLevel);
    const tileIndex = Math.floor(first / TILE_WIDTH);
    const place = { level: tileLevel, index: tileIndex, width: Math.min(TILE_WIDTH, count - tileIndex * TILE_WIDTH) };
    const tile = (await store.get(tilePath(place))) ?? (await store.get(tilePath({ ...place, width: TILE_WIDTH })));
    if (tile === undefined) throw new RegistryBroken(`${tilePath(place)} is missing`);
    const bytes = Buffer.from(tile.bytes);
    let hashes: Buffer[] = [];
    for (let at = first % TILE_WIDTH; hashes.length < width; at += 1)
      hashes.push(bytes.subarray(at * 32, at * 32 + 32));
    while (hashes.length > 1)
      hashes = hashes.flatMap((hash, at) => (at % 2 === 1 ? [hashNode(hashes[at - 1] ?? hash, hash)] : []));
    const [hash] = hashes;
    if (hash === undefined) throw new RegistryBroken('a tile of the registry is empty');
    return hash;
  }

  async function* newestFirst(): AsyncGenerator<RegistryEntry> {
    const { edge } = await inTurn(refresh);
    for (let end = edge.size; end > 0; end -= end % TILE_WIDTH || TILE_WIDTH) {
      const bundle = await readBundle(store, end - 1, end % TILE_WIDTH || TILE_WIDTH);
      for (const bytes of bundle.toReversed()) {
        const entry = parseRegistryEntry(bytes);
        if (entry === undefined) throw new RegistryBroken('an entry of the registry is none');
        yield entry;
      }
    }
  }

  async function* storedEntries(from: number, to: number): AsyncGenerator<readonly Buffer[]> {
    const asked: Promise<readonly Buffer[]>[] = [];
    let at = from;
    function ask(): void {
      if (at >= to) return;
      const skipped = at % TILE_WIDTH;
      const end = Math.min(at - skipped + TILE_WIDTH, to);
      const bundle = readBundle(store, end - 1, end - at + skipped).then((entries) => entries.slice(skipped));
      // Whoever stops early does not wait for those behind.
      bundle.catch(() => undefined);
      asked.push(bundle);
      at = end;
    }
    for (let count = 0; count < BUNDLES_AHEAD; count += 1) ask();
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      const bundle = await next;
      ask();
      yield bundle;
    }
  }

  /** One append after the other: those of one process do not race each other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  }

  return Object.freeze({
    origin: signer.name,
    vkey: signer.vkey,
    append(entries: readonly NewRegistryEntry[]) {
      const bytes = entries.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
      if (entries.length === 0 || entries.length >= MAX_ENTRIES || bytes > MAX_PROPOSAL_BYTES)
        return Promise.reject(
          new RangeError(`an append has fewer than ${MAX_ENTRIES} entries, at least one, of at most 256 KiB together`),
        );
      return inTurn(() => appendAll(entries));
    },
    head: () =>
      inTurn(async () => {
        const { edge, root, checkpoint } = await refresh();
        if (checkpoint === undefined) return undefined;
        return Object.freeze({
          origin: signer.name,
          vkey: signer.vkey,
          size: edge.size,
          root: root.toString('base64'),
          note: Buffer.from(checkpoint.bytes).toString('utf8'),
        });
      }),
    async keepCosigned(size: number, note: string) {
      await store.putIfAbsent(`cosigned/${size}`, Buffer.from(note, 'utf8'));
    },
    newestFirst,
    storedEntries,
    consistencyProof: (oldSize: number, size: number) =>
      inTurn(async () => {
        if (size > state.edge.size || oldSize > size) throw new RangeError('the registry is not that large');
        const hashes: Buffer[] = [];
        for (const { start, end } of consistencyRanges(oldSize, size)) hashes.push(await rangeRoot(start, end));
        return hashes;
      }),
  });
}
