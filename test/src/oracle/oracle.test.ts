import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Counts } from './rounds.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));
const seed = Number(process.env['PISTE_SEED']);
const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
const queries = Number(process.env['PISTE_ORACLE_QUERIES'] ?? (IS_TORTURE ? 20_000 : 300));
/** Far beyond what so many statements take, so that a busy machine looks at the same ones. */
const milliseconds = IS_TORTURE ? 900_000 : 90_000;

let counted: Promise<Counts> | undefined;

/** One run for all tests. The seed is in every message that a failing test prints. */
async function run(): Promise<Counts> {
  counted ??= promisify(execFile)(
    process.execPath,
    ['--no-warnings', MAIN, String(seed), String(queries), String(milliseconds)],
    { timeout: milliseconds + 20_000, maxBuffer: 64 * 1024 * 1024 },
  ).then(({ stdout }) => JSON.parse(stdout) as Counts);
  return await counted;
}

/** One round ends within 400 statements. */
function again(roundSeed: number): string {
  return `PISTE_SEED=${roundSeed} PISTE_ORACLE_QUERIES=400 npm test -- oracle`;
}

/** Every broken promise of these kinds, with what is needed to see it again. */
async function violations(...kinds: Counts['violations'][number]['kind'][]): Promise<readonly unknown[]> {
  const found = (await run()).violations.filter((violation) => kinds.includes(violation.kind));
  return found.map((violation) => ({ ...violation, again: again(violation.roundSeed) }));
}

describe(`random statements on a real engine, PISTE_SEED=${seed}`, () => {
  const limit = milliseconds + 25_000;

  test(
    'a changed column shows only in outputs that name it as a source, or where it decides about the rows',
    async () => expect(await violations('analysis')).toEqual([]),
    limit,
  );

  test(
    'an output that is said to copy a column holds values of that column only',
    async () => expect(await violations('copy')).toEqual([]),
    limit,
  );

  test(
    'the canonical text gives what the submitted text gives',
    async () => expect(await violations('canonical')).toEqual([]),
    limit,
  );

  test(
    'a result has the columns and names that were analysed',
    async () => expect(await violations('shape')).toEqual([]),
    limit,
  );

  test(
    'what is delivered under a policy does not tell the values of a protected column',
    async () => expect(await violations('delivery')).toEqual([]),
    limit,
  );

  test(
    'a statement masked at its sources runs, and nothing in its result or its error tells how a masked column changes',
    async () => expect(await violations('broken', 'masked')).toEqual([]),
    limit,
  );

  test(
    'at most one statement in a hundred cannot be masked at its sources, or does not run with its masks',
    async () => {
      const { texts, refused, unconvertible } = (await run()).masking;
      // Few statements in a run: one more is chance.
      expect(refused + unconvertible).toBeLessThanOrEqual(1 + Math.ceil(texts / 100));
    },
    limit,
  );

  test(
    'the run was worth something: statements ran, columns changed, and some changes showed or were hidden',
    async () => {
      const counts = await run();
      console.info(
        `${counts.generated} statements, ${counts.accepted} read, ${counts.executed} run, ${counts.unstable} of them without a certain result; ` +
          `${counts.perturbations} changed columns, ${counts.visible} visible; ` +
          `${counts.masking.texts} masked at their sources, ${counts.masking.perturbations} changed columns under masks, ` +
          `${counts.masking.stopped} of them visible without; ` +
          `${counts.allowed} of ${counts.policies} decisions allowed, ${counts.masked} with masks, ${counts.hidden} changes hidden`,
      );
      expect(counts.executed - counts.unstable).toBeGreaterThan(20);
      expect(counts.visible).toBeGreaterThan(5);
      expect(counts.allowed).toBeGreaterThan(20);
      expect(counts.masking.stopped).toBeGreaterThan(5);
    },
    limit,
  );
});
