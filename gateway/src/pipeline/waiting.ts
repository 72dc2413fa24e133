import type { Store } from '../store/index.js';

export interface Timers {
  /** Runs once later; returns the way to forget it. */
  after(milliseconds: number, run: () => void): () => void;
  every(milliseconds: number, run: () => void): () => void;
}

/** The value, or undefined when it takes longer. */
export async function within<T>(timers: Timers, value: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let cancelTimer = (): void => undefined;
  const timeout = new Promise<undefined>((resolve) => {
    cancelTimer = timers.after(Math.max(0, milliseconds), () => resolve(undefined));
  });
  try {
    return await Promise.race([value, timeout]);
  } finally {
    cancelTimer();
  }
}

/** Returns when the key changed, or after `milliseconds`: a notice can be lost, so the caller looks again either way. */
export async function changeOrTimeout(timers: Timers, store: Store, key: string, milliseconds: number): Promise<void> {
  const { promise: change, resolve: changed } = Promise.withResolvers<void>();
  const unwatch = await store.watch(key, () => changed());
  try {
    await within(timers, change, milliseconds);
  } finally {
    unwatch();
  }
}
