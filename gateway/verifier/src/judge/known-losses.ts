import type { ScannedRecord } from '../read/scan.js';
import { OBSERVING } from './mode-rules.js';
import type { Answer } from './statement-facts.js';

/** Knows where, by the logs' own word, a record of a request may be missing: docs/recording-format.md, "Statements". */
export interface KnownLosses {
  add(record: ScannedRecord, log: string): void;
  /**
   * After the last record of the last log: true where the request of this answer may be among what was lost. `connection` is
   * its session's; undefined where that is not known.
   */
  mayLackRequest(answer: Answer, connection: string | undefined): boolean;
}

/** One log's word. */
interface LogWord {
  /** When a request was first lost, in ms; undefined when none is said to be. */
  lostFromMs: number | undefined;
  readonly modes: { readonly index: number; readonly connection: string | undefined; readonly mode: string }[];
  /** Indices of the first and the last record of each session. */
  readonly sessions: Map<string, { readonly first: number; last: number }>;
}

/** Follows `gap`, the modes and the sessions of all logs. Memory grows with the number of sessions. */
export function createKnownLosses(): KnownLosses {
  const words = new Map<string, LogWord>();

  function wordOf(log: string): LogWord {
    const known = words.get(log);
    if (known !== undefined) return known;
    const fresh: LogWord = { lostFromMs: undefined, modes: [], sessions: new Map() };
    words.set(log, fresh);
    return fresh;
  }

  return {
    add({ leaf: { kind, fields, strand }, index }, log) {
      const word = wordOf(log);
      if (strand !== undefined) {
        const span = word.sessions.get(strand.sessionId);
        if (span === undefined) word.sessions.set(strand.sessionId, { first: index, last: index });
        else span.last = index;
      }
      const { mode, connection, requests, from } = fields;
      if (kind === 'gap' && requests !== 0) {
        const fromMs = typeof from === 'number' ? from : Number.NEGATIVE_INFINITY;
        word.lostFromMs = Math.min(word.lostFromMs ?? fromMs, fromMs);
      } else if ((kind === 'writer.open' || kind === 'mode.change') && typeof mode === 'string') {
        word.modes.push({ index, connection: typeof connection === 'string' ? connection : undefined, mode });
      }
    },

    mayLackRequest({ log, index, sessionId, timeMs, isStrict }, connection) {
      if (isStrict) return false;
      const own = wordOf(log);
      const first = (sessionId === undefined ? undefined : own.sessions.get(sessionId)?.first) ?? 0;
      if (own.lostFromMs !== undefined && own.lostFromMs <= timeMs) return true;
      if (isObserving(own, connection, { first, last: index })) return true;
      // Clocks of two writers prove no order, so of another log all counts.
      return [...words].some(([other, word]) => {
        const span = sessionId === undefined || other === log ? undefined : word.sessions.get(sessionId);
        return span !== undefined && (word.lostFromMs !== undefined || isObserving(word, connection, span));
      });
    },
  };
}

/** True where the connection was in mode `observe` at any record from `first` to `last`. */
function isObserving(
  { modes }: LogWord,
  connection: string | undefined,
  { first, last }: { readonly first: number; readonly last: number },
): boolean {
  let own: string | undefined;
  let general: string | undefined;
  let isWithin = false;
  for (const change of modes) {
    if (change.index > last) break;
    // The mode that the first of these records was written in is known once the next change comes after it.
    if (!isWithin && change.index > first && connection !== undefined) {
      if ((own ?? general) === OBSERVING) return true;
      isWithin = true;
    }
    if (change.connection === undefined) general = change.mode;
    else if (change.connection === connection) own = change.mode;
    if (connection === undefined && change.mode === OBSERVING) return true;
    if (isWithin && (own ?? general) === OBSERVING) return true;
  }
  return connection !== undefined && (own ?? general) === OBSERVING;
}
