import { type Blind, digestIn, type EntryValue, type LogRecord, SHOWN_TEXT_CHARACTERS } from '@piste/verifier';
import { type Heads, headDigests, NO_HEADS, type RecordedText } from './recorded-text.js';
import { parseTagKey, type TagKey } from './tag-signature.js';

/** What the records say of one statement. Held ones have several records that could let it run. */
export interface Statement {
  readonly sessionId: string | undefined;
  readonly describe: boolean;
  readonly statementClass: string;
  /** Of its first record that let it run; of its first record until there is one. */
  timeMs: number;
  /** Records that let it run. */
  leaves: number;
  answered: boolean;
  /** Of its last answer. */
  answeredMs: number | undefined;
  failed: boolean;
  /** Snowflake's query id, where an answer named it. */
  upstreamId: string | undefined;
  /** Rows in its answers. */
  rows: number;
  /** Parts that the answer announced, and those delivered so far. */
  parts: number;
  delivered: Set<number> | undefined;
  /** The text of a request that was held: the decision that releases it holds none. */
  heldText: Pick<RecordedText, 'hasBinds' | 'isLong' | 'heads'> | undefined;
  /** A history row stands for it. */
  seen: boolean;
}

/** A record that let a statement run. */
export interface Leave {
  readonly statement: Statement;
  readonly leafHash: string;
  readonly text: RecordedText;
}

/** One writer's log, as far as it was read. */
export interface WriterLog {
  readonly origin: string;
  readonly key: TagKey;
  /** Records read. */
  readonly size: number;
  readonly lastMs: number;
  /** It says itself that nothing follows. */
  readonly closed: boolean;
  /** Nothing can follow: it says so itself, or a later writer found it ended. */
  readonly ended: boolean;
  /** Of records before this one, those that let something run may be forgotten. */
  readonly forgottenBelow: number;
  leaveAt(index: number): Leave | undefined;
}

/** Where a session was opened and what it is at Snowflake. */
export interface RecordedSession {
  readonly connection: string | undefined;
  readonly upstreamSession: string | undefined;
}

interface SessionState extends RecordedSession {
  /** One text for all its statements. */
  readonly id: string;
  /** Of its newest record. */
  lastMs: number;
}

/** What reconciling keeps of the records: some hundred bytes for each statement, no texts. */
export interface RecordIndex {
  add(record: LogRecord): void;
  writer(origin: string): WriterLog | undefined;
  session(sessionId: string | undefined): RecordedSession | undefined;
  statements(): Iterable<Statement>;
  /** The statement that Snowflake answered under this query id. */
  answeredAs(upstreamId: string): Statement | undefined;
  /** Statements of a Snowflake session that may call others while they run. */
  callsIn(upstreamSession: string | undefined): readonly Statement[];
  /** Rows will be judged anew: none stands for a statement yet. */
  begin(): void;
  /**
   * Forgets statements and sessions of which no record is as young as `beforeMs`, and of the others the oldest that are more than `most`,
   * but for those that may still run others.
   */
  forget(beforeMs: number, most: number): void;
  /** No statement is forgotten of which a record is as young. */
  readonly forgottenUntilMs: number;
  readonly connections: ReadonlySet<string>;
  /** Time of the oldest record; undefined without any. */
  readonly firstMs: number | undefined;
}

type Fields = Readonly<Record<string, EntryValue>>;

interface WriterState {
  readonly origin: string;
  readonly key: TagKey;
  size: number;
  lastMs: number;
  closed: boolean;
  forgottenBelow: number;
  indexes: number[];
  leaves: Statement[];
  digests: DigestColumn;
  /** Flags of the text: binds, long. */
  flags: number[];
  blinds: (Blind | undefined)[];
  readonly heads: Map<number, Heads>;
}

/** Classes of statements that can run others, which Snowflake lists as queries of their own. */
const CALLERS: ReadonlySet<string> = new Set(['CALL', 'EXECUTE_IMMEDIATE', 'EXECUTE_TASK', 'SCRIPT', 'FLOW', 'MULTI']);

