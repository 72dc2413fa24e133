import { statSync } from 'node:fs';

/** Suites that take longest, the longest first: one that comes last would run alone. A fresh clone has no times of its own to go by. */
const SLOW = [
  '/demo/demo.',
  '/e2e/upstream-faults.',
  '/e2e/corpus.',
  '/bench/bench.',
  '/e2e/',
  '/differential/',
  '/oracle/',
  '/object-store/',
  '/recording/kill.',
  '/registry/registry-log.',
];

const place = ({ path }) => {
  const found = SLOW.findIndex((part) => path.includes(part));
  return found < 0 ? SLOW.length : found;
};

/** Jest's order of suites: known slow ones, then the largest files. */
export default class SlowestFirst {
  sort(tests) {
    const sizes = new Map(tests.map(({ path }) => [path, statSync(path).size]));
    return tests.toSorted((a, b) => place(a) - place(b) || sizes.get(b.path) - sizes.get(a.path));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
