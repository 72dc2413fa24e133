import { asBuffer, type RecordingSource, type SourceFile } from './source.js';

const READ_BYTES = 1024 * 1024;

/**
 * The file up to its last byte that is not zero. The last segment of a log is written into space reserved in advance, so zeros at
 * its end belong to nothing; no whole frame of a log ends in a zero byte. What stands before `known` is not looked at and stays.
 */
export async function withoutZeroTail(source: RecordingSource, file: SourceFile, known = 0): Promise<SourceFile> {
  let end = file.size;
  let length = 64;
  while (end > known) {
    const from = Math.max(known, end - length);
    const bytes = asBuffer(await source.read(file.path, from, end - from));
    for (let at = bytes.byteLength - 1; at >= 0; at -= 1) {
      if (bytes[at] !== 0) return { ...file, size: from + at + 1 };
    }
    end = from;
    length = READ_BYTES;
  }
  return { ...file, size: Math.min(known, file.size) };
}
