import type { FileHandle } from 'node:fs/promises';
import { parseCommitText } from '../format/checkpoint.js';
import { decodeFrameHeader, FRAME_HEADER_BYTES, findFrame } from '../format/frame.js';
import { sha256 } from '../format/merkle.js';
import { type NoteVerifier, openNote } from '../format/signed-note.js';
import { readUpTo } from './frame-reader.js';
import { MAX_GROUP_BYTES } from './group-reader.js';

/** Framing adds to a group's payloads, however small the records: at most this much for all of them together. */
const MAX_TAIL_BYTES = 2 * MAX_GROUP_BYTES;

/** The bytes of a segment after its last verified commit. */
export interface Tail {
  readonly bytes: number;
  /** SHA-256 (hex); undefined when there are no bytes, or too many to read. */
  readonly digest: string | undefined;
  /** True when one interrupted group can have left these bytes. */
  readonly isPlausiblyTorn: boolean;
}

export const NO_TAIL: Tail = Object.freeze({ bytes: 0, digest: undefined, isPlausiblyTorn: true });

/** Where the tail stands in its segment. */
export interface TailRange {
  readonly from: number;
  readonly to: number;
}

/** What the log had proven before the tail. */
export interface TailContext {
  readonly verifier: NoteVerifier | undefined;
  readonly size: number;
  readonly previous: Buffer;
}

/**
 * Tells an interrupted write from an edit. A writer starts a group only after the one before is on disk, so behind a broken
 * group there is nothing but, at most, that group's own commit as the last frame.
 */
export async function examineTail(file: FileHandle, { from, to }: TailRange, context: TailContext): Promise<Tail> {
  const length = to - from;
  if (length <= 0) return NO_TAIL;
  if (length > MAX_TAIL_BYTES) return { bytes: length, digest: undefined, isPlausiblyTorn: false };
  const bytes = await readUpTo(file, from, length);
  return { bytes: length, digest: sha256(bytes).toString('hex'), isPlausiblyTorn: !holdsLaterCommit(bytes, context) };
}

function holdsLaterCommit(bytes: Buffer, { verifier, size, previous }: TailContext): boolean {
  if (verifier === undefined) return false;
  for (let at = findFrame(bytes, 'commit', 0); at >= 0; at = findFrame(bytes, 'commit', at + 1)) {
    const header = decodeFrameHeader(bytes.subarray(at, at + FRAME_HEADER_BYTES));
    if (!header.ok) continue;
    const end = at + FRAME_HEADER_BYTES + header.payloadBytes;
    const text = openNote(bytes.subarray(at + FRAME_HEADER_BYTES, end), verifier);
    const commit = text === undefined ? undefined : parseCommitText(text);
    if (commit === undefined || commit.size <= size) continue;
    if (!commit.previous.equals(previous) || end < bytes.byteLength) return true;
  }
  return false;
}
