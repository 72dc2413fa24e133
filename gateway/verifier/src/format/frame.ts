import { platform } from '../platform/index.js';

/**
 * One frame of a segment:
 *
 *     0        4      5       6        8        12       16
 *     | magic  | type | flags | zero   | length | crc32  | payload …
 *     | "PSTR" | u8   | u8=0  | u16=0  | u32 BE | u32 BE |
 *
 * The CRC covers bytes 0–11 and the payload. It tells a torn write from a whole one quickly; it is not security.
 */
export const FRAME_HEADER_BYTES = 16;
const MAGIC = 0x50535452;
const CRC_OFFSET = 12;

export type FrameType = 'header' | 'body' | 'entry' | 'commit';

const TYPE_CODES: Readonly<Record<FrameType, number>> = { header: 1, body: 2, entry: 3, commit: 4 };
const TYPES_BY_CODE = new Map<number, FrameType>([
  [1, 'header'],
  [2, 'body'],
  [3, 'entry'],
  [4, 'commit'],
]);

/** Leaves stay below the 16-bit length of C2SP entry bundles. */
export const MAX_ENTRY_BYTES = 65_535;
/** Bodies are cut into parts of at most this many bytes. */
export const MAX_BODY_PART_BYTES = 1_048_576;

/** Largest payload a reader accepts, by type: bounds memory whatever a segment claims. */
const MAX_PAYLOAD_BYTES: Readonly<Record<FrameType, number>> = {
  header: 4096,
  body: MAX_BODY_PART_BYTES,
  entry: MAX_ENTRY_BYTES,
  commit: 4096,
};

/** Encodes one frame into fresh memory, so the caller's bytes may change afterwards. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.byteLength);
  writeFrameHeader(frame, type, [payload]);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Writes the fixed part of the frame around a payload, given in pieces, to the start of `target`. Throws `RangeError` when the
 * payload is too large.
 */
export function writeFrameHeader(target: Buffer, type: FrameType, payload: readonly Uint8Array[]): void {
  let bytes = 0;
  for (const piece of payload) bytes += piece.byteLength;
  if (bytes > MAX_PAYLOAD_BYTES[type]) throw new RangeError(`${type} frame too large`);
  target.writeUInt32BE(MAGIC, 0);
  target.writeUInt32BE(TYPE_CODES[type] * 2 ** 24, 4);
  target.writeUInt32BE(bytes, 8);
  let crc = platform.crc32(target.subarray(0, CRC_OFFSET));
  for (const piece of payload) crc = platform.crc32(piece, crc);
  target.writeUInt32BE(crc, CRC_OFFSET);
}

function frameCrc(header: Uint8Array, payload: Uint8Array): number {
  return platform.crc32(payload, platform.crc32(header.subarray(0, CRC_OFFSET)));
}

/** The fixed part of a frame, or why these 16 bytes are none. */
export type FrameHeader =
  | { readonly ok: true; readonly type: FrameType; readonly payloadBytes: number }
  | { readonly ok: false; readonly reason: string };

/** Reads the fixed part of a frame. Unknown types and reserved bits are refused: v1 readers skip nothing. */
export function decodeFrameHeader(header: Buffer): FrameHeader {
  if (header.byteLength < FRAME_HEADER_BYTES) return { ok: false, reason: 'frame cut short' };
  if (header.readUInt32BE(0) !== MAGIC) return { ok: false, reason: 'no frame starts here' };
  const type = TYPES_BY_CODE.get(header.readUInt8(4));
  if (type === undefined) return { ok: false, reason: 'unknown frame type' };
  if (header.readUInt8(5) !== 0 || header.readUInt16BE(6) !== 0) return { ok: false, reason: 'reserved bits set' };
  const payloadBytes = header.readUInt32BE(8);
  if (payloadBytes > MAX_PAYLOAD_BYTES[type]) return { ok: false, reason: 'frame longer than its type allows' };
  return { ok: true, type, payloadBytes };
}

/** True when header and payload carry the CRC they were written with. */
export function isFrameIntact(header: Buffer, payload: Uint8Array): boolean {
  return header.readUInt32BE(CRC_OFFSET) === frameCrc(header, payload);
}

/** Where the next possible frame of `type` starts at or after `from`; -1 when there is none. */
export function findFrame(bytes: Buffer, type: FrameType, from: number): number {
  const start = Buffer.alloc(5);
  start.writeUInt32BE(MAGIC, 0);
  start.writeUInt8(TYPE_CODES[type], 4);
  return bytes.indexOf(start, from);
}
