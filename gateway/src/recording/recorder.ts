import { blindDigest, blindFields, type Entry, type EntryKind, encodeFields, type StrandLink } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { createLeafClock, type LeafTime, type RecordingClock } from './leaf-clock.js';
import type { Acknowledgement, Checkpoint, CommittedGroup } from './placed-record.js';
import { createRecordBatch } from './record-columns.js';
import { RecordingUnavailable } from './recording-unavailable.js';
import { createSlabs } from './slabs.js';
import { type FromWriter, fromColumns, type WriterLink, type WriterListener } from './writer-messages.js';

/** Bytes waiting for the disk; beyond, appends are refused. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** What ends something is let in beyond that, as far as this. */
const ENDING_BYTES = 1024 * 1024;
/** Of the queue, what streams may take, two pieces and what stands between them: the rest is for what does not wait. */
export const ROOM_BYTES = 40 * 1024 * 1024;
/** A record is waited for at least so long, and at most twice. */
const PATIENCE_MS = 15_000;
/** What a record costs beside its bodies and fields, roughly. */
const RECORD_OVERHEAD_BYTES = 512;

export interface RecorderDeps {
  /** Starts the writer. May throw instead. */
  readonly start: (listener: WriterListener) => WriterLink;
  readonly clock: RecordingClock;
  readonly onCommitted: (group: CommittedGroup) => void;
  readonly onFailed: (error: unknown) => void;
  readonly patienceMs?: number;
}

/** The near side of a writer: hands records over in call order, bounds what waits, tells who waited. */
export interface Recorder {
  readonly vkey: string;
  readonly failed: boolean;
  /** Bytes of what waits for the disk. */
  readonly queuedBytes: number;
  /**
   * Takes the record's place at once. Resolves when a commit that covers it is on stable storage. Rejects when the disk takes too
   * long, and at once while it takes nothing; such a record may still come to stand in the log.
   */
  append(entry: Entry, statementHash: string | undefined, beside?: Beside): Promise<Acknowledgement>;
  /**
   * Keeps room in the queue free for a record of a stream, at most `ROOM_BYTES`, and resolves to what gives it back: call it when
   * the record was appended. In order of the calls. Rejects when there is none within that time, or recording failed.
   */
  room(bytes: number, withinMs: number): Promise<() => void>;
  checkpoint(): Promise<Checkpoint>;
  finishSegment(): Promise<number>;
  /** Resolves when all that was appended is committed and the writer is gone. */
  close(): Promise<void>;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (acknowledgement: Acknowledgement) => void;
  readonly reject: (error: RecordingUnavailable) => void;
}

interface RoomAsked {
  readonly bytes: number;
  readonly resolve: (giveBack: () => void) => void;
  readonly reject: (error: RecordingUnavailable) => void;
}

const ENDINGS: ReadonlySet<EntryKind> = new Set(['session.close', 'session.refused', 'gap', 'writer.close']);

/** What was known of a session's strands in other logs. */
export type StrandLinks = readonly StrandLink[] | 'unknown';

/** What is known of a record's session. */
export interface Beside {
  /** Written where the record is its session's first in this log. */
  readonly links: StrandLinks | undefined;
  /** Digests are recorded under it; undefined where they are recorded as they are. */
  readonly blind: Uint8Array | undefined;
}

const NOTHING_BESIDE: Beside = { links: undefined, blind: undefined };

