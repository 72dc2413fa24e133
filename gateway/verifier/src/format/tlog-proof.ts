import { parseCheckpointText } from './checkpoint.js';
import { type Note, parseNote } from './note.js';
import { decodeCanonicalBase64 } from './signed-note.js';
import { MAX_PROOF_HASHES, verifyInclusion } from './tree-proof.js';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const HASH_BYTES = 32;
const MAX_PROOF_FILE_CHARACTERS = 1024 * 1024;

/** A proof that an entry stands in a log (c2sp.org/tlog-proof): one text file, checked offline. */
export interface TlogProof {
  /** Not authenticated by anything. */
  readonly extra?: Uint8Array;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The signed, perhaps cosigned checkpoint, verbatim. */
  readonly checkpoint: string;
}

/** The text of a proof file. */
export function encodeTlogProof({ extra, index, hashes, checkpoint }: TlogProof): string {
  const lines = [
    FIRST_LINE,
    ...(extra === undefined ? [] : [`extra ${Buffer.from(extra).toString('base64')}`]),
    `index ${index}`,
    ...hashes.map((hash) => Buffer.from(hash).toString('base64')),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Reads a proof file; undefined when it is none. Nothing of it is verified. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const gap = text.indexOf('\n\n');
  if (gap < 0 || text.length > MAX_PROOF_FILE_CHARACTERS) return undefined;
  const [first, ...lines] = text.slice(0, gap).split('\n');
  if (first !== FIRST_LINE) return undefined;
  const extraLine = lines[0]?.startsWith('extra ') === true ? lines.shift() : undefined;
  const extra = extraLine === undefined ? undefined : decodeCanonicalBase64(extraLine.slice('extra '.length));
  if (extraLine !== undefined && extra === undefined) return undefined;
  const digits = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const index = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(index) || lines.length > MAX_PROOF_HASHES) return undefined;
  const hashes = lines.map(decodeCanonicalBase64);
  if (!hashes.every((hash) => hash?.byteLength === HASH_BYTES)) return undefined;
  const proof = { index, hashes: hashes.filter((hash) => hash !== undefined), checkpoint: text.slice(gap + 2) };
  return extra === undefined ? proof : { ...proof, extra };
}

/**
 * True when the proof shows a leaf with this hash in the log of this origin and `accept` takes the checkpoint's signatures:
 * the log's own, and as many cosignatures as the caller's policy wants.
 */
export async function verifyTlogProof(
  proof: TlogProof,
  {
    leafHash,
    origin,
    accept,
  }: { leafHash: Uint8Array; origin: string; accept: (note: Note) => boolean | Promise<boolean> },
): Promise<boolean> {
  const note = parseNote(Buffer.from(proof.checkpoint, 'utf8'));
  const checkpoint = note === undefined ? undefined : parseCheckpointText(note.text);
  if (note === undefined || checkpoint?.origin !== origin || !(await accept(note))) return false;
  const { size, root } = checkpoint;
  return verifyInclusion({ leafHash, index: proof.index, size, root, proof: proof.hashes });
}
