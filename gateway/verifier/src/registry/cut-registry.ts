import { encodeNote } from '../format/note.js';
import type { PartFile } from '../format/part-file.js';
import { makeTreePart } from '../format/tree-part.js';
import type { Registry } from './read-registry.js';
import { type RegisteredWriter, registeredWriters, type WriterState } from './registered-writers.js';
import { encodeRegistryEntry } from './registry-entry.js';

/** A log of the session. */
export interface ShownLog {
  readonly origin: string;
  /** Records of it. */
  readonly size: number;
  /** Place of the session's last record. */
  readonly last: number;
}

/** What a session bundle shows of a registry. */
export interface RegistryCut {
  readonly part: PartFile;
  /** Sizes at which its entries name roots of this log. */
  sizesOf(origin: string): readonly number[];
}

/** The registry as a checkpoint covers it. */
interface Head {
  readonly size: number;
  readonly note: string;
}

/**
 * The entries that show these logs' registration - who signs the registry, each log's key, and the newest state of each - under the newest
 * checkpoint that witnesses cosigned, where that reaches as far as the session does, else the newest. `before`: sizes somebody kept.
 */
export function cutRegistry(registry: Registry, logs: readonly ShownLog[], before: Iterable<number>): RegistryCut {
  const newest: Head = { size: registry.size, note: encodeNote(registry.checkpoint) };
  const cosigned = registry.cosigned.findLast(({ size }) => size <= registry.size);
  const heads: readonly Head[] =
    cosigned === undefined ? [] : [{ size: cosigned.size, note: encodeNote(cosigned.note) }];
  const writers = registeredWriters(registry.entries);
  const shown = (head: Head): readonly (WriterState | undefined)[] =>
    logs.map((log) => newestState(writers.get(log.origin), log, head));
  const head =
    heads.find((each) => shown(each).every((state, at) => (state?.size ?? 0) > (logs[at]?.last ?? 0))) ?? newest;
  const states = shown(head).filter((state) => state !== undefined);
  const places = new Set([
    ...signingEntries(registry),
    ...logs.flatMap(({ origin }) => writers.get(origin)?.index ?? []),
  ]);
  for (const { index } of states) places.add(index);
  const ordered = [...places].filter((place) => place < head.size).sort((a, b) => a - b);
  const entries = ordered.flatMap((place) => {
    const entry = registry.entries[place];
    return entry === undefined ? [] : [encodeRegistryEntry(entry).toString('utf8')];
  });
  return {
    part: { ...makeTreePart(registry.tree, ordered, { before, size: head.size }), note: head.note, entries },
    sizesOf: (origin) =>
      states
        .filter(({ index }) => writers.get(origin)?.states.some((state) => state.index === index))
        .map(({ size }) => size),
  };
}

function newestState(writer: RegisteredWriter | undefined, { size }: ShownLog, head: Head): WriterState | undefined {
  return writer?.states.findLast((state) => state.index < head.size && state.size <= size);
}

/** `registry.open` and every change of key. */
function signingEntries({ keys }: Registry): readonly number[] {
  return keys.map(({ from }) => from);
}
