import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { BLIND_BYTES, type Entry, type EntryKind, type EntryValue, type RecordingMode } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { hashStatement, isPermit, type Permit } from '../policy/permit.js';
import type { Log } from '../telemetry/log.js';
import type { Answer } from './answer.js';
import { type AnswerScope, createAnswering } from './answering.js';
import { type BlindSource, type Blinds, createBlinds } from './blinds.js';
import { createConnectionModes } from './connection-modes.js';
import type { RecordSize } from './disk-space.js';
import type { FileOps } from './file-ops.js';
import type { RecordingClock } from './leaf-clock.js';
import { createLosses } from './losses.js';
import { createPartRecords } from './part-records.js';
import type { Acknowledgement, Checkpoint, CommittedGroup } from './placed-record.js';
import {
  issueDeferredRequestReceipt,
  issueRequestReceipt,
  type Receipt,
  type RequestReceipt,
  type TaggedReceipt,
} from './receipt.js';
import { bodyBytesOf, type Recorder, startRecorder } from './recorder.js';
import { RecordingUnavailable, RecordRefused } from './recording-unavailable.js';
import { sealPredecessors } from './seal.js';
import { SEGMENT_BYTES } from './segment-writer.js';
import { createLinkedLog, type PlaceEntry, type StrandHints } from './strand-links.js';
import { createUlid } from './ulid.js';
import { startWriterHere, startWriterThread } from './writer-links.js';
import type { WriterListener, WriterSettings } from './writer-messages.js';

/** What metrics may learn of the log: no names, no content. */
export interface RecordingMetrics {
  committed(group: CommittedGroup): void;
  failed(): void;
  /** A request or an answer went on without its record. */
  lost(): void;
}

export interface RecordingDeps {
  /** Holds one directory per writer. One process at a time may record into it. */
  readonly directory: string;
  /** Names the deployment; becomes part of every log's origin. */
  readonly deployment: string;
  readonly clock: RecordingClock;
  readonly random?: (byteCount: number) => Uint8Array;
  readonly log: Log;
  /** Where sessions stand in the logs of other gateways; absent for a log whose sessions stay in it. */
  readonly strandHints?: StrandHints;
  readonly metrics?: RecordingMetrics;
  /** Blinds of sessions; without it each is this log's own. Used where bodies are encrypted. */
  readonly sessionBlinds?: BlindSource;
  /** For tests of durability: the log is then written on this thread, by these. */
  readonly files?: FileOps;
  readonly segmentBytes?: number;
  /** age recipients (`age1…`) that may read bodies; with none, bodies are stored as they are. */
  readonly recipients?: readonly string[];
  /** How far effects wait for their records; `strict` by default. Connections may demand more. */
  readonly mode?: RecordingMode;
  /** Why a record must not be written now, or nothing. `letsRun`: a statement would run on it. The message is for operators. */
  readonly refuses?: (kind: EntryKind, letsRun: boolean, size: RecordSize) => string | undefined;
  /** What more `writer.open` says: host, version, config … Called with the key, before anything is written. */
  readonly describe?: (writer: WriterName) => Promise<Readonly<Record<string, EntryValue>>>;
}

/** What others know a writer by. */
export interface WriterName {
  readonly origin: string;
  readonly vkey: string;
}

