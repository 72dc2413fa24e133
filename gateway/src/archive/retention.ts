import type { LockMode, ObjectLock } from './object-store.js';

/** How long what is archived is locked. */
export interface Retention {
  readonly mode: LockMode;
  /** Records: who asked what, what was decided, what came back. */
  readonly entriesDays: number;
  /** SQL texts and delivered rows. */
  readonly bodiesDays: number;
}

const DAY_MS = 86_400_000;

/** A lock of so many days from now, in whole seconds: stores keep no more. */
export function lockFor(mode: LockMode, days: number, nowMs: number): ObjectLock {
  return { mode, retainUntilMs: Math.ceil((nowMs + days * DAY_MS) / 1000) * 1000 };
}
