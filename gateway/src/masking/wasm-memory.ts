/** The functions of `kernels/`; places are byte positions in the module's memory. */
export interface WasmExports {
  readonly memory: { readonly buffer: ArrayBuffer; readonly grow: (pages: number) => number };
  readonly freeFrom: () => number;
  readonly hashTexts: (
    bytes: number,
    starts: number,
    ends: number,
    count: number,
    states: number,
    target: number,
    keepsTokens: boolean,
  ) => void;
  readonly maskPartialTexts: (
    partial: number,
    bytes: number,
    starts: number,
    ends: number,
    count: number,
    target: number,
    offsets: number,
  ) => number;
  readonly plainTexts: (
    cells: number,
    place: number,
    every: number,
    starts: number,
    ends: number,
    kinds: number,
    toStarts: number,
    toEnds: number,
  ) => number;
  readonly scanRows: (
    bytes: number,
    length: number,
    flags: number,
    width: number,
    isContinued: boolean,
    starts: number,
    ends: number,
    kinds: number,
    found: number,
  ) => number;
  readonly writeRows: (
    bytes: number,
    end: number,
    cells: number,
    every: number,
    starts: number,
    ends: number,
    kinds: number,
    modes: number,
    replaced: number,
    hidden: number,
    target: number,
  ) => number;
}

const FUNCTIONS = ['freeFrom', 'hashTexts', 'maskPartialTexts', 'plainTexts', 'scanRows', 'writeRows'] as const;
const PAGE_BYTES = 65_536;
const ALIGNMENT = 16;
const WORD = 4;

/** The module's memory, given out from the bottom up within one call and taken back as a whole. */
export class WasmMemory {
  readonly exports: WasmExports;
  private next = 0;

  /** Throws when a function is missing: the module is then another one. */
  constructor(exports: Readonly<Record<string, unknown>>) {
    for (const name of FUNCTIONS)
      if (typeof exports[name] !== 'function') throw new Error(`the kernels have no ${name}`);
    if (typeof exports['memory'] !== 'object') throw new Error('the kernels have no memory');
    this.exports = exports as unknown as WasmExports;
  }

  /** Everything put or reserved by `work` is free again afterwards. */
  use<T>(work: () => T): T {
    this.next = this.exports.freeFrom();
    return work();
  }

  reserve(bytes: number): number {
    const at = Math.ceil(this.next / ALIGNMENT) * ALIGNMENT;
    this.next = at + bytes;
    const missing = this.next - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    this.write(at, bytes);
    return at;
  }

  putWords(words: Int32Array, count: number): number {
    const at = this.reserve(count * WORD);
    new Int32Array(this.exports.memory.buffer, at, count).set(words.subarray(0, count));
    return at;
  }

  write(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
  }

  clear(at: number, bytes: number): void {
    new Uint8Array(this.exports.memory.buffer, at, bytes).fill(0);
  }

  /** A copy with memory of its own, and nothing else in it; or in `into`, where that is long enough. */
  take(at: number, bytes: number, into?: Uint8Array): Uint8Array {
    const copy = into !== undefined && into.length >= bytes ? into.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
    copy.set(new Uint8Array(this.exports.memory.buffer, at, bytes));
    return copy;
  }

  takeWords(at: number, count: number): Int32Array {
    return Int32Array.from(new Int32Array(this.exports.memory.buffer, at, count));
  }
}
