// Compiled by AssemblyScript into dist/masking/kernels.wasm. Its TypeScript twins in src/masking say what it must give.

export { maskPartialTexts } from './partial';
export { plainTexts, scanRows, writeRows } from './rows';
export { hashTexts } from './sha256';

/** Where memory is free for the host. */
export function freeFrom(): usize {
  return __heap_base;
}
