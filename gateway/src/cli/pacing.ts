/** How pauses between records are replayed. */
export interface PacingOptions {
  /** Undefined: everything at once. */
  readonly speed: number | undefined;
  /** Pauses longer than this are cut to it, and the cut is said; undefined: none is. */
  readonly maxIdleSeconds: number | undefined;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface Pacing {
  /** Waits as long as the pause before a record at that time lasts; resolves to how long an idle pause was that was cut, in ms. */
  before(timeMs: number): Promise<number | undefined>;
}

/** Creates the pacing of one replay. Time that runs backwards, as between two writers' clocks, is no pause. */
export function createPacing({ speed, maxIdleSeconds, sleep }: PacingOptions): Pacing {
  const maxPauseMs = maxIdleSeconds === undefined ? Number.POSITIVE_INFINITY : maxIdleSeconds * 1000;
  let lastMs: number | undefined;
  return {
    async before(timeMs) {
      const pauseMs = Math.max(0, timeMs - (lastMs ?? timeMs));
      lastMs = Math.max(timeMs, lastMs ?? timeMs);
      const waitMs = Math.min(pauseMs, maxPauseMs);
      if (speed !== undefined && waitMs > 0) await sleep(waitMs / speed);
      return pauseMs > maxPauseMs ? pauseMs : undefined;
    },
  };
}
