import { mkdir, open } from 'node:fs/promises';

/** One segment being written. */
export interface SegmentFile {
  /** May write less than asked, as the system call may; resolves to the bytes written. */
  writev(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Resolves once everything written so far is on stable storage. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** The few file operations durability rests on, as an interface so that a test can make each of them fail. */
export interface FileOps {
  /** Creates a directory only its owner may enter, with its parents; one that exists is fine. */
  makeDirectory(path: string): Promise<void>;
  /** Creates a file only its owner may read; fails if the name exists. */
  createFile(path: string): Promise<SegmentFile>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** The real file system. */
export const nodeFileOps: FileOps = Object.freeze({
  async makeDirectory(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  async createFile(path: string): Promise<SegmentFile> {
    const handle = await open(path, 'wx', 0o600);
    return {
      writev: async (buffers, position) => (await handle.writev([...buffers], position)).bytesWritten,
      datasync: () => handle.datasync(),
      close: () => handle.close(),
    };
  },
  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
});

/** Buffers per call; Linux refuses more than 1024 (IOV_MAX). */
const MAX_BUFFERS = 512;

/**
 * Writes every byte, however little each call takes. A full disk shows first as a short write, so a count that does not
 * advance is an error like any other.
 */
export async function writeFully(file: SegmentFile, buffers: readonly Uint8Array[], position: number): Promise<number> {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const written = await file.writev(rest.slice(0, MAX_BUFFERS), at);
    if (!Number.isSafeInteger(written) || written <= 0) throw new Error('write made no progress');
    at += written;
    rest = dropBytes(rest, written);
  }
  return at;
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.byteLength) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.byteLength;
  }
  if (left > 0) throw new Error('write reported more bytes than it was given');
  return [];
}
