import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platform } from '../platform/index.js';
import { inflateEntry, listZip, type RandomAccess } from './zip.js';

interface Part {
  readonly path: string;
  readonly bytes: Buffer;
  readonly packed?: boolean;
  readonly apart?: boolean;
}

function open(bytes: Buffer): RandomAccess {
  return { size: bytes.byteLength, read: async (from, length) => bytes.subarray(from, from + length) };
}

/** A zip archive, written by hand: nothing of it comes from the reader. */
function zip(parts: readonly Part[]): Buffer {
  const files: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes, packed = false, apart = false } of parts) {
    const stored = packed ? deflateRawSync(bytes) : bytes;
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(platform.crc32(bytes), 0);
    sizes.writeUInt32LE(stored.byteLength, 4);
    sizes.writeUInt32LE(bytes.byteLength, 8);
    const kind = Buffer.alloc(10);
    kind.writeUInt16LE(20, 0);
    kind.writeUInt16LE(apart ? 8 : 0, 2);
    kind.writeUInt16LE(packed ? 8 : 0, 4);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(path.length, 0);
    const name = Buffer.from(path, 'latin1');
    const file = Buffer.concat([
      Buffer.from('PK\u0003\u0004'),
      kind,
      apart ? Buffer.alloc(12) : sizes,
      lengths,
      name,
      stored,
      ...(apart ? [Buffer.from('PK\u0007\u0008'), sizes] : []),
    ]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), kind, sizes, lengths, place, name]),
    );
    files.push(file);
    offset += file.byteLength;
  }
  const table = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(table.byteLength, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, table, end]);
}

const A: Part = { path: 'a.txt', bytes: Buffer.from('content of a') };
const B: Part = { path: 'folder/b.txt', bytes: Buffer.from('content of b, which is longer'), packed: true };
const C: Part = { path: 'c', bytes: Buffer.alloc(0), apart: true };
const SOUND = zip([A, B, C]);

async function complaintOf(bytes: Buffer): Promise<string> {
  try {
    const archive = open(bytes);
    for (const entry of await listZip(archive)) if (entry.isDeflated) await inflateEntry(archive, entry);
    return 'none';
  } catch (error) {
    if (error instanceof Error && error.name === 'ZipError') return error.message;
    throw error;
  }
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(SOUND);
  change(bytes);
  return bytes;
}

const localOf = (path: string): number => SOUND.indexOf(path) - 30;
const centralOf = (path: string): number => SOUND.lastIndexOf(path) - 46;
const END = SOUND.byteLength - 22;

