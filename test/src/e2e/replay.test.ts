import { createHash } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Binds } from 'snowflake-sdk';
import { PISTE_CLI, runPiste } from '../demo/piste.js';
import { type Program, startProgram } from '../harness/child.js';
import { connectNodeDriver, type NodeDriver } from '../harness/node-driver.js';
import { wireLogin } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectApprover, failureOf } from './callers.js';
import { recordsIn } from './records.js';

/** One statement of an agent, and how it goes about it. */
interface Step {
  readonly sqlText: string;
  readonly binds?: Binds;
  readonly how?: 'async' | 'describe' | 'approved';
}

const APPROVED = "UPDATE orders SET note = 'seen' WHERE id = 1";

const SCRIPT: readonly Step[] = [
  { sqlText: 'SELECT id, name, email, ssn, balance, city, created_at FROM customers ORDER BY id' },
  {
    sqlText: `SELECT 12345678901234567890::number(38,0) AS big, 12.50::number(10,2) AS money, 1.5e10::float AS real, true AS yes,
      'Zürich 東京 🛷' AS text, NULL AS nothing, '2020-02-29'::date AS day, '2020-02-29 01:02:03.5'::timestamp_ntz AS moment,
      TO_BINARY('00ff', 'HEX') AS bytes, PARSE_JSON('{"a":[1,"x"]}') AS document`,
  },
  { sqlText: 'SELECT id, payload FROM big ORDER BY id' },
  { sqlText: 'SELECT id, city FROM customers WHERE id = ? OR city = ?', binds: [3, 'Hamburg'] },
  { sqlText: 'SELECT id, city FROM customers WHERE id = ? OR city = ?', binds: [4, 'Hamburg'] },
  {
    sqlText: 'INSERT INTO orders (id, note) VALUES (?, ?)',
    binds: [
      [81_001, 'one'],
      [81_002, 'two'],
    ],
  },
  { sqlText: 'SELECT COUNT(*) AS n FROM orders WHERE id > 81000 /* once */' },
  { sqlText: 'INSERT INTO orders (id) VALUES (81003)' },
  { sqlText: 'SELECT COUNT(*) AS n FROM orders WHERE id > 81000' },
  { sqlText: "SELECT 'x'::number AS n" },
  { sqlText: 'SELECT id FROM nowhere' },
  { sqlText: 'DROP DATABASE crm' },
  { sqlText: "SELECT id FROM customers WHERE email = 'a@b.example'" },
  { sqlText: APPROVED, how: 'approved' },
  { sqlText: "SELECT 'later' AS v, 1 AS n", how: 'async' },
  { sqlText: "SELECT 'never'::date AS d", how: 'async' },
  { sqlText: 'SELECT id, city FROM customers', how: 'describe' },
  { sqlText: 'USE SCHEMA hr' },
  { sqlText: 'SELECT COUNT(*) AS n FROM employees' },
  { sqlText: "ALTER SESSION SET TIMEZONE = 'Europe/Berlin'" },
  { sqlText: "SELECT '2020-02-29 01:02:03'::timestamp_ltz AS moment" },
];

/** What an agent sees of one statement. */
async function outcomeOf(driver: NodeDriver, { sqlText, binds, how }: Step): Promise<unknown> {
  try {
    const asked = {
      ...(binds === undefined ? {} : { binds }),
      asyncExec: how === 'async',
      describeOnly: how === 'describe',
    };
    const { statement, rows } = await driver.execute(sqlText, asked);
    if (how === 'async') return await fetched(driver, statement.getQueryId());
    const columns = statement.getColumns()?.map((column) => [column.getName(), column.getType(), column.getScale()]);
    return {
      id: statement.getQueryId(),
      columns,
      count: statement.getNumRows(),
      rows: shortened(JSON.stringify(rows)),
    };
  } catch (error) {
    const { code, sqlState, message } = error as { code: unknown; sqlState: unknown; message: unknown };
    return { code, sqlState, message };
  }
}

/** Long texts are compared by their digest, so that a failure can be read. */
const shortened = (text: string): string =>
  text.length < 4_000 ? text : createHash('sha256').update(text).digest('hex');

async function fetched(driver: NodeDriver, queryId: string): Promise<unknown> {
  const rows = await new Promise((resolve, reject) => {
    driver.connection
      .getResultsFromQueryId({
        queryId,
        sqlText: '',
        complete: (error, _s, found) => (error ? reject(error) : resolve(found)),
      })
      .catch(reject);
  });
  return { queryId, rows: JSON.stringify(rows), status: await driver.connection.getQueryStatus(queryId) };
}

let playground: Playground;
let recorded: readonly unknown[];
let sessionId: string;
let replay: Program;

const atReplay = (): Promise<NodeDriver> =>
  connectNodeDriver({
    accessUrl: String(replay.ready['url']),
    account: 'ANY',
    username: 'anybody',
    password: 'anything',
  });

