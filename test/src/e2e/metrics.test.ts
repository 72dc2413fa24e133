import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LOG_FIELDS } from '@piste/gateway/dist/telemetry/index.js';
import { LABEL_VALUES } from '@piste/gateway/dist/telemetry/metric-labels.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { playgroundResources } from '../playground/resources.js';
import { connectAgent, connectApprover, eventually, failureOf, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

let playground: Playground;

/** One line of the exposition. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

async function scrape(): Promise<readonly Sample[]> {
  const response = await fetch(`${playground.opsUrl}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    expect(name).not.toBe('');
    return {
      name,
      labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, text])),
      value: Number(value),
    };
  });
}

/** The sum over all series of a name that carry these labels. */
function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samples
    .filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

beforeAll(async () => {
  const masking = playgroundResources({ standInPort: 0, issuerUrl: '' })['masking.yaml'] ?? '';
  playground = await startPlayground({
    standIn: { holdMilliseconds: 200 },
    // So that there is a query to refuse.
    resources: { 'masking.yaml': masking.replace('spec:\n', 'spec:\n  predicates: Deny\n') },
  });
}, 60_000);
afterAll(async () => await playground?.stop());

describe('after a session', () => {
  let samples: readonly Sample[];
  let statements = 0;

  beforeAll(async () => {
    await playground.standIn.reset();
    const expired = await playground.mint('agent-1', AGENT_CLAIMS, { expiresInSeconds: -600 });
    await failureOf(connectAgent(playground, { options: { token: expired } }));
    await (await connectAgent(playground)).close();
    const driver = await connectAgent(playground);
    const run = async (text: string): Promise<void> => {
      statements += 1;
      await driver.execute(text).catch(() => undefined);
    };
    await run('SELECT 1 AS one');
    await run('SELECT id, email, ssn, name, balance FROM customers WHERE id <= 3');
    await run('SELECT id, payload FROM big');
    await run('INSERT INTO orders (id) VALUES (95001)');
    await run('DROP DATABASE crm');
    await run('SELEC 1');
    await run('PUT file:///tmp/x @~');
    await run("SELECT id FROM customers WHERE email = 'nobody@example'");
    await run("SELECT 'x'::number AS n");
    await run('USE SCHEMA crm.hr');
    const held = run('CREATE TABLE crm.public.measured (id INT)');
    const owner = await connectApprover(playground);
    await owner.decide(await owner.find(/measured/i), 'approve', 'fine');
    await held;
    const refused = run('DROP TABLE crm.public.measured');
    await owner.decide(await owner.find(/drop table/i), 'deny', 'keep it');
    await refused;
    const wire = await loginByHand(playground);
    await wire.post('/session/heartbeat');
    await wire.post('/nowhere');
    samples = await scrape();
  });

  test.each([
    ['select', 'allowed', 2],
    ['select', 'masked', 1],
    ['select', 'blocked', 1],
    ['select', 'error', 1],
    ['dml', 'allowed', 1],
    ['ddl', 'blocked', 1],
    ['ddl', 'held', 2],
    ['ddl', 'approved', 1],
    ['ddl', 'denied', 1],
    ['session', 'allowed', 1],
    ['unprovable', 'blocked', 1],
    ['transfer', 'blocked', 1],
  ])('statements of class %s that were %s are counted', (statementClass, decision, count) => {
    expect(
      sumOf(samples, 'piste_statements_total', {
        connection: 'crm',
        protocol: 'driver',
        class: statementClass,
        decision,
      }),
    ).toBe(count);
  });

  test('no statement is counted twice or not at all', () => {
    expect(
      sumOf(samples, 'piste_statements_total') - sumOf(samples, 'piste_statements_total', { decision: 'held' }),
    ).toBe(statements);
    expect(sumOf(samples, 'piste_gateway_overhead_seconds_count')).toBe(statements);
    expect(sumOf(samples, 'piste_gateway_overhead_seconds_sum')).toBeLessThan(5);
  });

  test('blocked ones by the rule that blocked them', () => {
    expect(sumOf(samples, 'piste_blocked_total', { rule: 'no-dropping-databases', class: 'ddl' })).toBe(1);
    expect(sumOf(samples, 'piste_blocked_total')).toBe(4);
  });

  test.each([
    ['hash', 3],
    ['partial', 3],
    ['redact', 3],
    // What the source made NULL cannot be told from what was NULL before.
    ['null', 0],
  ])('values masked by %s are counted', (method, count) => {
    expect(sumOf(samples, 'piste_masked_values_total', { policy: 'customer-pii', method })).toBe(count);
  });

  test.each(['hash', 'partial', 'redact', 'null'])('columns masked by %s where they are read are counted', (method) => {
    expect(sumOf(samples, 'piste_masked_sources_total', { policy: 'customer-pii', method })).toBe(1);
  });

  test('logins are counted with their reason, and sessions that are open', () => {
    const issuer = playground.issuerUrl;
    expect(sumOf(samples, 'piste_logins_total', { connection: 'crm', issuer, result: 'accepted', reason: 'ok' })).toBe(
      3,
    );
    expect(sumOf(samples, 'piste_logins_total', { result: 'refused', reason: 'expired' })).toBe(1);
    expect(sumOf(samples, 'piste_sessions_active', { connection: 'crm' })).toBe(2);
  });

  test('approvals are counted by how and where they ended', () => {
    expect(
      sumOf(samples, 'piste_approvals_total', { rule: 'ddl-needs-owner', outcome: 'approved', channel: 'api' }),
    ).toBe(1);
    expect(
      sumOf(samples, 'piste_approvals_total', { rule: 'ddl-needs-owner', outcome: 'denied', channel: 'api' }),
    ).toBe(1);
    expect(sumOf(samples, 'piste_approval_wait_seconds_count')).toBe(2);
    expect(sumOf(samples, 'piste_approvals_pending')).toBe(0);
  });

  test('records are counted as they stand in the log', async () => {
    expect(sumOf(samples, 'piste_audit_records_total')).toBe((await recordsIn(playground.recordingDirectory)).length);
    expect(sumOf(samples, 'piste_audit_append_duration_seconds_count')).toBeGreaterThan(10);
    expect(sumOf(samples, 'piste_audit_append_failures_total')).toBe(0);
  });

  test('requests to the account are counted as they arrived there', async () => {
    const {
      logins,
      statements: arrived,
      polls,
      logouts,
      heartbeats,
      renewals,
      cancels,
    } = await playground.standIn.counters();
    expect(sumOf(samples, 'piste_upstream_requests_total', { connection: 'crm', result: 'ok' })).toBe(
      logins + arrived + polls + logouts + heartbeats + renewals + cancels,
    );
    expect(sumOf(samples, 'piste_upstream_requests_total')).toBe(
      sumOf(samples, 'piste_upstream_request_duration_seconds_count'),
    );
  });

  test('requests of drivers are counted by route and class of status', () => {
    const requests = (route: string, codeClass = '2xx') =>
      sumOf(samples, 'piste_http_requests_total', { protocol: 'driver', route, code_class: codeClass });
    expect([requests('login'), requests('logout'), requests('heartbeat'), requests('unknown', '4xx')]).toEqual([
      4, 1, 1, 1,
    ]);
    expect(requests('query-request')).toBe(statements);
    expect(requests('chunk')).toBeGreaterThan(3);
  });

  test('rows that were delivered are counted, parts of large results included', () => {
    // One row of SELECT 1, three customers, 5,000 of BIG, and the one-row answers of the statements that return a status.
    const rows = sumOf(samples, 'piste_result_rows_total', { connection: 'crm' });
    expect(rows).toBeGreaterThanOrEqual(5004);
    expect(rows).toBeLessThan(5010);
    expect(sumOf(samples, 'piste_result_bytes_total')).toBeGreaterThan(500_000);
  });

  test('time of every stage is measured', () => {
    for (const stage of LABEL_VALUES.stage)
      expect(sumOf(samples, 'piste_stage_duration_seconds_count', { stage })).toBeGreaterThan(0);
  });

  test('what is exposed is what is documented', async () => {
    const page = await readFile(fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url)), 'utf8');
    const documented = new Map(
      [...page.matchAll(/^\| `(piste_\w+)` \| (\w+) \| ([^|]+) \|/gm)].map(([, name = '', type = '', labels = '']) => [
        name,
        { type, labels: labels.trim() },
      ]),
    );
    expect(documented.size).toBeGreaterThan(20);
    for (const { name, labels } of samples) {
      const series = documented.get(name) ?? documented.get(name.replace(/_(bucket|sum|count)$/, ''));
      expect([name, series]).toEqual([name, expect.anything()]);
      const names = (series?.labels ?? '').split(', ').filter((label) => label !== '–');
      expect([
        name,
        Object.keys(labels)
          .filter((label) => label !== 'le')
          .sort(),
      ]).toEqual([name, names.sort()]);
    }
  });

  /** Label → what it may say: a closed list, or names that stand in the configuration. */
  const allowed = (): Readonly<Record<string, readonly string[] | RegExp>> => ({
    protocol: LABEL_VALUES.protocol,
    class: LABEL_VALUES.class,
    decision: LABEL_VALUES.decision,
    route: LABEL_VALUES.route,
    code_class: LABEL_VALUES.code_class,
    weight: LABEL_VALUES.weight,
    stage: LABEL_VALUES.stage,
    method: LABEL_VALUES.method,
    channel: LABEL_VALUES.channel,
    result: [...LABEL_VALUES.login_result, ...LABEL_VALUES.upstream_result, ...LABEL_VALUES.reload_result],
    connection: ['crm', 'none'],
    policy: ['customer-pii'],
    rule: [
      'no-dropping-databases',
      'ddl-needs-owner',
      'unload-needs-owner',
      'deletes-need-owner',
      'notes-may-be-added',
      'customer-pii/email',
      'default',
    ],
    issuer: [playground.issuerUrl, 'none'],
    reason: ['ok', 'expired'],
    outcome: [...LABEL_VALUES.outcome, 'ok', 'accepted', 'expired'],
    version: /^\d+\.\d+\.\d+$/,
    revision: /^(unknown|[0-9a-f]{7,40})$/,
    le: /^(\+Inf|[\d.e-]+)$/,
    op: LABEL_VALUES.redis_op,
  });

  test('labels say nothing that is not in a closed list or in the configuration', () => {
    const known = allowed();
    for (const { name, labels } of samples) {
      for (const [label, value] of Object.entries(labels)) {
        const values = known[label] ?? [];
        const fits = values instanceof RegExp ? values.test(value) : values.includes(value);
        expect([name, label, value, fits]).toEqual([name, label, value, true]);
      }
    }
  });

  test('no user, statement, table, query or token shows anywhere', () => {
    const text = JSON.stringify(samples.map(({ name, labels }) => [name, { ...labels, issuer: '' }]));
    expect(text).not.toMatch(/agent|sam\.|dana|PISTE_SVC|ANALYST|AGENT_WH|CUSTOMERS|ORDERS|measured|payload|@/i);
    expect(text).not.toMatch(/SELECT |DROP |[0-9a-f]{8}-[0-9a-f]{4}|eyJ|p[sm]_[0-9a-f]|127\.0\.0\.1/);
  });
});

