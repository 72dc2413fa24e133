import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AuditorKey, makeAuditorKey } from '../demo/auditor-key.js';
import { runPiste } from '../demo/piste.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectApprover, connectDirect, eventually } from './callers.js';
import { askToReconcile } from './reconcile-call.js';
import { bytesIn, recordsIn } from './records.js';

let playground: Playground;
let agent: NodeDriver;
const AUDITOR = { name: 'Alex (auditor)', groups: ['auditors'] };

/** The gateway has the public half only. */
let key: AuditorKey;

beforeAll(async () => {
  key = await makeAuditorKey();
  playground = await startPlayground({
    gatewayEnvironment: {
      PISTE_AUDITOR_GROUPS: 'auditors, others',
      PISTE_RECORDING_RECIPIENTS_FILE: key.recipientsFile,
    },
  });
  agent = await connectAgent(playground, { options: { queryTag: 'monthly report' } });
  await work(agent);
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await key?.remove();
});

/** Statements of every kind that ends differently. */
async function work(driver: NodeDriver): Promise<void> {
  await driver.execute('SELECT id, email, name FROM customers WHERE id < 4');
  await driver.execute('SELECT city FROM customers WHERE email > ?', { binds: ['pst_0'] });
  await driver.execute('SELECT id, payload FROM big ORDER BY id');
  await driver.execute(`SELECT '${'ü'.repeat(100_100)}' AS v`);
  await driver.execute("INSERT INTO orders (id, note) VALUES (90001, 'recorded')");
  await driver.execute('USE SCHEMA hr');
  await driver.execute('USE SCHEMA public');
  await expect(driver.execute("SELECT 'x'::number AS n")).rejects.toThrow();
  await expect(driver.execute('DROP DATABASE crm')).rejects.toThrow(/861201|PISTE-1201/);
  const held = driver.execute('CREATE TABLE crm.public.reconciled_table (id INT)');
  const owner = await connectApprover(playground);
  await owner.decide(await owner.find(/reconciled_table/i), 'approve', 'fine');
  await held;
}

interface Answer {
  readonly status: number;
  readonly body: {
    readonly report: {
      readonly outcome: string;
      readonly rows: Readonly<Record<string, number>>;
      readonly statements: Readonly<Record<string, number>>;
      readonly findings: readonly { readonly weight: string; readonly kind: string; readonly queryId?: string }[];
    };
    readonly serviceUser: Readonly<Record<string, unknown>>;
    readonly recorded: { readonly index: number };
  };
}

