import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Comparison } from './compare.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));
const GRACE_MILLISECONDS = 20_000;

/** Both parsers in a process of their own. `withBenchmarks`: over TPC-H and TPC-DS as well. */
export async function runComparison(settings: {
  readonly seed: number;
  /** Ends after so many, or when the time is over. */
  readonly rounds: number;
  readonly milliseconds: number;
  readonly withBenchmarks: boolean;
}): Promise<Comparison> {
  const { seed, rounds, milliseconds, withBenchmarks } = settings;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--no-warnings',
      MAIN,
      String(seed),
      String(rounds),
      String(milliseconds),
      ...(withBenchmarks ? ['benchmarks'] : []),
    ],
    { timeout: milliseconds + GRACE_MILLISECONDS, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Comparison;
}

/** How many statements both parsers read, and in how many they were alone. */
export function describeComparison({ groups, replaced }: Comparison): string {
  const lines = Object.entries(groups).map(
    ([group, { statements, both, onlyWe, onlyOther }]) =>
      `${group}: ${statements} statements, ${both} read by both, ${onlyWe} by us only, ${onlyOther} by the other only`,
  );
  return [...lines, `the other parser was replaced ${replaced} times`].join('\n');
}
