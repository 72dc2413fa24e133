import { startEngine } from './execution.js';
import { noCounts, runRound } from './rounds.js';

/**
 * `main.js <seed> <queries> <milliseconds>`: runs random statements until either bound is met and prints the counts and
 * every violation as one line of JSON. A process of its own, because the engine is native code.
 */
const QUERIES_A_ROUND = 400;
const GRACE_MILLISECONDS = 5_000;

const [seed = 1, queries = 500, milliseconds = 15_000] = process.argv.slice(2).map(Number);
const counts = noCounts();
const started = performance.now();
const isOver = (): boolean => performance.now() - started > milliseconds;
const finish = (): void => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
};
// A statement that does not stop when it is told to ends the run, not the promise to end it.
const watchdog = setTimeout(finish, milliseconds + GRACE_MILLISECONDS);
const engine = await startEngine();
for (let round = 0; counts.generated < queries && !isOver(); round += 1) {
  const left = Math.min(QUERIES_A_ROUND, queries - counts.generated);
  await runRound(engine, seed + round, left, counts, isOver);
}
clearTimeout(watchdog);
engine.close();
finish();
