import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Approver, connectApprover, eventually } from '../e2e/callers.js';
import { runToEnd } from '../harness/run-to-end.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';

const PROGRAM = fileURLToPath(new URL('../../jdbc/Gateway.java', import.meta.url));
const DRIVERS = fileURLToPath(new URL('../../../.cache/jdbc/', import.meta.url));
/** Major version → the release whose jar `make jdbc` fetches. */
const VERSIONS = ['4.4.1', '3.24.2'];
const ORDERS = [888_001, 888_002, 888_003, 888_004];

let playground: Playground;
let dana: Approver;
beforeAll(async () => {
  playground = await startPlayground();
  dana = await connectApprover(playground);
}, 60_000);
afterAll(async () => await playground?.stop());

/** Decides about the orders in the order in which the program asks; the third is cancelled by the program itself. */
async function decideAll(): Promise<void> {
  const [approved, denied, left, last] = ORDERS.map((id) => new RegExp(`${id}`));
  if (approved === undefined || denied === undefined || left === undefined || last === undefined) return;
  await dana.decide(await dana.find(approved), 'approve');
  await dana.decide(await dana.find(denied), 'deny', 'not before the audit');
  const cancelled = await dana.find(left);
  await dana.decide(await dana.find(last), 'approve');
  const state = await eventually('the end of the cancelled request', async () => {
    const { body } = await dana.get(cancelled.id);
    return body['state'] === 'pending' ? undefined : body['state'];
  });
  expect(state).toBe('withdrawn');
}

test.each(VERSIONS)('the JDBC driver %s works through the gateway', async (version) => {
  const jar = join(DRIVERS, version, `snowflake-jdbc-${version}.jar`);
  if (!existsSync(jar)) throw new Error(`${jar} is missing; run: make jdbc`);
  const running = runToEnd('java', ['-cp', jar, PROGRAM, `jdbc:snowflake://${new URL(playground.driverUrl).host}/`], {
    env: { TOKEN: await playground.mint('agent-1', AGENT_CLAIMS, { expiresInSeconds: 600 }) },
    timeoutMilliseconds: 120_000,
  });
  const [ended, decided] = await Promise.allSettled([running, decideAll()]);
  if (ended.status === 'rejected') throw ended.reason;
  const { code, output } = ended.value;
  const lines = output.split('\n').filter((line) => /^(not )?ok /.test(line));
  expect(lines.filter((line) => line.startsWith('not'))).toEqual([]);
  expect(code === 0 ? 'passed' : output).toBe('passed');
  expect(lines).toHaveLength(20);
  expect(decided).toEqual({ status: 'fulfilled', value: undefined });
}, 180_000);