export function createRecordIndex(): RecordIndex {
  const writers = new Map<string, WriterState>();
  const byLog = new Map<string, WriterState>();
  const sealed = new Set<string>();
  const sessions = new Map<string, SessionState>();
  const connections = new Set<string>();
  const byQuery = new Map<string, Statement>();
  let calls: Statement[] = [];
  let byUpstreamId: Map<string, Statement> | undefined;
  let firstMs: number | undefined;
  let forgottenUntilMs = 0;

  function openWriter(record: LogRecord): void {
    const { origin, vkey } = record.leaf.fields;
    const key = typeof vkey === 'string' ? parseTagKey(vkey) : undefined;
    if (typeof origin !== 'string' || key?.writer !== origin) return;
    const state: WriterState = {
      origin,
      key,
      size: 0,
      lastMs: 0,
      closed: false,
      forgottenBelow: 0,
      indexes: [],
      leaves: [],
      digests: createDigestColumn(),
      flags: [],
      blinds: [],
      heads: new Map(),
    };
    writers.set(origin, state);
    byLog.set(record.log, state);
  }

  function statementOf(queryId: string, { leaf }: LogRecord): Statement {
    const known = byQuery.get(queryId);
    if (known !== undefined) return known;
    const { fields, strand, timeMs } = leaf;
    const fresh: Statement = {
      sessionId: sessions.get(strand?.sessionId ?? '')?.id ?? strand?.sessionId,
      describe: fields['op'] === 'describe',
      statementClass: typeof fields['cls'] === 'string' ? fields['cls'] : '',
      timeMs,
      leaves: 0,
      answered: false,
      answeredMs: undefined,
      failed: false,
      upstreamId: undefined,
      rows: 0,
      parts: 0,
      delivered: undefined,
      heldText: undefined,
      seen: false,
    };
    byQuery.set(queryId, fresh);
    if (CALLERS.has(fresh.statementClass)) calls.push(fresh);
    return fresh;
  }

  function addLeave(record: LogRecord, statement: Statement): void {
    const { leaf } = record;
    const state = byLog.get(record.log);
    const text = leaf.kind === 'request' ? textFacts(record) : (statement.heldText ?? NO_TEXT);
    if (leaf.statementHash === undefined || state === undefined) {
      statement.heldText = text;
      return;
    }
    if (statement.leaves === 0) statement.timeMs = leaf.timeMs;
    statement.leaves += 1;
    if (text.heads !== NO_HEADS) state.heads.set(record.index, text.heads);
    state.indexes.push(record.index);
    state.leaves.push(statement);
    state.digests.add(record.leafHash, leaf.statementHash);
    state.blinds.push(record.blind);
    state.flags.push((text.hasBinds ? 1 : 0) | (text.isLong ? 2 : 0));
  }

  function noteSession(id: string, { kind, fields, timeMs }: LogRecord['leaf']): void {
    if (kind === 'session.open') {
      const session = readSession(fields);
      sessions.set(id, { ...session, id, lastMs: timeMs });
      if (session.connection !== undefined) connections.add(session.connection);
      return;
    }
    const known = sessions.get(id);
    if (known !== undefined) known.lastMs = Math.max(known.lastMs, timeMs);
  }

  return {
    add(record) {
      const { leaf, log, index } = record;
      const { fields, kind } = leaf;
      if (kind === 'writer.open') openWriter(record);
      firstMs = Math.min(firstMs ?? leaf.timeMs, leaf.timeMs);
      const state = byLog.get(log);
      if (state !== undefined) {
        state.size = index + 1;
        state.lastMs = leaf.timeMs;
        state.closed = kind === 'writer.close';
      }
      if (kind === 'writer.sealed' && typeof fields['origin'] === 'string') sealed.add(fields['origin']);
      if (leaf.strand !== undefined) noteSession(leaf.strand.sessionId, leaf);
      const queryId = fields['qid'];
      if (typeof queryId !== 'string') return;
      if (kind === 'request' || (kind === 'decision' && leaf.statementHash !== undefined)) {
        addLeave(record, statementOf(queryId, record));
      } else if (kind === 'response' || kind === 'response.withheld' || kind === 'chunk') {
        addAnswer(statementOf(queryId, record), record);
      }
    },
    writer(origin) {
      const state = writers.get(origin);
      return state === undefined ? undefined : toWriterLog(state, sealed.has(origin));
    },
    session: (sessionId) => (sessionId === undefined ? undefined : sessions.get(sessionId)),
    statements: () => byQuery.values(),
    answeredAs(upstreamId) {
      byUpstreamId ??= indexUpstreamIds(byQuery.values());
      return byUpstreamId.get(upstreamId);
    },
    callsIn: (upstreamSession) =>
      upstreamSession === undefined
        ? []
        : calls.filter(({ sessionId }) => sessions.get(sessionId ?? '')?.upstreamSession === upstreamSession),
    begin() {
      byUpstreamId = undefined;
      for (const statement of byQuery.values()) statement.seen = false;
    },
    forget(beforeMs, most) {
      const edgeMs = Math.max(beforeMs, edgeOf(byQuery.values(), most));
      const isKept = (statement: Statement): boolean =>
        lastMsOf(statement) >= (CALLERS.has(statement.statementClass) ? beforeMs : edgeMs);
      const before = byQuery.size;
      for (const [queryId, statement] of byQuery) if (!isKept(statement)) byQuery.delete(queryId);
      for (const [id, { lastMs }] of sessions) if (lastMs < beforeMs) sessions.delete(id);
      if (byQuery.size === before) return;
      forgottenUntilMs = Math.max(forgottenUntilMs, edgeMs);
      byUpstreamId = undefined;
      calls = calls.filter(isKept);
      for (const state of writers.values()) forgetLeaves(state, isKept);
    },
    get forgottenUntilMs() {
      return forgottenUntilMs;
    },
    connections,
    get firstMs() {
      return firstMs;
    },
  };
}

