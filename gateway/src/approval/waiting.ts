import type { Approval } from './approval.js';

/** One-shot timers; `after` returns the way to cancel. */
export interface Timers {
  after(ms: number, run: () => void): () => void;
}

export const realTimers: Timers = Object.freeze({
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
});

export interface Waiting {
  /** Reads the approval; ends an expired one. */
  readonly look: () => Promise<Approval>;
  readonly watch: (onChange: () => void) => Promise<() => void>;
  readonly clock: () => number;
  readonly timers: Timers;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** How long a change stays unseen at most when the store's notice of it is lost. */
export const SLOW_LOOK_MS = 1_500;

/** Looks after every notice of the store, at the expiry, and every SLOW_LOOK_MS; returns once decided or out of time. */
export async function waitUntilDecided(waiting: Waiting): Promise<Approval> {
  const { look, clock, timers, signal } = waiting;
  const deadlineMs = clock() + waiting.timeoutMs;
  let isNotified = false;
  let wake = (): void => undefined;
  const notify = (): void => {
    isNotified = true;
    wake();
  };
  const aborted = (): void => wake();
  signal?.addEventListener('abort', aborted);
  // Not awaited: a subscription that cannot be had must not delay the first look, and the slow look does without it.
  const watching = waiting.watch(notify).then(
    (stop) => {
      // A change between the first look and the subscription gave no notice.
      notify();
      return stop;
    },
    () => undefined,
  );
  try {
    for (;;) {
      signal?.throwIfAborted();
      isNotified = false;
      const approval = await look();
      if (approval.state !== 'pending') return approval;
      const now = clock();
      if (now >= deadlineMs) return approval;
      // An expired approval that still reads as pending is being closed by another gateway.
      const untilExpiryMs = approval.expiresAtMs > now ? approval.expiresAtMs - now : SLOW_LOOK_MS;
      const pauseMs = Math.min(SLOW_LOOK_MS, deadlineMs - now, untilExpiryMs);
      if (isNotified || signal?.aborted === true) continue;
      await new Promise<void>((resolve) => {
        const cancel = timers.after(Math.max(1, pauseMs), resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
    }
  } finally {
    signal?.removeEventListener('abort', aborted);
    void watching.then((stop) => stop?.());
  }
}