async function ask(claims: Readonly<Record<string, unknown>>, body: unknown = { connection: 'crm' }): Promise<Answer> {
  const response = await fetch(`${playground.consoleUrl}/api/v1/reconcile`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await playground.mint('alex', claims)}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

/** The history as an administrator exports it. */
async function exportHistory(name: string): Promise<string> {
  const direct = await connectDirect(playground);
  const { rows } = await direct.execute('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY');
  await direct.close();
  const path = join(playground.directory, name);
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

const reconcileFile = (history: string, ...more: readonly string[]) =>
  reconcileWithoutKey(history, '--identity', key.identityFile, ...more);

const reconcileWithoutKey = (history: string, ...more: readonly string[]) =>
  runPiste(
    'audit',
    'reconcile',
    playground.recordingDirectory,
    '--history',
    history,
    '--trust',
    playground.checkpointFile,
    '--user',
    'PISTE_SVC',
    '--lag',
    '0m',
    ...more,
  );

async function metric(name: string): Promise<readonly string[]> {
  const text = await (await fetch(`${playground.opsUrl}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

const bypass = async (sqlText: string): Promise<string> => {
  const privateKey = await readFile(join(playground.secretsDirectory, 'snowflake', 'private-key.pem'), 'utf8');
  const direct = await connectDirect(playground, { username: 'PISTE_SVC', authenticator: 'SNOWFLAKE_JWT', privateKey });
  const { statement } = await direct.execute(sqlText);
  await direct.close();
  return String(statement.getQueryId());
};

describe('where everything went through the gateway', () => {
  test('the gateway finds its own account complete, and records that it looked', async () => {
    const { status, body } = await ask(AUDITOR);
    const { report, serviceUser, recorded } = body;
    expect([status, report.outcome, report.findings]).toEqual([200, 'complete', []]);
    expect(report.rows).toMatchObject({ unrecorded: 0, child: 0 });
    expect(report.rows['matched']).toBeGreaterThan(12);
    expect(report.statements['never-forwarded']).toBe(1);
    expect(serviceUser).toMatchObject({ name: 'PISTE_SVC', verdict: 'others-could' });
    const records = await recordsIn(playground.recordingDirectory);
    expect(records[recorded.index]?.leaf).toMatchObject({
      kind: 'reconcile',
      fields: { connection: 'crm', outcome: 'complete', by: { sub: 'alex' }, alarms: 0 },
    });
    expect(records.some(({ unread }) => unread.get('sql') === 'encrypted')).toBe(true);
    // Files of the registry come and go while it is written.
    const registered = () => bytesIn(join(playground.recordingDirectory, 'registry', 'tile')).catch(() => '');
    await eventually('the result in the registry', async () =>
      (await registered()).includes('"k":"reconcile"') ? true : undefined,
    );
    const own = records.filter(({ leaf }) => leaf.fields['internal'] === true && leaf.kind === 'session.open');
    expect(own.length).toBeGreaterThan(0);
    expect(await metric('piste_audit_unreconciled_queries')).toEqual([
      'piste_audit_unreconciled_queries{connection="crm",weight="alarm"} 0',
      'piste_audit_unreconciled_queries{connection="crm",weight="unproven"} 0',
    ]);
    const [line = ''] = await metric('piste_audit_reconciled_timestamp_seconds{');
    expect(Number(line.split(' ')[1])).toBeGreaterThan(Date.now() / 1000 - 120);
  });

  test('the exported history says the same offline', async () => {
    const { exitCode, text } = await reconcileFile(await exportHistory('complete.jsonl'));
    expect(text).toMatch(/COMPLETE/);
    expect(exitCode).toBe(0);
  });

  test('without the key to the records, they are found by their tags and nothing is said of the texts', async () => {
    const { exitCode, text } = await reconcileWithoutKey(await exportHistory('unread.jsonl'));
    expect([exitCode, text]).toEqual([2, expect.stringMatching(/CANNOT CONCLUDE[\s\S]*their texts were not compared/)]);
    expect(text).not.toMatch(/ALARM|text-differs/);
  });

  test('without a trust file nothing is concluded', async () => {
    const history = await exportHistory('untrusted.jsonl');
    const { exitCode, text } = await runPiste(
      'audit',
      'reconcile',
      playground.recordingDirectory,
      '--history',
      history,
      '--user',
      'PISTE_SVC',
    );
    expect([exitCode, text]).toEqual([2, expect.stringMatching(/CANNOT CONCLUDE[\s\S]*the recording is not proven/)]);
  });

  test('a history that lacks what Snowflake answered is not enough', async () => {
    const history = await exportHistory('half.jsonl');
    const lines = (await readFile(history, 'utf8')).split('\n');
    await writeFile(history, lines.filter((line) => !/90001/.test(line)).join('\n'));
    const { exitCode, text } = await reconcileFile(history);
    expect([exitCode, text]).toEqual([2, expect.stringMatching(/not-in-history/)]);
  });

  test('a changed text and a changed tag are found', async () => {
    const history = await exportHistory('changed.jsonl');
    const whole = await readFile(history, 'utf8');
    await writeFile(history, whole.replace('90001', '90002'));
    expect((await reconcileFile(history)).text).toMatch(/ALARM[\s\S]*\[text-differs/);
    await writeFile(history, whole.replace('\\"s\\":\\"', '\\"s\\":\\"x'));
    expect((await reconcileFile(history)).text).toMatch(/ALARM[\s\S]*\[tag-differs/);
  });

  test.each([
    ['an agent', { ...AUDITOR, agent: 'report-agent' }],
    ['a data owner', { groups: ['data-owners'] }],
  ])('%s may not ask', async (_, claims) => {
    const { status, body } = await ask(claims);
    expect([status, body]).toEqual([403, expect.objectContaining({ code: 'PISTE-1005' })]);
  });

  test.each([
    ['another connection', { connection: 'other' }, 403],
    ['no connection', {}, 400],
    ['a strange member', { connection: 'crm', user: 'X' }, 400],
    ['a time that is none', { connection: 'crm', since: 'yesterday' }, 400],
  ])('%s is refused', async (_, body, status) => {
    expect((await ask(AUDITOR, body)).status).toBe(status);
  });
});

describe('a statement with the service credential past the gateway', () => {
  let queryId: string;
  let copied: string;

  beforeAll(async () => {
    queryId = await bypass('SELECT id, email, ssn FROM customers');
    // Whoever sees the history sees the tags.
    const tag =
      (await playground.history()).findLast(({ queryTag }) => /monthly report/.test(queryTag))?.queryTag ?? '';
    expect(tag).toMatch(/"piste":1/);
    const privateKey = await readFile(join(playground.secretsDirectory, 'snowflake', 'private-key.pem'), 'utf8');
    const direct = await connectDirect(playground, {
      username: 'PISTE_SVC',
      authenticator: 'SNOWFLAKE_JWT',
      privateKey,
      queryTag: tag,
    });
    copied = String((await direct.execute('SELECT ssn FROM customers')).statement.getQueryId());
    await direct.close();
  });

  test('is an alarm at the gateway, also under a copied tag', async () => {
    const { body } = await ask(AUDITOR);
    expect(body.report.outcome).toBe('alarm');
    const found = body.report.findings.filter(({ weight }) => weight === 'alarm');
    expect(found.map(({ queryId: id, kind }) => `${id} ${kind}`).toSorted()).toEqual(
      [`${queryId} unrecorded`, `${copied} repeated`].toSorted(),
    );
    expect(await metric('piste_audit_unreconciled_queries')).toContain(
      'piste_audit_unreconciled_queries{connection="crm",weight="alarm"} 2',
    );
  });

  test('is an alarm for the command that asks the gateway', async () => {
    const tokenFile = join(playground.directory, 'token');
    await writeFile(tokenFile, await playground.mint('alex', AUDITOR));
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const { exitCode, text } = await runPiste(
      'audit',
      'reconcile',
      '--gateway',
      playground.consoleUrl,
      '--token-file',
      tokenFile,
      '--connection',
      'crm',
      '--since',
      since,
    );
    expect(text).toContain(queryId);
    expect(text).toMatch(/ALARM[\s\S]*unrecorded[\s\S]*service user PISTE_SVC: others could use it/);
    expect(text).not.toMatch(/ssn/);
    expect(exitCode).toBe(1);
  });

  test('is an alarm in the exported history', async () => {
    const history = await exportHistory('bypass.jsonl');
    const { exitCode, text } = await reconcileFile(history, '--json');
    const { findings, outcome } = JSON.parse(text) as Answer['body']['report'];
    expect([exitCode, outcome]).toEqual([1, 'alarm']);
    expect(findings.filter(({ weight }) => weight === 'alarm').map(({ queryId: id }) => id)).toEqual(
      expect.arrayContaining([queryId, copied]),
    );
  });

  test('is not an alarm of what came before', async () => {
    const { body } = await ask(AUDITOR, { connection: 'crm', since: new Date(Date.now() + 1000).toISOString() });
    expect(body.report.findings).toEqual([]);
  });
});

describe('a gateway that started again', () => {
  test('finds what the one before recorded by the tags, and says nothing of the texts', async () => {
    await agent.close();
    await playground.restartGateway();
    const { report } = await askToReconcile(playground, playground);
    expect(report.rows['text-unread']).toBeGreaterThan(12);
    expect(report.findings.filter(({ kind }) => kind === 'text-unread')).toHaveLength(1);
    expect(report.rows).toMatchObject({ 'text-differs': 0, 'tag-differs': 0 });
  }, 30_000);
});
