import { dirname, join } from 'node:path';
import { encodeFrame, encodeSegmentHeader, segmentName } from '@piste/verifier';
import { type FileOps, type SegmentFile, writeFully } from './file-ops.js';

/** A segment that reached this size is followed by a new one. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;

/** What a new segment's header says about the log so far. */
export interface LogPosition {
  /** Index of the first record the segment will hold. */
  readonly first: number;
  /** SHA-256 of the last commit's payload. */
  readonly previous: Buffer;
}

/** Appends groups to numbered segment files. Not reentrant: one `append` at a time. */
export interface SegmentWriter {
  /** Resolves only once every byte is on stable storage. After a failure the writer must not be used again. */
  append(frames: readonly Buffer[], position: LogPosition): Promise<void>;
  close(): Promise<void>;
}

export interface SegmentWriterDeps {
  readonly directory: string;
  readonly origin: string;
  readonly files: FileOps;
  readonly segmentBytes: number;
}

/** Creates the log's directory, durably; the first segment is created with the first group. */
export async function createSegmentWriter({
  directory,
  origin,
  files,
  segmentBytes,
}: SegmentWriterDeps): Promise<SegmentWriter> {
  await files.makeDirectory(directory);
  await files.syncDirectory(dirname(directory));
  await files.syncDirectory(dirname(dirname(directory)));
  let segment = 0;
  let file: SegmentFile | undefined;
  let size = 0;

  async function roll(position: LogPosition): Promise<SegmentFile> {
    const finished = file;
    file = undefined;
    await finished?.close();
    segment += 1;
    const next = await files.createFile(join(directory, segmentName(segment)));
    file = next;
    const header = encodeFrame('header', encodeSegmentHeader({ origin, segment, ...position }));
    size = await writeFully(next, [header], 0);
    await next.datasync();
    await files.syncDirectory(directory);
    return next;
  }

  return {
    async append(frames, position) {
      const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
      const target = file === undefined || size + bytes > segmentBytes ? await roll(position) : file;
      size = await writeFully(target, frames, size);
      await target.datasync();
    },
    async close() {
      const finished = file;
      file = undefined;
      await finished?.close();
    },
  };
}
