import { Break } from './break.js';
import { createFrameReader, type FrameReader } from './frame-reader.js';
import type { SegmentFrames } from './group-reader.js';
import type { LogFiles, SegmentFiles } from './log-files.js';
import type { SourceFile } from './source.js';
import { withoutZeroTail } from './zero-tail.js';

/** A segment ready to be read, in whichever form it lies. */
export interface OpenSegment {
  readonly frames: SegmentFrames;
  /** The file with records and commits, without unused space. */
  readonly file: SourceFile;
  readonly form: 'whole' | 'archived';
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
    return { frames, file, form: 'whole', bytes: file.size };
  }
  if (records === undefined) throw new Break('missing-segment', "a segment's records are missing", 0);
  const frames: SegmentFrames = {
    records: createFrameReader(source, records),
    bodies: bodies === undefined ? 'missing' : createFrameReader(source, bodies),
  };
  return { frames, file: records, form: 'archived', bytes: records.size + (bodies?.size ?? 0) };
}

/** The header's payload; both files of an archived segment start with the same. Throws `Break` without one. */
export async function readHeader({ records, bodies }: SegmentFrames): Promise<Buffer> {
  const header = await readHeaderFrame(records, 'the segment is empty');
  if (typeof bodies === 'object') {
    const copy = await readHeaderFrame(bodies, "the bodies' file is empty");
    if (!copy.equals(header)) throw new Break('bad-header', "the bodies' file belongs to another segment", 0);
  }
  return header;
}

async function readHeaderFrame(reader: FrameReader, emptyMessage: string): Promise<Buffer> {
  const frame = await reader.next();
  if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
  if (frame.kind === 'end') throw new Break('no-header', emptyMessage, frame.offset);
  if (frame.type !== 'header')
    throw new Break('bad-header', 'the segment does not start with the header of this log', frame.offset);
  return frame.payload;
}

/** Throws `Break` unless every body of an archived segment was named by a record. */
export async function checkBodiesUsedUp({ bodies }: SegmentFrames): Promise<void> {
  if (typeof bodies !== 'object') return;
  const frame = await bodies.next();
  if (frame.kind !== 'end')
    throw new Break('stray-body', "the bodies' file holds more than its records name", frame.offset);
}
