import { parseCheckpointText } from '../format/checkpoint.js';
import { hashLeaf } from '../format/merkle.js';
import { isSignedBy, type Note, parseNote } from '../format/note.js';
import type { PartFile } from '../format/part-file.js';
import { areEarlier, rootOfPart } from '../format/tree-part.js';
import { followKeys, type RegistryKey, Unreadable } from './read-registry.js';
import { parseRegistryEntry, type RegistryEntry } from './registry-entry.js';

/** Some entries of a registry, proven to stand in it. */
export interface RegistryPart {
  readonly origin: string;
  readonly size: number;
  readonly checkpoint: Note;
  readonly keys: readonly RegistryKey[];
  /** By the places they have in the registry. */
  readonly entries: ReadonlyMap<number, RegistryEntry>;
  /** Root at a size; undefined where the part does not show it. */
  rootAt(size: number): Buffer | undefined;
}

/**
 * Proves the part of the registry in a session bundle: its entries hash, with what is said of the rest, to the root of a checkpoint that
 * the registry's key signed. Throws `Unreadable` where they do not.
 */
export async function openRegistryPart({
  note,
  places,
  hashes,
  earlier,
  entries: texts = [],
}: PartFile): Promise<RegistryPart> {
  const checkpoint = parseNote(Buffer.from(note, 'utf8'));
  const head = checkpoint === undefined ? undefined : parseCheckpointText(checkpoint.text);
  if (checkpoint === undefined || head === undefined || texts.length !== places.length)
    throw new Unreadable('registry-checkpoint', 'the part of the registry is none');
  const bytes = texts.map((text) => Buffer.from(text, 'utf8'));
  const leaves = bytes.map((entry, at) => ({ place: places[at] ?? -1, leafHash: hashLeaf(entry) }));
  const root = rootOfPart(head.size, leaves, hashes);
  if (root?.equals(head.root) !== true || !areEarlier(earlier, head))
    throw new Unreadable('registry-root', 'the entries of the registry do not hash to the root of its checkpoint');
  const entries = new Map<number, RegistryEntry>();
  for (const [at, entry] of bytes.entries()) {
    const parsed = parseRegistryEntry(entry);
    if (parsed === undefined)
      throw new Unreadable('registry-entry', 'an entry of the registry is none of a known kind');
    entries.set(places[at] ?? -1, parsed);
  }
  const keys = await followKeys(entries, head.origin);
  const verifier = keys.at(-1)?.verifier;
  if (verifier === undefined || !(await isSignedBy(checkpoint, verifier)))
    throw new Unreadable('registry-signature', 'the checkpoint of the registry is not signed by its key');
  const roots = new Map([...earlier, head].map((each) => [each.size, each.root]));
  return {
    origin: head.origin,
    size: head.size,
    checkpoint,
    keys: keys.map(({ vkey, from }) => ({ vkey, from })),
    entries,
    rootAt: (size) => roots.get(size),
  };
}
