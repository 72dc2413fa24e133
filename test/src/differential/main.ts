import { compareParsers, noComparison } from './compare.js';
import { loadBenchmarks } from './tpc.js';

/**
 * `main.js <seed> <rounds> <milliseconds> [benchmarks]`: compares both parsers until either bound is met and prints what was found as
 * one line of JSON. A process of its own, because the other parser is a foreign program that may break.
 */
const [seed, rounds, milliseconds, extra] = process.argv.slice(2);
const comparison = noComparison();
const given = extra === 'benchmarks' ? (await loadBenchmarks()).flatMap(({ statements }) => statements) : [];
const started = performance.now();
const isOver = (done: number): boolean => done >= Number(rounds) || performance.now() - started > Number(milliseconds);
await compareParsers(Number(seed), isOver, comparison, given);
process.stdout.write(`${JSON.stringify(comparison)}\n`, () => process.exit(0));
