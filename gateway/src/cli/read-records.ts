import { type OpenKey, openDirectory, type RecordingSource, type UnreadReason } from '@piste/verifier';
import { type LogDamage, type LogRecord, readLog } from '../recording/index.js';

/** Which records a command wants to see. */
export interface RecordChoice {
  /** Bodies worth keeping in memory, by name; all where absent. */
  readonly keepBody?: ((name: string) => boolean) | undefined;
  /** Opens session keys; without it encrypted bodies stay unread. */
  readonly openKey?: OpenKey | undefined;
  /** The one log to read, by its ULID; all where absent. */
  readonly log?: string | undefined;
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
  { keepBody, openKey, log }: RecordChoice,
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const options = keepBody === undefined ? { openKey } : { keepBody, openKey };
  return readLog(log === undefined ? directory : onlyLog(openDirectory(directory), log), options);
}

function onlyLog(source: RecordingSource, ulid: string): RecordingSource {
  const list = async (): ReturnType<RecordingSource['list']> =>
    (await source.list()).filter(({ path }) => path.startsWith(`${ulid}/`));
  return { ...source, list };
}

/** A record that may be held while its log is read on: its bytes are its own. */
export function keepRecord(record: LogRecord): LogRecord {
  return { ...record, leafBytes: Buffer.from(record.leafBytes) };
}

const REASONS: Readonly<Record<UnreadReason, string>> = {
  encrypted: 'it is encrypted, and no key for it is here',
  missing: 'it is not here any more',
  undecryptable: 'the key that is here does not open it',
};

/** A body that the record has and that cannot be read here, and why. */
export interface UnreadBody {
  readonly name: string;
  readonly why: string;
}

export function unreadBodies({ unread }: LogRecord): readonly UnreadBody[] {
  return [...unread].map(([name, reason]) => ({ name, why: REASONS[reason] }));
}
