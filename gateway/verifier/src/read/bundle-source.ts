import { platform } from '../platform/index.js';
import type { RecordingSource } from './source.js';
import { inflateEntry, listZip, type RandomAccess, type ZipEntry } from './zip.js';

/** Where a bundle's recording lies in it. */
export const RECORDING_FOLDER = 'recording/';
/** Where a session bundle's records lie in it. */
export const SESSION_FOLDER = 'session/';
const READ_BYTES = 1024 * 1024;

/** An evidence bundle, opened. */
export interface Bundle {
  /** The recording in it. */
  readonly recording: RecordingSource;
  /** The records of a session in it, see `verifySession`. */
  readonly session: RecordingSource;
  /** All files, in the order they lie in. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** A whole file. Rejects when there is none. */
  readFile(path: string): Promise<Buffer>;
  /** SHA-256 (hex) of a file, and whether its checksum in the archive is right. */
  digest(path: string): Promise<{ readonly sha256: string; readonly isIntact: boolean }>;
}

/** Opens a bundle. Rejects with `ZipError` when it is no archive that every byte of can be accounted for. */
export async function openBundle(label: string, archive: RandomAccess): Promise<Bundle> {
  const entries = new Map((await listZip(archive)).map((entry) => [entry.path, entry]));
  let unpacked: { readonly path: string; readonly bytes: Uint8Array } | undefined;

  function entryOf(path: string): ZipEntry {
    const entry = entries.get(path);
    if (entry === undefined) throw new Error(`there is no ${path} in ${label}`);
    return entry;
  }

  async function read(path: string, from: number, length: number): Promise<Uint8Array> {
    const entry = entryOf(path);
    if (!entry.isDeflated) return archive.read(entry.offset + from, Math.max(0, Math.min(length, entry.size - from)));
    if (unpacked?.path !== path) unpacked = { path, bytes: await inflateEntry(archive, entry) };
    return unpacked.bytes.subarray(from, from + length);
  }

  const files = [...entries.values()].map(({ path, size }) => ({ path, size }));

  function below(folder: string): RecordingSource {
    const own = files
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, size }) => ({ path: path.slice(folder.length), size }));
    return Object.freeze({
      label,
      list: async () => own,
      read: (path: string, from: number, length: number) => read(`${folder}${path}`, from, length),
      close: () => Promise.resolve(),
    });
  }

  return Object.freeze({
    files,
    recording: below(RECORDING_FOLDER),
    session: below(SESSION_FOLDER),
    async readFile(path: string) {
      return Buffer.from(await read(path, 0, entryOf(path).size));
    },
    async digest(path: string) {
      const { size, crc } = entryOf(path);
      const hash = platform.createSha256();
      let seen = 0;
      for (let at = 0; at < size; at += READ_BYTES) {
        const piece = await read(path, at, Math.min(READ_BYTES, size - at));
        seen = platform.crc32(piece, seen);
        hash.update(piece);
      }
      return { sha256: hash.digest().toString('hex'), isIntact: seen === crc };
    },
  });
}
