import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LogRecord } from '@piste/gateway/dist/recording/index.js';
import { type Passed, startTap, type Tap } from '../demo/tap.js';
import type { WireClient } from '../harness/wire-client.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectApprover, eventually, failureOf, loginByHand } from './callers.js';
import { sendBytes } from './raw-http.js';
import { recordsIn } from './records.js';

let playground: Playground;
let gateway: GatewayProgram;
let tap: Tap;

beforeAll(async () => {
  playground = await startPlayground({ standIn: { holdMilliseconds: 200 } });
  gateway = await playground.startGateway('tapped', { PISTE_HOLD_SECONDS: '1' });
  tap = await startTap(gateway.driverUrl);
}, 60_000);
afterAll(async () => {
  await tap?.close();
  await playground?.stop();
});

const nameOf = (length: unknown, sha: unknown): string => `${String(length)} ${String(sha)}`;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the records say left: one name of bytes per record. */
function recordedNames(records: readonly LogRecord[]): readonly string[] {
  return records.flatMap(({ leaf }) => {
    const out = leaf.fields['out'] as { len: number; sha: string } | undefined;
    return out === undefined ? [] : [nameOf(out.len, out.sha)];
  });
}

/** Answers on the wire that no record is left for, each record standing for one answer. */
function unaccounted(passed: readonly Passed[], records: readonly LogRecord[]): readonly Passed[] {
  const left = new Map<string, number>();
  for (const name of recordedNames(records)) left.set(name, (left.get(name) ?? 0) + 1);
  return passed.filter(({ bytes }) => {
    const name = nameOf(bytes.length, sha256(bytes));
    const count = left.get(name) ?? 0;
    left.set(name, count - 1);
    return count === 0;
  });
}

/** The metric of the tapped gateway. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.opsUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

const post = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
) =>
  fetch(`${tap.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Snowflake Token="${token}"` }),
      ...headers,
    },
    body,
  }).then(async (response) => {
    await response.arrayBuffer();
    return response.status;
  });

const queryPath = (): string => `/queries/v1/query-request?requestId=${randomUUID()}`;

/** What the unmodified driver does: large and small results, refusals, a hold, the end. */
async function driveAsAgent(): Promise<void> {
  const driver = await connectAgent(playground, { url: tap.url });
  expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  await driver.execute('SELECT id, email, ssn, name, balance, city FROM customers ORDER BY id');
  expect((await driver.execute('SELECT id, payload FROM big ORDER BY id')).rows).toHaveLength(5000);
  await failureOf(driver.execute('DROP DATABASE crm'));
  await failureOf(driver.execute("SELECT 'x'::number AS n"));
  const held = driver.execute('CREATE TABLE crm.public.complete_table (id INT)');
  const owner = await connectApprover(playground, { consoleUrl: gateway.consoleUrl });
  const asked = await owner.find(/complete_table/i);
  // Longer than one answer is held, so that the driver polls.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await owner.decide(asked, 'approve', 'fine');
  await held;
  await driver.close();
}

/** What a hand-made client does: everything else on the driver surface. */
async function driveByHand(): Promise<WireClient> {
  const wire = await loginByHand(playground, { url: tap.url });
  const { sessionToken: token } = wire;
  const requestId = randomUUID();
  await playground.standIn.holdNext('slowly', 3);
  const started = await wire.query("SELECT 'slowly' AS v", { asyncExec: true }, requestId);
  const queryId = String(started.data['queryId']);
  await Promise.all([1, 2, 3].map(() => wire.get(`/queries/${queryId}/result`)));
  await wire.run("SELECT 'slowly' AS v", {}, requestId);
  await wire.query(`SELECT * FROM TABLE(RESULT_SCAN('${queryId}'))`);
  await wire.get(`/monitoring/queries/${queryId}`);
  await wire.get(`/monitoring/queries/${randomUUID()}`);
  await wire.get(`/queries/${randomUUID()}/result`);
  await wire.post(`/queries/${queryId}/abort-request`);
  await wire.post('/queries/v1/abort-request', { requestId: randomUUID() });
  await wire.post('/queries/v1/abort-request', {});
  await wire.post('/session/heartbeat');
  await wire.post('/telemetry/send', { logs: [{ message: 'x' }] });
  await wire.post('/session/token-request', {}, { token: wire.masterToken });
  await wire.post('/session/token-request', {}, { token: 'nonsense' });
  await wire.post('/session/heartbeat', {}, { token: 'nonsense' });
  await wire.query('SELECT 1', { bindStage: '@stage/path' });
  await wire.query('SELECT 1', {}, requestId);
  await post('/queries/v1/query-request', JSON.stringify({ sqlText: 'SELECT 1' }), token);
  await post(queryPath(), 'no JSON', token);
  await post(queryPath(), '[]', token);
  await post(queryPath(), new Uint8Array([0x1f, 0x8b, 1, 2, 3]), token);
  await post(queryPath(), JSON.stringify({ sqlText: 'SELECT 1' }));
  await post('/api/v2/statements', JSON.stringify({ statement: 'SELECT 1' }));
  await post('/session/unheard-of', '{}');
  await post('/session/v1/login-request?requestId=1', JSON.stringify({ data: { ACCOUNT_NAME: 'ACME' } }));
  await post('/session/v1/login-request', '{"data":{"ACCOUNT_NAME":"NOBODY","PASSWORD":"hunter2","TOKEN":"t"}}');
  await fetch(`${tap.url}/results/${'a'.repeat(43)}/0`).then((response) => response.arrayBuffer());
  await fetch(`${tap.url}/whatever`, { method: 'HEAD' });
  return wire;
}

