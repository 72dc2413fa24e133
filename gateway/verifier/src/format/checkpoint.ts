import { decodeCanonicalBase64 } from './signed-note.js';

const HASH_BYTES = 32;
/** `prev` of a log's first commit. */
export const NO_PREVIOUS_COMMIT = Buffer.alloc(HASH_BYTES);

/** What a commit signs: the log's name, its size, its root, and the commit before it. */
export interface CommitText {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** SHA-256 of the previous commit's payload. */
  readonly previous: Buffer;
}

/** Text of a C2SP checkpoint (c2sp.org/tlog-checkpoint) without extension lines, for publication. */
export function encodeCheckpointText({ origin, size, root }: Omit<CommitText, 'previous'>): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Text of a commit: a checkpoint with the one extension line `prev <base64>`. */
export function encodeCommitText(commit: CommitText): string {
  return `${encodeCheckpointText(commit)}prev ${commit.previous.toString('base64')}\n`;
}

/** Reads a checkpoint's text, extension lines aside; undefined when it is none. */
export function parseCheckpointText(text: string): Omit<CommitText, 'previous'> | undefined {
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.split('\n');
  if (rest.pop() !== '' || rest.includes('') || origin === '' || !/^(0|[1-9][0-9]{0,15})$/.test(sizeText))
    return undefined;
  const root = decodeCanonicalBase64(rootText);
  const size = Number(sizeText);
  return root?.byteLength === HASH_BYTES && Number.isSafeInteger(size) ? { origin, size, root } : undefined;
}

/** Reads a commit's text; undefined unless encoding it again gives the same text. */
export function parseCommitText(text: string): CommitText | undefined {
  const [origin, sizeText, rootText, previousLine] = text.split('\n');
  if (origin === undefined || sizeText === undefined || rootText === undefined) return undefined;
  if (!previousLine?.startsWith('prev ') || !/^\d{1,16}$/.test(sizeText)) return undefined;
  const root = decodeCanonicalBase64(rootText);
  const previous = decodeCanonicalBase64(previousLine.slice('prev '.length));
  if (root?.byteLength !== HASH_BYTES || previous?.byteLength !== HASH_BYTES) return undefined;
  const commit = { origin, size: Number(sizeText), root, previous };
  return encodeCommitText(commit) === text ? commit : undefined;
}
