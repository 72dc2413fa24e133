import { readdir } from 'node:fs/promises';
import { isUlid, type OpenKey } from '@piste/verifier';
import type { LogDamage, LogRecord } from '../recording/index.js';
import { openRecords } from './read-records.js';

export interface MergeChoice {
  /** Bodies worth keeping in memory, by name; all where absent. */
  readonly keepBody?: ((name: string) => boolean) | undefined;
  /** Opens session keys; without it encrypted bodies stay unread. */
  readonly openKey?: OpenKey | undefined;
  /** Logs by ULID; all where absent. */
  readonly logs?: readonly string[] | undefined;
  /** Records that are not wanted are read and verified all the same. */
  readonly wants?: ((record: LogRecord) => boolean) | undefined;
}

interface Source {
  readonly log: string;
  readonly records: AsyncGenerator<LogRecord, readonly LogDamage[]>;
  head: LogRecord;
}

/**
 * The records of all logs of a directory as one stream, by time; of two at the same time that of the older log comes first, and
 * those of one log keep their order, since time never decreases within it. A log is opened when time reaches the start its ULID
 * names, so that only logs of writers that ran at the same time are held open, one record of each. Returns where logs stop
 * making sense.
 */
export async function* mergeLogs(
  directory: string,
  choice: MergeChoice = {},
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const waiting = [...(choice.logs ?? (await listLogs(directory)))].sort();
  const damages: LogDamage[] = [];
  const sources: Source[] = [];
  try {
    for (;;) {
      let next = earliest(sources);
      while (waiting[0] !== undefined && (next === undefined || startOf(waiting[0]) <= next.head.leaf.timeMs)) {
        const source = await openSource(directory, waiting.shift() ?? '', choice, damages);
        if (source !== undefined) sources.push(source);
        next = earliest(sources);
      }
      if (next === undefined) return damages;
      yield next.head;
      const head = await nextWanted(next.records, choice, damages);
      if (head === undefined) sources.splice(sources.indexOf(next), 1);
      else next.head = head;
    }
  } finally {
    await Promise.all(sources.map(({ records }) => records.return([])));
  }
}

async function listLogs(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && isUlid(entry.name)).map(({ name }) => name);
}

async function openSource(
  directory: string,
  log: string,
  choice: MergeChoice,
  damages: LogDamage[],
): Promise<Source | undefined> {
  const records = openRecords(directory, { keepBody: choice.keepBody, openKey: choice.openKey, log });
  const head = await nextWanted(records, choice, damages);
  return head === undefined ? undefined : { log, records, head };
}

async function nextWanted(
  records: AsyncGenerator<LogRecord, readonly LogDamage[]>,
  { wants }: MergeChoice,
  damages: LogDamage[],
): Promise<LogRecord | undefined> {
  for (;;) {
    const step = await records.next();
    if (step.done) {
      damages.push(...step.value);
      return undefined;
    }
    if (wants === undefined || wants(step.value)) return step.value;
  }
}

function earliest(sources: readonly Source[]): Source | undefined {
  let best: Source | undefined;
  for (const source of sources) {
    const ms = source.head.leaf.timeMs;
    if (best === undefined || ms < best.head.leaf.timeMs || (ms === best.head.leaf.timeMs && source.log < best.log))
      best = source;
  }
  return best;
}

const ULID_DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_TIME_CHARACTERS = 10;

/** Milliseconds since 1970 that a ULID names. */
function startOf(ulid: string): number {
  return Array.from(ulid.slice(0, ULID_TIME_CHARACTERS)).reduce((ms, digit) => ms * 32 + ULID_DIGITS.indexOf(digit), 0);
}
