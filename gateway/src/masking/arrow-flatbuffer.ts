import { type MaskingFailed, malformedResult } from './masking-failed.js';

/** A flatbuffer that breaks its own rules, or is not of the Arrow kind that results have. */
export function malformedArrow(what: string): MaskingFailed {
  return malformedResult(`an Arrow result with ${what}`);
}

/** A table of a flatbuffer: a position and the table of its fields' places. */
export interface FlatTable {
  readonly at: number;
  readonly fieldsAt: number;
  readonly fieldsBytes: number;
}

/** A vector: where its first element stands and how many there are. */
export interface FlatVector {
  readonly at: number;
  readonly length: number;
}

const SIZE_BYTES = 4;
const VTABLE_HEADER_BYTES = 4;
const FIELD_BYTES = 2;

/** Reads a flatbuffer; every position is checked against its bounds before it is read. Throws `MaskingFailed`. */
export class FlatReader {
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root(): FlatTable {
    return this.tableAt(this.follow(0));
  }

  /** Where field `index` of the table stands; undefined when it is absent. */
  field(table: FlatTable, index: number): number | undefined {
    const place = VTABLE_HEADER_BYTES + index * FIELD_BYTES;
    if (place + FIELD_BYTES > table.fieldsBytes) return undefined;
    const offset = this.view.getUint16(table.fieldsAt + place, true);
    return offset === 0 ? undefined : table.at + offset;
  }

  table(table: FlatTable, index: number): FlatTable | undefined {
    const at = this.field(table, index);
    return at === undefined ? undefined : this.tableAt(this.follow(at));
  }

  /** A vector whose elements take `elementBytes` each. */
  vector(table: FlatTable, index: number, elementBytes: number): FlatVector | undefined {
    const field = this.field(table, index);
    if (field === undefined) return undefined;
    const at = this.follow(field);
    const length = this.uint32(at);
    this.check(at + SIZE_BYTES, length * elementBytes);
    return { at: at + SIZE_BYTES, length };
  }

  /** Tables of a vector of tables; `max` bounds them. */
  tables(table: FlatTable, index: number, max: number): readonly FlatTable[] {
    const vector = this.vector(table, index, SIZE_BYTES);
    if (vector === undefined) return [];
    if (vector.length > max) throw malformedArrow('too many parts');
    return Array.from({ length: vector.length }, (_, place) =>
      this.tableAt(this.follow(vector.at + place * SIZE_BYTES)),
    );
  }

  text(table: FlatTable, index: number): string | undefined {
    const vector = this.vector(table, index, 1);
    if (vector === undefined) return undefined;
    return Buffer.from(this.view.buffer, this.view.byteOffset + vector.at, vector.length).toString('utf8');
  }

  uint8(table: FlatTable, index: number, fallback: number): number {
    const at = this.field(table, index);
    if (at === undefined) return fallback;
    this.check(at, 1);
    return this.view.getUint8(at);
  }

  int16(table: FlatTable, index: number, fallback: number): number {
    const at = this.field(table, index);
    if (at === undefined) return fallback;
    this.check(at, 2);
    return this.view.getInt16(at, true);
  }

  int32(table: FlatTable, index: number, fallback: number): number {
    const at = this.field(table, index);
    if (at === undefined) return fallback;
    this.check(at, 4);
    return this.view.getInt32(at, true);
  }

  /** A length: not negative, and small enough to be exact. */
  length64(at: number): number {
    this.check(at, 8);
    const value = this.view.getBigInt64(at, true);
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformedArrow('a length out of bounds');
    return Number(value);
  }

  check(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.view.byteLength) throw malformedArrow('a position out of bounds');
  }

  private uint32(at: number): number {
    this.check(at, SIZE_BYTES);
    return this.view.getUint32(at, true);
  }

  private follow(at: number): number {
    return at + this.uint32(at);
  }

  private tableAt(at: number): FlatTable {
    this.check(at, SIZE_BYTES);
    const fieldsAt = at - this.view.getInt32(at, true);
    this.check(fieldsAt, VTABLE_HEADER_BYTES);
    const fieldsBytes = this.view.getUint16(fieldsAt, true);
    if (fieldsBytes < VTABLE_HEADER_BYTES) throw malformedArrow('a table without a form');
    this.check(fieldsAt, fieldsBytes);
    return { at, fieldsAt, fieldsBytes };
  }
}
