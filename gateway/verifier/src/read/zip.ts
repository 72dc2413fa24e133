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
/** The 64-bit record and what points to it, before the end. */
const END_64_BYTES = 56 + 20;
const END_MAGIC = 0x06054b50;
const END_64_MAGIC = 0x06064b50;
const LOCATOR_64_MAGIC = 0x07064b50;
const EXTRA_64_ID = 1;
const MAX_16 = 0xffff;
/** In the place of a number that stands in a 64-bit field. */
const MAX_32 = 0xffff_ffff;
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
 * the same, paths are plain and each stands once, and nothing unusual is asked for: no encryption, no comments, no parts, no further
 * fields but 64-bit numbers, and those exactly where a number needs them. Times, version numbers and attributes are not looked at.
 */
export async function listZip(archive: RandomAccess): Promise<readonly ZipEntry[]> {
  const { count, from, to } = await readEnd(archive);
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

interface Table {
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

const MISPLACED = 'the table of contents is not where the archive says';

async function readEnd(archive: RandomAccess): Promise<Table> {
  if (archive.size < END_BYTES) throw new ZipError('not a zip archive');
  const end = asBuffer(await archive.read(archive.size - END_BYTES, END_BYTES));
  if (end.byteLength < END_BYTES || end.readUInt32LE(0) !== END_MAGIC)
    throw new ZipError('the archive does not end as a zip archive does');
  const [count, size, from] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
  const isWhole = end.readUInt32LE(4) === 0 && end.readUInt16LE(8) === count && end.readUInt16LE(20) === 0;
  if (!isWhole) throw new ZipError(MISPLACED);
  const is64 = count === MAX_16 || size === MAX_32 || from === MAX_32;
  const table = is64 ? await readEnd64(archive) : { count, from, to: archive.size - END_BYTES };
  const told = [Math.min(table.count, MAX_16), Math.min(table.to - table.from, MAX_32), Math.min(table.from, MAX_32)];
  if ([count, size, from].some((value, at) => value !== told[at])) throw new ZipError(MISPLACED);
  return table;
}

/** The record that holds what the end has no room for; both stand directly before it. */
async function readEnd64(archive: RandomAccess): Promise<Table> {
  const to = archive.size - END_BYTES - END_64_BYTES;
  const bytes = to < 0 ? Buffer.alloc(0) : asBuffer(await archive.read(to, END_64_BYTES));
  const isWhole =
    bytes.byteLength === END_64_BYTES &&
    bytes.readUInt32LE(0) === END_64_MAGIC &&
    readUInt64LE(bytes, 4) === 44 &&
    bytes.readUInt32LE(16) === 0 &&
    bytes.readUInt32LE(20) === 0 &&
    readUInt64LE(bytes, 24) === readUInt64LE(bytes, 32) &&
    bytes.readUInt32LE(56) === LOCATOR_64_MAGIC &&
    bytes.readUInt32LE(60) === 0 &&
    readUInt64LE(bytes, 64) === to &&
    bytes.readUInt32LE(72) === 1;
  if (!isWhole) throw new ZipError(MISPLACED);
  const from = readUInt64LE(bytes, 48);
  if (from + readUInt64LE(bytes, 40) !== to) throw new ZipError(MISPLACED);
  return { count: readUInt64LE(bytes, 32), from, to };
}

function readUInt64LE(bytes: Buffer, offset: number): number {
  const value = bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw new ZipError('a number is too large');
  return value;
}

/** The numbers in a further field: those whose own places hold `MAX_32`, in order. Any other field is refused, and any that is not needed. */
function readExtra(extra: Buffer, told: readonly number[]): readonly number[] {
  const wanted = told.filter((value) => value === MAX_32).length;
  if (extra.byteLength !== (wanted === 0 ? 0 : 4 + wanted * 8)) throw new ZipError('an entry holds more than a file');
  if (wanted === 0) return told;
  if (extra.readUInt16LE(0) !== EXTRA_64_ID || extra.readUInt16LE(2) !== wanted * 8)
    throw new ZipError('an entry holds more than a file');
  let at = 4;
  return told.map((value) => {
    if (value !== MAX_32) return value;
    at += 8;
    return readUInt64LE(extra, at - 8);
  });
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
  const extraBytes = fixed.readUInt16LE(30);
  // Length of a comment, number of the part, internal attributes.
  if ([32, 34, 36].some((offset) => fixed.readUInt16LE(offset) !== 0))
    throw new ZipError('an entry holds more than a file');
  const nameEnd = at + CENTRAL_BYTES + nameBytes;
  const end = nameEnd + extraBytes;
  const extra = bytes.subarray(nameEnd, end);
  if (extra.byteLength < extraBytes) throw new ZipError('the table of contents cannot be read');
  const told = [fixed.readUInt32LE(24), fixed.readUInt32LE(20), fixed.readUInt32LE(42)];
  const [size = 0, storedSize = 0, localOffset = 0] = readExtra(extra, told);
  if ([size, storedSize, localOffset].some((value, index) => Math.min(value, MAX_32) !== told[index]))
    throw new ZipError('a number stands in a larger field than it needs');
  const entry = {
    path: readPath(bytes.subarray(at + CENTRAL_BYTES, nameEnd), nameBytes),
    flags: fixed.readUInt16LE(8),
    method: fixed.readUInt16LE(10),
    crc: fixed.readUInt32LE(16),
    storedSize,
    size,
    localOffset,
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
  const isLarge = size >= MAX_32 || storedSize >= MAX_32;
  const nameEnd = LOCAL_BYTES + path.length;
  const headBytes = nameEnd + (isLarge ? 4 + 16 : 0);
  const head = asBuffer(await archive.read(localOffset, headBytes));
  if (head.byteLength < headBytes || head.readUInt32LE(0) !== LOCAL_MAGIC)
    throw new ZipError('a file does not start where the table says');
  const isApart = (flags & HAS_DESCRIPTOR) !== 0;
  if (isApart && isLarge) throw new ZipError('an entry is encrypted, or unusual');
  const told = isLarge ? [MAX_32, MAX_32] : [storedSize, size];
  const said = isApart ? [0, 0, 0] : [crc, ...told];
  const isSame =
    head.readUInt16LE(6) === flags &&
    head.readUInt16LE(8) === method &&
    [14, 18, 22].every((offset, index) => head.readUInt32LE(offset) === said[index]) &&
    head.readUInt16LE(26) === path.length &&
    head.readUInt16LE(28) === headBytes - nameEnd &&
    head.subarray(LOCAL_BYTES, nameEnd).toString('latin1') === path;
  if (!isSame) throw new ZipError("a file's header says something else than the table");
  const [largeSize, largeStored] = isLarge ? readExtra(head.subarray(nameEnd), told) : [size, storedSize];
  if (largeSize !== size || largeStored !== storedSize)
    throw new ZipError("a file's header says something else than the table");
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
