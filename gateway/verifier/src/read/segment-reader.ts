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
