import type { EntryValue } from '../format/entry.js';
import type { UnreadReason } from '../read/body-opener.js';
import { bindingHash, hashStatement } from './statement-hashes.js';

type Fields = Readonly<Record<string, EntryValue>>;

/** Where a record stands. */
export interface Place {
  readonly log: string;
  readonly index: number;
}

/** A record that may have let a statement run. */
export interface Leave extends Place {
  /** The approval it rests on. */
  readonly approval: EntryValue | undefined;
  /** Present only where a permit was. */
  readonly statementHash: string | undefined;
  readonly hash: EntryValue | undefined;
}

/** A `request` record. */
export interface Request extends Leave {
  readonly verdict: string;
  readonly sessionId: string | undefined;
  /** Its text or binds lie here in a form that could not be read, so its hashes cannot be checked. */
  readonly textUnread: boolean;
  /** `hashStatement` of the bodies; undefined without a text. */
  readonly computedStatement: string | undefined;
  /** `bindingHash` of the bodies in the request's context; undefined where its session was opened in a log not read before. */
  readonly computedBinding: string | undefined;
}

/** An `approval.request` record. */
export interface Approval extends Place {
  readonly id: EntryValue | undefined;
  readonly hash: EntryValue | undefined;
}

/** Who approved. */
export interface Vote {
  readonly issuer: EntryValue | undefined;
  readonly subject: EntryValue | undefined;
}

/** A `response`, `response.withheld` or `chunk` record. */
export interface Answer extends Place {
  readonly sessionId: string | undefined;
  /** `t` of the record. */
  readonly timeMs: number;
  /** It can only come from Snowflake having run the statement. */
  readonly ran: boolean;
}

/** Across logs only the existence counts: clocks of two writers prove no order. */
export function precedes(earlier: Place, later: Place): boolean {
  return earlier.log !== later.log || earlier.index < later.index;
}

interface RequestRecord {
  readonly place: Place;
  readonly fields: Fields;
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly unread: ReadonlyMap<string, UnreadReason>;
  readonly statementHash: string | undefined;
  readonly sessionId: string | undefined;
  /** The fields of its `session.open`, where known. */
  readonly session: Fields | undefined;
}

/** Reads a `request`; keeps hashes, not texts. */
export function readRequest({
  place,
  fields,
  bodies,
  unread,
  statementHash,
  sessionId,
  session,
}: RequestRecord): Request {
  const decision = toFields(fields['dec']);
  const verdict = decision?.['v'];
  const textUnread = unread.has('sql') || unread.has('binds');
  const sql = textUnread ? undefined : bodies.get('sql');
  const binds = bodies.get('binds');
  return {
    ...place,
    approval: decision?.['apr'],
    statementHash,
    hash: fields['hash'],
    verdict: typeof verdict === 'string' ? verdict : 'none',
    sessionId,
    textUnread,
    computedStatement: sql === undefined ? undefined : hashStatement(sql, binds),
    computedBinding:
      sql === undefined ? undefined : computeBinding(sql, binds, { session, context: toFields(fields['ctx']) }),
  };
}

interface BindingPlace {
  readonly session: Fields | undefined;
  readonly context: Fields | undefined;
}

function computeBinding(
  sql: Buffer,
  binds: Buffer | undefined,
  { session, context }: BindingPlace,
): string | undefined {
  const connection = session?.['connection'];
  const account = session?.['account'];
  if (context === undefined || typeof connection !== 'string' || typeof account !== 'string') return undefined;
  const textIn = (name: string): string | undefined => {
    const value = context[name];
    return typeof value === 'string' ? value : undefined;
  };
  return bindingHash({
    connection,
    account,
    text: sql,
    binds,
    role: textIn('role'),
    warehouse: textIn('wh'),
    database: textIn('db'),
    schema: textIn('sch'),
  });
}

function toFields(value: EntryValue | undefined): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The approving votes a decision says it counted; undefined when it lists none. */
export function votesOf(list: EntryValue | undefined): readonly Vote[] | undefined {
  if (!Array.isArray(list)) return undefined;
  return (list as readonly EntryValue[]).flatMap((item) => {
    const vote = toFields(item);
    return vote?.['choice'] === 'approve' ? [{ issuer: vote['iss'], subject: vote['sub'] }] : [];
  });
}

/** True when the answer can only come from Snowflake having run the statement. */
export function isResult(kind: string, { upq, rows }: Fields): boolean {
  return kind === 'chunk' || typeof upq === 'string' || (typeof rows === 'number' && rows > 0);
}
