import { compareParsers, noComparison } from './compare.js';

/**
 * `main.js <seed> <milliseconds>`: compares both parsers until the time is over and prints what was found as one line of
 * JSON. A process of its own, because the other parser is a foreign program that may break.
 */
const [seed = 1, milliseconds = 8_000] = process.argv.slice(2).map(Number);
const comparison = noComparison();
const started = performance.now();
await compareParsers(seed, () => performance.now() - started > milliseconds, comparison, []);
process.stdout.write(`${JSON.stringify(comparison)}\n`, () => process.exit(0));
