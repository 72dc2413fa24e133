import { createCipheriv, createHmac } from 'node:crypto';
import { createBlockCipher, ff1Encrypt } from '@piste/gateway/dist/masking/ff1.js';
import { ff1EncryptRows } from '@piste/gateway/dist/masking/ff1-batch.js';
import { prepareHmac } from '@piste/gateway/dist/masking/hmac-tokens.js';
import {
  createMaskPlan,
  type Kernels,
  loadKernels,
  type MaskPlan,
  maskArrowStream,
  maskJsonRows,
} from '@piste/gateway/dist/masking/index.js';
import { typescriptKernels } from '@piste/gateway/dist/masking/typescript-kernels.js';
import type { MaskAction, MaskObligation } from '@piste/gateway/dist/policy/decision.js';
import {
  makeBuilder,
  makeData,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Struct,
  Utf8,
  type Vector,
} from 'apache-arrow';
import { type Cell, column } from '../stand-in/columns.js';
import { toArrowStream } from '../stand-in/results-arrow.js';
import { createRandom } from './statistics.js';

/** One piece of work that a benchmark repeats. */
export interface KernelCase {
  readonly name: string;
  /** What its ratio is to; each group is judged among itself. */
  readonly group: 'json' | 'arrow' | 'hmac' | 'ff1';
  /** Bytes, rows or values of one run: rates are in these. */
  readonly amount: number;
  readonly run: () => unknown;
}

const KEY = Buffer.alloc(32, 9);
const JSON_ROWS = 25_280;
/** One less than 2^16: the stand-in's writer sends an even number of rows in two batches. */
const ARROW_ROWS = 65_535;
const TOKEN_VALUES = 65_536;
/** The textbook way is too slow for more. */
const TEXTBOOK_VALUES = 512;
const FF1_DIGITS = 16;
const MASKED_COLUMNS = [1, 3, 5, 7, 9];

const KEEP_LAST: MaskAction = { type: 'Partial', keepFirst: 0, keepLast: 4, replacement: '*' };
const HASH: MaskAction = { type: 'Hash', key: 'k' };
const rowtype = Array.from({ length: 20 }, (_, index) => ({ name: `C${index}`, type: index < 11 ? 'text' : 'fixed' }));

function obligations(columns: readonly number[], action: MaskAction): readonly MaskObligation[] {
  const ref = { object: { database: 'D', schema: 'S', name: 'T' }, column: 'C' };
  return columns.map((index) => ({
    index,
    name: undefined,
    action,
    policy: 'p',
    rule: 'r',
    column: ref,
    barrier: 'only' as const,
  }));
}

const planOf = (columns: readonly number[], action: MaskAction, kernels: Kernels = loadKernels()): MaskPlan =>
  createMaskPlan(rowtype, obligations(columns, action), new Map([['k', KEY]]), kernels);

/** Everything that is compared, over one `part`th of the rows and values. Data and work are the same in every run. */
export function kernelCases(part: number): readonly KernelCase[] {
  const of = (count: number): number => Math.floor(count / part);
  return [
    ...jsonCases(of(JSON_ROWS)),
    ...arrowCases(of(ARROW_ROWS)),
    ...hmacCases(of(TOKEN_VALUES)),
    ...ff1Cases(of(TOKEN_VALUES), of(TEXTBOOK_VALUES)),
  ];
}

function texts(count: number): (row: number) => string {
  const random = createRandom(7);
  const words = Array.from({ length: count }, () => Math.floor(random() * 2 ** 32).toString(36));
  return (row) => `${words[row % count]}.${words[(row * 7) % count]}@städt.example`;
}

function jsonCases(count: number): readonly KernelCase[] {
  const textOf = texts(4096);
  const rows = Array.from({ length: count }, (_, row) =>
    rowtype.map(({ type }, index) => (type === 'text' ? textOf(row + index) : String(row * 31 + index))),
  );
  // A chunk's body has no outer brackets.
  const bytes = Buffer.from(JSON.stringify(rows).slice(1, -1));
  // Memory that was touched before, for every way that can use it.
  const target = Buffer.alloc(bytes.length * 2);
  const mask = (columns: readonly number[], kernels?: Kernels) => {
    const plan = planOf(columns, KEEP_LAST, kernels);
    return (): unknown => maskJsonRows(bytes, plan, target);
  };
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['JSON.parse, change 1 column, stringify', () => parseAndStringify(bytes, [1])],
    ['JSON.parse, change 5 columns, stringify', () => parseAndStringify(bytes, MASKED_COLUMNS)],
    ['memcpy', () => target.set(bytes)],
    ['WASM, 1 column', mask([1])],
    ['WASM, 5 columns', mask(MASKED_COLUMNS)],
    ['TypeScript, 1 column', mask([1], typescriptKernels)],
    ['TypeScript, 5 columns', mask(MASKED_COLUMNS, typescriptKernels)],
  ];
  return cases.map(([name, run]) => ({ name, group: 'json', amount: bytes.length, run }));
}

function keepLast(text: string | null): string | null {
  if (text === null) return null;
  const characters = Array.from(text);
  return characters.length <= 4 ? '***' : `***${characters.slice(-4).join('')}`;
}

function parseAndStringify(bytes: Buffer, columns: readonly number[]): Buffer {
  const rows = JSON.parse(`[${bytes.toString('utf8')}]`) as (string | null)[][];
  for (const row of rows) for (const index of columns) row[index] = keepLast(row[index] ?? null);
  return Buffer.from(JSON.stringify(rows));
}

