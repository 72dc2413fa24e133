import type { Stage } from './stage.js';

/** One act of the story. It shows what happens and checks that it is what the heading tells. */
export interface Step {
  readonly title: string;
  /** Default 30. */
  readonly timeoutSeconds?: number;
  run(stage: Stage, signal: AbortSignal): Promise<void>;
}

/** Something did not go as told. */
export class StepFailed extends Error {
  readonly expected: string;
  readonly got: string;

  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`);
    this.name = 'StepFailed';
    this.expected = expected;
    this.got = got;
  }
}

const MAX_SHOWN = 400;

/** Text as it is, all else as JSON. */
export const toText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');

/** What a masked e-mail address looks like. */
export const isHash = (value: unknown): boolean => /^pst_[0-9a-f]{32}$/.test(toText(value));

/** A value as a failure shows it: one line, cut. */
export function show(value: unknown): string {
  const text = toText(value).replace(/\s+/g, ' ');
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

/** @throws StepFailed unless both are the same, compared as JSON. */
export function expectSame(what: string, got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected)) throw new StepFailed(`${what}: ${show(expected)}`, show(got));
}

/** @throws StepFailed unless the text holds every one of the parts. */
export function expectText(what: string, got: string, ...parts: readonly string[]): void {
  for (const part of parts) if (!got.includes(part)) throw new StepFailed(`${what} with "${part}"`, show(got));
}

/** @throws StepFailed unless `holds`. */
export function expectThat(holds: boolean, expected: string, got: unknown): asserts holds {
  if (!holds) throw new StepFailed(expected, show(got));
}

const POLL_MS = 50;

/** Asks again until there is an answer. The step's own time limit ends it through `signal`. */
export async function waitFor<T>(signal: AbortSignal, ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
