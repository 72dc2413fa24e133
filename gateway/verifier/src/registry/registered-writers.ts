import type { Anchor, Trust } from '../judge/trust.js';
import type { Registry } from './read-registry.js';
import { numberIn, type RegistryEntry, textIn } from './registry-entry.js';

/** One thing the registry says about a writer's log. */
export interface WriterState {
  /** Entry of the registry. */
  readonly index: number;
  readonly kind: 'writer.checkpoint' | 'writer.sealed' | 'writer.close';
  readonly timeMs: number;
  readonly size: number;
  /** Base64; undefined for a log sealed without a commit. */
  readonly root: string | undefined;
  /** Of a seal: the log was closed. */
  readonly closed: boolean;
  /** Of a seal: bytes after the last commit. */
  readonly torn: number;
}

/** All the registry says about one writer. */
export interface RegisteredWriter {
  readonly origin: string;
  /** Undefined for a log from before the registry, known by its seal only. */
  readonly vkey: string | undefined;
  /** Entry that opened it, or the first that names it. */
  readonly index: number;
  readonly states: readonly WriterState[];
  /** Largest size and its root. */
  readonly newest: WriterState | undefined;
}

const STATE_KINDS = new Set(['writer.checkpoint', 'writer.sealed', 'writer.close']);

/** The writers that entries, each with its place in the registry, speak of: by origin, in the order in which it came to know them. */
export function registeredWriters(
  entries: Pick<ReadonlyMap<number, RegistryEntry>, 'entries'>,
): ReadonlyMap<string, RegisteredWriter> {
  const writers = new Map<string, RegisteredWriter>();
  for (const [index, entry] of entries.entries()) {
    const origin = textIn(entry.fields, 'origin');
    if (origin === undefined || (entry.kind !== 'writer.open' && !STATE_KINDS.has(entry.kind))) continue;
    const known = writers.get(origin) ?? { origin, vkey: undefined, index, states: [], newest: undefined };
    if (entry.kind === 'writer.open') {
      writers.set(origin, { ...known, vkey: known.vkey ?? textIn(entry.fields, 'vkey') });
      continue;
    }
    const state = toState(index, entry);
    (known.states as WriterState[]).push(state);
    const newest = (known.newest?.size ?? -1) > state.size ? known.newest : state;
    writers.set(origin, { ...known, newest });
  }
  return writers;
}

function toState(index: number, { kind, timeMs, fields }: RegistryEntry): WriterState {
  return {
    index,
    kind: kind as WriterState['kind'],
    timeMs,
    size: numberIn(fields, 'size') ?? 0,
    root: textIn(fields, 'root'),
    closed: fields['closed'] === true,
    torn: numberIn(fields, 'torn') ?? 0,
  };
}

/** Tree sizes at which the registry names a root of the log in this folder: what a scan must keep the roots of. */
export function registeredSizes(registry: Pick<Registry, 'entries'>): ReadonlyMap<string, readonly number[]> {
  const sizes = new Map<string, readonly number[]>();
  for (const { origin, states } of registeredWriters(registry.entries).values()) {
    const ulid = origin.slice(origin.lastIndexOf('/') + 1);
    sizes.set(
      ulid,
      states.map(({ size }) => size).filter((size) => size > 0),
    );
  }
  return sizes;
}

/** True when the trust names a key of this registry: what it says may then be believed. */
export function isTrustedRegistry(registry: Registry, trust: { readonly registry?: string }): boolean {
  return trust.registry !== undefined && registry.keys.some(({ vkey }) => vkey === trust.registry);
}

/**
 * What a trusted registry adds to a trust file: the keys of its writers, and the largest checkpoint of each that stands in
 * neither. A registry whose key the trust does not name adds nothing.
 */
export function extendTrust<T extends Trust>(trust: T, registry: Registry): T {
  if (!isTrustedRegistry(registry, trust)) return trust;
  const vkeys = new Set(trust.writers);
  const added: Anchor[] = [];
  for (const { origin, vkey, newest } of registeredWriters(registry.entries).values()) {
    if (vkey !== undefined) vkeys.add(vkey);
    const known = trust.checkpoints.find((anchor) => anchor.origin === origin);
    if (newest?.root === undefined || newest.size === 0 || (known?.size ?? 0) >= newest.size) continue;
    added.push({ origin, size: newest.size, root: newest.root });
  }
  const replaced = new Set(added.map(({ origin }) => origin));
  const kept = trust.checkpoints.filter(({ origin }) => !replaced.has(origin));
  return { ...trust, writers: [...vkeys], checkpoints: [...kept, ...added] };
}