describe('health', () => {
  const get = async (path: string) => {
    const response = await fetch(`${playground.opsUrl}${path}`);
    return [response.status, await response.text()];
  };

  test('is told to whoever asks', async () => {
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz?verbose')).toEqual([
      200,
      '[+]serving ok\n[+]recording ok\n[+]disk ok\n[+]registry ok\n[+]store ok\n[+]connections ok\nreadyz check passed\n',
    ]);
  });

  test('is nothing drivers or approvers can ask about', async () => {
    for (const url of [playground.driverUrl, playground.consoleUrl]) {
      for (const path of ['/metrics', '/readyz', '/livez']) {
        const response = await fetch(`${url}${path}`);
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(await response.text()).not.toMatch(/piste_|\[\+\]/);
      }
    }
  });

  test('is "not ready" while the gateway drains, and what runs is finished', async () => {
    const driver = await connectAgent(playground);
    await playground.standIn.reset();
    await playground.standIn.holdNext('last words', 10);
    const done = driver.execute("SELECT 'last words' AS v");
    await eventually('the statement at Snowflake', async () =>
      (await playground.standIn.counters()).polls > 0 ? true : undefined,
    );
    const stopped = playground.stopGateway();
    const [status, text] = await eventually('the end of readiness', async () => {
      const answer = await get('/readyz');
      return answer[0] === 503 ? answer : undefined;
    });
    expect([status, text]).toEqual([
      503,
      '[-]serving failed\n[+]recording ok\n[+]disk ok\n[+]registry ok\n[+]store ok\n[+]connections ok\nreadyz check failed\n',
    ]);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    await expect(fetch(playground.driverUrl)).rejects.toThrow();
    expect((await done).rows).toEqual([{ V: 'last words' }]);
    expect(await stopped).toBe(0);
  });
});

