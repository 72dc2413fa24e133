import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { OpenKey } from '@piste/verifier';
import type { LogDamage, LogRecord } from '../../recording/index.js';
import type { Decryption } from '../io.js';
import { forEachRecord } from '../read-records.js';
import { createIndexWriter, type IndexWriter } from './index-writer.js';
import {
  type FileStamps,
  hasLostFiles,
  isSame,
  listPresentLogs,
  type PresentLog,
  type PresentLogs,
} from './log-signature.js';
import { SEARCHED_BODIES } from './record-facts.js';

/** The index does not tell of these logs as they are; it must be made anew. */
export class IndexMismatch extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'IndexMismatch';
  }
}

/** How much of the logs the index holds. */
export interface IndexState {
  readonly indexed: number;
  /** Records that stand, signed, in the logs. */
  readonly total: number;
  readonly logs: number;
  readonly damages: readonly LogDamage[];
  /** Records whose SQL text could not be read here. */
  readonly unreadable: number;
  /** Logs that stand in more than one directory and were read once. */
  readonly doubles: readonly string[];
}

interface KnownLog {
  readonly id: number;
  readonly files: FileStamps;
  readonly size: number;
  readonly digest: string;
  readonly problem: LogDamage['problem'] | undefined;
}

/**
 * Brings an index up to date: logs whose files changed are read again from their beginning, compared with what the index took
 * from them, and what is new is added. One transaction: an interrupted refresh leaves the index as it was. Throws
 * `IndexMismatch` where the index holds something that is not in the logs any more.
 */
export async function refreshIndex(
  database: DatabaseSync,
  directories: readonly string[],
  decryption: Decryption | undefined,
): Promise<IndexState> {
  const present = await listPresentLogs(directories);
  database.exec('BEGIN IMMEDIATE');
  try {
    const known = knownLogs(database);
    checkKeys(database, decryption?.fingerprint ?? NO_KEYS);
    checkKnown(known, present);
    const writer = createIndexWriter(database);
    const changed = present.logs.filter((log) => {
      const before = known.get(keyOf(log));
      return before === undefined || !isSame(before.files, log.files);
    });
    for (const log of changed)
      await readLog(database, writer, { log, before: known.get(keyOf(log)), openKey: decryption?.openKey });
    const state = stateOf(database, present);
    database.exec('COMMIT');
    return state;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function keyOf({ directory, ulid }: Pick<PresentLog, 'directory' | 'ulid'>): string {
  return `${ulid} ${directory}`;
}

function knownLogs(database: DatabaseSync): ReadonlyMap<string, KnownLog> {
  const rows = database.prepare('SELECT id, directory, ulid, files, size, digest, problem FROM logs').all();
  return new Map(
    rows.map((row) => {
      const { id, directory, ulid, files, size, digest, problem } = row as Record<string, string | number | null>;
      const known: KnownLog = {
        id: Number(id),
        files: JSON.parse(String(files)) as FileStamps,
        size: Number(size),
        digest: String(digest),
        problem: problem === null ? undefined : (JSON.parse(String(problem)) as LogDamage['problem']),
      };
      return [keyOf({ directory: String(directory), ulid: String(ulid) }), known];
    }),
  );
}

/** How an index says that it was made without keys. */
export const NO_KEYS = 'none';

/** With other keys other texts are read. */
function checkKeys(database: DatabaseSync, fingerprint: string): void {
  const made = database.prepare('SELECT fingerprint FROM made_with').get()?.['fingerprint'];
  if (made === undefined) database.prepare('INSERT INTO made_with VALUES (?)').run(fingerprint);
  else if (made !== fingerprint) throw new IndexMismatch('it was made with other keys, or without');
}

function checkKnown(known: ReadonlyMap<string, KnownLog>, { logs }: PresentLogs): void {
  const present = new Map(logs.map((log) => [keyOf(log), log]));
  for (const [key, { files }] of known) {
    const now = present.get(key);
    const [ulid = ''] = key.split(' ');
    if (now === undefined) throw new IndexMismatch(`it tells of log ${ulid}, which is not in these directories`);
    if (hasLostFiles(files, now.files)) throw new IndexMismatch(`files of log ${ulid} that it was made from are gone`);
  }
}

interface Reading {
  readonly log: PresentLog;
  /** What the index took from it before. */
  readonly before: KnownLog | undefined;
  readonly openKey: OpenKey | undefined;
}

/** How far one log was read. `digest` runs over all leaf hashes. */
interface Progress {
  readonly id: number;
  readonly before: KnownLog | undefined;
  size: number;
  digest: string;
}

const NO_DIGEST = '';

async function readLog(database: DatabaseSync, writer: IndexWriter, { log, before, openKey }: Reading): Promise<void> {
  const { directory, ulid, files } = log;
  const id = before?.id ?? addLog(database, log);
  const progress: Progress = { id, before, size: 0, digest: NO_DIGEST };
  const choice = { keepBody: (name: string) => SEARCHED_BODIES.has(name), openKey, log: ulid };
  const damages = await forEachRecord(directory, choice, (record) => addRecord(writer, progress, record));
  if (progress.size < (before?.size ?? 0)) throw new IndexMismatch(`log ${ulid} is shorter than it was`);
  const problem = damages[0]?.problem;
  database
    .prepare('UPDATE logs SET files = ?, size = ?, digest = ?, problem = ? WHERE id = ?')
    .run(
      JSON.stringify(files),
      progress.size,
      progress.digest,
      problem === undefined ? null : JSON.stringify(problem),
      id,
    );
}

function addLog(database: DatabaseSync, { directory, ulid }: PresentLog): number {
  const insert = database.prepare(
    "INSERT INTO logs (directory, ulid, files, size, digest) VALUES (?, ?, '{}', 0, '') RETURNING id",
  );
  return Number(insert.get(directory, ulid)?.['id']);
}

function addRecord(writer: IndexWriter, log: Progress, record: LogRecord): void {
  const knownSize = log.before?.size ?? 0;
  log.digest = createHash('sha256').update(log.digest).update(record.leafHash).digest('hex');
  log.size = record.index + 1;
  if (log.size === knownSize && log.digest !== log.before?.digest)
    throw new IndexMismatch(`log ${record.log} is another than it was made from`);
  if (record.index >= knownSize) writer.add(log.id, record);
}

/** Counts what the index really holds: rows that somebody took out of it show here. */
function stateOf(database: DatabaseSync, { logs, doubles }: PresentLogs): IndexState {
  const count = (sql: string): number => Number(database.prepare(sql).get()?.['n']);
  const known = knownLogs(database);
  const indexed = count('SELECT count(*) AS n FROM records');
  const total = [...known.values()].reduce((sum, { size }) => sum + size, 0);
  if (indexed !== total) throw new IndexMismatch(`it holds ${indexed} of the ${total} records it was made from`);
  const damages = logs.flatMap((log) => {
    const found = known.get(keyOf(log));
    return found?.problem === undefined ? [] : [{ log: log.ulid, size: found.size, problem: found.problem }];
  });
  const unreadable = count('SELECT count(*) AS n FROM records WHERE unreadable = 1');
  return { indexed, total, logs: logs.length, damages, unreadable, doubles };
}
