import { parseQueryTag, type QueryTag } from '@piste/verifier';
import type { HistoryRow } from './history-row.js';
import type { Leave, RecordIndex, Statement, WriterLog } from './record-index.js';
import { compareText } from './recorded-text.js';
import type { RowKind } from './report.js';
import type { TagKey } from './tag-signature.js';

/** What became of a row, and the statement it stands for. */
export interface RowVerdict {
  readonly kind: RowKind;
  readonly message: string;
  readonly statement?: Statement;
  /** The log of the record whose text was not compared. */
  readonly unreadIn?: string;
  /** Where its record must be, which is not here: what the row is depends on the rows beside it (`judgeLate`). */
  readonly unseen?: QueryTag;
  /** It has no tag: a statement whose record is not here may have run it (`judgeLate`). */
  readonly untagged?: true;
}

/** How a row will be judged. */
export interface RowPlan {
  /** Queries that may have run it. */
  readonly roots: readonly string[];
  /** The signature to check first. */
  readonly check: { readonly tag: QueryTag; readonly key: TagKey } | undefined;
  /** Judges, and marks the statement the row stands for as seen: to be called once, in the order of the rows. */
  conclude(isSigned: boolean): RowVerdict;
}

export interface RowJudge {
  readonly index: RecordIndex;
  readonly nowMs: number;
  readonly viewLagMs: number;
  readonly connection: string | undefined;
  /** Keys of writers that are known from elsewhere, by origin. */
  readonly keyOf: (origin: string) => TagKey | undefined;
  /** Whom the deployment's registry names as a writer. */
  readonly isRegistered: (origin: string) => boolean;
  /** False: more writers may be registered than are known. */
  readonly allRegisteredAreKnown: boolean;
  /** Logs (ULID) of which only a copy is here, which may end earlier than the log. */
  readonly copies: ReadonlySet<string>;
  /** Logs (ULID) that are not here from some record on. */
  readonly cut: ReadonlySet<string>;
  /** Secrets of blinds that the records' own keys do not give, by their tags. */
  readonly blinds: ReadonlyMap<string, Uint8Array>;
  /** The records were read after the history: what is not among them is not recorded. */
  readonly recordsAreNewer: boolean;
  /** Signatures are checked of every tag, or only where no record in a log stands for the row as well. */
  readonly signatures: 'all' | 'needed';
}

/** Says what is to be checked of one row. */
export function planRow(judge: RowJudge, row: HistoryRow): RowPlan {
  const tag = parseQueryTag(row.tag);
  const roots = rootsOf(row);
  if (tag === undefined) return { roots, check: undefined, conclude: () => judgeUntagged(judge, row) };
  const log = judge.index.writer(tag.writer);
  const key = log === undefined ? judge.keyOf(tag.writer) : log.key;
  if (key === undefined) {
    const verdict = judge.allRegisteredAreKnown ? NOBODY_VOUCHES : { ...PERHAPS_REGISTERED, unseen: tag };
    return { roots, check: undefined, conclude: () => verdict };
  }
  const leave = log?.leaveAt(tag.index);
  const isPinned = leave?.leafHash === tag.leafHash && leave.statement.upstreamId === row.id;
  return {
    roots,
    check: judge.signatures === 'needed' && isPinned ? undefined : { tag, key },
    conclude(isSigned) {
      if (!isSigned) return BAD_SIGNATURE;
      if (log === undefined || tag.index >= log.size) {
        const verdict = judgeWithoutRecord(judge, row, tag, log);
        return verdict.kind === 'record-missing' ? verdict : { ...verdict, unseen: tag };
      }
      if (leave?.leafHash === tag.leafHash) return judgeRecorded(judge, row, tag, leave);
      return leave === undefined && tag.index < log.forgottenBelow ? LONG_OVER : OTHER_RECORD;
    },
  };
}

const NO_ROOTS: readonly string[] = Object.freeze([]);

function rootsOf({ id, rootId, parentId }: HistoryRow): readonly string[] {
  if (rootId === undefined && parentId === undefined) return NO_ROOTS;
  return [rootId, parentId].filter((root): root is string => root !== undefined && root !== id);
}

const NOBODY_VOUCHES: RowVerdict = {
  kind: 'unrecorded',
  message: 'its tag names a log that is not here and that nobody vouches for',
};
const PERHAPS_REGISTERED: RowVerdict = {
  kind: 'log-not-here',
  message:
    'its tag names a log that is not here; whether its writer is registered is not known, the registry was not read whole',
};
const BAD_SIGNATURE: RowVerdict = {
  kind: 'tag-differs',
  message: 'the signature in its tag is not that of the writer it names',
};
const OTHER_RECORD: RowVerdict = {
  kind: 'tag-differs',
  message: 'its tag names a record that is another, or that let nothing run',
};