/** Time of its newest record. */
const lastMsOf = ({ timeMs, answeredMs }: Statement): number => Math.max(timeMs, answeredMs ?? 0);

/** From when on the newest statements are, `most` of them or fewer. */
function edgeOf(statements: Iterable<Statement>, most: number): number {
  const times = Float64Array.from(statements, lastMsOf).sort();
  return times.length <= most ? 0 : (times.at(-most - 1) ?? 0) + 1;
}

function forgetLeaves(state: WriterState, isKept: (statement: Statement) => boolean): void {
  const { indexes, leaves, digests, flags, blinds } = state;
  Object.assign(state, { indexes: [], leaves: [], digests: createDigestColumn(), flags: [], blinds: [] });
  for (const [at, statement] of leaves.entries()) {
    const index = indexes[at] ?? 0;
    if (isKept(statement)) {
      state.indexes.push(index);
      state.leaves.push(statement);
      state.digests.add(digests.leafHash(at), digests.statement(at));
      state.flags.push(flags[at] ?? 0);
      state.blinds.push(blinds[at]);
    } else {
      state.heads.delete(index);
      state.forgottenBelow = index + 1;
    }
  }
}

const NO_TEXT: Pick<RecordedText, 'hasBinds' | 'isLong' | 'heads'> = { hasBinds: true, isLong: true, heads: NO_HEADS };

/** The digests that `st` does not give: of texts with binds, and of those that Snowflake cuts. */
function textFacts(record: LogRecord): Pick<RecordedText, 'hasBinds' | 'isLong' | 'heads'> {
  const { leaf } = record;
  const hasBinds = leaf.parts.some(({ name }) => name === 'binds');
  const bytes = leaf.parts.reduce((sum, { name, length }) => sum + (name === 'sql' ? length : 0), 0);
  const isLong = bytes >= SHOWN_TEXT_CHARACTERS;
  return { hasBinds, isLong, heads: hasBinds || isLong ? readHeads(record) : NO_HEADS };
}

function readHeads({ leaf, bodies, blind }: LogRecord): Heads {
  const sql = bodies.get('sql')?.toString('utf8');
  const shown = leaf.fields['txt'];
  const recorded = typeof shown === 'string' && /^[0-9a-f]{64}$/.test(shown) ? [shown] : [];
  const read = sql === undefined ? [] : headDigests(sql).flatMap((digest) => digestIn(blind, 'txt', digest) ?? []);
  const digests = read.length > 0 ? read : recorded;
  return digests.length === 0 ? NO_HEADS : { digests, blind };
}

