import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type KernelCase, kernelCases } from './kernels-cases.js';
import { inShuffledRounds, median, pairedRatio, type Samples } from './statistics.js';

/** One way to do one piece of masking work. */
export interface KernelRow {
  readonly group: KernelCase['group'];
  readonly name: string;
  /** Bytes, rows or values per second of CPU time, threads of the runtime included. */
  readonly perCpuSecond: number;
  /** How many times as fast as the first of its group, median over rounds. */
  readonly overBase: number;
}

/** A ratio between two ways in the same rounds, and how far it must go. */
export interface KernelRatio {
  readonly name: string;
  readonly atLeast: number;
  readonly reached: number;
}

export interface KernelResults {
  readonly rounds: number;
  readonly rows: readonly KernelRow[];
  readonly ratios: readonly KernelRatio[];
}

export interface KernelSettings {
  readonly random: () => number;
  readonly rounds: number;
  /** One in so many of the rows and values: 1 for numbers to quote. */
  readonly part: number;
  /** A sample repeats its work for about this long. */
  readonly milliseconds: number;
}

/** `[what, group, faster, base, at least]`: the goals for masking, all as ratios of the same run. */
const GOALS: readonly (readonly [string, KernelCase['group'], string, string, number])[] = [
  [
    'JSON, 1 of 20 columns, WASM / parse and stringify',
    'json',
    'WASM, 1 column',
    'JSON.parse, change 1 column, stringify',
    12,
  ],
  ['  the same, TypeScript', 'json', 'TypeScript, 1 column', 'JSON.parse, change 1 column, stringify', 4.5],
  ['  WASM / memcpy', 'json', 'WASM, 1 column', 'memcpy', 0.12],
  ['Arrow, 1 of 20 columns / builder', 'arrow', 'WASM, 1 column', 'apache-arrow builder, 1 column', 20],
  ['  the same / memcpy', 'arrow', 'WASM, 1 column', 'memcpy', 0.3],
  ['Arrow, 5 of 20 columns / builder of 5', 'arrow', 'WASM, 5 columns', 'apache-arrow builder, 5 columns', 20],
  [
    'Arrow, 1 column hashed / builder and createHmac',
    'arrow',
    'WASM, 1 column hashed',
    'apache-arrow builder and createHmac, 1 column',
    12,
  ],
  ['tokens / createHmac per value', 'hmac', 'WASM', 'createHmac per value', 7],
  ['FF1 / textbook, a cipher per call', 'ff1', 'lock-step batches', 'textbook, a cipher per call', 40],
];

/** Measures every way of every piece of work in shuffled rounds within this process. */
export async function measureKernels(settings: KernelSettings): Promise<KernelResults> {
  const cases = new Map(kernelCases(settings.part).map((work) => [`${work.group}: ${work.name}`, work]));
  const samples = await inShuffledRounds({
    variants: [...cases.keys()],
    rounds: settings.rounds,
    random: settings.random,
    measure: (variant) => Promise.resolve(rateOf(cases.get(variant), settings.milliseconds)),
  });
  const rows = [...cases].map(([variant, { group, name }]): KernelRow => {
    const base = [...cases.keys()].find((other) => cases.get(other)?.group === group) ?? variant;
    return {
      group,
      name,
      perCpuSecond: median(samples.get(variant) ?? []),
      overBase: ratioOf(samples, variant, base),
    };
  });
  const ratios = GOALS.map(([name, group, faster, base, atLeast]) => ({
    name,
    atLeast,
    reached: ratioOf(samples, `${group}: ${faster}`, `${group}: ${base}`),
  }));
  return { rounds: settings.rounds, rows, ratios };
}

function ratioOf(samples: Samples<string, number>, variant: string, base: string): number {
  return pairedRatio(samples.get(variant) ?? [], samples.get(base) ?? []);
}

/** What one sample left must not be collected at the cost of the next. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

/** Amount per second of CPU time, over as many runs as fit. */
function rateOf(work: KernelCase | undefined, milliseconds: number): number {
  if (work === undefined) throw new Error('no such piece of work');
  collectGarbage();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let runs = 0;
  do {
    work.run();
    runs += 1;
  } while (performance.now() - startedMs < milliseconds);
  const { user, system } = process.cpuUsage(before);
  return (work.amount * runs) / ((user + system) / 1e6);
}
