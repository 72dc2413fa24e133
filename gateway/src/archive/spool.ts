/** Why new work is refused: what waits for the archive is too old, or too much. */
export type Blocked = 'lag' | 'bytes';

export interface SpoolLimits {
  /** Longest time that records may wait for the archive. */
  readonly maxLagSeconds: number;
  /** Most bytes that may wait on the local disk. */
  readonly maxBytes: number;
}

/** What the local disk holds that the archive does not hold yet. Counts up with every commit, down with every segment. */
export interface Spool {
  /** A commit made this many bytes durable. */
  grew(bytes: number): void;
  /** A look at the disk begins. */
  startRound(): SpoolRound;
  readonly bytes: number;
  readonly lagSeconds: number;
  readonly blocked: Blocked | undefined;
}

export interface SpoolRound {
  /** The finished segments found, of which `bytes` are not archived. What was committed since the round began comes on top. */
  found(bytes: number): void;
  shipped(bytes: number): void;
  /** Everything that was committed before the round began is archived. */
  complete(): void;
}

export function createSpool({ maxLagSeconds, maxBytes }: SpoolLimits, nowMs: () => number): Spool {
  let pending = 0;
  let grown = 0;
  let mark = 0;
  let archivedThroughMs = nowMs();

  const bytes = (): number => pending + grown - mark;
  const lagSeconds = (): number => (bytes() === 0 ? 0 : Math.max(0, (nowMs() - archivedThroughMs) / 1000));

  return {
    grew: (more) => {
      // Nothing waited until now, so the wait begins here.
      if (bytes() === 0) archivedThroughMs = Math.max(archivedThroughMs, nowMs());
      grown += more;
    },
    startRound() {
      const startedMs = nowMs();
      const markOfRound = grown;
      return {
        found: (found) => {
          pending = found;
          mark = markOfRound;
        },
        shipped: (less) => {
          pending = Math.max(0, pending - less);
        },
        complete: () => {
          pending = 0;
          archivedThroughMs = Math.max(archivedThroughMs, startedMs);
        },
      };
    },
    get bytes() {
      return bytes();
    },
    get lagSeconds() {
      return lagSeconds();
    },
    get blocked() {
      if (bytes() >= maxBytes) return 'bytes';
      return lagSeconds() > maxLagSeconds ? 'lag' : undefined;
    },
  };
}
