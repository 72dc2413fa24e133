export { isPlaceholder } from '../policy/placeholder.js';
export { type ArrowCells, readArrowCells } from './arrow-cells.js';
export { type MaskedArrow, maskArrowStream } from './arrow-stream.js';
export { detectColumns } from './detect-columns.js';
export { type Finding, judgeColumns } from './detection/index.js';
export {
  createJsonRowStream,
  type JsonRowStream,
  type MaskedJson,
  maskJsonRows,
  maskJsonRowset,
} from './json-rows.js';
export type { Kernels } from './kernels.js';
export { loadKernels } from './load-kernels.js';
export { type MaskedBytes, maskBytes } from './mask-bytes.js';
export type { MaskingKeys } from './mask-cell.js';
export { createMaskPlan, type MaskedCount, type MaskPlan } from './mask-plan.js';
export { maskedRowtype, rowGrowthBytes } from './masked-rowtype.js';
export { checkRowtype, createMasker, type MaskedRows, type Masker } from './masker.js';
export { MaskingFailed } from './masking-failed.js';
export { type KeyPads, keyPads, sourceExpression } from './source-expression.js';
export type { MaskableColumn } from './value-type.js';
