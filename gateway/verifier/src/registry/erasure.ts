import type { EntryValue } from '../format/entry.js';
import type { Registry } from './read-registry.js';
import { numberIn, type RegistryEntry, type RegistryFields, textIn } from './registry-entry.js';

/** Why bytes that entries name are no longer there, by an entry that was made before they were removed. */
export interface Erasure {
  readonly kind: 'retention' | 'shred';
  /** Entry of the registry. */
  readonly index: number;
  readonly timeMs: number;
  readonly reason: string | undefined;
}

/** Answers for every body segment and every key that is missing. */
export interface Erasures {
  /** The bodies of this segment were pruned. */
  bodies(origin: string, segment: number): Erasure | undefined;
  /** This session key was destroyed. */
  key(origin: string, number: number): Erasure | undefined;
}

/** Collects what a registry says was pruned and shredded. Give only a registry that is trusted. */
export function erasuresIn(registry: Pick<Registry, 'entries'>): Erasures {
  const bodies = new Map<string, { readonly first: number; readonly last: number; readonly erasure: Erasure }[]>();
  const keys = new Map<string, Erasure>();
  for (const [index, entry] of registry.entries.entries()) {
    const { kind, timeMs, fields } = entry;
    if (kind !== 'retention' && kind !== 'shred') continue;
    const erasure = { kind, index, timeMs, reason: textIn(fields, 'reason') };
    if (kind === 'retention') {
      for (const { origin, first, last } of prunedSegments(entry)) {
        const ranges = bodies.get(origin) ?? [];
        bodies.set(origin, ranges);
        ranges.push({ first, last, erasure });
      }
    } else for (const place of shreddedKeys(entry)) keys.set(place, erasure);
  }
  return {
    bodies: (origin, segment) =>
      bodies.get(origin)?.findLast(({ first, last }) => first <= segment && segment <= last)?.erasure,
    key: (origin, number) => keys.get(`${origin} ${number}`),
  };
}

function objectsIn(value: EntryValue | undefined): readonly RegistryFields[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly EntryValue[]).filter(
    (item): item is RegistryFields => typeof item === 'object' && item !== null && !Array.isArray(item),
  );
}

interface PrunedRange {
  readonly origin: string;
  readonly first: number;
  readonly last: number;
}

/** `bodies` of a retention entry: `{origin, segs: [first, last, first, last …]}`. */
function prunedSegments({ fields }: RegistryEntry): readonly PrunedRange[] {
  return objectsIn(fields['bodies']).flatMap((item) => {
    const origin = textIn(item, 'origin');
    const segments = item['segs'];
    if (origin === undefined || !Array.isArray(segments)) return [];
    const ends = (segments as readonly EntryValue[]).filter((number) => typeof number === 'number');
    const ranges: PrunedRange[] = [];
    for (let at = 0; at + 1 < ends.length; at += 2) {
      const [first = 0, last = 0] = ends.slice(at, at + 2);
      ranges.push({ origin, first, last });
    }
    return ranges;
  });
}

/** `keys` of a shred entry: `{origin, n}` each. */
function shreddedKeys({ fields }: RegistryEntry): readonly string[] {
  return objectsIn(fields['keys']).flatMap((item) => {
    const [origin, number] = [textIn(item, 'origin'), numberIn(item, 'n')];
    return origin === undefined || number === undefined ? [] : [`${origin} ${number}`];
  });
}

/** A legal hold in force. */
export interface Hold {
  readonly id: string;
  /** The session it protects; undefined: everything. */
  readonly sessionId: string | undefined;
  readonly reason: string;
  readonly index: number;
}

/**
 * The holds that were set and not released, oldest first. Of two that were set under one id, as two people at once can, neither
 * frees what the other covers.
 */
export function holdsIn(entries: readonly RegistryEntry[]): readonly Hold[] {
  const holds = new Map<string, Hold[]>();
  for (const [index, { kind, fields }] of entries.entries()) {
    const id = textIn(fields, 'id');
    if (kind !== 'hold' || id === undefined) continue;
    if (fields['v'] === 'release') {
      holds.delete(id);
      continue;
    }
    const standing = holds.get(id) ?? [];
    holds.set(id, standing);
    standing.push({ id, sessionId: textIn(fields, 'sid'), reason: textIn(fields, 'reason') ?? '', index });
  }
  return [...holds.values()].flat().sort((a, b) => a.index - b.index);
}