/** One writer's log, open for appending. See docs/recording-format.md. */
export interface Recording {
  /** Origin of this writer's log. */
  readonly writer: string;
  /**
   * Resolves only when the record and a signed commit over it are on stable storage. Records stand in call order. Rejects
   * with `RecordingUnavailable`: the caller must then not do what the record was about.
   */
  append(entry: Entry): Promise<Receipt>;
  /**
   * Records what lets one statement run, and is the only maker of a `RequestReceipt`. The entry is either the `request`
   * itself, whose bodies `sql` and `binds` must hash to the permit's `statementHash`, or the `decision` that released a
   * request recorded before. The hash is written into the record. Rejects like `append`, but for connections in mode
   * `observe`: there the receipt is `deferred` when the record fails or takes long, unless the permit is strict.
   */
  recordRequest(permit: Permit, entry: Entry): Promise<RequestReceipt>;
  /**
   * Records an answer to a driver with the count and digest of its bytes, and is the only maker of an `Answer` that carries
   * anything. Waits for the disk as far as the mode says; a part of a large result waits for room in the queue first, for a while.
   * Rejects like `append`: the bytes must then not leave.
   */
  recordAnswer(entry: Entry, bytes: Buffer, scope?: AnswerScope): Promise<Answer>;
  /** Records what is about to happen on behalf of a connection and is no statement. Rejects like `append`, but in `observe` unless it is strict. */
  note(entry: Entry, connection: string, isStrict?: boolean): Promise<void>;
  /** The mode of a connection, or of what belongs to none. */
  modeOf(connection: string | undefined): RecordingMode;
  /** Takes what connections demand. A demand below the gateway's own mode counts as that. Recorded before it is in force. */
  demandModes(demanded: ReadonlyMap<string, RecordingMode>): Promise<void>;
  /** True once a write or sync failed: nothing is acknowledged any more and the process should be replaced. */
  readonly failed: boolean;
  /** Newest durable checkpoint, signed: publish it where whoever can write the log cannot. */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Ends the segment being written, if it holds anything: nothing is added to it any more. Resolves to the number of the
   * newest ended segment, 0 for none; after `close` that is the last. Rejects when the writer is gone.
   */
  finishSegment(): Promise<number>;
  /**
   * The session's keys are destroyed: ends its strand here, if it has one, with which the writer forgets its key, and forgets its
   * blind whatever happens. What is recorded of the session later has others.
   */
  endShredded(sessionId: string): Promise<void>;
  /** Secrets: the blinds this process knows, by their tags. They let its records' digests be compared with texts. */
  blinds(): ReadonlyMap<string, Uint8Array>;
  /** Why no new statement of the connection would run now, or nothing: ask before work begins that a refusal would leave half done. */
  refusesNew(connection: string): string | undefined;
  /** Writes `writer.close`, waits for it and forgets the key. Later appends reject. Safe to call twice. */
  close(): Promise<void>;
}

const OWN_KINDS: ReadonlySet<EntryKind> = new Set([
  'writer.open',
  'writer.sealed',
  'writer.close',
  'clock.jump',
  'mode.change',
  'gap',
  'key',
]);
/** In mode `observe` a request waits this long for its record, so that the statement's tag can name it. */
const OBSERVE_WAIT_MS = 100;
/** How long a part of a large result waits for room in the queue. Drivers ask again for what is refused then. */
const ROOM_WAIT_MS = 20_000;
const DEPLOYMENT = /^[a-z0-9]([a-z0-9./-]{0,126}[a-z0-9])?$/;

/**
 * Opens a new log, written by a thread of its own with a new key that lives in that thread only, and seals the logs the last
 * process left. Resolves after the first commit; rejects with `RecordingUnavailable` when the directory cannot be written
 * durably.
 */
export async function openRecording(deps: RecordingDeps): Promise<Recording> {
  if (!DEPLOYMENT.test(deps.deployment))
    throw new TypeError('deployment is a lower-case name of letters, digits, dots and dashes');
  const random = deps.random ?? ((byteCount: number) => randomBytes(byteCount));
  const ulid = createUlid(deps.clock.nowMs(), random);
  const origin = `${deps.deployment}/w/${ulid}`;
  try {
    const blinds = await openBlinds(deps, origin);
    const recorder = await startWriter(deps, origin, ulid);
    return createRecording({ recorder, blinds, origin }, deps);
  } catch (error) {
    if (error instanceof RecordingUnavailable) throw error;
    throw new RecordingUnavailable(`recording cannot be opened: ${errorMessage(error)}`, { cause: error });
  }
}