describe('everything that leaves the driver surface', () => {
  let wire: WireClient;

  beforeAll(async () => {
    await driveAsAgent();
    wire = await driveByHand();
  }, 60_000);

  test('has a record of its bytes, each answer one of its own', async () => {
    const passed = tap.passed();
    expect(passed.length).toBeGreaterThan(45);
    expect(new Set(passed.map(({ status }) => status))).toEqual(new Set([200, 403, 404]));
    const missing = unaccounted(passed, await recordsIn(gateway.recordingDirectory));
    expect(missing.map(({ path, text }) => `${path} ${text.slice(0, 200)}`)).toEqual([]);
  });

  test('is counted where it leaves, and none of it is unrecorded', async () => {
    const bytes = tap.passed().reduce((sum, answer) => sum + answer.bytes.length, 0);
    expect(await metric('piste_delivered_bytes_total')).toBe(bytes);
    expect(await metric('piste_recorded_answer_bytes_total')).toBe(bytes);
    expect(await metric('piste_unrecorded_bytes_total')).toBe(0);
    expect(await metric('piste_answers_without_record_total')).toBe(0);
  });

  test('can be built again from the bodies of its record and the rights to parts that it names by digest', async () => {
    const records = await recordsIn(gateway.recordingDirectory);
    const rights = rightsOnTheWire(tap.passed());
    expect(rights.size).toBe(1);
    const kinds = new Set<string>();
    for (const { leaf, bodies } of records) {
      const out = leaf.fields['out'] as { len: number; sha: string } | undefined;
      const isAnswer = leaf.kind === 'response' || leaf.kind === 'response.withheld' || leaf.kind === 'chunk';
      if (out === undefined || !isAnswer) continue;
      const bytes = withRights(rebuilt(leaf.fields['fmt'], bodies), rights);
      expect(nameOf(bytes.length, sha256(bytes))).toBe(nameOf(out.len, out.sha));
      kinds.add(leaf.kind);
    }
    expect(kinds).toEqual(new Set(['response', 'chunk']));
  });

  test('holds no token, whichever way it was refused or given', async () => {
    const records = await recordsIn(gateway.recordingDirectory);
    const everything = records
      .map(({ leaf, bodies }) => JSON.stringify(leaf) + [...bodies.values()].map((body) => body.toString('latin1')))
      .join('\n');
    expect(everything).toContain('session.open');
    for (const secret of [wire.sessionToken, wire.masterToken, 'hunter2']) expect(everything).not.toContain(secret);
  });

  test('names what came in and was refused, unless a password could be in it', async () => {
    const records = await recordsIn(gateway.recordingDirectory);
    const refused = records.filter(({ leaf }) => leaf.kind === 'request.refused').map(({ leaf }) => leaf.fields);
    expect(refused).toContainEqual(
      expect.objectContaining({ op: 'query-request', in: { len: 7, sha: sha256(Buffer.from('no JSON')) } }),
    );
    expect(
      refused.filter(({ op }) => op === 'login').every(({ in: sent }) => !JSON.stringify(sent).includes('sha')),
    ).toBe(true);
  });
});

