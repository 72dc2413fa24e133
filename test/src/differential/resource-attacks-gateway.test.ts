import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loginByHand } from '../e2e/callers.js';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { RESOURCE_ATTACKS } from './resource-attacks.js';

/** For one answer, on a machine that does much else. On a quiet one about a second is the most. */
const MAX_MILLISECONDS = 15_000;

/** All that reads CUSTOMERS ends here, so that the account behind the gateway has no part in the measurement. */
const BLOCK_CUSTOMERS = `apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: no-customers }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Block
  match: { objects: [{ database: CRM, schema: PUBLIC, object: CUSTOMERS }] }
  message: Not now.
`;

let playground: Playground;
let attacker: WireClient;
let ordinary: WireClient;

beforeAll(async () => {
  playground = await startPlayground({ resources: { 'block-customers.yaml': BLOCK_CUSTOMERS } });
  [attacker, ordinary] = await Promise.all([loginByHand(playground), loginByHand(playground, { subject: 'agent-2' })]);
}, 60_000);
afterAll(async () => await playground?.stop());

async function timed<T>(work: Promise<T>): Promise<{ readonly result: T; readonly milliseconds: number }> {
  const started = performance.now();
  const result = await work;
  return { result, milliseconds: performance.now() - started };
}

describe('the gateway under texts made to cost much', () => {
  test('answers each of them, and an ordinary statement of somebody else after each', async () => {
    const slow: string[] = [];
    let slowest = { name: 'none', milliseconds: 0 };
    let slowestOrdinary = 0;
    for (const { name, sqlText } of RESOURCE_ATTACKS) {
      const attack = timed(attacker.query(sqlText));
      const other = timed(ordinary.run('SELECT COUNT(*) AS n FROM orders'));
      const [{ result, milliseconds }, served] = await Promise.all([attack, other]);
      expect([name, typeof result.success]).toEqual([name, 'boolean']);
      expect([name, served.result.success]).toEqual([name, true]);
      if (milliseconds > MAX_MILLISECONDS || served.milliseconds > MAX_MILLISECONDS) slow.push(name);
      if (milliseconds > slowest.milliseconds) slowest = { name, milliseconds };
      slowestOrdinary = Math.max(slowestOrdinary, served.milliseconds);
    }
    console.info(
      `slowest of ${RESOURCE_ATTACKS.length}: ${slowest.name}, ${slowest.milliseconds.toFixed(0)} ms; ` +
        `an ordinary statement beside them took at most ${slowestOrdinary.toFixed(0)} ms`,
    );
    expect(slow).toEqual([]);
  }, 180_000);
});
