/** Where the log takes its time from. */
export interface RecordingClock {
  nowMs(): number;
  monotonicNs(): bigint;
}

/** Wall and monotonic clock may part by this much between two records before it is worth a record itself. */
const JUMP_MS = 1000;

export interface LeafTime {
  /** Never decreases. */
  readonly timeMs: number;
  readonly monotonicMicros: number;
  /** Set when the wall clock left the monotonic one: what it shows and what it should show. */
  readonly jump: { readonly wallMs: number; readonly expectedMs: number } | undefined;
}

/** Creates the clock of one writer. Microseconds, because nanoseconds leave the safe integers after 104 days. */
export function createLeafClock(clock: RecordingClock): () => LeafTime {
  const startNs = clock.monotonicNs();
  const startMs = Math.trunc(clock.nowMs());
  let offsetMs = startMs;
  let latestMs = startMs;
  let latestMicros = 0;
  return () => {
    const wallMs = Math.trunc(clock.nowMs());
    latestMicros = Math.max(latestMicros, Number((clock.monotonicNs() - startNs) / 1000n));
    const expectedMs = offsetMs + Math.trunc(latestMicros / 1000);
    const isJump = Math.abs(wallMs - expectedMs) > JUMP_MS;
    offsetMs += wallMs - expectedMs;
    latestMs = Math.max(latestMs, wallMs);
    return { timeMs: latestMs, monotonicMicros: latestMicros, jump: isJump ? { wallMs, expectedMs } : undefined };
  };
}