describe('what is hard to see', () => {
  test('a path that opens a result is not told, also where it is refused', async () => {
    const capability = `${'Zk3'.repeat(14)}Q`;
    await post(`/results/${capability}/0`, '{}');
    const last = (await recordsIn(gateway.recordingDirectory)).at(-1);
    expect(last?.leaf.fields).toMatchObject({ op: 'unknown', method: 'POST', path: '/results/*/0' });
  });

  test('what is no HTTP at all is answered without a body, and recorded', async () => {
    const answered = await sendBytes(gateway.driverUrl, 'this is no HTTP\r\n\r\n');
    expect(answered).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(?:.+\r\n)*\r\n$/);
    const last = (await recordsIn(gateway.recordingDirectory)).at(-1);
    expect(last?.leaf).toMatchObject({ kind: 'request.refused', fields: { op: 'http', why: 'HPE_INVALID_METHOD' } });
  });

  test.each([
    ['asks for an expectation nobody knows', 'GET /x HTTP/1.1\r\nHost: a\r\nExpect: more\r\nConnection: close\r\n\r\n'],
    ['names no host', 'GET /x HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ])('a request that %s is answered like any other, and recorded', async (_what, bytes) => {
    const last = async () => (await recordsIn(gateway.recordingDirectory)).at(-1)?.leaf;
    expect(await sendBytes(gateway.driverUrl, bytes)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(await last()).toMatchObject({ kind: 'request.refused', fields: { op: 'unknown', path: '/x' } });
    expect(await sendBytes(gateway.consoleUrl, bytes)).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(await last()).toMatchObject({ kind: 'admin.access', fields: { action: 'answer', path: '/x', status: 404 } });
  });

  test('noise at the console is answered without a body, and recorded', async () => {
    for (const [noise, why] of [
      ['this is no HTTP\r\n\r\n', 'HPE_INVALID_METHOD'],
      [`GET /x HTTP/1.1\r\nA: ${'b'.repeat(40_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
    ] as const) {
      const answered = await sendBytes(gateway.consoleUrl, noise);
      expect(answered).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(?:.+\r\n)*\r\n$/);
      const last = (await recordsIn(gateway.recordingDirectory)).at(-1);
      expect(last?.leaf).toMatchObject({ kind: 'admin.access', fields: { action: 'noise', status: 400, why } });
    }
  });

  test('a right that is written in another way is not told either', async () => {
    const half = 'Zk3'.repeat(7);
    await post(`/results/${half}%2d${half}/0`, '{}');
    const last = (await recordsIn(gateway.recordingDirectory)).at(-1);
    expect(last?.leaf.fields).toMatchObject({ op: 'unknown', path: '/results/*/0' });
  });

  test('what is answered while the gateway stops is recorded too', async () => {
    const wire = await loginByHand(playground, { url: tap.url });
    const held = wire.query('CREATE TABLE crm.public.drained (id INT)');
    await playground.standIn.holdNext('draining', 2);
    const owner = await connectApprover(playground, { consoleUrl: gateway.consoleUrl });
    await owner.find(/drained/i);
    const running = wire.query("SELECT 'draining' AS v");
    await eventually('the statement at Snowflake', async () =>
      (await playground.history()).some(({ sqlText }) => sqlText.includes('draining')) ? true : undefined,
    );
    const before = tap.passed().length;
    const [, first, second] = await Promise.all([gateway.stop(), held, running]);
    expect([first.code, second.success]).toEqual(['333334', true]);
    expect(tap.passed().length - before).toBeGreaterThanOrEqual(2);
    const records = await recordsIn(gateway.recordingDirectory);
    expect(records.at(-1)?.leaf.kind).toBe('writer.close');
    expect(unaccounted(tap.passed(), records).map(({ path, text }) => `${path} ${text}`)).toEqual([]);
  }, 30_000);
});

/** The capabilities under which parts were asked for and given, by their digest. */
function rightsOnTheWire(passed: readonly Passed[]): ReadonlyMap<string, string> {
  const given = passed.filter(({ status }) => status === 200);
  const rights = given.flatMap(({ path }) => /^\/results\/([^/]+)\//.exec(path)?.[1] ?? []);
  return new Map(rights.map((right) => [createHash('sha256').update(right).digest('base64url'), right]));
}

function withRights(bytes: Buffer, rights: ReadonlyMap<string, string>): Buffer {
  let text = bytes.toString('latin1');
  for (const [digest, right] of rights) text = text.replaceAll(digest, right);
  return Buffer.from(text, 'latin1');
}

function rebuilt(format: unknown, bodies: LogRecord['bodies']): Buffer {
  const head = bodies.get('head');
  const rows = bodies.get('rows');
  if (head === undefined) return rows ?? Buffer.alloc(0);
  if (rows === undefined) return head;
  const start = `{"data":${head.toString('utf8').slice(0, -1)}`;
  const end = '},"code":null,"message":null,"success":true}';
  return format === 'arrow'
    ? Buffer.from(`${start},"rowsetBase64":"${rows.toString('base64')}"${end}`)
    : Buffer.concat([Buffer.from(`${start},"rowset":`), rows, Buffer.from(end)]);
}
