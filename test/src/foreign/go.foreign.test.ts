import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runToEnd } from '../harness/run-to-end.js';
import { type Playground, startPlayground } from '../playground/playground.js';

const SUITES = fileURLToPath(new URL('../../go/', import.meta.url));
/** Compiling two drivers takes minutes when nothing is cached. */
const COMPILE_AND_RUN_MS = 560_000;

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
}, 60_000);
afterAll(async () => await playground?.stop());

test.each(['v1', 'v2'])(
  'the Go driver %s works through the gateway',
  async (version) => {
    const { code, output } = await runToEnd('go', ['test', '-vet=off', '-count=1', '-timeout=240s', `./${version}/`], {
      cwd: SUITES,
      env: {
        GOFLAGS: '-mod=readonly',
        GOTOOLCHAIN: 'local',
        GOPATH: process.env['GOPATH'] ?? join(process.env['HOME'] ?? '/root', 'go'),
        GATEWAY_URL: playground.driverUrl,
        CONSOLE_URL: playground.consoleUrl,
        ISSUER_URL: playground.issuerUrl,
      },
      timeoutMilliseconds: COMPILE_AND_RUN_MS,
    });
    expect(code === 0 ? 'passed' : output).toBe('passed');
    expect(output).toMatch(/^ok\s/m);
  },
  600_000,
);
