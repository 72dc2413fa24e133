import type { EntryKind, EntryValue, NoteSigner, StoredPart, StrandPlace } from '@piste/verifier';
import {
  createTree,
  cutBodies,
  encodeCheckpointText,
  encodeCommitText,
  encodeFields,
  encodeLeaf,
  FRAME_HEADER_BYTES,
  type FrameType,
  hashLeaf,
  NO_PREVIOUS_COMMIT,
  RAW_PARTS,
  sha256,
  tagText,
  writeFrameHeader,
} from '@piste/verifier';
import type { BodyKeys } from './body-keys.js';
import { createFrameBuffer } from './frame-buffer.js';
import type { Acknowledgement, Checkpoint, CommittedGroup, PlacedRecord } from './placed-record.js';
import type { SegmentWriter } from './segment-writer.js';
import { createStrands } from './strands.js';

/** A group takes what is queued up to this size, and at least one record. */
const GROUP_BYTES = 4 * 1024 * 1024;
const GROUP_RECORDS = 1024;
/** Payloads below this are copied into their frames, because every piece of a write costs more than its bytes. */
const SMALL_PAYLOAD_BYTES = 64 * 1024;

const ENDING_KINDS: ReadonlySet<EntryKind> = new Set(['session.close', 'session.refused']);

export interface LogWriterDeps {
  readonly signer: NoteSigner;
  readonly segments: SegmentWriter;
  /** Undefined: bodies are stored as they are. */
  readonly keys: BodyKeys | undefined;
  readonly monotonicNs: () => bigint;
}

/** What a commit made durable, in the order of the log. */
export interface Commit {
  readonly acknowledgements: readonly Acknowledgement[];
  readonly group: CommittedGroup;
}

/** The one appender of one log. Blocks while it writes. */
export interface LogWriter {
  /** Records that the last commit covered. */
  readonly size: number;
  /** Records that wait for a commit. */
  readonly pending: number;
  /** Gives the record its place. Throws, and changes nothing, when the record cannot be encoded. */
  add(record: PlacedRecord): void;
  /** Writes and signs one group of what waits. After it threw, nothing may be added or committed any more. */
  commit(): Commit;
  /** What the last commit covered, signed. */
  checkpoint(): Checkpoint;
  /** For moments when nothing waits. */
  prepare(): void;
  /** Ends the segment that the last commit went to. Number of the newest ended segment, 0 for none. */
  finishSegment(): number;
  readonly finishedSegment: number;
  close(): void;
  /** Instead of `close`, after a failure: touches nothing that was written. */
  abandon(): void;
}

interface Pending {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly leafHash: Buffer;
  readonly acknowledgement: Acknowledgement | undefined;
}