describe('the log for operators', () => {
  const lines = () =>
    playground
      .gatewayOutput()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('is one JSON object per line with fields of the closed list', () => {
    const [ready, ...rest] = [...lines()].sort((a, b) => Number('ready' in b) - Number('ready' in a));
    expect(ready).toMatchObject({
      ready: true,
      driver: playground.driverUrl,
      console: playground.consoleUrl,
      ops: playground.opsUrl,
    });
    expect(rest.length).toBeGreaterThan(3);
    const known = new Set<string>(['at', 'level', 'message', ...LOG_FIELDS]);
    for (const line of rest) {
      expect(Object.keys(line).filter((field) => !known.has(field))).toEqual([]);
      expect(line).toMatchObject({
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        level: expect.stringMatching(/^(info|warn|error)$/),
        message: expect.any(String),
      });
    }
  });

  test('holds no statement, no value and no secret', async () => {
    const key = await readFile(`${playground.secretsDirectory}/masking/hash-key`, 'utf8');
    const text = playground.gatewayOutput();
    expect(text).not.toMatch(/SELECT|FROM|INSERT INTO|CREATE TABLE|last words|nobody@example|Hamburg/);
    expect(text).not.toMatch(/eyJ|PRIVATE KEY|ver:\d|p[sm]_[0-9a-f]{32}|\/results\/|direct-password/);
    expect(text).not.toContain(key.trim());
  });
});
