/** The middle of the values, the mean of both middles for an even count; NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest value that at least `share` of the values do not exceed (nearest rank); NaN without values. */
export function percentile(values: readonly number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Median of the ratios of values measured in the same round: what disturbs a whole round cancels out. */
export function pairedRatio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, round) => value / (base[round] ?? Number.NaN)));
}

/** Numbers in [0, 1) that the seed alone determines (mulberry32): a printed seed repeats a run's order. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same items in an order drawn from `random`. */
export function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const order = items.map((item) => ({ item, key: random() }));
  return order.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** What one variant measured, one sample per counted round. */
export type Samples<Name extends string, Sample> = ReadonlyMap<Name, readonly Sample[]>;

export interface Rounds<Name extends string, Sample> {
  readonly variants: readonly Name[];
  /** Rounds that count; one more comes first and is dropped. */
  readonly rounds: number;
  readonly random: () => number;
  readonly measure: (variant: Name, isWarmUp: boolean) => Promise<Sample>;
}

/** Every variant once per round, in an order drawn anew each round; the first round only warms up. */
export async function inShuffledRounds<Name extends string, Sample>(
  plan: Rounds<Name, Sample>,
): Promise<Samples<Name, Sample>> {
  const samples = new Map<Name, Sample[]>(plan.variants.map((variant) => [variant, []]));
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const variant of shuffled(plan.variants, plan.random)) {
      const sample = await plan.measure(variant, round === 0);
      if (round > 0) samples.get(variant)?.push(sample);
    }
  }
  return samples;
}
