import { platform } from '../platform/index.js';
import { asBuffer } from './source.js';

/** Bytes that can be read anywhere: a file, or one chosen in a browser. */
export interface RandomAccess {
  readonly size: number;
  read(from: number, length: number): Promise<Uint8Array>;
}

/** A file in a zip archive. */
export interface ZipEntry {
  readonly path: string;
  /** Bytes, not compressed. */
  readonly size: number;
  readonly crc: number;
  /** Where its bytes start in the archive. */
  readonly offset: number;
  /** Bytes in the archive. */
  readonly storedSize: number;
  readonly isDeflated: boolean;
}

/** The archive is not one this reader accepts; the message says why. */
export class ZipError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ZipError';
  }
}

const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;
const END_MAGIC = 0x06054b50;
const CENTRAL_MAGIC = 0x02014b50;
const LOCAL_MAGIC = 0x04034b50;
const DESCRIPTOR_MAGIC = 0x08074b50;
const HAS_DESCRIPTOR = 0x0008;
const IS_UTF8 = 0x0800;
/** A table of contents is read whole. */
const MAX_CENTRAL_BYTES = 64 * 1024 * 1024;
/** Deflated files are unpacked whole. */
export const MAX_INFLATED_BYTES = 256 * 1024 * 1024;
const PATH = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;

/**
 * Lists a zip archive. Throws `ZipError` unless its table and its files cover every byte exactly once, each file's two headers say
 * the same, paths are plain and each stands once, and nothing unusual is asked for: no encryption, no further fields or comments,
 * no parts, nothing beyond 4 GiB. Times, version numbers and attributes are not looked at.
 */
export async function listZip(archive: RandomAccess): Promise<readonly ZipEntry[]> {
  const { count, from } = await readEnd(archive);
  const to = archive.size - END_BYTES;
  if (to - from > MAX_CENTRAL_BYTES) throw new ZipError('the table of contents is too long');
  const central = asBuffer(await archive.read(from, to - from));
  const listed: CentralEntry[] = [];
  let at = 0;
  while (at < central.byteLength) {
    const entry = readCentral(central, at);
    listed.push(entry);
    at = entry.end;
  }
  if (at !== central.byteLength || listed.length !== count)
    throw new ZipError('the table of contents is not as long as it says');
  if (new Set(listed.map(({ path }) => path)).size < listed.length) throw new ZipError('a path stands twice');
  const entries: ZipEntry[] = [];
  let covered = 0;
  for (const entry of listed.toSorted((a, b) => a.localOffset - b.localOffset)) {
    if (entry.localOffset !== covered) throw new ZipError('files overlap, or bytes between them belong to none');
    const read = await readLocal(archive, entry);
    entries.push(read.entry);
    covered = read.end;
  }
  if (covered !== from) throw new ZipError('bytes before the table of contents belong to no file');
  return entries;
}

async function readEnd(archive: RandomAccess): Promise<{ readonly count: number; readonly from: number }> {
  if (archive.size < END_BYTES) throw new ZipError('not a zip archive');
  const end = asBuffer(await archive.read(archive.size - END_BYTES, END_BYTES));
  if (end.byteLength < END_BYTES || end.readUInt32LE(0) !== END_MAGIC)
    throw new ZipError('the archive does not end as a zip archive does');
  const count = end.readUInt16LE(10);
  const size = end.readUInt32LE(12);
  const from = end.readUInt32LE(16);
  const isWhole = end.readUInt32LE(4) === 0 && end.readUInt16LE(8) === count && end.readUInt16LE(20) === 0;
  if (!isWhole || from + size + END_BYTES !== archive.size)
    throw new ZipError('the table of contents is not where the archive says');
  return { count, from };
}

/** What both headers of a file say. */
interface EntryHeader {
  readonly path: string;
  readonly flags: number;
  readonly method: number;
}

interface CentralEntry extends EntryHeader {
  readonly crc: number;
  readonly storedSize: number;
  readonly size: number;
  readonly localOffset: number;
  readonly end: number;
}

