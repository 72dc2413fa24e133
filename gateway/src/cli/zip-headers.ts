// Headers of a zip archive (APPNOTE.TXT): files stored as they are, 64-bit fields exactly where a number does not fit its place.

/** From here on a size or offset stands in a 64-bit field, and its own holds this number. */
export const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;
/** Zip archives know no time before; times in a bundle mean nothing. */
const DOS_DATE = (1 << 5) | 1;
const VERSION = 20;
const VERSION_64 = 45;
const ZIP64_ID = 1;

/** A file in the archive. */
export interface StoredFile {
  readonly path: string;
  readonly size: number;
  readonly crc: number;
  /** Where its local header stands. */
  readonly offset: number;
}

type Field = readonly [bytes: 2 | 4 | 8, value: number];

function encode(fields: readonly Field[], ...rest: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(fields.reduce((sum, [length]) => sum + length, 0));
  let at = 0;
  for (const [length, value] of fields) {
    if (length === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, length);
    at += length;
  }
  return Buffer.concat([bytes, ...rest]);
}

/** True where a file of this size needs 64-bit fields. */
export function isLarge(size: number): boolean {
  return size >= MAX_32;
}

function extraOf(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  return encode([[2, ZIP64_ID], [2, values.length * 8], ...values.map((value): Field => [8, value])]);
}

/** What both headers of a file say in the same order. */
function common(crc: number, size: number): readonly Field[] {
  const told = Math.min(size, MAX_32);
  return [
    [2, 0],
    [2, 0],
    [2, 0],
    [2, DOS_DATE],
    [4, crc],
    [4, told],
    [4, told],
  ];
}

/** Stands before a file's bytes; as long whatever the checksum is. */
export function encodeLocalHeader({ path, size, crc }: Omit<StoredFile, 'offset'>): Buffer {
  const name = Buffer.from(path, 'ascii');
  const extra = isLarge(size) ? extraOf([size, size]) : extraOf([]);
  const version = isLarge(size) ? VERSION_64 : VERSION;
  const fields: readonly Field[] = [
    [4, 0x04034b50],
    [2, version],
    ...common(crc, size),
    [2, name.byteLength],
    [2, extra.byteLength],
  ];
  return encode(fields, name, extra);
}

/** A file's entry in the table of contents. */
export function encodeCentralHeader({ path, size, crc, offset }: StoredFile): Buffer {
  const name = Buffer.from(path, 'ascii');
  const extra = extraOf([...(isLarge(size) ? [size, size] : []), ...(isLarge(offset) ? [offset] : [])]);
  const version = extra.byteLength > 0 ? VERSION_64 : VERSION;
  const fields: readonly Field[] = [
    [4, 0x02014b50],
    [2, version],
    [2, version],
    ...common(crc, size),
    [2, name.byteLength],
    [2, extra.byteLength],
    [2, 0],
    [2, 0],
    [2, 0],
    [4, 0],
    [4, Math.min(offset, MAX_32)],
  ];
  return encode(fields, name, extra);
}

/** Where the table of contents stands, and how much is in it. */
export interface Table {
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
}

/** What an archive ends with. */
export function encodeEnd({ count, offset, bytes }: Table): Buffer {
  const fields: readonly Field[] = [
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, MAX_16)],
    [2, Math.min(count, MAX_16)],
    [4, Math.min(bytes, MAX_32)],
    [4, Math.min(offset, MAX_32)],
    [2, 0],
  ];
  const is64 = count >= MAX_16 || isLarge(offset) || isLarge(bytes);
  return Buffer.concat([...(is64 ? [encodeEnd64({ count, offset, bytes })] : []), encode(fields)]);
}

function encodeEnd64({ count, offset, bytes }: Table): Buffer {
  return encode([
    [4, 0x06064b50],
    // Bytes that follow.
    [8, 44],
    [2, VERSION_64],
    [2, VERSION_64],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, bytes],
    [8, offset],
    // Where the record above stands.
    [4, 0x07064b50],
    [4, 0],
    [8, offset + bytes],
    [4, 1],
  ]);
}
