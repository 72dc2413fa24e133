import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LogRecord } from '@piste/gateway/dist/recording/index.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, eventually, failureOf } from './callers.js';
import { recordsIn } from './records.js';

let playground: Playground;
let driver: NodeDriver;
let asDelivered: string;

const fileOf = (name: string): string => join(playground.resourcesDirectory, name);
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${playground.opsUrl}/metrics`)).text();
  return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
};
const generation = () => metric('piste_policy_generation');
const records = () => recordsIn(playground.recordingDirectory);
const loggedSince = (length: number) => playground.gatewayOutput().slice(length);

beforeAll(async () => {
  playground = await startPlayground();
  driver = await connectAgent(playground);
  asDelivered = await readFile(fileOf('masking.yaml'), 'utf8');
}, 60_000);
afterAll(async () => {
  await driver?.close();
  await playground?.stop();
});

/** Puts a text in the place of the masking policy in one step and waits until it is in force. */
async function replaceMasking(text: string): Promise<void> {
  const before = await generation();
  await writeFile(fileOf('.new'), text);
  await rename(fileOf('.new'), fileOf('masking.yaml'));
  await eventually('the new snapshot', async () => ((await generation()) > before ? true : undefined));
}

/** Writes something that cannot be used and waits until the gateway has said so. */
async function spoil(name: string, text: string): Promise<void> {
  await writeFile(fileOf('.new'), text);
  await rename(fileOf('.new'), fileOf(name));
  await eventually('the complaint', async () => ((await metric('piste_policy_errors')) > 0 ? true : undefined));
}

async function restore(): Promise<void> {
  await rm(fileOf('other.yaml'), { force: true });
  await writeFile(fileOf('.new'), asDelivered);
  await rename(fileOf('.new'), fileOf('masking.yaml'));
  await eventually('the old masks', async () =>
    (await metric('piste_policy_errors')) === 0 && (await emailOfFirst()).startsWith('pst_') ? true : undefined,
  );
}

const firstCustomer = async (): Promise<Readonly<Record<string, unknown>>> =>
  (await driver.execute('SELECT email, ssn, name FROM customers WHERE id = 1')).rows[0] ?? {};
const emailOfFirst = async (): Promise<string> => {
  const email = (await firstCustomer().catch(() => undefined))?.['EMAIL'];
  return typeof email === 'string' ? email : '';
};

const revisionOf = (record: LogRecord | undefined): unknown =>
  (record?.leaf.fields['dec'] as { pol?: unknown } | undefined)?.pol;
const isRequest = ({ leaf }: LogRecord): boolean => leaf.kind === 'request' && leaf.fields['internal'] !== true;

let length = 0;
let count = 0;
beforeEach(async () => {
  length = playground.gatewayOutput().length;
  count = (await records()).length;
});

describe('a policy that changes', () => {
  afterEach(restore);

  test('changes the next result of an open session, and is recorded before it', async () => {
    const before = await firstCustomer();
    expect(before['EMAIL']).toMatch(/^pst_/);
    await replaceMasking(
      asDelivered
        .replace('keepLast: 4, replacement: "*"', 'keepLast: 2, replacement: "#"')
        .replace(/action: \{ type: Hash.*/, 'action: { type: Redact }'),
    );
    const after = await firstCustomer();
    expect(after['EMAIL']).not.toBe(before['EMAIL']);
    expect(after['EMAIL']).not.toMatch(/@|^pst_/);
    expect(after['SSN']).toMatch(/^#+.{2}$/);
    const written = (await records()).slice(count);
    const [first, loaded, second] = [
      written.findIndex(isRequest),
      written.findIndex(({ leaf }) => leaf.kind === 'policy.loaded'),
      written.findLastIndex(isRequest),
    ];
    expect(first).toBeLessThan(loaded);
    expect(loaded).toBeLessThan(second);
    expect(revisionOf(written[first])).not.toBe(revisionOf(written[second]));
    const bundle = written[loaded]?.bodies.get('bundle')?.toString('utf8') ?? '';
    expect(bundle).toContain('customer-pii');
    expect(bundle).not.toContain(await readFile(join(playground.secretsDirectory, 'masking', 'hash-key'), 'utf8'));
    const revisions = (await records())
      .filter(({ leaf }) => leaf.kind === 'policy.loaded')
      .map(({ leaf }) => leaf.fields);
    revisions.forEach(({ prev }, index) => {
      expect(prev).toBe(index === 0 ? null : revisions[index - 1]?.['rev']);
    });
  });

  test('may protect a column that was free', async () => {
    await replaceMasking(
      `${asDelivered}    - name: city\n      match: { columns: [{ database: CRM, schema: PUBLIC, object: CUSTOMERS, column: CITY }] }\n      action: { type: Deny }\n`,
    );
    expect(await failureOf(driver.execute('SELECT city FROM customers'))).toMatchObject({
      code: '861404',
      message: expect.stringMatching(/CITY may not be read/),
    });
  });
});

describe('a file that is not usable', () => {
  afterEach(restore);

  test.each([
    ['that is no YAML', () => 'spec: [unclosed'],
    ['with an unknown field', () => asDelivered.replace('rules:', 'rulez:')],
    ['with a value that is not allowed', () => asDelivered.replace('type: Redact', 'type: Blur')],
    ['that is cut off in the middle', () => asDelivered.slice(0, asDelivered.indexOf('keepLast'))],
    ['that is empty', () => ''],
    ['that holds only a comment', () => '# nothing here\n'],
  ])('%s leaves what it last said well in force, and says so', async (_how, textOf) => {
    const before = await generation();
    await spoil('masking.yaml', textOf());
    const row = await firstCustomer();
    expect(row['EMAIL']).toMatch(/^pst_/);
    expect(row['SSN']).toMatch(/^\*+.{4}$/);
    expect(await generation()).toBe(before);
    expect(loggedSince(length)).toMatch(
      /"level":"warn","message":"a resource is not in force as written".*masking\.yaml.*its last good version stays in force/,
    );
    const rejected = (await records()).slice(count).find(({ leaf }) => leaf.kind === 'policy.rejected');
    expect(rejected?.leaf.fields['count']).toBeGreaterThan(0);
    expect(rejected?.bodies.get('complaints')?.toString('utf8')).toMatch(/^masking\.yaml/);
    expect(await metric('piste_policy_reloads_total{result="rejected"}')).toBeGreaterThan(0);
    expect((await fetch(`${playground.opsUrl}/readyz`)).status).toBe(200);
  });

  test('beside the good ones denies everything, for it may have been meant to protect anything', async () => {
    await spoil(
      'other.yaml',
      'apiVersion: piste.dev/v1alpha1\nkind: MaskingPolicy\nmetadata: { name: more-pii }\nspec: { rules: nonsense }\n',
    );
    const failure = await failureOf(driver.execute('SELECT city FROM customers'));
    expect(failure).toMatchObject({
      code: '861201',
      message: expect.stringMatching(
        /"MaskingPolicy more-pii" is in force for this connection but could not be compiled/,
      ),
    });
  });

  test('is forgotten when it is removed again', async () => {
    await spoil('other.yaml', 'nonsense: [');
    expect(await failureOf(driver.execute('SELECT city FROM customers'))).toMatchObject({ code: '861201' });
    await rm(fileOf('other.yaml'));
    await eventually('no complaints', async () => ((await metric('piste_policy_errors')) === 0 ? true : undefined));
    expect((await driver.execute('SELECT city FROM customers WHERE id = 1')).rows).toEqual([{ CITY: 'Hamburg' }]);
    expect(loggedSince(length)).toMatch(/all resources are in force as written/);
  });

  test.each([
    [
      'tokens under a key of a length that no cipher has',
      (text: string) =>
        text.replace(
          'action: { type: Redact }',
          'action: { type: Tokenize, tokenize: { keySecretRef: { name: masking, key: odd-key } } }',
        ),
    ],
    ['a key that is not there', (text: string) => text.replace('key: hash-key', 'key: no-such-key')],
  ])('because it asks for %s denies what it might protect', async (_what, change) => {
    await writeFile(join(playground.secretsDirectory, 'masking', 'odd-key'), randomBytes(17));
    await spoil('masking.yaml', change(asDelivered));
    expect(await failureOf(driver.execute('SELECT email FROM customers'))).toMatchObject({
      code: '861201',
      message: expect.stringMatching(/customer-pii/),
    });
    expect(await failureOf(driver.execute('SELECT city FROM customers'))).toMatchObject({ code: '861201' });
    expect((await records()).slice(count).some(({ leaf }) => leaf.kind === 'policy.rejected')).toBe(true);
  });
});

describe('a file that is deleted', () => {
  afterEach(restore);

  test('takes its masks with it, nothing else, and that is recorded', async () => {
    const before = await generation();
    await rm(fileOf('masking.yaml'));
    await eventually('the new snapshot', async () => ((await generation()) > before ? true : undefined));
    const row = await firstCustomer();
    expect(row['EMAIL']).toMatch(/@/);
    expect(await failureOf(driver.execute('DROP DATABASE crm'))).toMatchObject({
      code: '861201',
      message: expect.stringMatching(/no-dropping-databases/),
    });
    const written = (await records()).slice(count);
    const loaded = written.find(({ leaf }) => leaf.kind === 'policy.loaded');
    expect(loaded?.bodies.get('bundle')?.toString('utf8')).not.toContain('customer-pii');
  });

  test('of the only connection leaves nobody served and the gateway not ready', async () => {
    const text = await readFile(fileOf('connection.yaml'), 'utf8');
    await rm(fileOf('connection.yaml'));
    await eventually('no connection', async () =>
      (await fetch(`${playground.opsUrl}/readyz`)).status === 503 ? true : undefined,
    );
    try {
      expect(await failureOf(driver.execute('SELECT 1'))).toMatchObject({ code: '861101' });
      expect(await failureOf(connectAgent(playground))).toMatchObject({
        code: '861101',
        message: expect.stringMatching(/Available: none/),
      });
    } finally {
      await writeFile(fileOf('connection.yaml'), text);
    }
    await eventually('the connection', async () =>
      (await fetch(`${playground.opsUrl}/readyz`)).status === 200 ? true : undefined,
    );
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  });
});
