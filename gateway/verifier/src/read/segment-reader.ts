import { Break } from './break.js';
import { createFrameReader } from './frame-reader.js';
import type { SegmentFrames } from './group-reader.js';
import type { LogFiles, SegmentFiles } from './log-files.js';
import type { SourceFile } from './source.js';
import { withoutZeroTail } from './zero-tail.js';

/** A segment ready to be read, in whichever form it lies. */
export interface OpenSegment {
  readonly frames: SegmentFrames;
  /** The file with records and commits, without unused space. */
  readonly file: SourceFile;
  /** Bytes of all its files, without unused space. */
  readonly bytes: number;
}

/** Where a commit ends in the two forms of its segment. */
export interface CommitEnd {
  /** Undefined where the segment was read in the other form. */
  readonly whole: number | undefined;
  readonly records: number;
  /** Length of its frame. */
  readonly bytes: number;
}

/**
 * Opens a segment at a commit that was read before, to read what follows; of an archived one without its bodies. Throws `Break` when it
 * cannot be found again.
 */
export async function reopenSegment(
  files: LogFiles,
  { whole, records }: SegmentFiles,
  commit: CommitEnd,
  isLast: boolean,
): Promise<OpenSegment> {
  const { source } = files;
  const [file, end] = whole === undefined ? [records, commit.records] : [whole, commit.whole];
  if (file === undefined || end === undefined || file.size < end) throw changedBehind(0);
  const used = isLast && file === whole ? await withoutZeroTail(source, file, end) : file;
  const reader = createFrameReader(source, used, end - commit.bytes);
  return {
    frames: { records: reader, bodies: file === whole ? 'inline' : 'missing' },
    file: used,
    bytes: used.size - end,
  };
}

export const changedBehind = (offset: number): Break =>
  new Break('changed', 'what was read before does not stand there any more', offset);

/** Opens a segment. Only the last of a log may end in unused space. Throws `Break` when its records are not here. */
export async function openSegment(files: LogFiles, segment: SegmentFiles, isLast: boolean): Promise<OpenSegment> {
  const { source } = files;
  const { whole, records, bodies } = segment;
  if (whole !== undefined) {
    const file = isLast ? await withoutZeroTail(source, whole) : whole;
    const frames: SegmentFrames = { records: createFrameReader(source, file), bodies: 'inline' };
    return { frames, file, bytes: file.size };
  }
  if (records === undefined) throw new Break('missing-segment', "a segment's records are missing", 0);
  const frames: SegmentFrames = {
    records: createFrameReader(source, records),
    bodies: bodies === undefined ? 'missing' : createFrameReader(source, bodies),
  };
  return { frames, file: records, bytes: records.size + (bodies?.size ?? 0) };
}

/** The header's payload; both files of an archived segment start with the same. Throws `Break` without one. */
export async function readHeader({ records, bodies }: SegmentFrames): Promise<Buffer> {
  const frame = await records.next();
  if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
  if (frame.kind === 'end') throw new Break('no-header', 'the segment is empty', frame.offset);
  if (frame.type !== 'header')
    throw new Break('bad-header', 'the segment does not start with the header of this log', frame.offset);
  if (typeof bodies === 'object') {
    const copy = await bodies.next();
    if (copy.kind !== 'frame' || copy.type !== 'header' || !copy.payload.equals(frame.payload))
      throw new Break('bad-header', "the bodies' file belongs to another segment", 0);
  }
  return frame.payload;
}

/** What stands in an archived segment's bodies behind those its records name; undefined when nothing does. */
export async function findStrayBody({ bodies }: SegmentFrames): Promise<Break | undefined> {
  if (typeof bodies !== 'object') return undefined;
  const frame = await bodies.next();
  if (frame.kind === 'end') return undefined;
  return new Break('stray-body', "the bodies' file holds more than its records name", frame.offset);
}
