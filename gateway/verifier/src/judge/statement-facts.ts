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
  /** Who asked, where the record says so itself. */
  readonly requester: Person | undefined;
  /** Its text or binds lie here in a form that could not be read, so its hashes cannot be checked. */
  readonly textUnread: boolean;
  /** `hashStatement` of the bodies; undefined without a text. */
  readonly computedStatement: string | undefined;
  /** `bindingHash` of the bodies in the request's context; undefined where its session was not opened before it in the same log. */
  readonly computedBinding: string | undefined;
}

/** An `approval.request` record. */
export interface Approval extends Place {
  readonly id: EntryValue | undefined;
  readonly hash: EntryValue | undefined;
}

/** Somebody, as an identity provider names them. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
}

/** An `approval.vote` record that approves. */
export interface Vote {
  readonly voter: Person;
}

/** A `decision` record that approves. */
export interface Outcome extends Leave {
  /** Whose approving votes it says it counted, undefined for nobody's; undefined when it lists none. */
  readonly voters: readonly (Person | undefined)[] | undefined;
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
  /** The fields of the last `session.open` before it in the same log. */
  readonly session:
    | { readonly connection: EntryValue | undefined; readonly account: EntryValue | undefined }
    | undefined;
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
    requester: personIn(fields['who']),
    textUnread,
    computedStatement: sql === undefined ? undefined : hashStatement(sql, binds),
    computedBinding:
      sql === undefined ? undefined : computeBinding(sql, binds, { session, context: toFields(fields['ctx']) }),
  };
}

interface BindingPlace {
  readonly session:
    | { readonly connection: EntryValue | undefined; readonly account: EntryValue | undefined }
    | undefined;
  readonly context: Fields | undefined;
}

function computeBinding(
  sql: Buffer,
  binds: Buffer | undefined,
  { session, context }: BindingPlace,
): string | undefined {
  const connection = session?.connection;
  const account = session?.account;
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

/** Whom `iss` and `sub` name; undefined unless both are texts. */
export function personIn(value: EntryValue | undefined): Person | undefined {
  const fields = toFields(value);
  const issuer = fields?.['iss'];
  const subject = fields?.['sub'];
  return typeof issuer === 'string' && typeof subject === 'string' ? { issuer, subject } : undefined;
}

/** Whose approving votes a decision says it counted; undefined when it lists none. */
export function votersOf(list: EntryValue | undefined): Outcome['voters'] {
  if (!Array.isArray(list)) return undefined;
  return (list as readonly EntryValue[]).flatMap((item) =>
    toFields(item)?.['choice'] === 'approve' ? [personIn(item)] : [],
  );
}

/** True when the answer can only come from Snowflake having run the statement. */
export function isResult(kind: string, { upq, rows }: Fields): boolean {
  return (
    kind === 'chunk' || kind === 'chunk.piece' || typeof upq === 'string' || (typeof rows === 'number' && rows > 0)
  );
}
