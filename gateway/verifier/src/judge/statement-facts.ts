import { type Blind, digestIn } from '../format/blind.js';
import type { EntryValue } from '../format/entry.js';
import type { UnreadReason } from '../read/body-opener.js';
import type { Quorum } from './quorum.js';
import { bindingHash, hashStatement } from './statement-hashes.js';

/** Bodies the checks of statements need. */
export const CHECKED_BODIES: ReadonlySet<string> = new Set(['sql', 'binds', 'parameters']);

type Fields = Readonly<Record<string, EntryValue>>;

/** Where a record stands. */
export interface Place {
  readonly log: string;
  readonly index: number;
}

/** A record with digests. */
export interface Digested extends Place {
  /** Tag of the blind they are under; undefined where they stand as they are. */
  readonly form: string | undefined;
}

/** A record that may have let a statement run. */
export interface Leave extends Digested {
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
  /** Its text, binds or parameters lie here in a form that could not be read, so its hashes cannot be checked. */
  readonly textUnread: boolean;
  /** `hashStatement` of the bodies, in the record's form; undefined without a text. */
  readonly computedStatement: string | undefined;
  /** `bindingHash` of the bodies in the request's context, in the record's form; undefined where its session was not opened before it in the same log. */
  readonly computedBinding: string | undefined;
}

/** An `approval.request` record. */
export interface Approval extends Digested {
  readonly id: EntryValue | undefined;
  readonly hash: EntryValue | undefined;
  /** Undefined where the record does not say, in the one way there is, whose approval it asks for. */
  readonly quorums: readonly Quorum[] | undefined;
}

/** Somebody, as an identity provider names them. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
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
  /** The statement was recorded in `strict`, so its request was there before. */
  readonly isStrict: boolean;
}

/** False where two records' digests are under different blinds: whether they are of one thing cannot be told. */
export function isComparable(one: Digested, other: Digested): boolean {
  return one.form === other.form;
}

/** True unless the two records' `hash` say that they are not of one thing. */
export function mayBeSame(
  one: Digested & { readonly hash: EntryValue | undefined },
  other: Digested & { readonly hash: EntryValue | undefined },
): boolean {
  if (isComparable(one, other)) return one.hash === other.hash;
  return typeof one.hash === 'string' && typeof other.hash === 'string';
}

interface RequestRecord {
  readonly place: Place;
  readonly fields: Fields;
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly unread: ReadonlyMap<string, UnreadReason>;
  readonly blind: Blind | undefined;
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
  blind,
  statementHash,
  sessionId,
  session,
}: RequestRecord): Request {
  const decision = toFields(fields['dec']);
  const verdict = decision?.['v'];
  const isBlind = blind !== undefined && blind.secret === undefined && bodies.has('sql');
  const textUnread = isBlind || [...CHECKED_BODIES].some((name) => unread.has(name));
  const sql = textUnread ? undefined : bodies.get('sql');
  const binds = bodies.get('binds');
  const parameters = bodies.get('parameters');
  const computedStatement = sql === undefined ? undefined : hashStatement(sql, binds);
  const computedBinding =
    sql === undefined
      ? undefined
      : computeBinding({ sql, binds, parameters }, { session, context: toFields(fields['ctx']) });
  return {
    ...place,
    form: blind?.tag,
    approval: decision?.['apr'],
    statementHash,
    hash: fields['hash'],
    verdict: typeof verdict === 'string' ? verdict : 'none',
    sessionId,
    requester: personIn(fields['who']),
    textUnread,
    computedStatement: computedStatement && digestIn(blind, 'st', computedStatement),
    computedBinding: computedBinding && digestIn(blind, 'hash', computedBinding),
  };
}

interface BindingPlace {
  readonly session:
    | { readonly connection: EntryValue | undefined; readonly account: EntryValue | undefined }
    | undefined;
  readonly context: Fields | undefined;
}

interface BoundTexts {
  readonly sql: Buffer;
  readonly binds: Buffer | undefined;
  readonly parameters: Buffer | undefined;
}

function computeBinding(
  { sql, binds, parameters }: BoundTexts,
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
    parameters,
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
