import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { prepareHmac } from './hmac-tokens.js';
import { createJsonRowStream, maskJsonRows } from './json-rows.js';
import type { Kernels } from './kernels.js';
import { loadKernels, loadWasmKernels } from './load-kernels.js';
import { createMaskPlan } from './mask-plan.js';
import { type AnyResult, anyResult, KEYS, obligationOn } from './masking-contract.js';
import { MaskingFailed } from './masking-failed.js';
import type { Texts } from './texts.js';
import { typescriptKernels } from './typescript-kernels.js';

function builtKernels(): Kernels {
  const kernels = loadWasmKernels();
  if (kernels === undefined) throw new Error('the kernels are not built; run: npm run build');
  return kernels;
}

const wasmKernels = builtKernels();
const bodyOf = (rows: AnyResult['rows']): Buffer => Buffer.from(JSON.stringify(rows).slice(1, -1));

/** What one kind of kernels makes of a body: its bytes and counts, or why it refuses. */
function outcome(kernels: Kernels, { rowtype, obligations }: Omit<AnyResult, 'rows'>, body: Uint8Array): unknown {
  try {
    const masked = maskJsonRows(body, createMaskPlan(rowtype, obligations, KEYS, kernels));
    return { ...masked, bytes: Buffer.from(masked.bytes).toString('latin1') };
  } catch (error) {
    if (!(error instanceof MaskingFailed)) throw error;
    return error.message;
  }
}

describe('both kinds of kernels', () => {
  test('mask rows to the same bytes', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        const body = bodyOf(result.rows);
        expect(outcome(wasmKernels, result, body)).toEqual(outcome(typescriptKernels, result, body));
      }),
      { numRuns: 500 },
    );
  });

  test('put them into given memory, also into that of the rows themselves', () => {
    fc.assert(
      fc.property(anyResult, fc.nat(400), ({ rowtype, rows, obligations }, room) => {
        const expected = outcome(typescriptKernels, { rowtype, obligations }, bodyOf(rows));
        for (const kernels of [wasmKernels, typescriptKernels]) {
          const plan = createMaskPlan(rowtype, obligations, KEYS, kernels);
          const body = Buffer.concat([bodyOf(rows), Buffer.from('\n')]);
          for (const into of [Buffer.alloc(room), body]) {
            const masked = maskJsonRows(body, plan, into);
            const bytes = Buffer.from(masked.bytes).toString('latin1');
            expect({ ...masked, bytes: bytes.slice(0, -1) }).toEqual(expected);
            expect(bytes.at(-1)).toBe('\n');
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('refuse the same bodies, wherever a byte is changed or missing', () => {
    const damage = fc.tuple(
      fc.nat(),
      fc.constantFrom(...Buffer.from('",[]\\nu \n\t0x'), 0, 0x1f, 0x80, 0xff),
      fc.boolean(),
    );
    fc.assert(
      fc.property(anyResult, damage, (result, [place, byte, isCut]) => {
        const body = bodyOf(result.rows);
        const at = place % Math.max(1, body.length);
        if (!isCut) body[at] = byte;
        const damaged = isCut ? body.subarray(0, at) : body;
        expect(outcome(wasmKernels, result, damaged)).toEqual(outcome(typescriptKernels, result, damaged));
      }),
      { numRuns: 800 },
    );
  });

  test('give the same in pieces', () => {
    fc.assert(
      fc.property(anyResult, fc.constantFrom(1, 7, 4099), (result, size) => {
        const body = bodyOf(result.rows);
        const plan = createMaskPlan(result.rowtype, result.obligations, KEYS, wasmKernels);
        const stream = createJsonRowStream(plan, 1 << 20);
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < body.length; at += size) pieces.push(stream.push(body.subarray(at, at + size)));
        const { rows, counts } = stream.end();
        const bytes = Buffer.concat(pieces).toString('latin1');
        expect({ bytes, rows, counts }).toEqual(outcome(typescriptKernels, result, body));
      }),
      { numRuns: 80 },
    );
  });

  const manyTexts: fc.Arbitrary<Texts> = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.constant(`pst_${'a1'.repeat(16)}`),
        fc.constant('***'),
      ),
      {
        maxLength: 30,
      },
    )
    .map((texts) => {
      const encoded = texts.map((text) => Buffer.from(text));
      const ends = new Int32Array(texts.length);
      encoded.forEach((text, index) => {
        ends[index] = (index === 0 ? 0 : (ends[index - 1] ?? 0)) + text.length;
      });
      const starts = Int32Array.from(encoded, (text, index) => (ends[index] ?? 0) - text.length);
      return { bytes: Buffer.concat(encoded), starts, ends, count: texts.length };
    });

  test('hash texts of every length to the same tokens', () => {
    fc.assert(
      fc.property(
        manyTexts,
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.boolean(),
        (texts, key, keepsTokens) => {
          const states = prepareHmac(key);
          const one = wasmKernels.hashTexts(states, texts, keepsTokens);
          const other = typescriptKernels.hashTexts(states, texts, keepsTokens);
          expect(Buffer.from(one.data).equals(other.data)).toBe(true);
          expect(one.offsets).toEqual(other.offsets);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('keep the same ends of texts', () => {
    const partial = fc.record({
      keepFirst: fc.nat(5),
      keepLast: fc.nat(5),
      hidden: fc.constantFrom('***', '•••', '').map((text) => Buffer.from(text)),
      keepsHidden: fc.boolean(),
    });
    fc.assert(
      fc.property(manyTexts, partial, (texts, how) => {
        const one = wasmKernels.maskPartialTexts(how, texts);
        const other = typescriptKernels.maskPartialTexts(how, texts);
        expect(Buffer.from(one.data).equals(other.data)).toBe(true);
        expect(one.offsets).toEqual(other.offsets);
      }),
      { numRuns: 300 },
    );
  });

  test('take bodies longer than one piece, and rows longer than that', () => {
    const rowtype = [{ name: 'A', type: 'text' }];
    const obligations = [obligationOn(0, { type: 'Redact' })];
    const long = `["${'x'.repeat(17 * 1024 * 1024)}"]`;
    const body = Buffer.from(Array.from({ length: 3 }, () => long).join());
    const expected = { bytes: '["***"],["***"],["***"]', rows: 3 };
    expect(outcome(wasmKernels, { rowtype, obligations }, body)).toMatchObject(expected);
    expect(outcome(typescriptKernels, { rowtype, obligations }, body)).toMatchObject(expected);
  });
});

test('the kernels in use are those of WebAssembly, and without the module those of TypeScript', () => {
  expect(loadKernels().kind).toBe('wasm');
  expect(loadWasmKernels(new URL('./no-such-file.wasm', import.meta.url))).toBeUndefined();
  expect(createMaskPlan([], [], KEYS).kernels.kind).toBe('wasm');
});
