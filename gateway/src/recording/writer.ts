import type { Entry, EntryKind, EntryValue, NoteSigner, StrandPlace } from '@piste/verifier';
import {
  createTree,
  cutBodies,
  encodeCheckpointText,
  encodeCommitText,
  encodeFrame,
  encodeLeaf,
  FRAME_HEADER_BYTES,
  hashLeaf,
  NO_PREVIOUS_COMMIT,
  sha256,
} from '@piste/verifier';
import { createLeafClock, type LeafTime, type RecordingClock } from './leaf-clock.js';
import type { Receipt } from './receipt.js';
import { RecordingUnavailable } from './recording-unavailable.js';
import type { SegmentWriter } from './segment-writer.js';
import { createStrands } from './strands.js';

/** Bytes waiting for the disk; beyond, appends are refused. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** A group takes what is queued up to this size, and at least one record. */
const GROUP_BYTES = 4 * 1024 * 1024;
const GROUP_RECORDS = 1024;

const ENDING_KINDS: ReadonlySet<EntryKind> = new Set(['session.close', 'session.refused']);

/** A checkpoint as it may be published: everything in it is already durable. */
export interface Checkpoint {
  readonly origin: string;
  /** Verifier key of the writer (C2SP vkey). */
  readonly vkey: string;
  readonly size: number;
  /** Base64, as in the note. */
  readonly root: string;
  /** C2SP checkpoint signed by the writer, without extension lines. */
  readonly note: string;
}

