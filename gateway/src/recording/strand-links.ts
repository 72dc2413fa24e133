import type { Entry, EntryValue, StrandLink } from '@piste/verifier';
import type { Blinds } from './blinds.js';
import type { TaggedReceipt } from './receipt.js';
import type { Beside } from './recorder.js';

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

/** What a writer appends. */
export type PlaceEntry = (entry: Entry, statementHash: string | undefined, beside: Beside) => Promise<TaggedReceipt>;

/** Appends one entry to one log. */
export type LogAppend = (entry: Entry, statementHash: string | undefined) => Promise<TaggedReceipt>;

/** Appends to one log, with what is known of sessions. */
export interface LinkedLog {
  readonly append: LogAppend;
  /** The session has records here that one of its end has not followed. */
  isOpen(sessionId: string): boolean;
  /** Forgets what is known of a session, its blind above all. */
  forget(sessionId: string): void;
}

export interface StrandLinksDeps {
  readonly place: PlaceEntry;
  /** This writer's log. */
  readonly origin: string;
  /** Absent for a log whose sessions stay in it. */
  readonly hints: StrandHints | undefined;
  /** Absent where digests are recorded as they are. */
  readonly blinds: Blinds | undefined;
}

interface Known {
  /** What the first record is to say of other strands; undefined once it is written, and for sessions opened here. */
  links: readonly StrandLink[] | 'unknown' | undefined;
  readonly blind: Uint8Array | undefined;
  /** This writer's own head, as far as it is durable. */
  head: StrandLink | undefined;
  hasEnded: boolean;
}

/** Sessions remembered. One that is forgotten is looked up again, which changes nothing in the log. */
const MAX_KNOWN = 65_536;

/**
 * Appends so that a session's strands in several logs name each other: the first record of a session that another gateway
 * opened says where it came from, and its `session.close` lists all strands known; and so that all of a session's records have their
 * digests under its blind. Records keep their order while that is being read; sessions that are known wait for nothing.
 */
export function createLinkedLog({ place, origin, hints, blinds }: StrandLinksDeps): LinkedLog {
  const known = new Map<string, Known>();
  /** Sessions of which a record waits for hints; resolves when it has its place. */
  const waiting = new Map<string, Promise<unknown>>();

  function remember(sessionId: string, links: Known['links'], blind: Uint8Array | undefined): Known {
    const session: Known = { links, blind, head: undefined, hasEnded: false };
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
    session.hasEnded ||= entry.kind === 'session.close';
    const placed = place(entry, statementHash, { links: session.links, blind: session.blind });
    return placed.then((receipt) => {
      session.links = undefined;
      if (entry.kind === 'session.close') blinds?.end(sessionId);
      if (receipt.strandNumber !== undefined) {
        session.head = { origin, number: receipt.strandNumber, leafHash: receipt.leafHash };
        hints?.note(sessionId, session.head);
      }
      return receipt;
    });
  }

  async function putAfterReading(entry: Entry, statementHash: string | undefined, sessionId: string) {
    const isClose = entry.kind === 'session.close';
    const isNew = !known.has(sessionId);
    const comesFromElsewhere = isNew && entry.kind !== 'session.open';
    const [heads, blind] = await Promise.all([
      comesFromElsewhere || isClose ? hints?.read(sessionId) : undefined,
      isNew ? blinds?.of(sessionId) : undefined,
    ]);
    const others = heads?.filter((head) => head.origin !== origin);
    const links = others === undefined || others.length === 0 ? 'unknown' : others;
    const isLinked = comesFromElsewhere && hints !== undefined;
    const session = known.get(sessionId) ?? remember(sessionId, isLinked ? links : undefined, blind);
    const told = isClose && hints !== undefined ? withStrands(entry, session.head, others) : entry;
    // In an object: whoever waits for the place does not wait for the disk.
    return { receipt: put(told, statementHash, sessionId, session) };
  }

  const append: LogAppend = (entry, statementHash) => {
    const { sessionId, kind } = entry;
    if (sessionId === undefined) return place(entry, statementHash, { links: undefined, blind: blinds?.own });
    const before = waiting.get(sessionId);
    if (before === undefined && (kind !== 'session.close' || hints === undefined)) {
      const needsNothing = blinds === undefined && (kind === 'session.open' || hints === undefined);
      const session = known.get(sessionId) ?? (needsNothing ? remember(sessionId, undefined, undefined) : undefined);
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

  return {
    append,
    isOpen: (sessionId) => known.get(sessionId)?.hasEnded === false,
    forget(sessionId) {
      known.delete(sessionId);
      blinds?.forget(sessionId);
    },
  };
}

/** The closing record with every strand that is known: log, number of records, hash of the last. */
function withStrands(entry: Entry, own: StrandLink | undefined, others: readonly StrandLink[] | undefined): Entry {
  const heads = [...(own === undefined ? [] : [own]), ...(others ?? [])];
  const strands: EntryValue = heads.map(({ origin, number, leafHash }) => [origin, number + 1, leafHash]);
  return { ...entry, fields: { ...entry.fields, strands } };
}
