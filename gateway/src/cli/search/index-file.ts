import { createHash } from 'node:crypto';
import { chmod, mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorCode } from '../../errors.js';

/** "PSTI", so that no file of anybody else's is ever taken for an index and thrown away. */
const APPLICATION_ID = 0x50535449;
/** Raised with every change of what the index holds or how it is read from records. */
const INDEX_VERSION = 1;
const BUSY_TIMEOUT_MS = 10_000;
const OWNER_ONLY = 0o600;

const SCHEMA = `
CREATE TABLE made_with (fingerprint TEXT NOT NULL) STRICT;
CREATE TABLE logs (
  id INTEGER PRIMARY KEY, directory TEXT NOT NULL, ulid TEXT NOT NULL, files TEXT NOT NULL,
  size INTEGER NOT NULL, digest TEXT NOT NULL, problem TEXT, UNIQUE (directory, ulid)
) STRICT;
CREATE TABLE units (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session TEXT,
  first INTEGER NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE records (
  id INTEGER PRIMARY KEY, log INTEGER NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL,
  unit INTEGER NOT NULL, unreadable INTEGER NOT NULL, UNIQUE (log, position)
) STRICT;
CREATE INDEX records_of_unit ON records (unit);
CREATE TABLE facts (
  field TEXT NOT NULL, value TEXT NOT NULL, unit INTEGER NOT NULL, PRIMARY KEY (field, value, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE session_facts (
  field TEXT NOT NULL, value TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (field, value, session)
) STRICT, WITHOUT ROWID;
CREATE TABLE openings (session TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (session, record)) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='unicode61');
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${INDEX_VERSION};
`;

/** Where the index of these directories lies when nobody says where: in the user's cache, by the directories' real paths and the keys. */
export async function defaultIndexPath(
  directories: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  fingerprint: string,
): Promise<string> {
  const paths = await Promise.all(directories.map((directory) => realpath(directory)));
  const name = createHash('sha256')
    .update(JSON.stringify([fingerprint, ...[...paths].sort()]))
    .digest('hex')
    .slice(0, 32);
  const cache = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache');
  return join(cache, 'piste', 'search', `${name}.sqlite`);
}

/** An index in memory, empty. */
export function createMemoryIndex(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA);
  return database;
}

export interface OpenedIndex {
  readonly database: DatabaseSync;
  /** Why what stood there before was thrown away; undefined where nothing was. */
  readonly renewed: string | undefined;
}

/**
 * Opens the index at `path`, readable by its owner alone, and makes it where there is none. One of another version or one that
 * is broken is thrown away. Throws for a file that is no index: it may be anything, so it is left alone.
 */
export async function openIndex(path: string): Promise<OpenedIndex> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const isNew = (await sizeOf(path)) === 0;
  const refusal = isNew ? undefined : await judgeFile(path);
  if (refusal === 'foreign') throw new Error(`${path} is no search index and was left alone; name another file`);
  if (refusal !== undefined) await removeIndex(path);
  if (isNew || refusal !== undefined) await (await open(path, 'a', OWNER_ONLY)).close();
  await chmod(path, OWNER_ONLY);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  if (isNew || refusal !== undefined) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
  return { database, renewed: refusal };
}

/** Deletes an index and what SQLite keeps beside it. */
export async function removeIndex(path: string): Promise<void> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

const SQLITE_MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const APPLICATION_ID_AT = 68;

/** Undefined for an index of this version. */
async function judgeFile(path: string): Promise<'foreign' | 'it is of another version' | 'it is broken' | undefined> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(100);
    await file.read(header, 0, header.length, 0);
    const isOurs =
      header.subarray(0, SQLITE_MAGIC.length).equals(SQLITE_MAGIC) &&
      header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
    if (!isOurs) return 'foreign';
  } finally {
    await file.close();
  }
  try {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
      if (version !== INDEX_VERSION) return 'it is of another version';
      return database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok' ? undefined : 'it is broken';
    } finally {
      database.close();
    }
  } catch {
    return 'it is broken';
  }
}
