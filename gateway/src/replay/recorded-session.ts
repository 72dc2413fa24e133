import { isJsonObject, type JsonObject, parseJson, type ResultFormat, textAt } from '../protocol/index.js';
import { type KeyedStatement, statementKey } from './statement-key.js';

/** The part of a record that a replay looks at. */
export interface RecordedEntry {
  readonly leaf: {
    readonly kind: string;
    readonly timeMs: number;
    readonly fields: Readonly<Record<string, unknown>>;
    /** Every stored part of its bodies. */
    readonly parts: readonly { readonly name: string }[];
  };
  /** Whole bodies by name; one that is encrypted and was not opened, or was pruned, is absent. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

/** How a statement of the recording ended. */
export interface RecordedAnswer {
  /** Envelope of a result without its rows; the whole body of a refusal. */
  readonly head: string;
  /** Undefined for a refusal. */
  readonly rows: { readonly format: ResultFormat; readonly bytes: Buffer } | undefined;
  /** Driver's code and message of a refusal. */
  readonly code: string | null;
  readonly message: string | null;
  readonly endedAtMs: number;
}

export interface RecordedStatement {
  readonly queryId: string;
  readonly key: string;
  readonly askedAtMs: number;
  /** Undefined: the recording holds none, or none that can be read. */
  readonly answer: RecordedAnswer | undefined;
  /** Further parts that the driver fetched, by number. */
  readonly chunks: ReadonlyMap<number, Buffer>;
}

/** What the log says of one session, ready to be given again. */
export interface RecordedSession {
  /** The answer to its login without tokens; undefined where the recording does not hold it. */
  readonly loginHead: JsonObject | undefined;
  readonly opening: Readonly<Record<string, unknown>>;
  /** In the order in which they were asked. */
  readonly statements: readonly RecordedStatement[];
  /** Statements whose text is not there to be matched. */
  readonly withoutText: number;
}

interface Draft {
  readonly queryId: string;
  readonly askedAtMs: number;
  readonly asked: KeyedStatement | undefined;
  answer: RecordedAnswer | undefined;
  readonly chunks: Map<number, Buffer>;
}

/** Reads the records of one session, in order. The gateway's own statements are left out. Never throws. */
export function readRecordedSession(records: Iterable<RecordedEntry>): RecordedSession {
  const drafts = new Map<string, Draft>();
  let opening: RecordedSession['opening'] = {};
  let loginHead: JsonObject | undefined;
  for (const record of records) {
    const { kind, fields } = record.leaf;
    if (kind === 'session.open') {
      opening = fields;
      loginHead = jsonIn(record, 'head');
    }
    const queryId = fields['qid'];
    if (typeof queryId !== 'string' || fields['internal'] === true) continue;
    const draft = drafts.get(queryId);
    // A held statement is written down again when it is released.
    if (kind === 'request' && draft === undefined) drafts.set(queryId, draftOf(queryId, record));
    if (draft !== undefined) addAnswer(draft, record);
  }
  const statements = [...drafts.values()].flatMap(({ asked, ...draft }) =>
    asked === undefined ? [] : [{ ...draft, key: statementKey(asked) }],
  );
  return { loginHead, opening, statements, withoutText: drafts.size - statements.length };
}

function draftOf(queryId: string, record: RecordedEntry): Draft {
  const { timeMs, fields } = record.leaf;
  const sqlText = textIn(record, 'submitted');
  const binds = textIn(record, 'binds');
  const bindings = binds === undefined ? undefined : parseJson(binds);
  const hasAll = record.leaf.parts.every(({ name }) => record.bodies.has(name));
  const isReadable = hasAll && sqlText !== undefined && (bindings === undefined || isJsonObject(bindings));
  return {
    queryId,
    askedAtMs: timeMs,
    asked: isReadable ? { describeOnly: fields['op'] === 'describe', sqlText, bindings } : undefined,
    answer: undefined,
    chunks: new Map(),
  };
}

function addAnswer(draft: Draft, record: RecordedEntry): void {
  const { kind, fields } = record.leaf;
  const part = fields['n'];
  if (kind === 'chunk' && typeof part === 'number') {
    const rows = bytesIn(record, 'rows');
    if (rows !== undefined) draft.chunks.set(part, rows);
  } else if ((kind === 'response' || kind === 'response.withheld') && part === undefined) {
    draft.answer ??= answerOf(record);
  }
}

function answerOf(record: RecordedEntry): RecordedAnswer | undefined {
  const { fields, timeMs } = record.leaf;
  const head = textIn(record, 'head');
  const { code, fmt } = fields;
  if (head === undefined) return undefined;
  if (typeof code === 'string') {
    const message = textAt(jsonIn(record, 'head') ?? {}, 'message') ?? null;
    return { head, rows: undefined, code, message, endedAtMs: timeMs };
  }
  const bytes = bytesIn(record, 'rows');
  if (bytes === undefined || (fmt !== 'json' && fmt !== 'arrow')) return undefined;
  return { head, rows: { format: fmt, bytes }, code: null, message: null, endedAtMs: timeMs };
}

function bytesIn({ bodies }: RecordedEntry, name: string): Buffer | undefined {
  const bytes = bodies.get(name);
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const textIn = (record: RecordedEntry, name: string): string | undefined => bytesIn(record, name)?.toString('utf8');

function jsonIn(record: RecordedEntry, name: string): JsonObject | undefined {
  const value = parseJson(textIn(record, name) ?? '');
  return isJsonObject(value) ? value : undefined;
}