function readSession(fields: Fields): RecordedSession {
  const { connection, up } = fields;
  const upstream = typeof up === 'object' && up !== null && !Array.isArray(up) ? (up as Fields)['sess'] : undefined;
  return {
    connection: typeof connection === 'string' ? connection : undefined,
    upstreamSession: typeof upstream === 'string' ? upstream : undefined,
  };
}

function addAnswer(statement: Statement, { leaf }: LogRecord): void {
  const { fields, kind, timeMs } = leaf;
  const rows = typeof fields['rows'] === 'number' ? fields['rows'] : 0;
  statement.answeredMs = timeMs;
  if (kind === 'chunk' || typeof fields['n'] === 'number') {
    const part = typeof fields['n'] === 'number' ? fields['n'] : -1;
    statement.delivered ??= new Set();
    if (kind === 'chunk' && !statement.delivered.has(part)) {
      statement.delivered.add(part);
      statement.rows += rows;
    }
    return;
  }
  statement.answered = true;
  statement.failed = fields['code'] !== null && fields['code'] !== undefined;
  statement.rows += rows;
  if (typeof fields['parts'] === 'number') statement.parts = fields['parts'];
  if (typeof fields['upq'] === 'string') statement.upstreamId = fields['upq'].toLowerCase();
}

function indexUpstreamIds(statements: Iterable<Statement>): Map<string, Statement> {
  const index = new Map<string, Statement>();
  for (const statement of statements)
    if (statement.upstreamId !== undefined) index.set(statement.upstreamId, statement);
  return index;
}

function toWriterLog(state: WriterState, isSealed: boolean): WriterLog {
  const { origin, key, size, lastMs, forgottenBelow, indexes, leaves, digests, flags, blinds, heads } = state;
  return {
    origin,
    key,
    size,
    lastMs,
    closed: state.closed,
    ended: state.closed || isSealed,
    forgottenBelow,
    leaveAt(index) {
      const at = positionOf(indexes, index);
      const statement = at === undefined ? undefined : leaves[at];
      if (at === undefined || statement === undefined) return undefined;
      const flag = flags[at] ?? 0;
      return {
        statement,
        leafHash: digests.leafHash(at),
        text: {
          statement: digests.statement(at),
          blind: blinds[at],
          hasBinds: (flag & 1) !== 0,
          isLong: (flag & 2) !== 0,
          heads: heads.get(index) ?? NO_HEADS,
        },
      };
    },
  };
}

/** Binary search: records of a log come in the order of their indexes. */
function positionOf(indexes: readonly number[], index: number): number | undefined {
  let low = 0;
  let high = indexes.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = indexes[middle] ?? 0;
    if (found === index) return middle;
    if (found < index) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** Pairs of digests side by side: as strings they would take most of the memory. */
interface DigestColumn {
  add(leafHash: string, statement: string): void;
  /** Hex, as the statement's. */
  leafHash(position: number): string;
  statement(position: number): string;
}

const DIGEST_BYTES = 32;
const PAIR_BYTES = 2 * DIGEST_BYTES;
/** Pairs of one piece: a column grows without being copied. */
const PIECE_PAIRS = 1024;

function createDigestColumn(): DigestColumn {
  const pieces: Buffer[] = [];
  let count = 0;
  const read = (position: number, offset: number): string => {
    const from = (position % PIECE_PAIRS) * PAIR_BYTES + offset;
    return pieces[Math.floor(position / PIECE_PAIRS)]?.toString('hex', from, from + DIGEST_BYTES) ?? '';
  };
  return {
    add(leafHash, statement) {
      if (count % PIECE_PAIRS === 0) pieces.push(Buffer.alloc(PIECE_PAIRS * PAIR_BYTES));
      const at = (count % PIECE_PAIRS) * PAIR_BYTES;
      pieces.at(-1)?.write(leafHash, at, 'hex');
      pieces.at(-1)?.write(statement, at + DIGEST_BYTES, 'hex');
      count += 1;
    },
    leafHash: (position) => read(position, 0),
    statement: (position) => read(position, DIGEST_BYTES),
  };
}
