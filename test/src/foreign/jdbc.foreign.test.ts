import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Approver, connectApprover, eventually, type ShownRequest } from '../e2e/callers.js';
import { runToEnd } from '../harness/run-to-end.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';

const PROGRAM = fileURLToPath(new URL('../../jdbc/Gateway.java', import.meta.url));
const DRIVERS = fileURLToPath(new URL('../../../.cache/jdbc/', import.meta.url));
/** Major version → the release whose jar `make jdbc` fetches. */
const VERSIONS = ['4.4.1', '3.24.2'];

let playground: Playground;
let dana: Approver;
beforeAll(async () => {
  playground = await startPlayground();
  dana = await connectApprover(playground);
}, 60_000);
afterAll(async () => await playground?.stop());

/** The program has other tests before it asks, and starts slowly on a loaded machine. */
const ASKS_WITHIN_MS = 100_000;

const requestAbout = (order: number): Promise<ShownRequest> =>
  eventually(
    `a request about order ${order}`,
    async () => (await dana.list()).find((one) => one.state === 'pending' && one.canonicalText.includes(`${order}`)),
    ASKS_WITHIN_MS,
  );

/** Decides about the orders in the order in which the program asks; the third is cancelled by the program itself. */
async function decideAll(): Promise<void> {
  await dana.decide(await requestAbout(888_001), 'approve');
  await dana.decide(await requestAbout(888_002), 'deny', 'not before the audit');
  const cancelled = await requestAbout(888_003);
  await dana.decide(await requestAbout(888_004), 'approve');
  const state = await eventually('the end of the cancelled request', async () => {
    const { body } = await dana.get(cancelled.id);
    return body['state'] === 'pending' ? undefined : body['state'];
  });
  expect(state).toBe('withdrawn');
}

test.each(VERSIONS)(
  'the JDBC driver %s works through the gateway',
  async (version) => {
    const jar = join(DRIVERS, version, `snowflake-jdbc-${version}.jar`);
    if (!existsSync(jar)) throw new Error(`${jar} is missing; run: make jdbc`);
    const running = runToEnd('java', ['-cp', jar, PROGRAM, `jdbc:snowflake://${new URL(playground.driverUrl).host}/`], {
      // Without it the driver asks the metadata services of three clouds where it runs.
      env: {
        SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
        TOKEN: await playground.mint('agent-1', AGENT_CLAIMS, { expiresInSeconds: 600 }),
      },
      timeoutMilliseconds: 120_000,
    });
    const [ended, decided] = await Promise.allSettled([running, decideAll()]);
    if (ended.status === 'rejected') throw ended.reason;
    const { code, output } = ended.value;
    const lines = output.split('\n').filter((line) => /^(not )?ok /.test(line));
    expect(decided).toEqual({ status: 'fulfilled', value: undefined });
    expect(lines.filter((line) => line.startsWith('not'))).toEqual([]);
    expect(code === 0 ? 'passed' : output).toBe('passed');
    expect(lines).toHaveLength(20);
  },
  180_000,
);