/** Starts a writer; resolves once it has its key and its directory, rejects when it cannot have them. */
export async function startRecorder(deps: RecorderDeps): Promise<Recorder> {
  const { start, clock, onCommitted, onFailed, patienceMs = PATIENCE_MS } = deps;
  const waiting = new Map<number, Waiting>();
  const checkpointsAsked: PromiseWithResolvers<Checkpoint>[] = [];
  const segmentsAsked: PromiseWithResolvers<number>[] = [];
  const opened = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<void>();
  closed.promise.catch(() => undefined);
  const slabs = createSlabs();
  const batch = createRecordBatch(slabs);
  const roomAsked: RoomAsked[] = [];
  let keptBytes = 0;
  let readTime: (() => LeafTime) | undefined;
  let nextId = 0;
  /** Runs while something waits. */
  let patience: NodeJS.Timeout | undefined;
  let hasCommitted = false;
  let isStalled = false;
  let queuedBytes = 0;
  let failure: RecordingUnavailable | undefined;
  let isClosing = false;
  let gone: RecordingUnavailable | undefined;
  let last: { readonly checkpoint: Checkpoint; readonly segment: number } | undefined;

  const link = start({ heard, lost });
  link.hold(true);

  function heard(message: FromWriter): void {
    switch (message.type) {
      case 'opened':
        opened.resolve(message.vkey);
        break;
      case 'committed':
        for (const acknowledgement of fromColumns(message.acknowledged)) {
          settle(acknowledgement.id, ({ resolve }) => resolve(acknowledgement));
        }
        slabs.giveBack(message.slabs);
        hasCommitted = true;
        isStalled = false;
        onCommitted(message.group);
        break;
      case 'refused': {
        const refusal = new RecordingUnavailable(`entry cannot be encoded: ${message.why}`);
        settle(message.id, ({ reject }) => reject(refusal));
        break;
      }
      case 'failed':
        fail(new Error(message.why));
        break;
      case 'checkpoint':
        checkpointsAsked.shift()?.resolve(message.checkpoint);
        break;
      case 'segment-finished':
        segmentsAsked.shift()?.resolve(message.segment);
        break;
      case 'closed':
        last = message;
        // What was asked after `close` finds everything ended.
        for (const asked of segmentsAsked.splice(0)) asked.resolve(message.segment);
        if (message.complaint === undefined) closed.resolve();
        else closed.reject(new RecordingUnavailable(`the log was not closed: ${message.complaint}`));
        break;
    }
    giveRoom();
    holdWhileNeeded();
  }

  function lost(error: Error): void {
    if (last !== undefined || gone !== undefined) return;
    opened.reject(error);
    fail(error);
    gone = new RecordingUnavailable('the writer is gone', { cause: error });
    for (const asked of [...checkpointsAsked.splice(0), ...segmentsAsked.splice(0)]) asked.reject(gone);
    closed.reject(gone);
  }

  function settle(id: number, tell: (one: Waiting) => void): void {
    const one = waiting.get(id);
    if (one === undefined) return;
    waiting.delete(id);
    queuedBytes -= one.bytes;
    tell(one);
  }

  function fail(cause: Error): void {
    if (failure !== undefined) return;
    failure = new RecordingUnavailable('recording failed', { cause });
    for (const one of waiting.values()) one.reject(failure);
    waiting.clear();
    batch.end();
    queuedBytes = 0;
    for (const { reject } of roomAsked.splice(0)) reject(failure);
    onFailed(cause);
  }

  function watchTime(): void {
    patience = setTimeout(losePatience, patienceMs, nextId);
    patience.unref();
  }

  /** Who waited long enough is told so; the bytes stay in the queue until the disk takes them. */
  function losePatience(below: number): void {
    patience = undefined;
    if (waiting.size === 0) return;
    isStalled = !hasCommitted;
    hasCommitted = false;
    const late = new RecordingUnavailable('the disk of the recording takes too long');
    for (const [id, { reject }] of waiting) if (id < below) reject(late);
    watchTime();
  }

  function giveRoom(): void {
    for (let next = roomAsked[0]; next !== undefined; next = roomAsked[0]) {
      const { bytes, resolve } = next;
      if (queuedBytes + keptBytes + bytes > ROOM_BYTES) return;
      roomAsked.shift();
      keptBytes += bytes;
      resolve(() => {
        keptBytes -= bytes;
        giveRoom();
      });
    }
  }

  function holdWhileNeeded(): void {
    const isAsked = checkpointsAsked.length > 0 || segmentsAsked.length > 0;
    link.hold(waiting.size > 0 || isAsked || (isClosing && last === undefined));
  }

  function place(
    entry: Entry,
    time: LeafTime,
    statementHash: string | undefined,
    { links, blind }: Beside,
  ): Promise<Acknowledgement> {
    const told = blindEntry(entry, statementHash, blind);
    const fields = encodeFields(told.fields);
    const bodyBytes = bodyBytesOf(entry);
    const bytes = bodyBytes + fields.length + RECORD_OVERHEAD_BYTES;
    const bound = MAX_QUEUED_BYTES + (ENDINGS.has(entry.kind) ? ENDING_BYTES : 0);
    if (isStalled && !ENDINGS.has(entry.kind))
      throw new RecordingUnavailable('the disk of the recording takes nothing');
    if (queuedBytes + bytes > bound) throw new RecordingUnavailable('recording queue is full');
    const id = nextId;
    if (batch.size === 0) queueMicrotask(post);
    const { kind, sessionId, bodies } = entry;
    batch.add({ id, kind, sessionId, bodies, ...time, ...told, fields, links });
    nextId += 1;
    queuedBytes += bytes;
    if (waiting.size === 0) link.hold(true);
    if (patience === undefined) watchTime();
    return new Promise((resolve, reject) => {
      waiting.set(id, { bytes, resolve, reject });
    });
  }

  /** Appends made together travel, and are committed, together. */
  function post(): void {
    if (batch.size === 0) return;
    const records = batch.end();
    link.post({ type: 'append', records }, records.slabs);
  }

  function noteJump(time: LeafTime): void {
    // Nothing may stand before the record that opens the log.
    if (time.jump === undefined || nextId === 0) return;
    const fields = { wall: time.jump.wallMs, expected: time.jump.expectedMs };
    place({ kind: 'clock.jump', sessionId: undefined, fields, bodies: [] }, time, undefined, NOTHING_BESIDE).catch(
      () => {
        // The record that follows shares the fate of this one and tells its caller.
      },
    );
  }

  const vkey = await opened.promise;
  holdWhileNeeded();
  return {
    vkey,
    get failed() {
      return failure !== undefined;
    },
    get queuedBytes() {
      return queuedBytes;
    },
    async append(entry, statementHash, beside = NOTHING_BESIDE) {
      if (failure !== undefined) throw new RecordingUnavailable('recording failed earlier', { cause: failure });
      try {
        readTime ??= createLeafClock(clock);
        const time = readTime();
        // A log begins with `writer.open`, whatever the clock did since its writer was started.
        if (nextId > 0) noteJump(time);
        return await place(entry, time, statementHash, beside);
      } catch (error) {
        if (error instanceof RecordingUnavailable) throw error;
        throw new RecordingUnavailable(`entry cannot be encoded: ${errorMessage(error)}`, { cause: error });
      }
    },
    room(bytes, withinMs) {
      if (failure !== undefined) return Promise.reject(failure);
      const asked = Promise.withResolvers<() => void>();
      // A record alone in the queue has room, whatever its leaf adds.
      const one: RoomAsked = { ...asked, bytes: Math.min(bytes + RECORD_OVERHEAD_BYTES, ROOM_BYTES) };
      roomAsked.push(one);
      const timer = setTimeout(() => {
        const at = roomAsked.indexOf(one);
        if (at >= 0) roomAsked.splice(at, 1);
        asked.reject(new RecordingUnavailable('the queue of the recording had no room in time'));
        giveRoom();
      }, withinMs);
      giveRoom();
      return asked.promise.finally(() => clearTimeout(timer));
    },
    checkpoint() {
      if (last !== undefined) return Promise.resolve(last.checkpoint);
      if (gone !== undefined) return Promise.reject(gone);
      const asked = Promise.withResolvers<Checkpoint>();
      checkpointsAsked.push(asked);
      link.hold(true);
      link.post({ type: 'checkpoint' });
      return asked.promise;
    },
    finishSegment() {
      if (last !== undefined) return Promise.resolve(last.segment);
      if (gone !== undefined) return Promise.reject(gone);
      const asked = Promise.withResolvers<number>();
      segmentsAsked.push(asked);
      link.hold(true);
      link.post({ type: 'finish-segment' });
      return asked.promise;
    },
    close() {
      if (!isClosing) {
        isClosing = true;
        post();
        link.hold(true);
        link.post({ type: 'close' });
      }
      return closed.promise;
    },
  };
}

/** An entry with its digests as they are recorded. */
interface BlindedEntry {
  readonly fields: Entry['fields'];
  readonly statementHash: string | undefined;
  /** Undefined where nothing of the entry depends on it. */
  readonly blind: Uint8Array | undefined;
}

/** The one place where digests of texts and answers get the form they are recorded in. */
function blindEntry(
  { fields, bodies }: Entry,
  statementHash: string | undefined,
  blind: Uint8Array | undefined,
): BlindedEntry {
  if (blind === undefined) return { fields, statementHash, blind };
  const blinded = blindFields(fields, blind);
  const isNeeded = blinded !== fields || statementHash !== undefined || bodies.length > 0;
  return {
    fields: blinded,
    statementHash: statementHash && blindDigest(blind, 'st', statementHash),
    blind: isNeeded ? blind : undefined,
  };
}

export function bodyBytesOf({ bodies }: Entry): number {
  return bodies.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