function arrowCases(count: number): readonly KernelCase[] {
  const textOf = texts(4096);
  const columns = rowtype.map(({ name, type }) => column(name, type as 'text'));
  const rows = Array.from({ length: count }, (_, row) =>
    rowtype.map(({ type }, index): Cell => {
      if ((row + index) % 17 === 0) return null;
      return type === 'text' ? textOf(row + index) : BigInt(row * 31 + index);
    }),
  );
  const stream = toArrowStream(columns, rows);
  const target = new Uint8Array(stream.length);
  const hmac = (text: string): string => `pst_${createHmac('sha256', KEY).update(text).digest('hex').slice(0, 32)}`;
  const mask = (indexes: readonly number[], action: MaskAction, kernels?: Kernels) => {
    const plan = planOf(indexes, action, kernels);
    return (): unknown => maskArrowStream(stream, plan);
  };
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['memcpy', () => target.set(stream)],
    ['apache-arrow builder, 1 column', () => rebuild(stream, [1], keepLast)],
    ['apache-arrow builder, 5 columns', () => rebuild(stream, MASKED_COLUMNS, keepLast)],
    ['apache-arrow builder and createHmac, 1 column', () => rebuild(stream, [1], (text) => text && hmac(text))],
    ['WASM, 1 column', mask([1], KEEP_LAST)],
    ['WASM, 5 columns', mask(MASKED_COLUMNS, KEEP_LAST)],
    ['WASM, 1 column hashed', mask([1], HASH)],
    ['TypeScript, 1 column', mask([1], KEEP_LAST, typescriptKernels)],
    ['TypeScript, 5 columns', mask(MASKED_COLUMNS, KEEP_LAST, typescriptKernels)],
    ['TypeScript, 1 column hashed', mask([1], HASH, typescriptKernels)],
  ];
  return cases.map(([name, run]) => ({ name, group: 'arrow', amount: count, run }));
}

/** What a program with the Arrow library does: read, build the masked columns anew, write. */
function rebuild(
  stream: Uint8Array,
  columns: readonly number[],
  change: (text: string | null) => string | null,
): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  const reader = RecordBatchReader.from(stream);
  reader.open();
  writer.reset(undefined, reader.schema);
  for (const batch of reader) {
    const children = batch.data.children.map((child, index) =>
      columns.includes(index) ? rebuildColumn(batch.getChildAt(index) as Vector<Utf8>, change) : child,
    );
    const data = makeData({ type: new Struct(batch.schema.fields), length: batch.numRows, nullCount: 0, children });
    writer.write(new RecordBatch(batch.schema, data));
  }
  writer.finish();
  return writer.toUint8Array(true);
}

function rebuildColumn(vector: Vector<Utf8>, change: (text: string | null) => string | null) {
  const builder = makeBuilder({ type: new Utf8(), nullValues: [null] });
  for (let row = 0; row < vector.length; row += 1) builder.append(change(vector.get(row)));
  return builder.finish().flush();
}

function hmacCases(count: number): readonly KernelCase[] {
  const textOf = texts(count);
  const values = Array.from({ length: count }, (_, row) => textOf(row));
  const encoded = values.map((value) => Buffer.from(value));
  const ends = new Int32Array(count);
  let end = 0;
  encoded.forEach((value, index) => {
    end += value.length;
    ends[index] = end;
  });
  const starts = Int32Array.from(encoded, (value, index) => (ends[index] ?? 0) - value.length);
  const all = { bytes: Buffer.concat(encoded), starts, ends, count };
  const states = prepareHmac(KEY);
  const kernels = loadKernels();
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['createHmac per value', () => values.map((value) => createHmac('sha256', KEY).update(value).digest('hex'))],
    ['WASM', () => kernels.hashTexts(states, all, false)],
    ['TypeScript', () => typescriptKernels.hashTexts(states, all, false)],
  ];
  return cases.map(([name, run]) => ({ name, group: 'hmac', amount: count, run }));
}

function ff1Cases(count: number, textbookCount: number): readonly KernelCase[] {
  const random = createRandom(11);
  const symbols = Uint8Array.from({ length: count * FF1_DIGITS }, () => Math.floor(random() * 10));
  const offsets = Int32Array.from({ length: count + 1 }, (_, index) => index * FF1_DIGITS);
  const key = KEY.subarray(0, 16);
  const rows = Array.from({ length: textbookCount }, (_, row) => [
    ...symbols.subarray(row * FF1_DIGITS, (row + 1) * FF1_DIGITS),
  ]);
  const freshCipher = (blocks: Uint8Array): Uint8Array =>
    createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(blocks);
  const reused = createBlockCipher(key);
  const textbook = (encrypt: typeof reused) => (): unknown =>
    rows.map((row) => ff1Encrypt({ encrypt, radix: 10, symbols: row }));
  return [
    { name: 'textbook, a cipher per call', group: 'ff1', amount: textbookCount, run: textbook(freshCipher) },
    { name: 'textbook, one cipher', group: 'ff1', amount: textbookCount, run: textbook(reused) },
    {
      name: 'lock-step batches',
      group: 'ff1',
      amount: count,
      run: () => ff1EncryptRows(reused, 10, { symbols: Uint8Array.from(symbols), offsets }),
    },
  ];
}
