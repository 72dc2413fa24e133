import type { LogDamage, LogRecord } from '../recording/index.js';
import { type MergeChoice, mergeLogs } from './merge-logs.js';
import { forEachRecord, NO_BODIES } from './read-records.js';

/** One session, and where its records stand. */
export interface FoundSession {
  readonly id: string;
  /** Records of it in this directory, by the ULID of the log they stand in. */
  readonly recordsByLog: ReadonlyMap<string, number>;
  readonly records: number;
  /** Records it must have by its own closing record; undefined where it has none that says so. */
  readonly claimed: number | undefined;
  /** Of the whole directory. */
  readonly damages: readonly LogDamage[];
}

interface Seen {
  readonly recordsByLog: Map<string, number>;
  claimed: number | undefined;
}

/**
 * Finds the one session with that id, or whose id alone starts with it; keeps no bodies in memory. Throws what a person can
 * read where there is none or more than one.
 */
export async function findSession(directory: string, wanted: string): Promise<FoundSession> {
  const found = new Map<string, Seen>();
  const damages = await forEachRecord(directory, { keepBody: NO_BODIES }, (record) => {
    const id = record.leaf.strand?.sessionId;
    if (id === undefined || !id.startsWith(wanted)) return;
    const seen = found.get(id) ?? { recordsByLog: new Map<string, number>(), claimed: undefined };
    found.set(id, seen);
    seen.recordsByLog.set(record.log, (seen.recordsByLog.get(record.log) ?? 0) + 1);
    seen.claimed = claimedRecords(record) ?? seen.claimed;
  });
  const id = found.has(wanted) ? wanted : onlyId([...found.keys()], wanted);
  const { recordsByLog, claimed } = found.get(id) ?? { recordsByLog: new Map<string, number>(), claimed: undefined };
  const records = [...recordsByLog.values()].reduce((sum, count) => sum + count, 0);
  return { id, recordsByLog, records, claimed, damages };
}

function onlyId(ids: readonly string[], wanted: string): string {
  const [only, ...others] = ids;
  if (others.length > 0) throw new Error(`${ids.length} sessions start with ${wanted}; give more of the id`);
  if (only === undefined) throw new Error(`no session ${wanted} in this recording`);
  return only;
}

/** `strands` of a `session.close`: how many records each writer has of the session at least, this one not counted. */
function claimedRecords({ leaf }: LogRecord): number | undefined {
  const strands = leaf.kind === 'session.close' ? leaf.fields['strands'] : undefined;
  if (!Array.isArray(strands)) return undefined;
  const counts = strands.map((strand: unknown) =>
    Array.isArray(strand) && Number.isSafeInteger(strand[1]) ? Number(strand[1]) : 0,
  );
  return counts.reduce((sum, count) => sum + count, 1);
}

/** The records of a session from all logs it stands in, as `mergeLogs` orders them. */
export function readSession(
  directory: string,
  session: FoundSession,
  choice: Pick<MergeChoice, 'keepBody' | 'openKey'> = {},
): AsyncGenerator<LogRecord, readonly LogDamage[]> {
  const wants = ({ leaf }: LogRecord): boolean => leaf.strand?.sessionId === session.id;
  return mergeLogs(directory, { ...choice, logs: [...session.recordsByLog.keys()], wants });
}
