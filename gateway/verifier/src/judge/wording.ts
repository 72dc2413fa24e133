import type { LogSummary } from './judge-log.js';
import type { Verdict } from './verify.js';

/** The verdict in words, the same on a terminal and on a page. */
export const HEADLINES: Readonly<Record<Verdict['outcome'], string>> = {
  sound: 'OK',
  tampered: 'TAMPERED',
  'cannot-conclude': 'CANNOT CONCLUDE',
};

const EXPLANATIONS: Readonly<Record<Verdict['outcome'], string>> = {
  sound: 'Up to the proven length of each log, every record is as it was written and none is missing.',
  tampered: 'Records or files are not as they were written. The findings say where.',
  'cannot-conclude': 'No tampering was found, but not everything needed for a verdict is here.',
};

/** Of a verdict on one session. */
const SESSION_EXPLANATIONS: Readonly<Record<Verdict['outcome'], string>> = {
  sound:
    'Every record of the session is as it was written, and none is missing up to where its end says that it stood in each log. Nothing is said of other sessions, nor of the logs as a whole.',
  tampered: 'Records of the session or the proofs of them are not as they were written. The findings say where.',
  'cannot-conclude':
    'No tampering was found, but the bundle does not show that this is the whole session, or whose it is.',
};

/** What the outcome means, in a sentence or two. */
export function explainOutcome({ outcome, session }: Pick<Verdict, 'outcome' | 'session'>): string {
  return (session === undefined ? EXPLANATIONS : SESSION_EXPLANATIONS)[outcome];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** What was counted, on one line, with the time the writers claim. */
export function describeCounts({ records, sessions, requests, responses, firstMs, lastMs }: Verdict['counts']): string {
  const counted = [
    count(records, 'record'),
    count(sessions, 'session'),
    count(requests, 'request'),
    count(responses, 'response'),
  ];
  const span = firstMs === undefined || lastMs === undefined ? '' : `, ${toUtc(firstMs)} to ${toUtc(lastMs)}`;
  return `${counted.join(', ')}${span}`;
}

/** Milliseconds since 1970 as `2026-11-23 06:00:00.000Z`; what no calendar shows, as its number. */
export function toUtc(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString().replace('T', ' ');
}

/** One log's row under Log, State, Records, Proven, Torn bytes, Key, Origin. */
export function describeLog(log: LogSummary): readonly string[] {
  return [
    log.ulid,
    log.state,
    String(log.records),
    String(log.proven),
    String(log.tornBytes),
    log.trusted ? 'trusted' : 'unknown',
    log.origin ?? '?',
  ];
}
