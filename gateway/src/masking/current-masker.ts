import type { MaskingKeys } from './mask-cell.js';
import { createMasker, type Masker } from './masker.js';

/** The masker for the keys in force: one as long as they stay the same. */
export function createCurrentMasker(currentKeys: () => MaskingKeys): () => Masker {
  let keys = currentKeys();
  let masker = createMasker({ keys });
  return () => {
    const now = currentKeys();
    if (now !== keys) {
      keys = now;
      masker = createMasker({ keys });
    }
    return masker;
  };
}