beforeAll(async () => {
  playground = await startPlayground({ standIn: { holdMilliseconds: 200 } });
  const driver = await connectAgent(playground);
  const owner = await connectApprover(playground);
  const outcomes: unknown[] = [];
  for (const step of SCRIPT) {
    const outcome = outcomeOf(driver, step);
    if (step.how === 'approved') await owner.decide(await owner.find(/UPDATE/), 'approve', 'fine');
    outcomes.push(await outcome);
  }
  recorded = outcomes;
  await driver.close();
  expect(await playground.stopGateway()).toBe(0);
  await playground.stopStandIn();
  const opening = (await recordsIn(playground.recordingDirectory)).find(({ leaf }) => leaf.kind === 'session.open');
  sessionId = opening?.leaf.strand?.sessionId ?? '';
  const args = [
    'sessions',
    'serve',
    playground.recordingDirectory,
    sessionId,
    '--json',
    '--trust',
    playground.checkpointFile,
  ];
  replay = await startProgram(PISTE_CLI, args);
}, 60_000);
afterAll(async () => {
  await replay?.stop();
  await playground?.stop();
});

describe('a replay of a recorded session, without gateway and account', () => {
  test('gives an unmodified driver what it was given', async () => {
    const driver = await atReplay();
    const again: unknown[] = [];
    for (const step of SCRIPT) again.push(await outcomeOf(driver, step));
    await driver.close();
    expect(again).toEqual(recorded);
  }, 30_000);

  test('showed what it should in the first place', () => {
    const shown = JSON.stringify(recorded);
    const parts = ['***', '861201', '861205', '100038', '12345678901234567', 'SUCCESS', 'never'];
    expect(parts.filter((part) => !shown.includes(part))).toEqual([]);
    expect(recorded[2]).toMatchObject({ count: 5000 });
    expect([recorded[6], recorded[8]]).toMatchObject([{ rows: '[{"N":2}]' }, { rows: '[{"N":3}]' }]);
  });

  test('runs through for every driver that logs in, whatever the credential', async () => {
    for (let round = 0; round < 2; round += 1) {
      const driver = await atReplay();
      expect(await outcomeOf(driver, SCRIPT[0] as Step)).toEqual(recorded[0]);
      await driver.close();
    }
  });

  test('knows a statement by its tokens and not by comments or white space', async () => {
    const driver = await atReplay();
    expect(
      await outcomeOf(driver, { sqlText: '-- again\nSELECT COUNT(*)   AS n FROM orders\n WHERE id > 81000' }),
    ).toEqual(recorded[6]);
    await driver.close();
  });

  test.each([
    ['a statement that was never asked', 'SELECT name FROM customers', /this statement is not in it/],
    ['other bind values', 'SELECT id, city FROM customers WHERE id = 5 OR city = 1', /this statement is not in it/],
  ])('refuses %s and asks nobody', async (_what, sqlText, why) => {
    const driver = await atReplay();
    expect(await failureOf(driver.execute(sqlText))).toMatchObject({
      code: '861901',
      sqlState: '02000',
      message: expect.stringMatching(why),
    });
    await driver.close();
  });

  test('answers a statement as often as it was asked', async () => {
    const driver = await atReplay();
    const step: Step = { sqlText: 'SELECT COUNT(*) AS n FROM orders WHERE id > 81000' };
    expect([await outcomeOf(driver, step), await outcomeOf(driver, step)]).toEqual([recorded[6], recorded[8]]);
    expect(await failureOf(driver.execute(step.sqlText))).toMatchObject({
      code: '861901',
      message: expect.stringMatching(/stands in it 2 times/),
    });
    await driver.close();
  });

  test('keeps a session by heartbeat and renewal, and ends it', async () => {
    const wire = await wireLogin(String(replay.ready['url']), { fields: { CLIENT_APP_ID: 'JavaScript' } });
    expect(wire.login.data['parameters']).toContainEqual({ name: 'CLIENT_TELEMETRY_ENABLED', value: false });
    expect((await wire.post('/session/heartbeat')).answer.success).toBe(true);
    expect((await wire.post('/telemetry/send')).answer.success).toBe(true);
    const { answer } = await wire.post('/session/token-request', { requestType: 'RENEW' }, { token: wire.masterToken });
    const token = String(answer.data['sessionToken']);
    expect((await wire.post('/session/heartbeat', {}, { token })).answer.success).toBe(true);
    expect((await wire.post('/api/v2/statements', {}, { token })).status).toBe(403);
    expect((await wire.post('/session?delete=true', {}, { token })).answer.success).toBe(true);
    expect((await wire.query('SELECT 1')).code).toBe('390111');
  });
});

describe('the record behind it', () => {
  test('is refused when a bit of it is not as it was written', async () => {
    const copy = join(playground.directory, 'damaged');
    await cp(playground.recordingDirectory, copy, { recursive: true });
    const [log = ''] = (await readdir(copy)).sort();
    const file = join(copy, log, '00000001.seg');
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(file, bytes);
    const { exitCode, text } = await runPiste('sessions', 'serve', copy, sessionId);
    expect([exitCode, text]).toEqual([1, expect.stringMatching(/not as it was written/)]);
  });
});
