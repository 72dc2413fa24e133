// Compiled output only: `tsc -b` first. Suites that need a foreign toolchain are named *.foreign.test.ts and run with PISTE_FOREIGN=1.
import { randomInt } from 'node:crypto';

const foreign = process.env.PISTE_FOREIGN === '1';

// All that tests draw by chance comes from one seed, the same in every run: of the same tree the gate says the same.
// PISTE_SEED=random draws another, PISTE_SEED=number repeats it.
const FIXED_SEED = 20_261_127;
const seed = process.env.PISTE_SEED ?? String(FIXED_SEED);
process.env.PISTE_SEED = seed === 'random' ? String(randomInt(1, 1_000_000_000)) : seed;
process.stderr.write(`PISTE_SEED=${process.env.PISTE_SEED}\n`);

export default {
  roots: [
    '<rootDir>/crds/dist',
    '<rootDir>/gateway/dist',
    '<rootDir>/gateway/verifier/dist',
    '<rootDir>/operator/dist',
    '<rootDir>/test/dist',
  ],
  testMatch: foreign ? ['**/*.foreign.test.js'] : ['**/*.test.js'],
  testPathIgnorePatterns: foreign ? ['/node_modules/'] : ['/node_modules/', '\\.foreign\\.test\\.js$'],
  testEnvironment: 'node',
  transform: {},
  setupFiles: ['<rootDir>/jest.setup.js'],
  testSequencer: '<rootDir>/jest.sequencer.js',
  // One more than the processors of a build machine: much of the time a suite waits for programs and for clocks.
  maxWorkers: 3,
  testTimeout: 120_000,
};
