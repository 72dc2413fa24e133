import type { DatabaseSync } from 'node:sqlite';
import { toCondition } from './conditions.js';
import type { SearchTerm } from './query.js';

/** A record an index points at. */
export interface Pointer {
  readonly directory: string;
  readonly log: string;
  readonly index: number;
  /** Hex. */
  readonly leafHash: string;
}

/** What the index says met the query: a statement with all its records, or a record that belongs to none. */
export interface Candidate {
  readonly key: string;
  readonly session: string | undefined;
  /** In the order they were indexed. */
  readonly records: readonly Pointer[];
}

export interface Candidates {
  /** Newest first, at most as many as were asked for. */
  readonly shown: readonly Candidate[];
  readonly total: number;
}

/** Asks an index. */
export function findCandidates(database: DatabaseSync, terms: readonly SearchTerm[], limit: number): Candidates {
  const { sql, values } = toCondition(terms);
  const total = Number(database.prepare(`SELECT count(*) AS n FROM units u WHERE ${sql}`).get(...values)?.['n']);
  const rows = database
    .prepare(`SELECT id, key, session FROM units u WHERE ${sql} ORDER BY first DESC, id DESC LIMIT ?`)
    .all(...values, limit);
  const records = database.prepare(`
    SELECT l.directory, l.ulid, r.position, r.hash FROM records r JOIN logs l ON l.id = r.log
    WHERE r.unit = ? ORDER BY r.id`);
  const shown = rows.map((row) => ({
    key: String(row['key']),
    session: row['session'] === null ? undefined : String(row['session']),
    records: records.all(Number(row['id'])).map(toPointer),
  }));
  return { shown, total };
}

/** The records that opened a session: what was said of the session stands in them. */
export function openingsOf(database: DatabaseSync, session: string): readonly Pointer[] {
  return database
    .prepare(`
      SELECT l.directory, l.ulid, r.position, r.hash FROM openings o
      JOIN records r ON r.id = o.record JOIN logs l ON l.id = r.log WHERE o.session = ?`)
    .all(session)
    .map(toPointer);
}

function toPointer(row: Record<string, unknown>): Pointer {
  return {
    directory: String(row['directory']),
    log: String(row['ulid']),
    index: Number(row['position']),
    leafHash: String(row['hash']),
  };
}

/** Keys of units that meet the query. */
export function findKeys(database: DatabaseSync, terms: readonly SearchTerm[]): ReadonlySet<string> {
  const { sql, values } = toCondition(terms);
  return new Set(
    database
      .prepare(`SELECT key FROM units u WHERE ${sql}`)
      .all(...values)
      .map((row) => String(row['key'])),
  );
}
