import { createHash } from 'node:crypto';

const PIECE_BYTES = 1024 * 1024;

/** Hex SHA-256 of the pieces one after the other. Gives way to other work about every millisecond. */
export async function sha256OfPieces(pieces: readonly Uint8Array[]): Promise<string> {
  const hash = createHash('sha256');
  let since = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; at += PIECE_BYTES) {
      const part = piece.subarray(at, at + PIECE_BYTES);
      hash.update(part);
      since += part.byteLength;
      if (since < PIECE_BYTES) continue;
      since = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return hash.digest('hex');
}