function readCentral(bytes: Buffer, at: number): CentralEntry {
  const fixed = bytes.subarray(at, at + CENTRAL_BYTES);
  if (fixed.byteLength < CENTRAL_BYTES || fixed.readUInt32LE(0) !== CENTRAL_MAGIC)
    throw new ZipError('the table of contents cannot be read');
  const nameBytes = fixed.readUInt16LE(28);
  // Lengths of further fields and comment, number of the part, internal attributes.
  if ([30, 32, 34, 36].some((offset) => fixed.readUInt16LE(offset) !== 0))
    throw new ZipError('an entry holds more than a file');
  const end = at + CENTRAL_BYTES + nameBytes;
  const entry = {
    path: readPath(bytes.subarray(at + CENTRAL_BYTES, end), nameBytes),
    flags: fixed.readUInt16LE(8),
    method: fixed.readUInt16LE(10),
    crc: fixed.readUInt32LE(16),
    storedSize: fixed.readUInt32LE(20),
    size: fixed.readUInt32LE(24),
    localOffset: fixed.readUInt32LE(42),
    end,
  };
  checkKind(entry);
  return entry;
}

function readPath(bytes: Buffer, expected: number): string {
  const path = bytes.toString('latin1');
  if (
    bytes.byteLength !== expected ||
    !PATH.test(path) ||
    path.split('/').some((name) => name === '.' || name === '..')
  )
    throw new ZipError('a path is not a plain one');
  return path;
}

function checkKind({ flags, method, size, storedSize }: CentralEntry): void {
  if ((flags & ~(HAS_DESCRIPTOR | IS_UTF8)) !== 0) throw new ZipError('an entry is encrypted, or unusual');
  if (method !== 0 && method !== 8) throw new ZipError('an entry is packed in an unknown way');
  if (method === 0 && size !== storedSize) throw new ZipError('an entry has two lengths');
  if (method === 8 && size > MAX_INFLATED_BYTES) throw new ZipError('a packed entry is too long');
}

async function readLocal(
  archive: RandomAccess,
  entry: CentralEntry,
): Promise<{ readonly entry: ZipEntry; readonly end: number }> {
  const { path, flags, method, crc, storedSize, size, localOffset } = entry;
  const headBytes = LOCAL_BYTES + path.length;
  const head = asBuffer(await archive.read(localOffset, headBytes));
  if (head.byteLength < headBytes || head.readUInt32LE(0) !== LOCAL_MAGIC)
    throw new ZipError('a file does not start where the table says');
  const isApart = (flags & HAS_DESCRIPTOR) !== 0;
  const said = isApart ? [0, 0, 0] : [crc, storedSize, size];
  const isSame =
    head.readUInt16LE(6) === flags &&
    head.readUInt16LE(8) === method &&
    [14, 18, 22].every((offset, index) => head.readUInt32LE(offset) === said[index]) &&
    head.readUInt16LE(26) === path.length &&
    head.readUInt16LE(28) === 0 &&
    head.subarray(LOCAL_BYTES).toString('latin1') === path;
  if (!isSame) throw new ZipError("a file's header says something else than the table");
  const offset = localOffset + headBytes;
  let end = offset + storedSize;
  if (isApart) {
    const descriptor = asBuffer(await archive.read(end, DESCRIPTOR_BYTES));
    const words = [DESCRIPTOR_MAGIC, crc, storedSize, size];
    if (
      descriptor.byteLength < DESCRIPTOR_BYTES ||
      words.some((word, index) => descriptor.readUInt32LE(index * 4) !== word)
    )
      throw new ZipError('the words behind a file say something else than the table');
    end += DESCRIPTOR_BYTES;
  }
  return { entry: { path, size, crc, offset, storedSize, isDeflated: method === 8 }, end };
}

/** Unpacks a deflated file whole. Throws `ZipError` when its bytes are not those it was made of. */
export async function inflateEntry(
  archive: RandomAccess,
  { path, offset, storedSize, size, crc }: ZipEntry,
): Promise<Uint8Array> {
  const bytes = await platform.inflate(await archive.read(offset, storedSize), size);
  if (bytes === undefined || platform.crc32(bytes) !== crc) throw new ZipError(`${path} cannot be unpacked`);
  return bytes;
}
