import type { ScannedRecord } from '../read/scan.js';
import type { Finding } from './finding.js';
import { readStrands, ulidOf } from './strand-rules.js';

/** Kinds a session may begin with where it was opened. */
const OPENING: ReadonlySet<string> = new Set(['session.open', 'session.refused']);
/** Kinds it may end with. After them no statement of it can begin. */
const ENDING: ReadonlySet<string> = new Set(['session.close', 'session.refused']);

/** The last record of a strand. */
interface StrandEnd {
  readonly index: number;
  readonly number: number;
  readonly leafHash: string;
  readonly isEnding: boolean;
}

/** Checks whether the records of a session are all of it. */
export interface WholeSession {
  /** Records of the session only; each log's in order. */
  add(record: ScannedRecord, log: string): void;
  /** After the last record of the last log: what stands in the way. */
  findings(): readonly Finding[];
}

/**
 * Creates the checks. That strands are dense, chained and linked is checked elsewhere; what is left is whether they begin with the
 * session's begin and end where its end says.
 */
export function createWholeSession(): WholeSession {
  const ends = new Map<string, StrandEnd>();
  /** `log number hash` of the records that a `session.close` says are the last. */
  const named = new Set<string>();
  let isOpened = false;
  let isEnded = false;
  return {
    add({ leaf: { kind, strand, fields }, index, leafHash }, log) {
      isOpened ||= OPENING.has(kind);
      isEnded ||= ENDING.has(kind);
      ends.set(log, { index, number: strand?.number ?? 0, leafHash, isEnding: ENDING.has(kind) });
      if (kind !== 'session.close') return;
      for (const [origin, count, head] of readStrands(fields['strands']))
        named.add(`${ulidOf(origin)} ${count - 1} ${head}`);
    },
    findings() {
      const missing = [
        ...(isOpened ? [] : [cannotConclude('session-start', 'the record that opened the session is not here')]),
        ...(isEnded
          ? []
          : [
              cannotConclude(
                'session-end',
                'the session has no end here: it was still open, or its last records are left out',
              ),
            ]),
      ];
      if (!isEnded) return missing;
      const loose = [...ends].filter(
        ([log, { number, leafHash, isEnding }]) => !isEnding && !named.has(`${log} ${number} ${leafHash}`),
      );
      return [
        ...missing,
        ...loose.map(([log, { index, number }]) => ({
          ...cannotConclude(
            'strand-end',
            `nothing says that record ${number} of the session in this log is its last there: what followed may be left out`,
          ),
          log,
          index,
        })),
      ];
    },
  };
}

function cannotConclude(code: string, message: string): Finding {
  return { severity: 'cannot-conclude', code, message };
}
