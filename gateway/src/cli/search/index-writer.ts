import type { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../../recording/index.js';
import { factsOf } from './record-facts.js';

/** Puts records into an index. */
export interface IndexWriter {
  add(logId: number, record: LogRecord): void;
}

/** Creates the writer of one index; its statements are prepared once. The caller holds the transaction. */
export function createIndexWriter(database: DatabaseSync): IndexWriter {
  const touchUnit = database.prepare(`
    INSERT INTO units (key, session, first, last, bytes) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), bytes = bytes + excluded.bytes
    RETURNING id`);
  const addRecord = database.prepare(
    'INSERT INTO records (log, position, hash, unit, unreadable) VALUES (?, ?, ?, ?, ?) RETURNING id',
  );
  const addText = database.prepare('INSERT INTO texts (rowid, text) VALUES (?, ?)');
  const addFact = database.prepare('INSERT OR IGNORE INTO facts (field, value, unit) VALUES (?, ?, ?)');
  const addSessionFact = database.prepare(
    'INSERT OR IGNORE INTO session_facts (field, value, session) VALUES (?, ?, ?)',
  );
  const addOpening = database.prepare('INSERT INTO openings (session, record) VALUES (?, ?)');
  return {
    add(logId, record) {
      const { leaf, index, leafHash, log } = record;
      const { unit, facts, sessionFacts, text, bytes, isUnreadable } = factsOf(record);
      const session = leaf.strand?.sessionId ?? null;
      const key = unit ?? JSON.stringify([log, index]);
      const unitId = idOf(touchUnit.get(key, session, leaf.timeMs, leaf.timeMs, bytes));
      const recordId = idOf(addRecord.get(logId, index, leafHash, unitId, isUnreadable ? 1 : 0));
      if (text !== '') addText.run(recordId, text);
      for (const { field, value } of facts) addFact.run(field, value, unitId);
      if (session === null || leaf.kind !== 'session.open') return;
      addOpening.run(session, recordId);
      for (const { field, value } of sessionFacts) addSessionFact.run(field, value, session);
    },
  };
}

function idOf(row: Record<string, unknown> | undefined): number {
  const id = row?.['id'];
  if (typeof id !== 'number') throw new TypeError('the index gave no row number');
  return id;
}
