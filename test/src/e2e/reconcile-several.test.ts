import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisProcess, startRedisProcess } from '@piste/gateway/dist/store/redis-process.js';
import { parseQueryTag } from '@piste/verifier';
import { type AuditorKey, makeAuditorKey } from '../demo/auditor-key.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectDirect } from './callers.js';
import { askToReconcile, type ReconcileAnswer } from './reconcile-call.js';

/** Two gateways of one deployment: one store, one registry, one service user, and a recording each. */
let redis: RedisProcess;
let playground: Playground;
let second: GatewayProgram;
/** The gateways have the public half only. */
let key: AuditorKey;

beforeAll(async () => {
  [redis, key] = await Promise.all([startRedisProcess(), makeAuditorKey()]);
  playground = await startPlayground({
    gatewayEnvironment: {
      PISTE_AUDITOR_GROUPS: 'auditors',
      PISTE_REDIS_URL: redis.url,
      PISTE_RECORDING_RECIPIENTS_FILE: key.recipientsFile,
    },
  });
  second = await playground.startGateway('second');
  for (const { driverUrl } of [playground, second]) {
    const agent = await connectAgent({ ...playground, driverUrl });
    await work(agent);
    await agent.close();
  }
}, 90_000);
afterAll(async () => {
  await playground?.stop();
  await redis?.dispose();
  await key?.remove();
});

async function work(driver: NodeDriver): Promise<void> {
  await driver.execute('SELECT id, email FROM customers WHERE id < 4');
  await driver.execute('SELECT city FROM customers WHERE email > ?', { binds: ['pst_0'] });
  await expect(driver.execute("SELECT 'x'::number AS n")).rejects.toThrow();
}

const ask = (at: { readonly consoleUrl: string }): Promise<ReconcileAnswer> => askToReconcile(playground, at);

/** Runs a text with the service credential past both gateways; its query id. */
async function bypass(sqlText: string, queryTag: string): Promise<string> {
  const privateKey = await readFile(join(playground.secretsDirectory, 'snowflake', 'private-key.pem'), 'utf8');
  const direct = await connectDirect(playground, {
    username: 'PISTE_SVC',
    authenticator: 'SNOWFLAKE_JWT',
    privateKey,
    queryTag,
  });
  const { statement } = await direct.execute(sqlText);
  await direct.close();
  return String(statement.getQueryId());
}

describe('two gateways of one service user', () => {
  test.each([
    ['the first', () => playground],
    ['the second', () => second],
  ])('%s raises no alarm about what the other recorded, and does not call it compared', async (_, at) => {
    const { report } = await ask(at());
    expect(report.findings.filter(({ weight }) => weight === 'alarm')).toEqual([]);
    expect(report.rows['recorded-elsewhere']).toBeGreaterThanOrEqual(3);
    expect(report.rows['matched']).toBeGreaterThanOrEqual(3);
    expect(report.outcome).toBe('cannot-conclude');
  });

  test("a tag of the other gateway's, copied or changed, is an alarm", async () => {
    const history = await playground.history();
    const tags = history.map(({ queryTag }) => parseQueryTag(queryTag)).filter((tag) => tag !== undefined);
    // The oldest is the first gateway's.
    const foreign = tags.find(({ writer }) => writer !== tags[0]?.writer);
    if (foreign === undefined) throw new Error('no tag of the second gateway');
    const { writer: w, index: i, leafHash: r, signature: s } = foreign;
    const copied = await bypass('SELECT ssn FROM customers', JSON.stringify({ piste: 1, w, i, r, s }));
    const changed = await bypass('SELECT ssn FROM customers', JSON.stringify({ piste: 1, w, i: i + 1, r, s }));
    const stranger = `${w.slice(0, -26)}01J00000000000000000000000`;
    const unknown = await bypass('SELECT ssn FROM customers', JSON.stringify({ piste: 1, w: stranger, i, r, s }));
    const { report } = await ask(playground);
    expect(report.outcome).toBe('alarm');
    const alarms = report.findings.filter(({ weight }) => weight === 'alarm');
    expect(alarms.map(({ queryId, kind }) => `${queryId} ${kind}`).toSorted()).toEqual(
      [`${copied} repeated`, `${changed} tag-differs`, `${unknown} unrecorded`].toSorted(),
    );
  });
});

describe('a gateway that started again', () => {
  test('compares the texts that the one before recorded: what they are under is in the common store', async () => {
    await playground.restartGateway();
    const { report } = await ask(playground);
    expect(report.rows['matched']).toBeGreaterThanOrEqual(3);
    expect(report.rows).toMatchObject({ 'text-unread': 0, 'text-differs': 0 });
  }, 30_000);
});
