import type { Entry } from '@piste/verifier';
import type { Receipt } from './receipt.js';

/** The record of a part of a large result was taken. */
export interface Taken {
  /** Resolves when it is durable, and with it the records of its pieces. */
  readonly written: Promise<Receipt>;
}

export interface PartRecordsDeps {
  readonly append: (entry: Entry) => Promise<Receipt>;
  /** Resolves to what gives the room back; rejects when there is none in time. */
  readonly room: (bytes: number) => Promise<() => void>;
  readonly random: (byteCount: number) => Uint8Array;
}

/** A longer part is recorded in pieces of this size, so that no record needs much of the queue. */
export const PIECE_BYTES = 16 * 1024 * 1024;
const ID_BYTES = 8;

/**
 * Takes records of parts in the pace of the disk: docs/recording-format.md, "What left". Rejects when there is no room in time; pieces
 * taken until then stay in the log and say of nothing that it left.
 */
export function createPartRecords({ append, room, random }: PartRecordsDeps): (entry: Entry) => Promise<Taken> {
  async function take(entry: Entry): Promise<Taken> {
    const giveBack = await room(entry.bodies.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    try {
      const written = append(entry);
      // Whoever waits for it is told; until then it must not count as unhandled.
      written.catch(() => undefined);
      return { written };
    } finally {
      giveBack();
    }
  }

  return async (entry) => {
    const [body] = entry.bodies;
    if (entry.kind !== 'chunk' || body === undefined || body.bytes.byteLength <= PIECE_BYTES) return take(entry);
    const id = Buffer.from(random(ID_BYTES)).toString('hex');
    const { name, bytes } = body;
    const count = Math.ceil(bytes.byteLength / PIECE_BYTES) - 1;
    const pieceAt = (number: number) => ({
      name,
      bytes: bytes.subarray(number * PIECE_BYTES, (number + 1) * PIECE_BYTES),
    });
    const { qid = null, n = null } = entry.fields;
    const pieces: Promise<Receipt>[] = [];
    for (let number = 0; number < count; number += 1) {
      const fields = { qid, n, id, p: number };
      const piece = await take({ ...entry, kind: 'chunk.piece', fields, bodies: [pieceAt(number)] });
      pieces.push(piece.written);
    }
    const last = await take({
      ...entry,
      fields: { ...entry.fields, pieces: { id, count } },
      bodies: [pieceAt(count)],
    });
    const written = Promise.all([last.written, ...pieces]).then(([receipt]) => receipt);
    written.catch(() => undefined);
    return { written };
  };
}