/** Who forgets statements judges no row that began before what was forgotten. */
const LONG_OVER: RowVerdict = {
  kind: 'repeated',
  message: 'ran under the tag of a record that stands for a query of long before: it was not let run twice',
};

function judgeUntagged(judge: RowJudge, row: HistoryRow): RowVerdict {
  const known = judge.index.answeredAs(row.id);
  if (known !== undefined) {
    known.seen = true;
    return {
      kind: 'tag-differs',
      message: 'a recorded statement, but not with the tag it was sent with',
      statement: known,
    };
  }
  return (
    judgePossibleChild(judge, row) ?? {
      kind: 'unrecorded',
      message: 'Snowflake ran it for this user, and no record let it run',
      untagged: true,
    }
  );
}

/** Snowflake lists what a procedure runs; which call it belongs to only ACCESS_HISTORY says. */
function judgePossibleChild({ index, nowMs, viewLagMs }: RowJudge, row: HistoryRow): RowVerdict | undefined {
  const during = index
    .callsIn(row.sessionId)
    .some(
      ({ leaves, timeMs, answeredMs }) =>
        leaves > 0 && timeMs <= row.startMs && (answeredMs === undefined || row.startMs <= answeredMs),
    );
  if (!during) return undefined;
  return row.startMs > nowMs - viewLagMs
    ? { kind: 'inside-lag', message: 'ran during a recorded call; which one ran it is not known yet' }
    : {
        kind: 'possible-child',
        message:
          'ran in the session and during a recorded call, which may have run it: ROOT_QUERY_ID from ACCESS_HISTORY in the history would tell',
      };
}

/** A tag that its writer signed is proof that a record was made, wherever it is now. */
function judgeWithoutRecord(
  { recordsAreNewer, isRegistered, copies, cut }: RowJudge,
  row: HistoryRow,
  { writer, index }: QueryTag,
  log: WriterLog | undefined,
): RowVerdict {
  if (log === undefined && !isRegistered(writer)) {
    return { kind: 'log-not-here', message: 'its writer is known and signed its tag, but its log is not here' };
  }
  const ulid = writer.slice(writer.lastIndexOf('/') + 1);
  if (log === undefined || (copies.has(ulid) && !log.closed)) return { kind: 'recorded-elsewhere', message: '' };
  if (cut.has(ulid)) {
    return {
      kind: 'log-ends-earlier',
      message: `its writer signed its tag, but record ${index} lies behind where its log can be read`,
    };
  }
  if (log.ended || recordsAreNewer || row.startMs < log.lastMs) {
    return {
      kind: 'record-missing',
      message: `its writer signed its tag, but the log ends before record ${index}: records were removed`,
    };
  }
  return {
    kind: 'log-ends-earlier',
    message: `its writer signed its tag, but the log ends before record ${index}: an older copy, or one that was cut`,
  };
}

function judgeRecorded(judge: RowJudge, row: HistoryRow, tag: QueryTag, { statement, text }: Leave): RowVerdict {
  const of = (kind: RowKind, message: string): RowVerdict => ({ kind, message, statement });
  const session = judge.index.session(statement.sessionId);
  const { connection } = judge;
  if (connection !== undefined && session?.connection !== undefined && session.connection !== connection)
    return of('tag-differs', 'its tag names a record of another connection');
  const isOther = statement.upstreamId !== undefined && statement.upstreamId !== row.id;
  if (isOther || statement.seen) {
    return (
      judgePossibleChild(judge, row) ??
      of('repeated', 'ran under the tag of a record that stands for another query: it was not let run twice')
    );
  }
  const upstream = session?.upstreamSession;
  if (upstream !== undefined && row.sessionId !== undefined && upstream !== row.sessionId)
    return of('session-differs', 'ran in another session than the one its record belongs to');
  statement.seen = true;
  if (row.failed && row.text === HIDDEN_TEXT) return of('matched', '');
  switch (compareText(text, row.text, judge.blinds)) {
    case 'same':
      return of('matched', '');
    case 'differs':
      return of('text-differs', 'ran with another text than the recorded one');
    case 'unread':
      return { kind: 'text-unread', message: '', statement, unreadIn: tag.writer };
  }
}

/** Snowflake hides the text of statements that it could not parse. */
const HIDDEN_TEXT = '<redacted>';
