import { closeSync, constants, fsyncSync, ftruncateSync, mkdirSync, openSync, writevSync } from 'node:fs';

/** One file being written, of which every write is durable when it returns. */
export interface DurableFile {
  /** May write less than asked, as the system call may; returns the bytes written, which are on stable storage. */
  writev(buffers: readonly Uint8Array[], position: number): number;
  /** Cuts the file to `length` bytes, durably. */
  truncate(length: number): void;
  /** Makes the file itself durable: that it exists, and its length. */
  sync(): void;
  close(): void;
}

/**
 * The few file operations durability rests on, as an interface so that a test can make each of them fail. They block: the
 * log is written by a thread that does nothing else.
 */
export interface FileOps {
  /** Creates a directory only its owner may enter, with its parents; one that exists is fine. */
  makeDirectory(path: string): void;
  /** Creates a file only its owner may read; fails if the name exists. */
  createFile(path: string): DurableFile;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): void;
}

// Where a system does not know the flag, the stronger one does.
const SYNCHRONOUS = constants.O_DSYNC ?? constants.O_SYNC;

/** The real file system. */
export const nodeFileOps: FileOps = Object.freeze({
  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  },
  createFile(path: string): DurableFile {
    const file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | SYNCHRONOUS, 0o600);
    return {
      writev: (buffers, position) => writevSync(file, buffers, position),
      truncate(length) {
        ftruncateSync(file, length);
        fsyncSync(file);
      },
      sync: () => fsyncSync(file),
      close: () => closeSync(file),
    };
  },
  syncDirectory(path: string): void {
    const directory = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  },
});

/** Buffers per call; Linux refuses more than 1024 (IOV_MAX). */
const MAX_BUFFERS = 512;

/**
 * Writes every byte, however little each call takes. A full disk shows first as a short write, so a count that does not
 * advance is an error like any other.
 */
export function writeFully(file: DurableFile, buffers: readonly Uint8Array[], position: number): number {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const written = file.writev(rest.slice(0, MAX_BUFFERS), at);
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
