import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openBundle, openFile, type RandomAccess } from '@piste/verifier';
import { encodeCentralHeader, encodeEnd, encodeLocalHeader, type StoredFile } from './zip-headers.js';
import { createZip } from './zip-writer.js';

const GIB = 2 ** 30;
const LIMIT = 2 ** 32 - 1;

/** An archive of files of these sizes, in which only headers are bytes: what is between is nowhere. */
function sparse(
  sizes: readonly number[],
  change: (headers: readonly Header[]) => readonly Header[] = (list) => list,
): RandomAccess {
  const headers: Header[] = [];
  const files: StoredFile[] = [];
  let at = 0;
  const put = (bytes: Buffer): void => {
    headers.push({ at, bytes });
    at += bytes.byteLength;
  };
  for (const [number, size] of sizes.entries()) {
    const file = { path: `f${number}`, size, crc: number, offset: at };
    files.push(file);
    put(encodeLocalHeader(file));
    at += size;
  }
  const offset = at;
  for (const file of files) put(encodeCentralHeader(file));
  put(encodeEnd({ count: files.length, offset, bytes: at - offset }));
  return reader(change(headers), at);
}

/** Nothing but these bytes where they stand, in order. */
function reader(changed: readonly Header[], size: number): RandomAccess {
  return {
    size,
    async read(from, length) {
      const bytes = Buffer.alloc(Math.min(length, size - from));
      for (let number = firstAfter(changed, from); number < changed.length; number += 1) {
        const header = changed[number];
        if (header === undefined || header.at >= from + length) break;
        const start = Math.max(from, header.at);
        const end = Math.min(from + length, header.at + header.bytes.byteLength);
        if (start < end) header.bytes.copy(bytes, start - from, start - header.at, end - header.at);
      }
      return bytes;
    },
  };
}

/** The number of the first header that does not end before. */
function firstAfter(headers: readonly Header[], from: number): number {
  let [low, high] = [0, headers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const header = headers[middle];
    if (header !== undefined && header.at + header.bytes.byteLength <= from) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Header {
  readonly at: number;
  readonly bytes: Buffer;
}

async function listed(archive: RandomAccess): Promise<readonly number[] | string> {
  try {
    return (await openBundle('sparse', archive)).files.map(({ size }) => size);
  } catch (error) {
    return error instanceof Error && error.name === 'ZipError' ? error.message : Promise.reject(error);
  }
}

describe('an archive beyond what 32 bits can say', () => {
  test.each([
    ['a file one byte below the limit', [LIMIT - 1]],
    ['a file at the limit', [LIMIT]],
    ['a file beyond it, and others around', [5, 5 * GIB, 0, 7]],
    ['a file that starts at the limit', [LIMIT - 32, 1]],
    ['files beyond it together', [3 * GIB, 3 * GIB, 3 * GIB]],
    ['65,534 files', Array.from({ length: 65_534 }, () => 0)],
    ['65,535 files', Array.from({ length: 65_535 }, () => 0)],
    ['all of it', [2, 6 * GIB, 1, 9 * GIB]],
  ])('is read as it was written: %s', async (_, sizes) => {
    expect(await listed(sparse(sizes))).toEqual(sizes);
  });

  test('is refused with any bit of its headers flipped, but for versions, times and attributes', async () => {
    const sizes = [4, 5 * GIB, 1];
    const missed: (readonly [number, number])[] = [];
    const count = 3 + 3 + 1;
    for (let header = 0; header < count; header += 1) {
      let bits = 1;
      for (let bit = 0; bit < bits; bit += 1) {
        const archive = sparse(sizes, (headers) =>
          headers.map((each, number) => {
            if (number !== header) return each;
            bits = each.bytes.byteLength * 8;
            const bytes = Buffer.from(each.bytes);
            bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
            return { ...each, bytes };
          }),
        );
        if (typeof (await listed(archive)) !== 'string') missed.push([header, bit >> 3]);
      }
    }
    const isFree = ([header, byte]: readonly [number, number]): boolean => {
      const within = (ranges: readonly (readonly [number, number])[]): boolean =>
        ranges.some(([from, to]) => byte >= from && byte < to);
      if (header < 3)
        return within([
          [4, 6],
          [10, 14],
        ]);
      if (header < 6)
        return within([
          [4, 8],
          [12, 16],
          [38, 42],
        ]);
      return within([[12, 16]]);
    };
    expect(missed.filter((place) => !isFree(place))).toEqual([]);
  });

  test('is refused where 64 bits say what 32 can', async () => {
    const large = encodeLocalHeader({ path: 'f0', size: 5 * GIB, crc: 0 });
    const central = encodeCentralHeader({ path: 'f0', size: 5 * GIB, crc: 0, offset: 0 });
    for (const size of [7, LIMIT - 1]) {
      const write = (bytes: Buffer): Buffer => {
        const copy = Buffer.from(bytes);
        const at = copy.indexOf(Buffer.from([1, 0, 16, 0])) + 4;
        copy.writeBigUInt64LE(BigInt(size), at);
        copy.writeBigUInt64LE(BigInt(size), at + 8);
        return copy;
      };
      const table = write(central);
      const parts = [write(large), table];
      const offset = large.byteLength + size;
      const end = encodeEnd({ count: 1, offset, bytes: table.byteLength });
      const headers: readonly Header[] = [
        { at: 0, bytes: parts[0] ?? end },
        { at: offset, bytes: table },
        { at: offset + table.byteLength, bytes: end },
      ];
      expect(await listed(reader(headers, offset + table.byteLength + end.byteLength))).toBe(
        'a number stands in a larger field than it needs',
      );
    }
  });
});

describe('the archive writer', () => {
  test('writes what is read, a file of exactly the size that was told, and replaces nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'piste-zip-'));
    try {
      const path = join(folder, 'a.zip');
      const zip = await createZip(path);
      await zip.add('one.txt', 3, [Buffer.from('o'), Buffer.from('ne')]);
      await zip.addSmall('folder/empty', []);
      await expect(zip.add('other', 3, [Buffer.from('longer')])).rejects.toThrow('another size');
      await zip.abandon();
      await rm(path);
      const whole = await createZip(path);
      await whole.add('one.txt', 3, [Buffer.from('one')]);
      await whole.addSmall('folder/empty', []);
      await whole.finish();
      expect(whole.written).toBe((await readFile(path)).byteLength);
      const file = await openFile(path);
      const bundle = await openBundle(path, file);
      expect(bundle.files.map(({ path: name, size }) => [name, size])).toEqual([
        ['one.txt', 3],
        ['folder/empty', 0],
      ]);
      expect((await bundle.digest('one.txt')).isIntact).toBe(true);
      await file.close();
      await expect(createZip(path)).rejects.toMatchObject({ code: 'EEXIST' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
