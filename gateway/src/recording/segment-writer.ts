import { dirname, join } from 'node:path';
import { encodeFrame, encodeSegmentHeader, segmentName } from '@piste/verifier';
import { type DurableFile, type FileOps, writeFully } from './file-ops.js';
import { joinAdjacent } from './frame-buffer.js';

/** A segment that reached this size is followed by a new one. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;
/**
 * Zeros are written ahead in steps of this size: overwriting them costs no change of the file's length, and so half the
 * time of a commit. Writing them costs time too: shorter steps change the length too often, longer ones delay a commit.
 */
const ZEROS_STEP_BYTES = 1024 * 1024;
/** With fewer zeros than this left, the next quiet moment is used to write more. */
const FEW_ZEROS_BYTES = 256 * 1024;
/** Larger groups gain nothing from zeros and simply extend the file. */
const SMALL_GROUP_BYTES = 512 * 1024;

/** What a new segment's header says about the log so far. */
export interface LogPosition {
  /** Index of the first record the segment will hold. */
  readonly first: number;
  /** SHA-256 of the last commit's payload. */
  readonly previous: Buffer;
}

/** Appends groups to numbered segment files. After a failure it must not be used again. */
export interface SegmentWriter {
  /** Returns only once every byte is on stable storage. */
  append(pieces: readonly Uint8Array[], position: LogPosition): void;
  /** Writes zeros ahead where few are left. For moments when nothing waits. */
  prepare(): void;
  /** Ends the segment being written; the next group begins a new one. Returns the number of the newest ended segment. */
  finish(): number;
  /** Number of the newest segment that nothing is added to any more; 0 for none. */
  readonly finished: number;
  /** Cuts unused zeros off the last segment. */
  close(): void;
  /** Lets go of the file as it is, after a failure. */
  abandon(): void;
}

export interface SegmentWriterDeps {
  readonly directory: string;
  readonly origin: string;
  readonly files: FileOps;
  readonly segmentBytes: number;
}

interface OpenSegment {
  readonly file: DurableFile;
  /** Bytes up to the end of the last group. */
  size: number;
  /** Bytes of the file: zeros stand behind `size`. */
  allocated: number;
}

/** Creates the log's directory, durably; the first segment is created with the first group. */
export function createSegmentWriter({ directory, origin, files, segmentBytes }: SegmentWriterDeps): SegmentWriter {
  files.makeDirectory(directory);
  files.syncDirectory(dirname(directory));
  files.syncDirectory(dirname(dirname(directory)));
  let number = 0;
  let open: OpenSegment | undefined;

  function finish(): void {
    const finished = open;
    open = undefined;
    if (finished === undefined) return;
    if (finished.allocated > finished.size) finished.file.truncate(finished.size);
    finished.file.close();
  }

  function roll(position: LogPosition): OpenSegment {
    finish();
    number += 1;
    const file = files.createFile(join(directory, segmentName(number)));
    const segment: OpenSegment = { file, size: 0, allocated: 0 };
    open = segment;
    write(segment, [encodeFrame('header', encodeSegmentHeader({ origin, segment: number, ...position }))]);
    file.sync();
    files.syncDirectory(directory);
    return segment;
  }

  function write(segment: OpenSegment, pieces: readonly Uint8Array[]): void {
    const bytes = totalBytes(pieces);
    const end = segment.size + bytes;
    // One call carries the group and the zeros behind it.
    const zeros = bytes <= SMALL_GROUP_BYTES && end > segment.allocated ? zerosBehind(end) : NO_ZEROS;
    writeFully(segment.file, [...joinAdjacent(pieces), zeros], segment.size);
    segment.size = end;
    segment.allocated = Math.max(segment.allocated, end + zeros.byteLength);
  }

  /** Never beyond the length at which the segment ends anyway. */
  function zerosBehind(end: number): Uint8Array {
    return ZEROS.subarray(0, Math.max(0, Math.min(ZEROS_STEP_BYTES, segmentBytes - end)));
  }

  return {
    append(pieces, position) {
      const segment = open !== undefined && open.size + totalBytes(pieces) <= segmentBytes ? open : roll(position);
      write(segment, pieces);
    },
    prepare() {
      if (open === undefined || open.allocated - open.size >= FEW_ZEROS_BYTES) return;
      const from = Math.max(open.allocated, open.size);
      open.allocated = writeFully(open.file, [zerosBehind(from)], from);
    },
    finish() {
      finish();
      return number;
    },
    get finished() {
      return open === undefined ? number : number - 1;
    },
    close: finish,
    abandon() {
      const abandoned = open;
      open = undefined;
      abandoned?.file.close();
    },
  };
}

const ZEROS = new Uint8Array(ZEROS_STEP_BYTES);
const NO_ZEROS = ZEROS.subarray(0, 0);

function totalBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
}
