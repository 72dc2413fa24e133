import type { MaskObligation } from '../policy/decision.js';
import type { TypedConstant } from './constant.js';
import type { HmacStates } from './hmac-tokens.js';
import type { PartialBytes } from './partial-bytes.js';
import type { TruncationUnit } from './scalars.js';
import type { MaskedTexts, Texts } from './texts.js';
import type { Tokenizer } from './tokenize.js';
import type { MaskableColumn } from './value-type.js';

/** What the bytes of one masked column go through. */
export type ColumnMode =
  | { readonly kind: 'null' }
  /** One value for all. */
  | { readonly kind: 'constant'; readonly constant: TypedConstant }
  | { readonly kind: 'partial'; readonly partial: PartialBytes }
  | { readonly kind: 'hash'; readonly states: HmacStates; readonly keepsTokens: boolean }
  | { readonly kind: 'tokenize'; readonly tokenizer: Tokenizer }
  | { readonly kind: 'truncate'; readonly unit: TruncationUnit }
  | { readonly kind: 'bucket'; readonly size: number };

/** A mode that looks at a text. */
export type TextMode = ColumnMode & { readonly kind: 'partial' | 'hash' | 'tokenize' };

export interface PlannedColumn {
  readonly column: MaskableColumn;
  readonly obligation: MaskObligation | undefined;
  /** Undefined: the column passes as it is. */
  readonly mode: ColumnMode | undefined;
  /** The readable reference, for single cells that no fast way takes. */
  readonly maskCell: (text: string) => string | null;
}

/** Rows up to the last complete one. */
export interface MaskedRowBytes {
  /** Not always a copy: without masked columns a view of what was given. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Bytes that were read. */
  readonly end: number;
  /** Per masked column, in their order: cells that were not NULL. */
  readonly hidden: readonly number[];
}

/** The inner loops of masking. There are two of them, which give the same bytes. */
export interface Kernels {
  readonly kind: 'wasm' | 'typescript';
  /** JSON rows; see `scanRows` for what is read and refused. `into` may take the result, where it is long enough. */
  maskRows(
    bytes: Uint8Array,
    columns: readonly PlannedColumn[],
    isContinued: boolean,
    into?: Uint8Array,
  ): MaskedRowBytes;
  maskPartialTexts(partial: PartialBytes, texts: Texts): MaskedTexts;
  hashTexts(states: HmacStates, texts: Texts, keepsTokens: boolean): MaskedTexts;
}

/** All texts of a column at once. */
export function maskTexts(kernels: Kernels, mode: TextMode, texts: Texts): MaskedTexts {
  switch (mode.kind) {
    case 'partial':
      return kernels.maskPartialTexts(mode.partial, texts);
    case 'hash':
      return kernels.hashTexts(mode.states, texts, mode.keepsTokens);
    case 'tokenize':
      return mode.tokenizer.tokenizeTexts(texts);
  }
}
