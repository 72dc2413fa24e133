import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameType, isFrameIntact } from '../format/frame.js';
import { asBuffer, type RecordingSource, type SourceFile } from './source.js';

/** Read at once; also what a reader holds in memory beside the largest frame. */
const READ_BYTES = 4 * 1024 * 1024;

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
  /** At once where the bytes are in memory. After `end` or `bad` there is nothing more to read. Payloads stay valid. */
  next(): FrameRead | Promise<FrameRead>;
}

/** Creates a reader over the first `size` bytes of a file, or over those of them that begin at `from`. */
export function createFrameReader(source: RecordingSource, { path, size }: SourceFile, from = 0): FrameReader {
  let window: Buffer = Buffer.alloc(0);
  let windowOffset = from;
  let position = from;

  /** Bytes in memory from the position on. */
  function held(): number {
    return windowOffset + window.byteLength - position;
  }

  function isShort(count: number): boolean {
    return held() < count && windowOffset + window.byteLength < size;
  }

  /** Bytes in memory that a frame starts with are read once more: joining would copy them, and those behind them, too. */
  async function fill(count: number): Promise<void> {
    const wanted = Math.min(Math.max(READ_BYTES, count), size - position);
    window = asBuffer(await source.read(path, position, wanted));
    if (window.byteLength < wanted) throw new Error(`${path} became shorter while it was read`);
    windowOffset = position;
  }

  /** Undefined when more bytes are needed first; then `needed` says how many. */
  let needed = 0;
  function tryNext(): FrameRead | undefined {
    const offset = position;
    needed = FRAME_HEADER_BYTES;
    if (isShort(needed)) return undefined;
    if (held() === 0) return { kind: 'end', offset };
    const start = position - windowOffset;
    const header = decodeFrameHeader(window.subarray(start, start + FRAME_HEADER_BYTES));
    if (!header.ok) return { kind: 'bad', offset, reason: header.reason };
    needed = FRAME_HEADER_BYTES + header.payloadBytes;
    if (isShort(needed)) return undefined;
    if (held() < needed) return { kind: 'bad', offset, reason: 'frame cut short' };
    const whole = window.subarray(start, start + needed);
    const payload = whole.subarray(FRAME_HEADER_BYTES);
    if (!isFrameIntact(whole, payload)) return { kind: 'bad', offset, reason: 'frame does not match its CRC' };
    position += needed;
    return { kind: 'frame', type: header.type, offset, payload };
  }

  async function nextAfterReading(): Promise<FrameRead> {
    for (;;) {
      await fill(needed);
      const read = tryNext();
      if (read !== undefined) return read;
    }
  }

  return {
    get position() {
      return position;
    },
    next: () => tryNext() ?? nextAfterReading(),
  };
}
