import type { LogRecord } from '../../recording/index.js';
import { numberIn, stringIn } from '../fields.js';
import { keepRecord } from '../read-records.js';

/** A statement from its submission to the answer the driver got. */
export interface Exchange {
  readonly queryId: string;
  readonly sessionId: string | undefined;
  /** One, or the one that was held and the one that was released; none where the log does not have it. */
  readonly requests: readonly LogRecord[];
  /** `approval.request`, `approval.vote`, `decision`. */
  readonly approvals: readonly LogRecord[];
  /** Undefined where no answer is recorded. */
  readonly answer: LogRecord | undefined;
}

/** Puts the records of statements together. Holds what is not answered yet, with its texts. */
export interface Exchanges {
  /** True where the record belongs to a statement; gives the exchange once it is whole. */
  add(record: LogRecord): { readonly taken: boolean; readonly whole: Exchange | undefined };
  /** What was never answered. */
  rest(): readonly Exchange[];
}

interface Open {
  readonly queryId: string;
  readonly sessionId: string | undefined;
  readonly requests: LogRecord[];
  readonly approvals: LogRecord[];
}

const APPROVALS: ReadonlySet<string> = new Set(['approval.request', 'approval.vote', 'decision']);

/** A part that was withheld answers nothing: its result was answered before. */
function isAnswer({ leaf: { kind, fields } }: LogRecord): boolean {
  return (kind === 'response' || kind === 'response.withheld') && numberIn(fields, 'n') === undefined;
}

/** Records must come in the order of time. */
export function createExchanges(): Exchanges {
  const open = new Map<string, Open>();

  const openFor = (record: LogRecord, queryId: string): { readonly key: string; readonly exchange: Open } => {
    const sessionId = record.leaf.strand?.sessionId;
    const key = JSON.stringify([sessionId ?? null, queryId]);
    const exchange = open.get(key) ?? { queryId, sessionId, requests: [], approvals: [] };
    return { key, exchange };
  };

  return {
    add(record) {
      const { kind, fields } = record.leaf;
      const queryId = stringIn(fields, 'qid');
      if (queryId === undefined) return { taken: false, whole: undefined };
      const { key, exchange } = openFor(record, queryId);
      if (isAnswer(record)) {
        open.delete(key);
        return { taken: true, whole: { ...exchange, answer: record } };
      }
      if (kind === 'request') exchange.requests.push(keepRecord(record));
      else if (APPROVALS.has(kind)) exchange.approvals.push(keepRecord(record));
      else return { taken: false, whole: undefined };
      open.set(key, exchange);
      return { taken: true, whole: undefined };
    },
    rest: () => [...open.values()].map((exchange) => ({ ...exchange, answer: undefined })),
  };
}

/** The records of an exchange, in order of time. */
export function recordsOf({ requests, approvals, answer }: Exchange): readonly LogRecord[] {
  return [...requests, ...approvals, ...(answer === undefined ? [] : [answer])].sort(
    (a, b) => a.leaf.timeMs - b.leaf.timeMs,
  );
}
