import { parseCommitText } from '../format/checkpoint.js';
import { decodeFrameHeader, FRAME_HEADER_BYTES, findFrame } from '../format/frame.js';
import { sha256 } from '../format/merkle.js';
import { checkNote, type NoteVerifier } from '../format/signed-note.js';
import { MAX_GROUP_BYTES } from './group-reader.js';
import { asBuffer, type RecordingSource, type SourceFile } from './source.js';

/** Framing adds to a group's payloads, however small the records: at most this much for all of them together. */
const MAX_TAIL_BYTES = 2 * MAX_GROUP_BYTES;

/** The bytes of a segment after its last verified commit, up to its last byte that is not zero. */
export interface Tail {
  readonly bytes: number;
  /** SHA-256 (hex); undefined when there are no bytes, or too many to read. */
  readonly digest: string | undefined;
  /** True when one interrupted group can have left these bytes. */
  readonly isPlausiblyTorn: boolean;
}

export const NO_TAIL: Tail = Object.freeze({ bytes: 0, digest: undefined, isPlausiblyTorn: true });

/** Where the tail stands. */
export interface TailPlace {
  /** Without unused space. */
  readonly file: SourceFile;
  readonly from: number;
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
export async function examineTail(
  source: RecordingSource,
  { file, from }: TailPlace,
  context: TailContext,
): Promise<Tail> {
  const length = file.size - from;
  if (length <= 0) return NO_TAIL;
  if (length > MAX_TAIL_BYTES) return { bytes: length, digest: undefined, isPlausiblyTorn: false };
  const bytes = asBuffer(await source.read(file.path, from, length));
  return {
    bytes: length,
    digest: sha256(bytes).toString('hex'),
    isPlausiblyTorn: !(await holdsLaterCommit(bytes, context)),
  };
}

async function holdsLaterCommit(bytes: Buffer, { verifier, size, previous }: TailContext): Promise<boolean> {
  if (verifier === undefined) return false;
  for (let at = findFrame(bytes, 'commit', 0); at >= 0; at = findFrame(bytes, 'commit', at + 1)) {
    const header = decodeFrameHeader(bytes.subarray(at, at + FRAME_HEADER_BYTES));
    if (!header.ok) continue;
    const end = at + FRAME_HEADER_BYTES + header.payloadBytes;
    const text = await checkNote(bytes.subarray(at + FRAME_HEADER_BYTES, end), verifier);
    const commit = text === undefined ? undefined : parseCommitText(text);
    if (commit === undefined || commit.size <= size) continue;
    if (!commit.previous.equals(previous) || end < bytes.byteLength) return true;
  }
  return false;
}