describe('a zip archive', () => {
  test('gives its files: stored, packed, with their sizes before or behind them', async () => {
    const archive = open(SOUND);
    const entries = await listZip(archive);
    expect(entries.map(({ path, size }) => [path, size])).toEqual([
      ['a.txt', 12],
      ['folder/b.txt', 29],
      ['c', 0],
    ]);
    const [a, b] = entries;
    if (a === undefined || b === undefined) throw new Error('two files expected');
    expect(await archive.read(a.offset, a.size)).toEqual(A.bytes);
    expect(Buffer.from(await inflateEntry(archive, b))).toEqual(B.bytes);
    expect(await complaintOf(zip([]))).toBe('none');
  });

  test.each([
    ['is empty', Buffer.alloc(0), 'not a zip archive'],
    ['is something else', Buffer.alloc(100, 'x'), 'the archive does not end as a zip archive does'],
    [
      'has bytes before it',
      Buffer.concat([Buffer.from('x'), SOUND]),
      'the table of contents is not where the archive says',
    ],
    ['has bytes behind it', Buffer.concat([SOUND, Buffer.from('x')]), 'the archive does not end as a zip archive does'],
    [
      'has a comment',
      changed((bytes) => bytes.writeUInt16LE(1, END + 20)),
      'the table of contents is not where the archive says',
    ],
    [
      'is of several parts',
      changed((bytes) => bytes.writeUInt16LE(1, END + 4)),
      'the table of contents is not where the archive says',
    ],
    [
      'counts another number of files',
      changed((bytes) => {
        bytes.writeUInt16LE(2, END + 8);
        bytes.writeUInt16LE(2, END + 10);
      }),
      'the table of contents is not as long as it says',
    ],
    ['has a path twice', zip([A, { ...A, bytes: Buffer.from('other') }]), 'a path stands twice'],
    [
      'has two files in one place',
      changed((bytes) => bytes.writeUInt32LE(0, centralOf('folder/b.txt') + 42)),
      'files overlap, or bytes between them belong to none',
    ],
    [
      'has bytes between its files',
      Buffer.concat([zip([A]).subarray(0, 47), Buffer.from('hidden'), shift(zip([A]).subarray(47), 6)]),
      'bytes before the table of contents belong to no file',
    ],
    [
      'says another name at the file',
      changed((bytes) => bytes.write('A', localOf('a.txt') + 30)),
      "a file's header says something else than the table",
    ],
    [
      'says another size at the file',
      changed((bytes) => bytes.writeUInt32LE(1, localOf('a.txt') + 22)),
      "a file's header says something else than the table",
    ],
    [
      'has further fields',
      changed((bytes) => bytes.writeUInt16LE(4, centralOf('a.txt') + 30)),
      'an entry holds more than a file',
    ],
    [
      'is encrypted',
      changed((bytes) => bytes.writeUInt16LE(1, centralOf('a.txt') + 8)),
      'an entry is encrypted, or unusual',
    ],
    [
      'is packed in another way',
      changed((bytes) => bytes.writeUInt16LE(12, centralOf('a.txt') + 10)),
      'an entry is packed in an unknown way',
    ],
    [
      'claims an enormous file',
      changed((bytes) => bytes.writeUInt32LE(0xfffffffe, centralOf('folder/b.txt') + 24)),
      'a packed entry is too long',
    ],
    [
      'unpacks to something longer',
      changed((bytes) => {
        bytes.writeUInt32LE(28, localOf('folder/b.txt') + 22);
        bytes.writeUInt32LE(28, centralOf('folder/b.txt') + 24);
      }),
      'folder/b.txt cannot be unpacked',
    ],
    ['has a path upwards', zip([{ ...A, path: '../a' }]), 'a path is not a plain one'],
    ['has an absolute path', zip([{ ...A, path: '/a' }]), 'a path is not a plain one'],
    ['has a path with a backslash', zip([{ ...A, path: 'a\\b' }]), 'a path is not a plain one'],
    ['has a folder', zip([{ ...A, path: 'a/' }]), 'a path is not a plain one'],
    ['has a path with a line break', zip([{ ...A, path: 'a\nb' }]), 'a path is not a plain one'],
  ])('that %s is refused', async (_, bytes, complaint) => {
    expect(await complaintOf(bytes)).toBe(complaint);
  });

  test('is refused, or the same, with any bit flipped', async () => {
    const same: number[] = [];
    const archive = open(SOUND);
    const listed = JSON.stringify(await listZip(archive));
    for (let bit = 0; bit < SOUND.byteLength * 8; bit += 1) {
      const bytes = Buffer.from(SOUND);
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      if ((await complaintOf(bytes)) === 'none') {
        // Versions, times and attributes are not looked at, and a stored file's bytes are its reader's business.
        expect(JSON.stringify(await listZip(open(bytes)))).toBe(listed);
        same.push(bit >> 3);
      }
    }
    expect(new Set(same).size).toBeLessThan(80);
  });

  test('never makes the reader fail in another way, whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(SOUND.byteLength), async (noise, at) => {
        const bytes = Buffer.from(SOUND);
        bytes.set(noise.subarray(0, bytes.byteLength - at), at);
        await complaintOf(bytes);
        await complaintOf(Buffer.from(noise));
        await complaintOf(SOUND.subarray(at));
      }),
    );
  });
});

/** A table of contents and end moved by some bytes. */
function shift(table: Buffer, by: number): Buffer {
  const moved = Buffer.from(table);
  const end = moved.byteLength - 22;
  moved.writeUInt32LE(moved.readUInt32LE(end + 16) + by, end + 16);
  return moved;
}
