import type { Screen } from './screen.js';
import { StepFailed } from './step.js';

/** One act to be told: its place in the story, and how long it may take. */
export interface Act {
  readonly number: number;
  readonly title: string;
  readonly timeoutSeconds: number;
}

/** What did not go as told. */
export class StoryFailed extends Error {
  readonly act: Act;
  readonly expected: string;
  readonly got: string;

  constructor(act: Act, expected: string, got: string, options?: ErrorOptions) {
    super(`step ${act.number} (${act.title}), expected ${expected}, got ${got}`, options);
    this.name = 'StoryFailed';
    this.act = act;
    this.expected = expected;
    this.got = got;
  }
}

/**
 * Tells one act and waits for its end. `work` is given a signal that aborts at the time limit or with `interrupt`.
 * @throws StoryFailed when it fails, takes too long or is interrupted.
 */
export async function tell<T>(
  screen: Screen,
  act: Act,
  interrupt: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  screen.heading(act.number, act.title);
  const limit = AbortSignal.timeout(act.timeoutSeconds * 1000);
  const signal = AbortSignal.any([interrupt, limit]);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work(signal), aborted.promise]);
  } catch (error) {
    if (limit.aborted)
      throw new StoryFailed(act, `it to be done within ${act.timeoutSeconds} s`, 'no end', { cause: error });
    if (error instanceof StepFailed) throw new StoryFailed(act, error.expected, error.got, { cause: error });
    const message = error instanceof Error ? error.message : String(error);
    throw new StoryFailed(act, 'no error', message, { cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
