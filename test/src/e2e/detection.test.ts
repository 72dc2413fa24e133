import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeDriver } from '../harness/node-driver.js';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, failureOf, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

const policy = (lines: string): string => `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: a-net }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
${lines}
`;
const detecting = (mode: string): string =>
  policy(`  rules: []\n  detection: { mode: ${mode}, categories: [Email, Card, Iban, Secret] }`);

function startWith(masking: string): { playground: Playground; wire: WireClient; driver: NodeDriver } {
  const started = {} as { playground: Playground; wire: WireClient; driver: NodeDriver };
  beforeAll(async () => {
    started.playground = await startPlayground({ resources: { 'masking.yaml': masking } });
    started.wire = await loginByHand(started.playground);
    started.driver = await connectAgent(started.playground);
  }, 60_000);
  afterAll(async () => {
    await started.driver?.close();
    await started.playground?.stop();
  });
  return started;
}

const LARGE =
  'SELECT b.id, b.payload, c.email AS contact FROM big b JOIN customers c ON c.id = MOD(b.id, 9) + 1 ORDER BY b.id';

/** What the newest record of a kind says was found. */
async function foundIn(playground: Playground, kind: string): Promise<unknown> {
  return (await recordsIn(playground.recordingDirectory)).findLast(({ leaf }) => leaf.kind === kind)?.leaf.fields.found;
}

describe('detection that audits', () => {
  const gateway = startWith(detecting('Audit'));

  test('lets values pass and writes down which column held what', async () => {
    const answer = await gateway.wire.run('SELECT id, email AS contact, city FROM customers WHERE id = 1');
    expect(answer.data['rowset']).toEqual([['1', 'ada.brandt@example.com', 'Hamburg']]);
    expect(await foundIn(gateway.playground, 'response')).toEqual([{ i: 1, c: 'Email', n: 1, of: 1 }]);
  });

  test('counts what it found', async () => {
    const text = await (await fetch(`${gateway.playground.opsUrl}/metrics`)).text();
    expect(text).toMatch(/piste_detected_columns_total\{category="email"\} [1-9]/);
  });
});

describe('detection that masks', () => {
  const gateway = startWith(detecting('Mask'));

  test('hides the column whole, under whatever name it comes', async () => {
    const answer = await gateway.wire.run(
      'SELECT id, LOWER(email) AS x, city FROM customers WHERE id <= 2 ORDER BY id',
    );
    expect(answer.data['rowset']).toEqual([
      ['1', '***', 'Hamburg'],
      ['2', '***', expect.any(String)],
    ]);
  });

  test('hides it in every part of a large result', async () => {
    const { rows } = await gateway.driver.execute(LARGE);
    expect(rows).toHaveLength(5000);
    expect(new Set(rows.map(({ CONTACT }) => CONTACT))).toEqual(new Set(['***']));
    expect(await foundIn(gateway.playground, 'chunk')).toEqual([]);
  });

  test('leaves results alone in which there is nothing', async () => {
    const answer = await gateway.wire.run('SELECT id, city FROM customers WHERE id = 1');
    expect(answer.data['rowset']).toEqual([['1', 'Hamburg']]);
  });
});

describe('detection that denies', () => {
  const gateway = startWith(detecting('Deny'));

  test('withholds the result and says which column it was', async () => {
    const answer = await gateway.wire.run('SELECT id, email AS contact FROM customers WHERE id = 1');
    expect(answer).toMatchObject({ success: false, code: '861407', message: expect.stringContaining('"CONTACT"') });
    expect(JSON.stringify(answer)).not.toContain('ada.brandt');
  });

  test('withholds a large result before its first row', async () => {
    expect(await failureOf(gateway.driver.execute(LARGE))).toMatchObject({ code: '861407' });
  });
});

describe('a policy that is only tried out', () => {
  const gateway = startWith(
    policy(`  enforcement: DryRun
  rules:
    - name: email
      match: { columns: [{ database: CRM, column: EMAIL }] }
      action: { type: Redact }`),
  );

  test('changes nothing, and its record and its metric say what it would have done', async () => {
    const answer = await gateway.wire.run('SELECT email FROM customers WHERE id = 1');
    expect(answer.data['rowset']).toEqual([['ada.brandt@example.com']]);
    const requests = (await recordsIn(gateway.playground.recordingDirectory)).filter(
      ({ leaf }) => leaf.kind === 'request' && leaf.fields.internal !== true,
    );
    expect(requests.at(-1)?.leaf.fields.dec).toMatchObject({
      src: [],
      dry: { masked: [{ o: 'CRM.PUBLIC.CUSTOMERS', c: 'EMAIL', m: 'Redact', p: 'a-net', r: 'email' }], blocked: [] },
    });
    const text = await (await fetch(`${gateway.playground.opsUrl}/metrics`)).text();
    expect(text).toMatch(/piste_dry_run_effects_total\{policy="a-net",effect="masked"\} [1-9]/);
  });
});