async function startWriter(deps: RecordingDeps, origin: string, ulid: string): Promise<Recorder> {
  const { files } = deps;
  const directory = resolve(deps.directory);
  const seals = await sealPredecessors(directory, deps.deployment);
  const settings: WriterSettings = {
    directory: join(directory, ulid),
    origin,
    segmentBytes: deps.segmentBytes ?? SEGMENT_BYTES,
    recipients: deps.recipients ?? [],
  };
  const start = (listener: WriterListener) =>
    files === undefined ? startWriterThread(settings, listener) : startWriterHere(settings, files, listener);
  const recorder = await startRecorder({
    start,
    clock: deps.clock,
    onCommitted: (group) => deps.metrics?.committed(group),
    onFailed: (error) => {
      deps.metrics?.failed();
      deps.log.error('recording failed, nothing runs until this process is replaced', { error: errorMessage(error) });
    },
  });
  try {
    const name = { origin, vkey: recorder.vkey };
    const enc = settings.recipients.length > 0 ? 'gcm' : 'none';
    const fields = { ...(await deps.describe?.(name)), ...name, mode: deps.mode ?? 'strict', enc };
    const open: Entry = { kind: 'writer.open', sessionId: undefined, fields, bodies: [] };
    // One commit: a log that exists at all says what stood beside it when it started.
    await Promise.all([open, ...seals].map((entry) => recorder.append(entry, undefined)));
  } catch (error) {
    await recorder.close().catch(() => undefined);
    throw error;
  }
  deps.log.info('recording opened', { writer: origin });
  return recorder;
}

interface OpenedLog {
  readonly recorder: Recorder;
  readonly blinds: Blinds | undefined;
  readonly origin: string;
}

function createRecording({ recorder, blinds, origin }: OpenedLog, deps: RecordingDeps): Recording {
  const { clock, log, strandHints: hints, refuses, mode = 'strict' } = deps;
  const place: PlaceEntry = async (entry, statementHash, beside) =>
    toReceipt(origin, await recorder.append(entry, statementHash, beside));
  const linked = createLinkedLog({ place, origin, hints, blinds });
  const ownAppend = (entry: Entry): Promise<Receipt> => linked.append(entry, undefined);
  const losses = createLosses({
    append: ownAppend,
    nowMs: () => clock.nowMs(),
    onLost: () => deps.metrics?.lost(),
  });
  const modes = createConnectionModes(mode, ownAppend);
  const sizeNow = (bytes: number): RecordSize => ({ bytes, queuedBytes: recorder.queuedBytes });
  let closing: Promise<void> | undefined;

  async function append(entry: Entry, statementHash: string | undefined): Promise<TaggedReceipt> {
    if (closing !== undefined) throw new RecordingUnavailable('recording is closed');
    if (OWN_KINDS.has(entry.kind)) throw new RecordingUnavailable(`only the log itself writes ${entry.kind}`);
    const why = refuses?.(entry.kind, statementHash !== undefined, sizeNow(bodyBytesOf(entry)));
    if (why !== undefined) throw new RecordRefused(entry.kind, why);
    losses.tell();
    return linked.append(entry, statementHash);
  }

  const appendAnswer = (entry: Entry): Promise<Receipt> => append(entry, undefined);
  const takePart = createPartRecords({
    append: appendAnswer,
    room: (bytes) => recorder.room(bytes, ROOM_WAIT_MS),
    random: deps.random ?? ((byteCount) => randomBytes(byteCount)),
  });
  const recordAnswer = createAnswering({ append: appendAnswer, takePart, modeOf: modes.of, losses });

  /** The receipt, or undefined when it is lost or does not come in time and the mode does not wait. */
  async function appendFor(mode: RecordingMode, entry: Entry, statementHash: string | undefined) {
    const appended = append(entry, statementHash);
    if (mode !== 'observe') return appended;
    const bytes = bodyBytesOf(entry);
    const kept = appended.catch((): undefined => {
      losses.add('request', bytes);
    });
    return Promise.race([kept, wait(OBSERVE_WAIT_MS)]);
  }

  async function finish(): Promise<void> {
    const end: Entry = { kind: 'writer.close', sessionId: undefined, fields: {}, bodies: [] };
    losses.tell();
    try {
      if (!recorder.failed) await recorder.append(end, undefined);
    } finally {
      await recorder.close();
    }
    log.info('recording closed', { writer: origin });
  }

  return Object.freeze({
    writer: origin,
    append: (entry: Entry) => append(entry, undefined),
    async recordRequest(permit: Permit, entry: Entry) {
      const complaint = checkPermit(permit, entry);
      if (complaint !== undefined) throw new RecordingUnavailable(complaint);
      const mode = permit.isStrict === true ? 'strict' : modes.of(permit.connection);
      const placed = await appendFor(mode, entry, permit.statementHash);
      if (placed === undefined) return issueDeferredRequestReceipt(permit, origin);
      const { tagSignature, ...receipt } = placed;
      if (tagSignature === undefined) throw new RecordingUnavailable('the writer did not sign the tag');
      return issueRequestReceipt(permit, receipt, tagSignature);
    },
    recordAnswer,
    async note(entry: Entry, connection: string, isStrict = false) {
      await appendFor(isStrict ? 'strict' : modes.of(connection), entry, undefined);
    },
    modeOf: modes.of,
    demandModes: modes.apply,
    get failed() {
      return recorder.failed;
    },
    checkpoint: () => recorder.checkpoint(),
    finishSegment: () => recorder.finishSegment(),
    async endShredded(sessionId: string) {
      const fields = { why: 'shredded' };
      try {
        if (linked.isOpen(sessionId)) await append({ kind: 'session.close', sessionId, fields, bodies: [] }, undefined);
      } finally {
        linked.forget(sessionId);
      }
    },
    blinds: () => blinds?.known() ?? new Map<string, Uint8Array>(),
    refusesNew: (connection: string) =>
      modes.of(connection) === 'observe' ? undefined : refuses?.('request', true, sizeNow(0)),
    close() {
      closing ??= finish();
      return closing;
    },
  });
}

