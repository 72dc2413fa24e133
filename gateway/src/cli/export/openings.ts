import type { LogRecord } from '../../recording/index.js';
import type { Fields } from '../describe.js';

/** Sessions remembered at once; the ones longest without a record are forgotten first. */
const MAX_SESSIONS = 65_536;

/** What sessions were opened with, for the records that come after. */
export interface Openings {
  add(record: LogRecord): void;
  /** The fields of `session.open` and its time; undefined where it did not come before. */
  of(sessionId: string | undefined): Opening | undefined;
}

export interface Opening {
  readonly fields: Fields;
  readonly timeMs: number;
}

export function createOpenings(): Openings {
  const known = new Map<string, Opening>();
  const touch = (sessionId: string, opening: Opening): void => {
    known.delete(sessionId);
    known.set(sessionId, opening);
  };
  return {
    add({ leaf }) {
      const sessionId = leaf.strand?.sessionId;
      if (sessionId === undefined || leaf.kind !== 'session.open') return;
      touch(sessionId, { fields: leaf.fields, timeMs: leaf.timeMs });
      const oldest = known.size > MAX_SESSIONS ? known.keys().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
    },
    of(sessionId) {
      const opening = sessionId === undefined ? undefined : known.get(sessionId);
      if (sessionId !== undefined && opening !== undefined) touch(sessionId, opening);
      return opening;
    },
  };
}
