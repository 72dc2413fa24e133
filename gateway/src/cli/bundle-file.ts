import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  BUNDLE_FILES,
  type BundleScope,
  encodeScope,
  type RecordingSource,
  type SourceFile,
  type Trust,
} from '@piste/verifier';
import { errorCode } from '../errors.js';
import { MAX_32 } from './zip-headers.js';
import { createZip, type Pieces } from './zip-writer.js';

const READ_BYTES = 1024 * 1024;
/** A line of `records.jsonl` is at most this many times as long as what it tells of: every byte of a text may be escaped. */
const MAX_LINE_RATIO = 7;

/** What makes one bundle differ from another. */
export interface BundleContent {
  readonly scope: BundleScope;
  /** `README.txt`. */
  readonly readme: string;
  readonly trust: Trust | undefined;
  readonly files: readonly BundleMember[];
  /** `records.jsonl`; may be asked for twice. */
  readonly lines: () => AsyncIterable<Uint8Array>;
}

/** A file of the recording, or of a session's records. */
export interface BundleMember {
  readonly path: string;
  readonly size: number;
  readonly pieces: () => Pieces;
}

/** A member that is this file of a recording. */
export function memberOf(source: RecordingSource, file: SourceFile, path: string): BundleMember {
  return { path, size: file.size, pieces: () => piecesOf(source, file) };
}

/** A member with these bytes. */
export function memberWith(path: string, text: string): BundleMember {
  const bytes = Buffer.from(text, 'utf8');
  return { path, size: bytes.byteLength, pieces: () => [bytes] };
}

async function* piecesOf(source: RecordingSource, { path, size }: SourceFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += READ_BYTES) yield await source.read(path, at, Math.min(READ_BYTES, size - at));
}

/** Says how far a bundle is, and ends the making of it by throwing. */
export type OnWritten = (bytes: number) => void;

/**
 * Writes a bundle; gives its size. A file that is there is left alone; of a bundle that could not be finished nothing is left. Rejects
 * with what a person can read.
 */
export async function writeBundle(path: string, content: BundleContent, onWritten: OnWritten): Promise<number> {
  const zip = await createZip(path).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw new Error(`${path} is there already, and a bundle replaces nothing`);
  });
  try {
    const sums = new Map<string, string>();
    const watched = (pieces: Pieces): AsyncIterable<Uint8Array> => watch(pieces, () => onWritten(zip.written));
    async function add({ path: name, size, pieces }: BundleMember): Promise<void> {
      sums.set(name, await zip.add(name, size, watched(pieces())));
    }
    await add(memberWith(BUNDLE_FILES.readme, content.readme));
    await add(memberWith(BUNDLE_FILES.page, await readPage()));
    await add(memberWith(BUNDLE_FILES.scope, encodeScope(content.scope)));
    if (content.trust !== undefined)
      await add(memberWith(BUNDLE_FILES.trust, encodeTrustOf(content.trust, new Set(content.scope.logs))));
    for (const file of content.files) await add(file);
    await addLines(content, async (size, lines) => {
      const { records } = BUNDLE_FILES;
      const pieces = watched(lines);
      sums.set(
        records,
        size === undefined ? await zip.addSmall(records, pieces) : await zip.add(records, size, pieces),
      );
    });
    const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
    await add(memberWith(BUNDLE_FILES.sums, sorted.map(([name, sum]) => `${sum}  ${name}\n`).join('')));
    await zip.finish();
    return zip.written;
  } catch (error) {
    await zip.abandon();
    await rm(path, { force: true });
    throw NO_ROOM.has(errorCode(error)) ? new Error(noRoom(path, zip.written), { cause: error }) : error;
  }
}

const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function noRoom(path: string, written: number): string {
  return `${path}: the disk was full after ${written} bytes; nothing of the bundle is left there`;
}

async function* watch(pieces: Pieces, onPiece: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    onPiece();
    yield piece;
  }
}

/** A file of 4 GiB has another header, which stands before it: where the lines may be as many, they are counted first. */
async function addLines(
  { files, lines }: BundleContent,
  add: (size: number | undefined, pieces: Pieces) => Promise<void>,
): Promise<void> {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes * MAX_LINE_RATIO < MAX_32) return add(undefined, lines());
  let size = 0;
  for await (const line of lines()) size += line.byteLength;
  return add(size, lines());
}

function readPage(): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve('@piste/verifier/verify.html')), 'utf8');
}

/** What the trust file says of the logs in the bundle, and of the deployment. */
function encodeTrustOf(trust: Trust, logs: ReadonlySet<string>): string {
  const isHere = (name: string): boolean => logs.has(name.slice(name.lastIndexOf('/') + 1));
  const registryName = trust.registry?.slice(0, trust.registry.indexOf('+'));
  const writers = trust.writers.filter((vkey) => isHere(vkey.slice(0, vkey.indexOf('+'))));
  const checkpoints = trust.checkpoints.filter(({ origin }) => isHere(origin) || origin === registryName);
  return `${JSON.stringify({ v: 1, ...trust, writers, checkpoints }, undefined, 2)}\n`;
}
