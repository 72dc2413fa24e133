import {
  decodeBundle,
  decodeCanonicalBase64,
  encodeBundle,
  isSignedBy,
  type NoteSigner,
  type NoteVerifier,
  parseNote,
} from '@piste/verifier';

const FIRST_LINE = 'piste registry append v1';

/** What is to stand in the registry from an index on: the first of these to be stored at that index is what will stand there. */
export interface Proposal {
  readonly origin: string;
  /** Size of the tree it continues. */
  readonly from: number;
  /** Root of the tree with its entries. */
  readonly root: Buffer;
  readonly entries: readonly Buffer[];
}

/** Path of the proposal that continues a tree of this size. */
export function proposalPath(from: number): string {
  return `append/${from}`;
}

/**
 * The bytes of a proposal: a signed note, so that nobody but a holder of the identity key gets entries into the log. Its text
 * is no checkpoint's: of two proposals for one index at most one becomes a tree that was ever signed.
 */
export function encodeProposal({ origin, from, root, entries }: Proposal, signer: NoteSigner): Buffer {
  const lines = [FIRST_LINE, origin, String(from), String(entries.length), root.toString('base64')];
  return Buffer.from(signer.signNote(`${lines.join('\n')}\n${encodeBundle(entries).toString('base64')}\n`), 'utf8');
}

/** Reads a proposal; undefined unless this key signed it for this origin and size. */
export async function openProposal(
  bytes: Uint8Array,
  { origin, from, verifier }: { origin: string; from: number; verifier: NoteVerifier },
): Promise<Proposal | undefined> {
  const note = parseNote(bytes);
  if (note === undefined || !(await isSignedBy(note, verifier))) return undefined;
  const [first, name, size, count, rootText, bundleText, end, ...rest] = note.text.split('\n');
  if (first !== FIRST_LINE || name !== origin || size !== String(from) || end !== '' || rest.length > 0)
    return undefined;
  const root = decodeCanonicalBase64(rootText ?? '');
  const bundle = decodeCanonicalBase64(bundleText ?? '');
  const entries = bundle === undefined ? undefined : decodeBundle(bundle, Number(count));
  return root === undefined || entries === undefined || entries.length === 0
    ? undefined
    : { origin, from, root, entries };
}
