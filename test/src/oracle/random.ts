/** Chance that can be had again: the same seed gives the same run. */
export interface Random {
  /** From 0 (included) to 1 (excluded). */
  readonly fraction: () => number;
  /** A whole number from 0 to `below` (excluded). */
  readonly below: (below: number) => number;
  readonly chance: (probability: number) => boolean;
  /** One of the entries; the list must not be empty. */
  readonly pick: <T>(entries: readonly T[]) => T;
  /** The entries in another order. */
  readonly shuffled: <T>(entries: readonly T[]) => T[];
}

/** Mulberry32: 32 bits of state, good enough to vary statements. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(fraction() * limit);
  const pick = <T>(entries: readonly T[]): T => {
    const entry = entries[below(entries.length)];
    if (entry === undefined) throw new Error('nothing to pick from');
    return entry;
  };
  return {
    fraction,
    below,
    chance: (probability) => fraction() < probability,
    pick,
    shuffled: (entries) =>
      entries
        .map((entry) => ({ entry, order: fraction() }))
        .sort((one, other) => one.order - other.order)
        .map(({ entry }) => entry),
  };
}
