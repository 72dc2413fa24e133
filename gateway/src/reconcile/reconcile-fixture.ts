import { createHash, randomUUID } from 'node:crypto';
import {
  createNoteSigner,
  type EntryValue,
  encodeQueryTag,
  type LogRecord,
  type NoteSigner,
  tagText,
} from '@piste/verifier';
import type { HistoryRow } from './history-row.js';

/** When the scenes of the tests begin, and when they are looked at. */
export const START_MS = 1_795_406_400_000;
export const NOW_MS = START_MS + 3_600_000;
export const VIEW_LAG_MS = 60_000;
export const USER = 'PISTE_SVC';

export interface RunOptions {
  readonly text?: string;
  readonly binds?: string;
  /** Rows of the answer; undefined: none came. */
  readonly rows?: number;
  readonly failed?: boolean;
  readonly answered?: boolean;
  /** Seconds after the scene began. */
  readonly atSeconds?: number;
  readonly statementClass?: string;
  /** The record that let it run is the decision on a held request. */
  readonly held?: boolean;
  /** Bodies as a reader without keys sees them. */
  readonly unread?: boolean;
}

/** A statement as the records and the history tell of it. */
export interface SceneRun {
  readonly row: HistoryRow;
  readonly index: number;
  readonly queryId: string;
}

/** One writer's log with one session, growing by what runs through it. Records are what a reader of real logs yields. */
export interface Scene {
  readonly signer: NoteSigner;
  readonly records: readonly LogRecord[];
  run(options?: RunOptions): SceneRun;
  /** A statement that was recorded and not let run. */
  block(text: string): void;
  add(kind: LogRecord['leaf']['kind'], fields: Readonly<Record<string, EntryValue>>): void;
}

const UPSTREAM_SESSION = '7001';
let scenes = 0;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `st` of docs/recording-format.md section 6. */
function statementHash(text: string, binds: string | undefined): string {
  const bytes = Buffer.from(text);
  const hash = createHash('sha256').update(`${bytes.byteLength}\n`).update(bytes);
  return (binds === undefined ? hash.update('-') : hash.update(`+${binds}`)).digest('hex');
}

/** A row of the history for the service user, changed as the test wants. */
export function historyRow(changes: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: randomUUID(),
    text: 'SELECT 1',
    tag: '',
    user: USER,
    sessionId: UPSTREAM_SESSION,
    startMs: START_MS + 60_000,
    endMs: START_MS + 61_000,
    failed: false,
    resultRows: undefined,
    rowsProduced: undefined,
    rootId: undefined,
    parentId: undefined,
    ...changes,
  };
}

export function createScene(signer?: NoteSigner): Scene {
  scenes += 1;
  const log = `01M83FTSR0SXY4HBNHSM${String(scenes).padStart(6, '0')}`;
  const keys = signer ?? createNoteSigner(`test/w/${log}`);
  const sessionId = `session-${log}`;
  const records: LogRecord[] = [];
  let strand = 0;

  interface Record_ {
    readonly fields: Readonly<Record<string, EntryValue>>;
    readonly timeMs: number;
    readonly statementHash?: string;
    readonly bodies?: Readonly<Record<string, string>>;
    readonly unread?: boolean;
    readonly inSession?: boolean;
  }

  function add(kind: LogRecord['leaf']['kind'], record: Record_): number {
    const index = records.length;
    const { fields, timeMs, bodies = {}, inSession = true } = record;
    const parts = Object.entries(bodies).map(([name, text]) => ({
      name,
      part: 0,
      digest: sha256(text),
      length: Buffer.byteLength(text),
    }));
    records.push({
      log,
      index,
      leafHash: sha256(`${log} ${index}`),
      leaf: {
        kind,
        timeMs,
        monotonicMicros: index,
        strand: inSession ? { sessionId, number: strand, previous: strand === 0 ? undefined : sha256('x') } : undefined,
        statementHash: record.statementHash,
        parts,
        fields,
      } as LogRecord['leaf'],
      leafBytes: Buffer.alloc(0),
      unread: new Map(),
      blind: undefined,
      bodies: new Map(
        record.unread === true ? [] : Object.entries(bodies).map(([name, text]) => [name, Buffer.from(text)]),
      ),
    });
    if (inSession) strand += 1;
    return index;
  }

  function run(options: RunOptions = {}): SceneRun {
    const { text = `SELECT ${records.length}`, binds, rows = 1, failed = false, answered = true } = options;
    const { statementClass = 'SELECT', held = false, unread = false } = options;
    const timeMs = START_MS + (options.atSeconds ?? 60) * 1000;
    const queryId = randomUUID();
    const id = randomUUID();
    const bodies = { sql: text, ...(binds === undefined ? {} : { binds }) };
    const hash = statementHash(text, binds);
    const request = { qid: queryId, op: 'query', cls: statementClass };
    if (held) add('request', { fields: request, timeMs, bodies, unread });
    const place = held
      ? add('decision', { fields: { qid: queryId, v: 'approved' }, timeMs, statementHash: hash })
      : add('request', { fields: request, timeMs, statementHash: hash, bodies, unread });
    if (answered) {
      const fields = { qid: queryId, rows: failed ? 0 : rows, parts: 0, code: failed ? '100038' : null };
      add('response', { fields: failed ? fields : { ...fields, upq: id }, timeMs: timeMs + 500 });
    }
    const leafHash = records[place]?.leafHash ?? '';
    const signature = keys.sign(tagText(keys.name, place, leafHash));
    const tag = encodeQueryTag({ writer: keys.name, index: place, leafHash, signature, claimed: undefined });
    const row = historyRow({ id, text, tag, startMs: timeMs + 100, endMs: timeMs + 400, failed, resultRows: rows });
    return { row, index: place, queryId };
  }

  add('writer.open', { fields: { origin: keys.name, vkey: keys.vkey }, timeMs: START_MS, inSession: false });
  add('session.open', {
    fields: { connection: 'crm', account: 'ACME', up: { sess: UPSTREAM_SESSION } },
    timeMs: START_MS + 1000,
  });
  return {
    signer: keys,
    records,
    run,
    block: (text) =>
      void add('request', {
        fields: { qid: randomUUID(), op: 'query', cls: 'SELECT' },
        timeMs: START_MS + 60_000,
        bodies: { sql: text },
      }),
    add: (kind, fields) => void add(kind, { fields, timeMs: START_MS + 60_000, inSession: false }),
  };
}
