import type { LogRecord } from '../recording/index.js';
import { objectIn, stringIn } from './fields.js';

/** One line of `piste sessions list`. */
export interface SessionSummary {
  readonly id: string;
  /** Undefined when the session was opened in a log that is not here. */
  principal: string | undefined;
  issuer: string | undefined;
  connection: string | undefined;
  openedMs: number | undefined;
  /** Last record, for sessions without an opening one here. */
  lastMs: number;
  closedMs: number | undefined;
  /** Why it was closed or refused. */
  ended: string | undefined;
  statements: number;
  /** By verdict. */
  readonly decisions: Record<string, number>;
  refused: number;
}

/** Collects sessions from records in any order of logs. */
export interface SessionSummaries {
  add(record: LogRecord): void;
  /** By time of opening. */
  list(): readonly SessionSummary[];
}

export function createSessionSummaries(): SessionSummaries {
  const sessions = new Map<string, SessionSummary>();
  return {
    add(record) {
      const id = record.leaf.strand?.sessionId;
      if (id === undefined) return;
      const session = sessions.get(id) ?? emptySummary(id);
      sessions.set(id, session);
      addRecord(session, record);
    },
    list: () => [...sessions.values()].sort((a, b) => startOf(a) - startOf(b) || (a.id < b.id ? -1 : 1)),
  };
}

function startOf(session: SessionSummary): number {
  return session.openedMs ?? session.lastMs;
}

function emptySummary(id: string): SessionSummary {
  return {
    id,
    principal: undefined,
    issuer: undefined,
    connection: undefined,
    openedMs: undefined,
    lastMs: 0,
    closedMs: undefined,
    ended: undefined,
    statements: 0,
    decisions: {},
    refused: 0,
  };
}

function addRecord(session: SessionSummary, { leaf }: LogRecord): void {
  const { fields, timeMs } = leaf;
  session.lastMs = Math.max(session.lastMs, timeMs);
  switch (leaf.kind) {
    case 'session.open': {
      const who = objectIn(fields, 'who');
      session.principal = stringIn(who, 'name') ?? stringIn(who, 'sub');
      session.issuer = stringIn(who, 'iss');
      session.connection = stringIn(fields, 'connection');
      session.openedMs = timeMs;
      break;
    }
    case 'session.close':
      session.closedMs = timeMs;
      session.ended = stringIn(fields, 'why');
      break;
    case 'session.refused':
      session.closedMs = timeMs;
      session.ended = `refused: ${stringIn(fields, 'code') ?? stringIn(fields, 'reason') ?? '?'}`;
      break;
    case 'request':
      if (fields['internal'] === true) break;
      session.statements += 1;
      count(session.decisions, stringIn(objectIn(fields, 'dec'), 'v') ?? 'none');
      break;
    case 'decision':
      count(session.decisions, stringIn(fields, 'v') ?? 'none');
      break;
    case 'request.refused':
      session.refused += 1;
      break;
    default:
      break;
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