/** What one group commit did, for metrics. */
export interface CommittedGroup {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface WriterDeps {
  readonly signer: NoteSigner;
  readonly segments: SegmentWriter;
  readonly clock: RecordingClock;
  readonly onCommitted: (group: CommittedGroup) => void;
  readonly onFailed: (error: unknown) => void;
}

interface Pending {
  readonly frames: readonly Buffer[];
  readonly bytes: number;
  readonly leafHash: Buffer;
  readonly index: number;
  readonly strandNumber: number | undefined;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
}

/** The one appender of one log. */
export interface LogWriter {
  readonly failed: boolean;
  /** Takes the record's place at once, in call order; resolves when a commit that covers it is on stable storage. */
  readonly append: (entry: Entry, statementHash: string | undefined) => Promise<Receipt>;
  readonly checkpoint: () => Checkpoint;
  /** Resolves when nothing is queued or being written. */
  readonly idle: () => Promise<void>;
}

/** Creates the writer. Commits start when the one before ends: the busier the disk, the larger the groups. */
export function createLogWriter({ signer, segments, clock, onCommitted, onFailed }: WriterDeps): LogWriter {
  const readTime = createLeafClock(clock);
  const strands = createStrands();
  const tree = createTree();
  const queue: Pending[] = [];
  let nextIndex = 0;
  let queuedBytes = 0;
  let previous: Buffer = NO_PREVIOUS_COMMIT;
  let committed: { readonly size: number; readonly root: Buffer } = { size: 0, root: tree.root() };
  let published: Checkpoint | undefined;
  let failure: RecordingUnavailable | undefined;
  let draining: Promise<void> | undefined;

  function enqueue(entry: Entry, time: LeafTime, statementHash: string | undefined): Promise<Receipt> {
    const parts = cutBodies(entry.bodies);
    const strand = placeIn(entry);
    const leaf = encodeLeaf(
      withStrands(entry, strand),
      { ...time, strand, statementHash },
      parts.map(({ part }) => part),
    );
    const bytes = parts.reduce(
      (sum, { part }) => sum + part.length + FRAME_HEADER_BYTES,
      leaf.byteLength + FRAME_HEADER_BYTES,
    );
    if (queuedBytes + bytes > MAX_QUEUED_BYTES) throw new RecordingUnavailable('recording queue is full');
    const frames = [...parts.map((part) => encodeFrame('body', part.bytes)), encodeFrame('entry', leaf)];
    const leafHash = hashLeaf(leaf);
    if (strand !== undefined) strands.advance(strand, leafHash.toString('hex'), ENDING_KINDS.has(entry.kind));
    const index = nextIndex;
    nextIndex += 1;
    queuedBytes += bytes;
    const durable = new Promise<Receipt>((resolve, reject) => {
      queue.push({ frames, bytes, leafHash, index, strandNumber: strand?.number, resolve, reject });
    });
    draining ??= drain();
    return durable;
  }

  function placeIn({ sessionId, links }: Entry): StrandPlace | undefined {
    if (sessionId === undefined) return undefined;
    const place = strands.place(sessionId);
    return place.number > 0 || links === undefined || links.length === 0 ? place : { ...place, links };
  }

  /** Only the log itself knows the strand of this writer, so it completes what `session.close` says of strands. */
  function withStrands(entry: Entry, strand: StrandPlace | undefined): Entry {
    if (entry.kind !== 'session.close' || strand === undefined) return entry;
    const others = entry.fields['strands'];
    const own: readonly EntryValue[] =
      strand.previous === undefined ? [] : [[signer.name, strand.number, strand.previous]];
    return { ...entry, fields: { ...entry.fields, strands: [...(Array.isArray(others) ? others : []), ...own] } };
  }

  function noteJump(time: LeafTime): void {
    if (time.jump === undefined) return;
    const fields = { wall: time.jump.wallMs, expected: time.jump.expectedMs };
    enqueue({ kind: 'clock.jump', sessionId: undefined, fields, bodies: [] }, time, undefined).catch(() => {
      // The record that follows shares the fate of this one and tells its caller.
    });
  }

  async function drain(): Promise<void> {
    // One turn of the microtask queue: appends made together share the first commit.
    await Promise.resolve();
    while (queue.length > 0) {
      const group = takeGroup(queue);
      try {
        await commit(group);
      } catch (error) {
        poison(error, group);
        break;
      }
    }
    draining = undefined;
  }

  async function commit(group: readonly Pending[]): Promise<void> {
    const startedNs = clock.monotonicNs();
    const first = committed.size;
    for (const { leafHash } of group) tree.append(leafHash);
    const root = tree.root();
    const payload = Buffer.from(
      signer.signNote(encodeCommitText({ origin: signer.name, size: tree.size, root, previous })),
      'utf8',
    );
    const frames = [...group.flatMap((pending) => pending.frames), encodeFrame('commit', payload)];
    await segments.append(frames, { first, previous });
    previous = sha256(payload);
    committed = { size: tree.size, root };
    const bytes = group.reduce((sum, pending) => sum + pending.bytes, 0);
    queuedBytes -= bytes;
    for (const { index, leafHash, strandNumber, resolve } of group) {
      resolve({ writer: signer.name, index, leafHash: leafHash.toString('hex'), strandNumber });
    }
    onCommitted({ records: group.length, bytes, seconds: Number(clock.monotonicNs() - startedNs) / 1e9 });
  }

  /** After a failed write or sync nobody knows what the disk holds, so nothing is ever acknowledged again. */
  function poison(cause: unknown, group: readonly Pending[]): void {
    failure = new RecordingUnavailable('recording failed', { cause });
    for (const pending of [...group, ...queue.splice(0)]) pending.reject(failure);
    queuedBytes = 0;
    onFailed(cause);
  }

  return {
    get failed() {
      return failure !== undefined;
    },
    async append(entry, statementHash) {
      if (failure !== undefined) throw new RecordingUnavailable('recording failed earlier', { cause: failure });
      const time = readTime();
      noteJump(time);
      try {
        return await enqueue(entry, time, statementHash);
      } catch (error) {
        if (error instanceof RecordingUnavailable) throw error;
        throw new RecordingUnavailable('entry cannot be encoded', { cause: error });
      }
    },
    checkpoint() {
      if (published?.size !== committed.size) {
        const text = encodeCheckpointText({ origin: signer.name, ...committed });
        published = Object.freeze({
          origin: signer.name,
          vkey: signer.vkey,
          size: committed.size,
          root: committed.root.toString('base64'),
          note: signer.signNote(text),
        });
      }
      return published;
    },
    async idle() {
      while (draining !== undefined) await draining;
    },
  };
}

function takeGroup(queue: Pending[]): readonly Pending[] {
  let bytes = 0;
  let count = 0;
  for (const pending of queue) {
    if (count > 0 && (bytes + pending.bytes > GROUP_BYTES || count >= GROUP_RECORDS)) break;
    bytes += pending.bytes;
    count += 1;
  }
  return queue.splice(0, count);
}
