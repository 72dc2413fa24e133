import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Counts } from '../oracle/rounds.js';
import { describeComparison, runComparison } from './run.js';

/**
 * `fuzz.js [--seed <number>] [--seconds <number>]`: both parsers and then the execution oracle, half of the time each. Ends
 * with 1 where a promise is broken.
 */
const ORACLE = fileURLToPath(new URL('../oracle/main.js', import.meta.url));
const GRACE_MILLISECONDS = 60_000;

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a whole number`);
  return value;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function runOracle(seed: number, milliseconds: number): Promise<Counts> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', ORACLE, String(seed), '1000000000', String(milliseconds)],
    { timeout: milliseconds + GRACE_MILLISECONDS, maxBuffer: 256 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Counts;
}

const seed = option('seed', randomInt(1, 1_000_000_000));
const milliseconds = option('seconds', 300) * 500;
say(`seed ${seed}`);
const comparison = await runComparison({ seed, rounds: 1_000_000_000, milliseconds, withBenchmarks: false });
say(describeComparison(comparison));
const { violations, refusals, failures, ...counts } = await runOracle(seed, milliseconds);
say(JSON.stringify(counts, undefined, 2));
say(`refused: ${JSON.stringify(refusals)}`);
say(`not run by the engine: ${JSON.stringify(failures)}`);
const broken = [...comparison.disagreements, ...violations];
for (const found of broken) say(JSON.stringify(found, undefined, 2));
say(broken.length === 0 ? 'no broken promise' : `${broken.length} broken promises; seed ${seed}`);
process.exitCode = broken.length === 0 ? 0 : 1;
