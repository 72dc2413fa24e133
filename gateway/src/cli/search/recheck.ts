import type { DatabaseSync } from 'node:sqlite';
import type { OpenKey } from '@piste/verifier';
import type { LogRecord } from '../../recording/index.js';
import { keepRecord, openRecords } from '../read-records.js';
import { type Candidate, findKeys, openingsOf, type Pointer } from './find-hits.js';
import { createMemoryIndex } from './index-file.js';
import { createIndexWriter } from './index-writer.js';
import type { SearchTerm } from './query.js';
import { SEARCHED_BODIES } from './record-facts.js';

/** A candidate that the logs themselves bear out. */
export interface Hit {
  readonly key: string;
  /** Read from the logs, in the order of the candidate. */
  readonly records: readonly LogRecord[];
  /** What opened its session. */
  readonly opening: LogRecord | undefined;
}

/** A candidate that they do not. */
export interface Dropped {
  readonly candidate: Candidate;
  readonly why: string;
}

/** What is asked, and what opens the texts it is asked of. */
export interface Question {
  readonly terms: readonly SearchTerm[];
  readonly openKey: OpenKey | undefined;
}

export interface Rechecked {
  readonly hits: readonly Hit[];
  readonly dropped: readonly Dropped[];
}

const placeOf = ({ log, index }: { readonly log: string; readonly index: number }): string => `${log} ${index}`;

/**
 * Reads every record that candidates stand on from the logs again, each verified by its log's signature up to there, and asks
 * these records the same query. Only what holds there is a hit: the index proposes, the logs decide.
 */
export async function recheckCandidates(
  database: DatabaseSync,
  candidates: readonly Candidate[],
  { terms, openKey }: Question,
): Promise<Rechecked> {
  const openings = new Map<string, readonly Pointer[]>();
  for (const { session } of candidates)
    if (session !== undefined && !openings.has(session)) openings.set(session, openingsOf(database, session));
  const found = await readPointers(
    [...candidates.flatMap(({ records }) => records), ...[...openings.values()].flat()],
    openKey,
  );
  const holding = findKeys(indexAgain(found), terms);
  const hits: Hit[] = [];
  const dropped: Dropped[] = [];
  for (const candidate of candidates) {
    const why =
      doubtOf(candidate, found) ?? (holding.has(candidate.key) ? undefined : 'its records do not meet the query');
    if (why !== undefined) {
      dropped.push({ candidate, why });
      continue;
    }
    const records = candidate.records.flatMap((pointer) => found.get(placeOf(pointer)) ?? []);
    const [first] = openings.get(candidate.session ?? '') ?? [];
    hits.push({ key: candidate.key, records, opening: first === undefined ? undefined : found.get(placeOf(first)) });
  }
  return { hits, dropped };
}

function doubtOf({ records }: Candidate, found: ReadonlyMap<string, LogRecord>): string | undefined {
  if (records.length === 0) return 'the index names no record for it';
  for (const pointer of records) {
    const record = found.get(placeOf(pointer));
    if (record === undefined) return `record ${pointer.index} of log ${pointer.log} cannot be read and verified`;
    if (record.leafHash !== pointer.leafHash) return `record ${pointer.index} of log ${pointer.log} is another one`;
  }
  return undefined;
}

/** Reads the logs that are pointed at, each only as far as its last record that is. */
async function readPointers(
  pointers: readonly Pointer[],
  openKey: OpenKey | undefined,
): Promise<ReadonlyMap<string, LogRecord>> {
  const found = new Map<string, LogRecord>();
  for (const [log, list] of Map.groupBy(pointers, (pointer) => pointer.log)) {
    const wanted = new Set(list.map(({ index }) => index));
    const last = list.reduce((latest, { index }) => Math.max(latest, index), 0);
    const records = openRecords(list[0]?.directory ?? '', {
      keepBody: (name) => SEARCHED_BODIES.has(name),
      openKey,
      log,
    });
    for await (const record of records) {
      if (wanted.has(record.index)) found.set(placeOf(record), keepRecord(record));
      if (record.index >= last) break;
    }
  }
  return found;
}

function indexAgain(found: ReadonlyMap<string, LogRecord>): DatabaseSync {
  const memory = createMemoryIndex();
  const writer = createIndexWriter(memory);
  const logs = new Map<string, number>();
  for (const record of found.values()) {
    const logId = logs.get(record.log) ?? logs.size + 1;
    logs.set(record.log, logId);
    writer.add(logId, record);
  }
  return memory;
}
