import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { forge, forgeable } from '../go-verifier/forgeries.js';
import { type Mutant, mutate } from '../go-verifier/mutations.js';
import { createRandom } from '../go-verifier/random.js';
import { startReaders, type TwoReaders } from '../go-verifier/two-readers.js';
import { readWorlds, type World } from '../go-verifier/world.js';
import { runToEnd } from '../harness/run-to-end.js';

const PROGRAM = fileURLToPath(new URL('../../go-verifier/', import.meta.url));
const VECTORS = fileURLToPath(new URL('../../../gateway/verifier/testdata/recordings/', import.meta.url));
const GO = { GOFLAGS: '-mod=readonly -buildvcs=false', GOTOOLCHAIN: 'local' };
const MUTANTS = Number(process.env['MUTANTS'] ?? (process.env['PISTE_TORTURE'] === '1' ? 10_000 : 300));
const SEED = Number(process.env['SEED'] ?? (process.env['PISTE_TORTURE'] === '1' ? process.env['PISTE_SEED'] : 1));
/** Under a loaded machine a mutant takes some tens of milliseconds. */
const SUITE_MS = 120_000 + MUTANTS * 200;

let folder: string;
let readers: TwoReaders;
let vectors: readonly World[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'piste-two-readers-'));
  const program = join(folder, 'go-verifier');
  const built = await runToEnd('go', ['build', '-o', program, '.'], { cwd: PROGRAM, env: GO });
  if (built.code !== 0) throw new Error(built.output);
  vectors = await readWorlds(VECTORS);
  readers = startReaders(program, folder);
}, 240_000);

afterAll(async () => {
  await readers?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the second verifier passes the vectors', async () => {
  const { code, output } = await runToEnd('go', ['test', '-vet=off', '-count=1', './...'], { cwd: PROGRAM, env: GO });
  expect(code === 0 ? 'passed' : output).toBe('passed');
}, 240_000);

test('both verifiers say the same of every vector', async () => {
  expect(await disagreements(vectors.map((world) => ({ world, what: world.name })))).toEqual([]);
}, 120_000);

test(
  'both verifiers say the same of what somebody without a key can do to a recording',
  async () => {
    const random = createRandom(SEED);
    const mutants = Array.from({ length: MUTANTS }, () => mutate(vectors, random));
    expect(await disagreements(mutants)).toEqual([]);
  },
  SUITE_MS,
);

test(
  'both verifiers say the same of what somebody with the keys can sign',
  async () => {
    const random = createRandom(SEED);
    const sources = forgeable(vectors);
    const forged = Array.from({ length: MUTANTS }, () => forge(sources, random));
    expect(await disagreements(forged)).toEqual([]);
  },
  SUITE_MS,
);

/** Where the two differ: the change, and both opinions. */
async function disagreements(mutants: readonly Mutant[]): Promise<string[]> {
  const found: string[] = [];
  for (const { world, what } of mutants) {
    const { ours, theirs } = await readers.ask(world);
    if (ours.outcome === theirs.outcome) continue;
    found.push(
      `${what}\n  TypeScript: ${ours.outcome} ${ours.findings.join(', ')}\n  Go: ${theirs.outcome} ${theirs.findings.join(', ')}`,
    );
  }
  return found;
}
