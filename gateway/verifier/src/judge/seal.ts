import type { Leaf } from '../format/leaf.js';
import { decodeCanonicalBase64 } from '../format/signed-note.js';

/** What a later writer found of an earlier log when it started. */
export interface Seal {
  readonly origin: string;
  /** Undefined when the log had no commit. */
  readonly vkey: string | undefined;
  readonly size: number;
  readonly root: Buffer | undefined;
  readonly closed: boolean;
  readonly tornBytes: number;
  readonly tornDigest: string | undefined;
}

/** Reads a `writer.sealed` record; undefined when it does not say what one must. */
export function parseSeal({ fields }: Leaf): Seal | undefined {
  const { origin, vkey, size, root, closed, torn, tornDigest } = fields;
  if (typeof origin !== 'string' || typeof size !== 'number' || typeof closed !== 'boolean' || typeof torn !== 'number')
    return undefined;
  return {
    origin,
    vkey: typeof vkey === 'string' ? vkey : undefined,
    size,
    root: typeof root === 'string' ? decodeCanonicalBase64(root) : undefined,
    closed,
    tornBytes: torn,
    tornDigest: typeof tornDigest === 'string' ? tornDigest : undefined,
  };
}
