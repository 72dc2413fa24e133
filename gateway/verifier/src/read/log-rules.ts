import { Break } from './break.js';
import type { GroupRecord } from './group-reader.js';
import { createKeyRules, type KeyRecord } from './key-rules.js';

/** What a log says about itself in its first record. */
export interface WriterIdentity {
  readonly origin: string;
  readonly vkey: string;
}

/** Checks of one log's records in order: opening and closing record, time, strands, keys. */
export interface LogRules {
  /** Gives the key whose blind covers the record's digests, if any. Throws `Break` for a record no correct writer makes. */
  check(record: GroupRecord, index: number): KeyRecord | undefined;
  /** The log's session keys so far, by number. */
  readonly keys: readonly KeyRecord[];
}

/** Reads `writer.open`; undefined for any other record. */
export function readIdentity(record: GroupRecord | undefined): WriterIdentity | undefined {
  if (record?.leaf.kind !== 'writer.open') return undefined;
  const { origin, vkey } = record.leaf.fields;
  return typeof origin === 'string' && typeof vkey === 'string' ? { origin, vkey } : undefined;
}

/** Creates the checks for one log, or for the records of one session in it. Memory grows with the number of sessions. */
export function createLogRules(isPart = false): LogRules {
  const strands = new Map<string, { next: number; previous: string | undefined }>();
  const keyRules = createKeyRules(isPart);
  let timeMs = 0;
  let monotonicMicros = 0;
  let closed = false;
  return {
    keys: keyRules.keys,
    check({ leaf, leafHash, offset }, index) {
      if (closed) throw new Break('after-close', 'records after writer.close', offset);
      if ((leaf.kind === 'writer.open') !== (index === 0))
        throw new Break('bad-open', 'writer.open is the first record and only it', offset);
      if (leaf.timeMs < timeMs || leaf.monotonicMicros < monotonicMicros)
        throw new Break('time-decreases', 'time runs backwards', offset);
      ({ timeMs, monotonicMicros } = leaf);
      closed = leaf.kind === 'writer.close';
      const blinding = keyRules.check(leaf, { index, offset });
      if (leaf.strand === undefined) return blinding;
      const { sessionId, number, previous } = leaf.strand;
      const head = strands.get(sessionId);
      if (number !== (head?.next ?? 0) || previous !== head?.previous) {
        throw new Break('strand-broken', 'a record of a session is missing or out of order', offset);
      }
      const hash = leafHash.toString('hex');
      if (head === undefined) strands.set(sessionId, { next: 1, previous: hash });
      else {
        head.next += 1;
        head.previous = hash;
      }
      return blinding;
    },
  };
}
