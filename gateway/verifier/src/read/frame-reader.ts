import type { FileHandle } from 'node:fs/promises';
import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameType, isFrameIntact } from '../format/frame.js';

const READ_BYTES = 256 * 1024;

/** What stands at the reader's position. */
export type FrameRead =
  | { readonly kind: 'frame'; readonly type: FrameType; readonly offset: number; readonly payload: Buffer }
  /** The file ends exactly here. */
  | { readonly kind: 'end'; readonly offset: number }
  | { readonly kind: 'bad'; readonly offset: number; readonly reason: string };

/** Reads a segment frame by frame, in memory bounded by the largest frame. */
export interface FrameReader {
  /** First byte not read yet. */
  readonly position: number;
  /** After `end` or `bad` there is nothing more to read. Payloads stay valid. */
  next(): Promise<FrameRead>;
}

/** Creates a reader over the first `size` bytes of an open segment. The caller closes the file. */
export function createFrameReader(file: FileHandle, size: number): FrameReader {
  let window: Buffer = Buffer.alloc(0);
  let windowOffset = 0;
  let position = 0;

  /** Up to `count` bytes from the position; fewer only at the end of the file. */
  async function take(count: number): Promise<Buffer> {
    const start = position - windowOffset;
    if (window.byteLength - start < count) {
      const kept = window.subarray(start);
      const from = windowOffset + window.byteLength;
      const wanted = Math.min(Math.max(READ_BYTES, count - kept.byteLength), size - from);
      const fresh = await readUpTo(file, from, wanted);
      window = Buffer.concat([kept, fresh]);
      windowOffset = position;
    }
    const at = position - windowOffset;
    return window.subarray(at, at + count);
  }

  return {
    get position() {
      return position;
    },
    async next() {
      const offset = position;
      const fixed = await take(FRAME_HEADER_BYTES);
      if (fixed.byteLength === 0) return { kind: 'end', offset };
      const header = decodeFrameHeader(fixed);
      if (!header.ok) return { kind: 'bad', offset, reason: header.reason };
      const whole = await take(FRAME_HEADER_BYTES + header.payloadBytes);
      const payload = whole.subarray(FRAME_HEADER_BYTES);
      if (payload.byteLength < header.payloadBytes) return { kind: 'bad', offset, reason: 'frame cut short' };
      if (!isFrameIntact(whole, payload)) return { kind: 'bad', offset, reason: 'frame does not match its CRC' };
      position += whole.byteLength;
      return { kind: 'frame', type: header.type, offset, payload };
    },
  };
}

/** Reads `length` bytes from `offset`, fewer only where the file ends. */
export async function readUpTo(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
