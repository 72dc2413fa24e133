// Compiled output only: `tsc -b` first. Suites that need a foreign toolchain are named *.foreign.test.ts and run with PISTE_FOREIGN=1.
const foreign = process.env.PISTE_FOREIGN === '1';

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
  maxWorkers: 2,
  testTimeout: 60_000,
};
