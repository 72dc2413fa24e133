import { hashLeaf, parseRegistryEntry, TILE_WIDTH, textIn } from '@piste/verifier';
import type { RegistryLog } from './registry-log.js';
import { RegistryBroken } from './registry-state.js';
import { EMPTY_EDGE, edgeRoot, growEdge, type TreeEdge } from './tree-edge.js';

/** The keys of a deployment's writers, as far as its registry was read. */
export interface KnownWriters {
  /** Verifier keys (vkey), one for each `writer.open`. */
  readonly writers: readonly string[];
  /** True: a writer that is not among them was not registered when this was asked for. */
  readonly isWhole: boolean;
}

export interface WriterKeys {
  /**
   * Reads what the registry grew by, at most a bound of it; the next call goes on from there. What it gives out was hashed up
   * to a root that the identity signed. Rejects when the registry cannot be read or its entries are not those of its root.
   */
  read(): Promise<KnownWriters>;
}

/** Entries of one call, at least one bundle: some seconds from a folder, a minute or two from a bucket. */
const MAX_ENTRIES = 1_000_000;
/** Nearly all entries are checkpoints; only those that can be a `writer.open` are worth parsing. */
const OPENING = Buffer.from('"k":"writer.open"');

/** Remembers the keys of all writers of a registry and how far it was read: some hundred bytes for each start of a gateway. */
export function createWriterKeys(
  registry: Pick<RegistryLog, 'head' | 'storedEntries'>,
  maxEntries = MAX_ENTRIES,
): WriterKeys {
  let edge: TreeEdge = EMPTY_EDGE;
  /** Read, and not yet under a root that was compared. */
  let unproven: readonly string[] = [];
  let proven: readonly string[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  async function readOn(): Promise<KnownWriters> {
    const head = await registry.head();
    const size = head?.size ?? 0;
    if (size < edge.size) throw new RegistryBroken('the registry is shorter than it was');
    const limit = edge.size + maxEntries;
    const end = size <= limit ? size : limit - (limit % TILE_WIDTH);
    const fresh = [...unproven];
    let grown = edge;
    for await (const bundle of registry.storedEntries(edge.size, end)) {
      grown = growEdge(grown, bundle.map(hashLeaf)).edge;
      fresh.push(...bundle.flatMap((bytes) => openedBy(bytes) ?? []));
    }
    if (end < size) {
      edge = grown;
      unproven = fresh;
      return { writers: proven, isWhole: false };
    }
    if (head !== undefined && edgeRoot(grown).toString('base64') !== head.root) {
      // What was read before may be what is wrong: from the beginning again.
      edge = EMPTY_EDGE;
      unproven = [];
      throw new RegistryBroken('the entries of the registry are not those of its checkpoint');
    }
    edge = grown;
    unproven = [];
    proven = [...new Set([...proven, ...fresh])];
    return { writers: proven, isWhole: true };
  }

  return Object.freeze({
    read() {
      const next = turn.then(readOn);
      turn = next.catch(() => undefined);
      return next;
    },
  });
}

function openedBy(bytes: Buffer): string | undefined {
  if (!bytes.includes(OPENING)) return undefined;
  const entry = parseRegistryEntry(bytes);
  const vkey = entry?.kind === 'writer.open' ? textIn(entry.fields, 'vkey') : undefined;
  return vkey?.startsWith(`${textIn(entry?.fields ?? {}, 'origin')}+`) === true ? vkey : undefined;
}
