import type { Entry, EntryValue, StrandLink } from '@piste/verifier';
import type { TaggedReceipt } from './receipt.js';

/**
 * Where the strands of a session stand in every writer's log. Hints only: what they say is written into the record as what
 * was known, and nothing depends on it.
 */
export interface StrandHints {
  /** Undefined when nothing is known, or not in time. Never rejects. */
  read(sessionId: string): Promise<readonly StrandLink[] | undefined>;
  /** Keeps a head of this writer in the background; may lose it. Never throws. */
  note(sessionId: string, head: StrandLink): void;
}

/** What a writer appends; `links` count only where the record is the first of its session in this log. */
export type PlaceEntry = (
  entry: Entry,
  statementHash: string | undefined,
  links: readonly StrandLink[] | 'unknown' | undefined,
) => Promise<TaggedReceipt>;

/** Appends one entry to one log. */
export type LogAppend = (entry: Entry, statementHash: string | undefined) => Promise<TaggedReceipt>;

export interface StrandLinksDeps {
  readonly place: PlaceEntry;
  /** This writer's log. */
  readonly origin: string;
  readonly hints: StrandHints;
}

interface Known {
  /** What the first record is to say of other strands; undefined once it is written, and for sessions opened here. */
  links: readonly StrandLink[] | 'unknown' | undefined;
  /** This writer's own head, as far as it is durable. */
  head: StrandLink | undefined;
}

/** Sessions remembered. One that is forgotten is looked up again, which changes nothing in the log. */
const MAX_KNOWN = 65_536;

/**
 * Appends so that a session's strands in several logs name each other: the first record of a session that another gateway
 * opened says where it came from, and its `session.close` lists all strands known. Records keep their order while hints are
 * being read; sessions that are known wait for nothing.
 */
export function createLinkedAppend({ place, origin, hints }: StrandLinksDeps): LogAppend {
  const known = new Map<string, Known>();
  /** Sessions of which a record waits for hints; resolves when it has its place. */
  const waiting = new Map<string, Promise<unknown>>();

  function remember(sessionId: string, links: Known['links']): Known {
    const session: Known = { links, head: undefined };
    known.set(sessionId, session);
    const oldest = known.size > MAX_KNOWN ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    return session;
  }

  function put(
    entry: Entry,
    statementHash: string | undefined,
    sessionId: string,
    session: Known,
  ): Promise<TaggedReceipt> {
    const placed = place(entry, statementHash, session.links);
    return placed.then((receipt) => {
      session.links = undefined;
      if (receipt.strandNumber !== undefined) {
        session.head = { origin, number: receipt.strandNumber, leafHash: receipt.leafHash };
        hints.note(sessionId, session.head);
      }
      return receipt;
    });
  }

  async function putAfterReading(entry: Entry, statementHash: string | undefined, sessionId: string) {
    const isClose = entry.kind === 'session.close';
    const heads = known.has(sessionId) && !isClose ? undefined : await hints.read(sessionId);
    const others = heads?.filter((head) => head.origin !== origin);
    const links = others === undefined || others.length === 0 ? 'unknown' : others;
    const session = known.get(sessionId) ?? remember(sessionId, links);
    const told = isClose ? withStrands(entry, session.head, others) : entry;
    // In an object: whoever waits for the place does not wait for the disk.
    return { receipt: put(told, statementHash, sessionId, session) };
  }

  return (entry, statementHash) => {
    const { sessionId, kind } = entry;
    if (sessionId === undefined) return place(entry, statementHash, undefined);
    const before = waiting.get(sessionId);
    if (before === undefined && kind !== 'session.close') {
      const session = known.get(sessionId) ?? (kind === 'session.open' ? remember(sessionId, undefined) : undefined);
      if (session !== undefined) return put(entry, statementHash, sessionId, session);
    }
    const placed = (before ?? Promise.resolve()).then(() => putAfterReading(entry, statementHash, sessionId));
    const settled = placed.then(
      () => undefined,
      () => undefined,
    );
    waiting.set(sessionId, settled);
    void settled.then(() => {
      if (waiting.get(sessionId) === settled) waiting.delete(sessionId);
    });
    return placed.then(({ receipt }) => receipt);
  };
}

/** The closing record with every strand that is known: log, number of records, hash of the last. */
function withStrands(entry: Entry, own: StrandLink | undefined, others: readonly StrandLink[] | undefined): Entry {
  const heads = [...(own === undefined ? [] : [own]), ...(others ?? [])];
  const strands: EntryValue = heads.map(({ origin, number, leafHash }) => [origin, number + 1, leafHash]);
  return { ...entry, fields: { ...entry.fields, strands } };
}
