import { compareParsers, noComparison } from './compare.js';
import { loadBenchmarks } from './tpc.js';

/**
 * `main.js <seed> <milliseconds> [benchmarks]`: compares both parsers until the time is over and prints what was found as
 * one line of JSON. A process of its own, because the other parser is a foreign program that may break.
 */
const [seed, milliseconds, extra] = process.argv.slice(2);
const comparison = noComparison();
const given = extra === 'benchmarks' ? (await loadBenchmarks()).flatMap(({ statements }) => statements) : [];
const started = performance.now();
await compareParsers(Number(seed), () => performance.now() - started > Number(milliseconds), comparison, given);
process.stdout.write(`${JSON.stringify(comparison)}\n`, () => process.exit(0));
