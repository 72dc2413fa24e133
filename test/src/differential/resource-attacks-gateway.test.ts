import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpuSeconds } from '../bench/machine.js';
import { loginByHand } from '../e2e/callers.js';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { RESOURCE_ATTACKS } from './resource-attacks.js';

/** Of the processor, for one attack and the statement beside it. About a second is the most. */
const MAX_CPU_SECONDS = 5;
/** Every one is read in process by the suite beside this one; here some of them stand for all. */
const ATTACKS = RESOURCE_ATTACKS.filter((_, index) => process.env['PISTE_TORTURE'] === '1' || index % 4 === 0);

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

describe('the gateway under texts made to cost much', () => {
  test('answers each of them, and an ordinary statement of somebody else after each', async () => {
    const slow: string[] = [];
    let slowest = { name: 'none', seconds: 0 };
    for (const { name, sqlText } of ATTACKS) {
      const before = cpuSeconds([playground.gatewayPid()]);
      const [attack, served] = await Promise.all([
        attacker.query(sqlText),
        ordinary.run('SELECT COUNT(*) AS n FROM orders'),
      ]);
      const seconds = cpuSeconds([playground.gatewayPid()]) - before;
      expect([name, typeof attack.success]).toEqual([name, 'boolean']);
      expect([name, served.success]).toEqual([name, true]);
      if (seconds > MAX_CPU_SECONDS) slow.push(name);
      if (seconds > slowest.seconds) slowest = { name, seconds };
    }
    console.info(`the costliest of ${ATTACKS.length}: ${slowest.name}, ${(slowest.seconds * 1000).toFixed(0)} ms`);
    expect(slow).toEqual([]);
  }, 180_000);
});
