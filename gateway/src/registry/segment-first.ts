import { decodeFrameHeader, FRAME_HEADER_BYTES, parseCanonicalObject, type RecordingSource } from '@piste/verifier';

const MAX_HEADER_BYTES = 4096;

/** Index of the first record of a segment, as its header says; undefined when it has none. */
export async function readSegmentFirst(source: RecordingSource, path: string): Promise<number | undefined> {
  const bytes = Buffer.from(await source.read(path, 0, FRAME_HEADER_BYTES + MAX_HEADER_BYTES));
  const header = decodeFrameHeader(bytes);
  if (!header.ok || header.type !== 'header') return undefined;
  const payload = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + header.payloadBytes);
  const first = parseCanonicalObject(payload)?.['first'];
  return typeof first === 'number' ? first : undefined;
}
