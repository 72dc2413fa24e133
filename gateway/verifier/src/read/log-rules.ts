import { Break } from './break.js';
import type { GroupRecord } from './group-reader.js';

/** What a log says about itself in its first record. */
export interface WriterIdentity {
  readonly origin: string;
  readonly vkey: string;
}

/** Checks of one log's records in order: opening and closing record, time, strands. */
export interface LogRules {
  /** Throws `Break` for a record no correct writer makes. */
  check(record: GroupRecord, index: number): void;
}

/** Reads `writer.open`; undefined for any other record. */
export function readIdentity(record: GroupRecord | undefined): WriterIdentity | undefined {
  if (record?.leaf.kind !== 'writer.open') return undefined;
  const { origin, vkey } = record.leaf.fields;
  return typeof origin === 'string' && typeof vkey === 'string' ? { origin, vkey } : undefined;
}

/** Creates the checks for one log. Memory grows with the number of sessions. */
export function createLogRules(): LogRules {
  const strands = new Map<string, { next: number; previous: string | undefined }>();
  let timeMs = 0;
  let monotonicMicros = 0;
  let closed = false;
  return {
    check({ leaf, leafHash, offset }, index) {
      if (closed) throw new Break('after-close', 'records after writer.close', offset);
      if ((leaf.kind === 'writer.open') !== (index === 0))
        throw new Break('bad-open', 'writer.open is the first record and only it', offset);
      if (leaf.timeMs < timeMs || leaf.monotonicMicros < monotonicMicros)
        throw new Break('time-decreases', 'time runs backwards', offset);
      ({ timeMs, monotonicMicros } = leaf);
      closed = leaf.kind === 'writer.close';
      if (leaf.strand === undefined) return;
      const { sessionId, number, previous } = leaf.strand;
      const head = strands.get(sessionId) ?? { next: 0, previous: undefined };
      if (number !== head.next || previous !== head.previous) {
        throw new Break('strand-broken', 'a record of a session is missing or out of order', offset);
      }
      strands.set(sessionId, { next: number + 1, previous: leafHash.toString('hex') });
    },
  };
}
