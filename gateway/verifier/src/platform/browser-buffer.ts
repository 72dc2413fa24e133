const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const TEXT_ENCODER = new TextEncoder();

type Encoding = 'utf8' | 'hex' | 'base64' | 'latin1';

/**
 * As much of Node's `Buffer` as the format, the reader and the verifier use, for a page: the bundler puts it in the place of the
 * global. Same results for the same arguments, see its test.
 */
export class Buffer extends Uint8Array<ArrayBuffer> {
  static alloc(size: number, fill?: number): Buffer {
    const buffer = new Buffer(new ArrayBuffer(size));
    return fill === undefined ? buffer : buffer.fill(fill);
  }

  static isBuffer(value: unknown): value is Buffer {
    return value instanceof Buffer;
  }

  static override from(value: never, ...rest: never[]): Buffer;
  static override from(value: string, encoding?: Encoding): Buffer;
  static override from(value: ArrayBuffer, offset: number, length: number): Buffer;
  static override from(value: ArrayLike<number>): Buffer;
  static override from(
    value: string | ArrayBuffer | ArrayLike<number>,
    second?: Encoding | number,
    length?: number,
  ): Buffer {
    if (value instanceof ArrayBuffer) return new Buffer(value, Number(second ?? 0), length);
    if (typeof value !== 'string') {
      const copy = new Buffer(new ArrayBuffer(value.length));
      copy.set(value);
      return copy;
    }
    return Buffer.from(decodeText(value, typeof second === 'string' ? second : 'utf8'));
  }

  static concat(list: readonly Uint8Array[]): Buffer {
    const size = list.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const whole = new Buffer(new ArrayBuffer(size));
    let at = 0;
    for (const part of list) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }

  equals(other: Uint8Array): boolean {
    return this.byteLength === other.byteLength && this.every((byte, index) => byte === other[index]);
  }

  override toString(encoding: Encoding = 'utf8'): string {
    switch (encoding) {
      case 'utf8':
        return TEXT_DECODER.decode(this);
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'latin1':
        return Array.from(this, (byte) => String.fromCharCode(byte)).join('');
      case 'base64':
        return btoa(Array.from(this, (byte) => String.fromCharCode(byte)).join(''));
    }
  }

  /** Where these bytes stand at or after `from`; -1 for nowhere. */
  override indexOf(wanted: never, from?: number): number;
  override indexOf(wanted: Uint8Array | number, from?: number): number;
  override indexOf(wanted: Uint8Array | number, from = 0): number {
    if (typeof wanted === 'number') return super.indexOf(wanted, from);
    const [first] = wanted;
    if (first === undefined) return Math.min(from, this.byteLength);
    for (let at = super.indexOf(first, from); at >= 0; at = super.indexOf(first, at + 1)) {
      if (wanted.every((byte, offset) => this[at + offset] === byte)) return at;
    }
    return -1;
  }

  readUInt8(offset: number): number {
    return this.view().getUint8(offset);
  }

  readUInt16BE(offset: number): number {
    return this.view().getUint16(offset);
  }

  readUInt32BE(offset: number): number {
    return this.view().getUint32(offset);
  }

  readUInt16LE(offset: number): number {
    return this.view().getUint16(offset, true);
  }

  readUInt32LE(offset: number): number {
    return this.view().getUint32(offset, true);
  }

  readBigUInt64BE(offset: number): bigint {
    return this.view().getBigUint64(offset);
  }

  writeUInt8(value: number, offset: number): number {
    this.view().setUint8(offset, value);
    return offset + 1;
  }

  writeUInt16BE(value: number, offset: number): number {
    this.view().setUint16(offset, value);
    return offset + 2;
  }

  writeUInt32BE(value: number, offset: number): number {
    this.view().setUint32(offset, value);
    return offset + 4;
  }

  writeBigUInt64BE(value: bigint, offset: number): number {
    this.view().setBigUint64(offset, value);
    return offset + 8;
  }

  private view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }
}

function decodeText(text: string, encoding: Encoding): ArrayLike<number> {
  switch (encoding) {
    case 'utf8':
      return TEXT_ENCODER.encode(text);
    case 'hex':
      return Array.from({ length: text.length >> 1 }, (_, index) =>
        Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
      );
    case 'latin1':
      return Array.from(text, (letter) => letter.charCodeAt(0));
    case 'base64':
      return decodeBase64(text);
  }
}

/** As lenient as Node's: what does not fit gives other bytes, which do not encode to the same text. */
function decodeBase64(text: string): ArrayLike<number> {
  try {
    return Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return [];
  }
}
