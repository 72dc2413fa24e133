export { isPlaceholder } from '../policy/placeholder.js';
export { createCurrentMasker } from './current-masker.js';
export { type MaskedBytes, maskBytes } from './mask-bytes.js';
export type { MaskingKeys } from './mask-cell.js';
export { maskedRowtype } from './masked-rowtype.js';
export {
  checkRowtype,
  createMasker,
  type MaskableColumn,
  type MaskedCount,
  type MaskedRows,
  type Masker,
} from './masker.js';
export { MaskingFailed } from './masking-failed.js';
