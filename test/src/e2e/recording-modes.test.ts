import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, eventually, failureOf, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

let playground: Playground;

beforeAll(async () => {
  playground = await startPlayground({ gatewayEnvironment: { PISTE_RECORDING_MODE: 'observe' } });
}, 60_000);
afterAll(async () => await playground?.stop());

const records = () => recordsIn(playground.recordingDirectory);
const fieldsOf = async (kind: string) =>
  (await records()).filter(({ leaf }) => leaf.kind === kind).map(({ leaf }) => leaf.fields);

async function unrecordedBytes({ opsUrl }: Pick<GatewayProgram, 'opsUrl'>): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return Number(/^piste_unrecorded_bytes_total (.*)$/m.exec(text)?.[1]);
}

const STRICT_ON_BIG = `apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: strict-on-big }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Allow
  match: { statementTypes: [Select], objects: [{ database: CRM, object: BIG }] }
  recording: { mode: Strict }
`;

describe('a gateway that only observes', () => {
  test('says so in its first record, with the configuration it runs with', async () => {
    const [open] = await records();
    expect(open?.leaf.fields).toMatchObject({
      mode: 'observe',
      config: expect.stringMatching(/^[0-9a-f]{64}$/),
      version: expect.any(String),
    });
    const config = (await records()).find(({ leaf }) => leaf.fields['op'] === 'config');
    expect(config?.leaf.fields['config']).toBe(open?.leaf.fields['config']);
    expect(JSON.parse(config?.bodies.get('config')?.toString('utf8') ?? '')).toMatchObject({
      recordingMode: 'observe',
    });
  });

  test('records all the same as long as it can', async () => {
    const wire = await loginByHand(playground);
    expect((await wire.query('SELECT 1 AS v')).success).toBe(true);
    await eventually('the answer in the record', async () =>
      (await fieldsOf('response')).some(({ rows }) => rows === 1) ? true : undefined,
    );
    expect(await unrecordedBytes(playground)).toBe(0);
  });

  test('waits for what a policy or a rule wants recorded strictly, with every part of its result', async () => {
    const file = join(playground.resourcesDirectory, 'masking.yaml');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace(/^spec:\n/m, 'spec:\n  recording: { mode: Strict }\n'));
    await writeFile(join(playground.resourcesDirectory, 'strict.yaml'), STRICT_ON_BIG);
    await eventually('the policies', async () => {
      const loaded = (await records()).findLast(({ leaf }) => leaf.kind === 'policy.loaded');
      const text = loaded?.bodies.get('resources')?.toString('utf8') ?? '';
      return text.includes('"mode":"Strict"') && text.includes('strict-on-big') ? true : undefined;
    });
    const driver = await connectAgent(playground);
    await driver.execute('SELECT city FROM customers');
    await driver.execute('SELECT email FROM customers');
    await driver.execute('SELECT id, payload FROM big');
    await driver.close();
    const own = (await records()).filter(({ leaf }) => leaf.fields['internal'] !== true);
    const saidOf = (text: string) => {
      const request = own.findLast(({ bodies }) => bodies.get('submitted')?.toString('utf8') === text)?.leaf.fields;
      const answers = own.filter(({ leaf }) => leaf.kind !== 'request' && leaf.fields['qid'] === request?.['qid']);
      const { strict } = (request?.['dec'] ?? {}) as { strict?: unknown };
      return { strict, answers: answers.map(({ leaf: { kind, fields } }) => `${kind} ${fields['strict'] === true}`) };
    };
    expect(saidOf('SELECT city FROM customers')).toEqual({ strict: [], answers: ['response false'] });
    expect(saidOf('SELECT email FROM customers')).toEqual({
      strict: ['MaskingPolicy customer-pii'],
      answers: ['response true'],
    });
    const big = saidOf('SELECT id, payload FROM big');
    expect(big.strict).toEqual(['ApprovalRule strict-on-big']);
    expect(new Set(big.answers)).toEqual(new Set(['response true', 'chunk true']));
  });

  test('refuses that, and nothing else, when its disk takes no more', async () => {
    const gateway = await playground.startGateway('full', { PISTE_RECORDING_MODE: 'observe' });
    const driver = await connectAgent(playground, { url: gateway.driverUrl });
    await driver.execute('SELECT city FROM customers WHERE id = 1');
    execFileSync('prlimit', ['--pid', String(gateway.pid()), '--fsize=1:1']);
    await driver.execute('SELECT city FROM customers WHERE id = 2');
    await eventually('a loss', async () => ((await unrecordedBytes(gateway)) > 0 ? true : undefined));
    expect(await failureOf(driver.execute('SELECT email FROM customers'))).toMatchObject({ code: '861701' });
    expect((await driver.execute('SELECT city FROM customers WHERE id = 3')).rows).toHaveLength(1);
    const reached = (await playground.history()).filter(({ isInternal }) => !isInternal).map(({ sqlText }) => sqlText);
    expect(reached.filter((text) => /where id = 3/i.test(text))).toHaveLength(1);
    expect(reached.filter((text) => /^SELECT email/i.test(text))).toHaveLength(1);
    await driver.close();
    await gateway.stop();
  });

  test('waits where a connection demands it, and records the change before', async () => {
    const file = join(playground.resourcesDirectory, 'connection.yaml');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace(/^spec:\n/m, 'spec:\n  recording: { mode: Strict }\n'));
    const changes = await eventually('the change', async () => {
      const found = await fieldsOf('mode.change');
      return found.length > 0 ? found : undefined;
    });
    expect(changes).toEqual([{ connection: expect.any(String), mode: 'strict', from: 'observe' }]);
    const kinds = (await records()).map(({ leaf }) => leaf.kind);
    expect(kinds.indexOf('mode.change')).toBe(kinds.lastIndexOf('policy.loaded') + 1);
  });

  test('keeps the resources that were in force, without secrets', async () => {
    const loaded = (await records()).findLast(({ leaf }) => leaf.kind === 'policy.loaded');
    const text = loaded?.bodies.get('resources')?.toString('utf8') ?? '';
    const resources = JSON.parse(text) as readonly { resource: { kind: string } }[];
    expect(new Set(resources.map(({ resource }) => resource.kind))).toEqual(
      new Set(['SnowflakeConnection', 'MaskingPolicy', 'ApprovalRule']),
    );
    expect(text).toContain('"mode":"Strict"');
    for (const name of ['hash-key', 'token-key'])
      expect(text).not.toContain((await readFile(join(playground.secretsDirectory, 'masking', name), 'utf8')).trim());
  });
});

test('an unknown mode does not start', async () => {
  await expect(playground.startGateway('unknown', { PISTE_RECORDING_MODE: 'sometimes' })).rejects.toThrow(
    /PISTE_RECORDING_MODE must be one of strict, strict-final, request-strict, observe/,
  );
});
