import { readFileSync } from 'node:fs';
import type { Kernels } from './kernels.js';
import { typescriptKernels } from './typescript-kernels.js';
import { createWasmKernels } from './wasm-kernels.js';

/** As much of the global as is used; the library that declares it is the browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** Written by `npm run build` beside the compiled form of this file. */
const KERNELS_FILE = new URL('./kernels.wasm', import.meta.url);

let loaded: Kernels | undefined;

/**
 * The fastest loops there are, loaded when first asked for: WebAssembly with SIMD, or TypeScript where the module was not
 * built or cannot be instantiated. `kind` says which. Both give the same bytes, so this is a matter of speed only.
 */
export function loadKernels(): Kernels {
  loaded ??= loadWasmKernels() ?? typescriptKernels;
  return loaded;
}

/** Undefined where WebAssembly cannot be had. */
export function loadWasmKernels(file: URL = KERNELS_FILE): Kernels | undefined {
  try {
    return createWasmKernels(new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file))).exports);
  } catch {
    return undefined;
  }
}
