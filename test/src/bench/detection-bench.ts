import { CATEGORIES, type Category, createColumnDetector } from '@piste/gateway/dist/masking/detection/index.js';
import { type BenchColumn, buildFreeText, buildIdentifiers, buildVariants } from './detection-corpus.js';
import { inShuffledRounds, median, pairedRatio } from './statistics.js';

export const DETECTION_COLUMNS = ['free text', 'variants', 'identifiers'] as const;
export type DetectionColumn = (typeof DETECTION_COLUMNS)[number];

const VARIANTS = ['5 regexes per value', 'Arrow', 'JSON', 'texts', 'Arrow, with secrets'] as const;
export type DetectionVariant = (typeof VARIANTS)[number];

export interface DetectionRow {
  readonly column: DetectionColumn;
  readonly variant: DetectionVariant;
  readonly rounds: number;
  /** Of UTF-8 text, per second of CPU time. */
  readonly megabytesPerCpuSecond: number;
  /** Median of the ratios to the regexes in the same round. */
  readonly overRegexes: number;
}

/** Time for one hostile value, and how it grows when the value is four times as long: 4 is linear, 16 quadratic. */
export interface HostileRow {
  readonly piece: string;
  readonly regexesMillis: number;
  readonly regexesGrowth: number;
  readonly detectorMillis: number;
  readonly detectorGrowth: number;
}

export interface DetectionResults {
  readonly columns: readonly DetectionRow[];
  readonly hostile: readonly HostileRow[];
}

export interface DetectionPlan {
  readonly rounds: number;
  readonly random: () => number;
  /** Values per column. */
  readonly values: number;
  /** CPU time of one sample at least. */
  readonly sampleMillis: number;
  readonly hostileBytes: number;
}

/** The five categories for which the regexes are a fair comparison. */
const NUMBERS_AND_ADDRESSES: readonly Category[] = ['Email', 'Phone', 'Card', 'Ssn', 'Iban'];

const REGEXES: readonly RegExp[] = [
  /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/,
  /\+?\d{1,3}[ .-]?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,4}/,
  /\b\d{4}[ -]?\d{4,6}[ -]?\d{4,5}(?:[ -]?\d{4})?\b/,
  /\b\d{3}-\d{2}-\d{4}\b/,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/,
];

/** How fast columns are looked through, beside five regular expressions on every value. */
export async function measureDetection(plan: DetectionPlan): Promise<DetectionResults> {
  const columns: DetectionRow[] = [];
  for (const column of DETECTION_COLUMNS) columns.push(...(await measureColumn(column, plan)));
  return { columns, hostile: HOSTILE_PIECES.map((piece) => measureHostile(piece, plan.hostileBytes)) };
}

async function measureColumn(name: DetectionColumn, plan: DetectionPlan): Promise<readonly DetectionRow[]> {
  const column = buildColumn(name, plan);
  const samples = await inShuffledRounds<DetectionVariant, number>({
    variants: VARIANTS,
    rounds: plan.rounds,
    random: plan.random,
    measure: (variant) =>
      Promise.resolve(throughput(() => lookThrough(variant, column), column.bytes, plan.sampleMillis)),
  });
  const base = samples.get('5 regexes per value') ?? [];
  return VARIANTS.map((variant) => {
    const values = samples.get(variant) ?? [];
    return {
      column: name,
      variant,
      rounds: values.length,
      megabytesPerCpuSecond: median(values),
      overRegexes: pairedRatio(values, base),
    };
  });
}

function buildColumn(name: DetectionColumn, { values, random }: DetectionPlan): BenchColumn {
  switch (name) {
    case 'free text':
      return buildFreeText(values, random);
    case 'variants':
      return buildVariants(values, random);
    case 'identifiers':
      return buildIdentifiers(values, random);
  }
}

/** Megabytes per second of CPU time. */
function throughput(pass: () => number, bytes: number, sampleMillis: number): number {
  const started = process.cpuUsage();
  let passes = 0;
  let spentMicros = 0;
  while (spentMicros < sampleMillis * 1_000) {
    pass();
    passes += 1;
    const { user, system } = process.cpuUsage(started);
    spentMicros = user + system;
  }
  return (bytes * passes) / spentMicros;
}

/** Looks at every value once; the number keeps the work from being optimised away. */
function lookThrough(variant: DetectionVariant, { texts, arrow, json }: BenchColumn): number {
  if (variant === '5 regexes per value') return countMatches(texts);
  const detector = createColumnDetector(variant === 'Arrow, with secrets' ? CATEGORIES : NUMBERS_AND_ADDRESSES);
  if (variant === 'JSON') detector.addJson(json.bytes, json.spans);
  else if (variant === 'texts') for (const text of texts) detector.add(text);
  else detector.addArrow({ ...arrow, validity: undefined, rows: texts.length });
  return detector.findings().length;
}

function countMatches(texts: readonly string[]): number {
  let matches = 0;
  for (const text of texts) for (const regex of REGEXES) if (regex.test(text)) matches += 1;
  return matches;
}

const HOSTILE_PIECES = [
  'a',
  'a.',
  '@',
  'a@',
  '1',
  '1 ',
  '1234 ',
  '4111 1111 1111 ',
  '(01) ',
  '_',
  '%40',
  'DE12 ',
  'eyJ-',
] as const;
const GROWTH = 4;

function measureHostile(piece: string, bytes: number): HostileRow {
  const value = (length: number): string => piece.repeat(Math.ceil(length / piece.length));
  const regexes = (text: string): number => countMatches([text]);
  const detect = (text: string): number => {
    const detector = createColumnDetector(CATEGORIES);
    detector.add(text);
    return detector.findings().length;
  };
  const [short, long] = [value(bytes), value(GROWTH * bytes)];
  const regexesMillis = millisOf(() => regexes(short));
  const detectorMillis = millisOf(() => detect(short));
  return {
    piece,
    regexesMillis,
    regexesGrowth: millisOf(() => regexes(long)) / regexesMillis,
    detectorMillis,
    detectorGrowth: millisOf(() => detect(long)) / detectorMillis,
  };
}

const REPEATS = 3;

/** The fastest of some runs: a hostile value has no lucky run, and a busy machine makes unlucky ones. */
function millisOf(work: () => number): number {
  const times = Array.from({ length: REPEATS }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return Math.min(...times);
}

/** The results as text for a terminal. */
export function describeDetection({ columns, hostile }: DetectionResults): string {
  const rows = columns.map(
    ({ column, variant, megabytesPerCpuSecond, overRegexes }) =>
      `${column.padEnd(12)} ${variant.padEnd(20)} ${megabytesPerCpuSecond.toFixed(0).padStart(6)} MB/s  x ${overRegexes.toFixed(2)}`,
  );
  const worst = hostile.map(
    (row) =>
      `${JSON.stringify(row.piece).padEnd(20)} regexes ${row.regexesMillis.toFixed(2).padStart(9)} ms, x ${row.regexesGrowth.toFixed(1).padStart(5)}   detector ${row.detectorMillis.toFixed(3).padStart(7)} ms, x ${row.detectorGrowth.toFixed(1).padStart(5)}`,
  );
  return `Detection, CPU time\n${rows.join('\n')}\n\nOne hostile value; growth when it is ${GROWTH} times as long\n${worst.join('\n')}`;
}