/** Undefined where bodies are not encrypted, and digests as they are tell nothing more. */
async function openBlinds(deps: RecordingDeps, origin: string): Promise<Blinds | undefined> {
  const { recipients = [], random = randomBytes, sessionBlinds } = deps;
  if (recipients.length === 0) return undefined;
  const make = (): Uint8Array => Uint8Array.from(random(BLIND_BYTES));
  const ignore = (): void => undefined;
  const source: BlindSource = sessionBlinds ?? { of: () => Promise.resolve(make()), end: ignore, forget: ignore };
  return createBlinds(source, await source.of(`log:${origin}`));
}

function toReceipt(writer: string, acknowledged: Acknowledgement): TaggedReceipt {
  const { index, leafHash, strandNumber, tagSignature } = acknowledged;
  return {
    writer,
    index,
    leafHash,
    ...(strandNumber === undefined ? {} : { strandNumber }),
    ...(tagSignature === undefined ? {} : { tagSignature }),
  };
}

function wait(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds, undefined).unref();
  });
}

/** Why this entry cannot stand for this permit, or nothing. */
function checkPermit(permit: Permit, { kind, fields, bodies }: Entry): string | undefined {
  if (!isPermit(permit)) return 'permit was not issued by policy';
  if (fields['hash'] !== undefined && permit.bindingHash !== undefined && fields['hash'] !== permit.bindingHash) {
    return 'the permit is bound to another statement or context';
  }
  if (kind === 'decision') {
    const isRelease = permit.verdict === 'approved' && fields['v'] === 'approved';
    const isSameApproval = permit.approvalId === undefined || fields['apr'] === permit.approvalId;
    return isRelease && isSameApproval ? undefined : 'only its own approval releases a held request';
  }
  if (kind !== 'request') return 'only a request or the decision on it lets a statement run';
  const sql = bodies.find((body) => body.name === 'sql');
  const binds = bodies.find((body) => body.name === 'binds');
  if (sql === undefined) return 'the request does not hold its text';
  return hashStatement(sql.bytes, binds?.bytes) === permit.statementHash
    ? undefined
    : 'the permit is for another statement';
}
