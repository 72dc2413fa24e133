import type { LogRecord } from '../recording/index.js';
import type { Fields } from './describe.js';
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
  /** Held statements come twice: when they are held and when they are released. */
  readonly queryIds: Set<string>;
}

/** Collects sessions from records in any order of logs. */
export interface SessionSummaries {
  add(record: LogRecord): void;
  /** By time of opening. */
  list(): readonly SessionSummary[];
  /** Log-ins that never became a session. */
  readonly refusedLogins: number;
}

export function createSessionSummaries(): SessionSummaries {
  const sessions = new Map<string, SessionSummary>();
  let refusedLogins = 0;
  return {
    add(record) {
      const id = record.leaf.strand?.sessionId;
      if (id === undefined) {
        if (record.leaf.kind === 'session.refused') refusedLogins += 1;
        return;
      }
      const session = sessions.get(id) ?? emptySummary(id);
      sessions.set(id, session);
      addRecord(session, record);
    },
    get refusedLogins() {
      return refusedLogins;
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
    queryIds: new Set(),
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
      if (fields['internal'] === true || isRelease(session, fields)) break;
      session.statements += 1;
      count(session.decisions, stringIn(objectIn(fields, 'dec'), 'v') ?? 'none');
      break;
    case 'decision':
      count(session.decisions, stringIn(fields, 'v') ?? 'none');
      break;
    case 'request.refused':
      session.refused += 1;
      break;
    case 'writer.open':
    case 'writer.sealed':
    case 'writer.close':
    case 'clock.jump':
    case 'control':
    case 'approval.request':
    case 'approval.vote':
    case 'response':
    case 'response.withheld':
    case 'chunk':
    case 'chunk.piece':
    case 'policy.loaded':
    case 'mode.change':
    case 'gap':
    case 'key':
    case 'reconcile':
    case 'policy.rejected':
    case 'admin.access':
      break;
  }
}

function isRelease({ queryIds }: SessionSummary, fields: Fields): boolean {
  const queryId = stringIn(fields, 'qid') ?? '?';
  if (queryIds.has(queryId) && stringIn(objectIn(fields, 'dec'), 'apr') !== undefined) return true;
  queryIds.add(queryId);
  return false;
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
