import type { Log } from '../telemetry/index.js';

/**
 * Answers whose bytes drivers have not taken yet. One that nobody takes is given up: its driver's connection ends, the record of
 * the answer stays. So drivers that do not read hold no more memory than is said here.
 */
export interface Outbox {
  /** Follows an answer of so many bytes; `cut` ends its connection. */
  follow(bytes: number, cut: () => void): Leaving;
  close(): void;
}

export interface Leaving {
  /** So many bytes are left. */
  readonly moved: (leftBytes: number) => void;
  /** Nothing is left, or nobody is there any more. */
  done(): void;
}

export interface OutboxDeps {
  readonly nowMs: () => number;
  readonly timers: { every(milliseconds: number, run: () => void): () => void };
  readonly log: Log;
  readonly metrics: { waiting(bytes: number): void; cut(): void };
}

/** Without a byte taken for so long, an answer is given up. */
const STALLED_MS = 30_000;
/** Beyond so many bytes in all, it is given up sooner. */
export const MANY_BYTES = 128 * 1024 * 1024;
const STALLED_AMONG_MANY_MS = 2_000;
const LOOK_EVERY_MS = 1_000;

interface Followed {
  bytes: number;
  movedMs: number;
  readonly cut: () => void;
}

export function createOutbox({ nowMs, timers, log, metrics }: OutboxDeps): Outbox {
  const followed = new Set<Followed>();

  const total = (): number => [...followed].reduce((sum, { bytes }) => sum + bytes, 0);

  function look(): void {
    let waiting = total();
    const byAge = [...followed].sort((a, b) => a.movedMs - b.movedMs);
    for (const one of byAge) {
      const stalledMs = waiting > MANY_BYTES ? STALLED_AMONG_MANY_MS : STALLED_MS;
      if (nowMs() - one.movedMs < stalledMs) break;
      followed.delete(one);
      waiting -= one.bytes;
      metrics.cut();
      log.warn('an answer was given up: its driver does not read it', { bytes: one.bytes });
      one.cut();
    }
    metrics.waiting(waiting);
  }

  const stop = timers.every(LOOK_EVERY_MS, look);
  return {
    follow(bytes, cut) {
      const one: Followed = { bytes, movedMs: nowMs(), cut };
      followed.add(one);
      return {
        moved(leftBytes) {
          one.bytes = leftBytes;
          one.movedMs = nowMs();
        },
        done: () => void followed.delete(one),
      };
    },
    close: stop,
  };
}
