import { type LogDamage, type LogRecord, readLog } from '../recording/index.js';

/** Which records a command wants to see. */
export interface RecordChoice {
  /** Bodies worth keeping in memory, by name; all where absent. */
  readonly keepBody?: (name: string) => boolean;
  /** Logs worth reading, by ULID; all where absent. */
  readonly wantsLog?: (ulid: string) => boolean;
}

export const NO_BODIES = (): boolean => false;

/**
 * Gives `use` the records of a directory one by one, log by log, oldest log first, and waits for it. A record comes only after
 * its log's own signature over it was checked. Resolves to the places where logs stop making sense.
 */
export async function forEachRecord(
  directory: string,
  choice: RecordChoice,
  use: (record: LogRecord) => void | Promise<void>,
): Promise<readonly LogDamage[]> {
  const records = openRecords(directory, choice);
  for (;;) {
    const step = await records.next();
    if (step.done) return step.value;
    await use(step.value);
  }
}

/** The same as a stream. */
export function openRecords(
  directory: string,
  { keepBody, wantsLog }: RecordChoice,
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  return readLog(directory, keepBody, wantsLog);
}

/** Names of bodies that the record has and that cannot be read here: removed, shredded, or encrypted for somebody else. */
export function missingBodies({ leaf, bodies }: LogRecord): readonly string[] {
  return [...new Set(leaf.parts.map(({ name }) => name))].filter((name) => !bodies.has(name));
}
