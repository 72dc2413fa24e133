/** Texts of one column, in UTF-8: value i is `bytes[starts[i] .. ends[i])`. NULLs have no entry. */
export interface Texts {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
}

/** What replaces them, side by side: value i is `data[offsets[i] .. offsets[i + 1])`. */
export interface MaskedTexts {
  readonly data: Uint8Array;
  readonly offsets: Int32Array;
}

export function emptyTexts(count: number, bytes: number): MaskedTexts {
  return { data: new Uint8Array(bytes), offsets: new Int32Array(count + 1) };
}
