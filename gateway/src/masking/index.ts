export { isPlaceholder, type MaskingKeys, PLACEHOLDER, TOKEN_PREFIX } from './mask-cell.js';
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