/** Creates the writer. Nothing is written before the first commit but the log's directory. */
export function createLogWriter({ signer, segments, keys, monotonicNs }: LogWriterDeps): LogWriter {
  const strands = createStrands();
  const tree = createTree();
  const frames = createFrameBuffer();
  const queue: Pending[] = [];
  let nextIndex = 0;
  let previous: Buffer = NO_PREVIOUS_COMMIT;
  let committed: { readonly size: number; readonly root: Buffer } = { size: 0, root: tree.root() };

  function add(record: PlacedRecord): void {
    const { sessionId, blind, bodies } = record;
    if (keys === undefined || blind === undefined) {
      place(record, cutBodies(bodies, RAW_PARTS));
    } else {
      const fresh = keys.prepare(sessionId, blind);
      if (fresh !== undefined) place({ ...record, ...KEY_RECORD, fields: fresh.fields }, []);
      const sealing = keys.partsOf(sessionId);
      place(record, cutBodies(bodies, sealing.parts));
      sealing.taken();
    }
    if (sessionId !== undefined && strands.hasEnded(sessionId)) keys?.forget(sessionId);
  }

  function place(
    record: Omit<PlacedRecord, 'id'> & { readonly id: number | undefined },
    stored: readonly StoredPart[],
  ): void {
    const strand = placeIn(record);
    const leaf = encodeLeaf(
      { kind: record.kind, fields: fieldsOf(record, strand) },
      { ...record, strand },
      stored.map(({ part }) => part),
    );
    const pieces = [...stored.flatMap((part) => frame('body', part.pieces)), ...frame('entry', [leaf])];
    const leafHash = hashLeaf(leaf);
    const hex = leafHash.toString('hex');
    if (strand !== undefined) strands.advance(strand, hex, ENDING_KINDS.has(record.kind));
    const index = nextIndex;
    nextIndex += 1;
    const { id, statementHash } = record;
    const tagSignature = statementHash === undefined ? undefined : signer.sign(tagText(signer.name, index, hex));
    queue.push({
      pieces,
      bytes: totalBytes(pieces),
      leafHash,
      acknowledgement:
        id === undefined ? undefined : { id, index, leafHash: hex, strandNumber: strand?.number, tagSignature },
    });
  }

  /** A frame around a payload in pieces. */
  function frame(type: FrameType, payload: readonly Uint8Array[]): readonly Uint8Array[] {
    const bytes = totalBytes(payload);
    const isCopied = bytes < SMALL_PAYLOAD_BYTES;
    const target = frames.take(isCopied ? FRAME_HEADER_BYTES + bytes : FRAME_HEADER_BYTES);
    writeFrameHeader(target, type, payload);
    if (!isCopied) return [target, ...payload];
    let at = FRAME_HEADER_BYTES;
    for (const piece of payload) {
      target.set(piece, at);
      at += piece.byteLength;
    }
    return [target];
  }

  function placeIn({ sessionId, links }: Pick<PlacedRecord, 'sessionId' | 'links'>): StrandPlace | undefined {
    if (sessionId === undefined) return undefined;
    const place = strands.place(sessionId);
    return place.number > 0 || links === undefined || links.length === 0 ? place : { ...place, links };
  }

  /** Only the log itself knows where its own strand stands, so it has the last word on it in `session.close`. */
  function fieldsOf({ kind, fields }: Pick<PlacedRecord, 'kind' | 'fields'>, strand: StrandPlace | undefined): string {
    if (kind !== 'session.close' || strand?.previous === undefined) return fields;
    const known: Record<string, EntryValue> = JSON.parse(fields);
    const listed = Array.isArray(known['strands']) ? (known['strands'] as readonly EntryValue[]) : [];
    const others = listed.filter((item) => !(Array.isArray(item) && item[0] === signer.name));
    return encodeFields({ ...known, strands: [[signer.name, strand.number, strand.previous], ...others] });
  }

  function commit(): Commit {
    const startedNs = monotonicNs();
    const first = committed.size;
    const group = takeGroup(queue);
    for (const { leafHash } of group) tree.append(leafHash);
    const root = tree.root();
    const text = encodeCommitText({ origin: signer.name, size: tree.size, root, previous });
    const payload = Buffer.from(signer.signNote(text), 'utf8');
    keys?.flush();
    segments.append([...group.flatMap(({ pieces }) => pieces), ...frame('commit', [payload])], { first, previous });
    if (queue.length === 0) frames.clear();
    previous = sha256(payload);
    committed = { size: tree.size, root };
    return {
      acknowledgements: group.flatMap(({ acknowledgement }) => acknowledgement ?? []),
      group: {
        records: group.length,
        bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
        seconds: Number(monotonicNs() - startedNs) / 1e9,
      },
    };
  }

  return {
    get size() {
      return committed.size;
    },
    get pending() {
      return queue.length;
    },
    add,
    commit,
    checkpoint() {
      return {
        origin: signer.name,
        vkey: signer.vkey,
        size: committed.size,
        root: committed.root.toString('base64'),
        note: signer.signNote(encodeCheckpointText({ origin: signer.name, ...committed })),
      };
    },
    prepare: () => segments.prepare(),
    finishSegment: () => segments.finish(),
    get finishedSegment() {
      return segments.finished;
    },
    close() {
      keys?.close();
      segments.close();
    },
    abandon() {
      keys?.close();
      segments.abandon();
    },
  };
}

/** What a `key` record says differently from the record that needs the key. */
const KEY_RECORD = { id: undefined, kind: 'key', bodies: [], statementHash: undefined } as const;

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

function totalBytes(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.byteLength;
  return bytes;
}
