import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisProcess, startRedisProcess } from '@piste/gateway/dist/store/redis-process.js';
import type { DriverResult, NodeDriver } from '../harness/node-driver.js';
import type { WireAnswer, WireClient } from '../harness/wire-client.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { type Approver, connectAgent, connectApprover, eventually, failureOf, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

let redis: RedisProcess;
let playground: Playground;
let second: GatewayProgram;
let owner: Approver;

beforeAll(async () => {
  redis = await startRedisProcess();
  playground = await startPlayground({
    standIn: { holdMilliseconds: 500 },
    gatewayEnvironment: { PISTE_REDIS_URL: redis.url, PISTE_HOLD_SECONDS: '2' },
  });
  second = await playground.startGateway('second');
  owner = await connectApprover(playground);
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await redis?.dispose();
});

const ran = async (pattern: RegExp): Promise<readonly string[]> =>
  (await playground.history())
    .filter((entry) => !entry.isInternal && pattern.test(entry.sqlText))
    .map((entry) => entry.sqlText);

/** The same session, spoken to through another gateway. */
const at = (wire: WireClient, gateway: { readonly driverUrl: string }) => {
  const call = async (method: string, path: string, body?: unknown): Promise<WireAnswer> => {
    const response = await fetch(`${gateway.driverUrl}${path}`, {
      method,
      headers: { authorization: `Snowflake Token="${wire.sessionToken}"`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as WireAnswer;
  };
  return {
    query: (sqlText: string, requestId: string = crypto.randomUUID(), more: object = {}) =>
      call('POST', `/queries/v1/query-request?requestId=${requestId}`, { sqlText, ...more }),
    result: (queryId: unknown) => call('GET', `/queries/${String(queryId)}/result`),
    status: async (queryId: unknown) => {
      const { data } = await call('GET', `/monitoring/queries/${String(queryId)}`);
      return (data['queries'] as readonly { status: string }[])[0]?.status;
    },
    abort: (requestId: string) =>
      call('POST', `/queries/v1/abort-request?requestId=${crypto.randomUUID()}`, { requestId }),
    /** Polls to the end of a statement. */
    end: (queryId: unknown, milliseconds = 40_000) =>
      eventually(
        `the end of ${String(queryId)}`,
        async () => {
          const answer = await call('GET', `/queries/${String(queryId)}/result`);
          return answer.code === '333334' ? undefined : answer;
        },
        milliseconds,
      ),
  };
};

describe('a gateway that is killed and started again', () => {
  let driver: NodeDriver;
  let wire: WireClient;
  let held: Promise<DriverResult>;
  let unattended: unknown;
  const half = { requestId: crypto.randomUUID(), text: 'ALTER TABLE orders ADD COLUMN half_done text', queryId: '' };
  const allowed = { requestId: crypto.randomUUID(), text: "INSERT INTO orders (id, note) VALUES (81000, 'once only')" };

  // All four are under way when the one blow falls, because a dead gateway's statements are free only after a while.
  beforeAll(async () => {
    [driver, wire] = await Promise.all([connectAgent(playground), loginByHand(playground)]);
    const here = at(wire, playground);
    held = driver.execute('CREATE TABLE survivor (id int)');
    held.catch(() => undefined);
    const waiting = here.query('CREATE TABLE unattended (id int)', crypto.randomUUID(), { asyncExec: true });
    unattended = (await waiting).data['queryId'];
    await Promise.all([
      playground.standIn.holdNext('half_done', 1_000_000),
      playground.standIn.holdNext('once only', 8),
    ]);
    const lost = [here.query(half.text, half.requestId), here.query(allowed.text, allowed.requestId)];
    for (const answer of lost) answer.catch(() => undefined);
    const [survivor, forgotten, approved] = await Promise.all([
      owner.find(/survivor/),
      owner.find(/unattended/),
      owner.find(/half_done/),
    ]);
    half.queryId = approved.queryId;
    await owner.decide(approved, 'approve');
    await eventually('two statements at Snowflake', async () =>
      (await ran(/half_done|once only/)).length === 2 ? true : undefined,
    );
    await playground.restartGateway('killed');
    await Promise.allSettled(lost);
    expect(await ran(/survivor|unattended/)).toEqual([]);
    for (const request of [survivor, forgotten]) {
      expect(await owner.decide(request, 'approve')).toMatchObject({ status: 200, body: { state: 'approved' } });
    }
  }, 60_000);
  afterAll(async () => await driver?.close());

  test('goes on with a held statement when its driver polls, and runs it exactly once', async () => {
    expect((await held).rows).toEqual([{ status: 'Table SURVIVOR successfully created.' }]);
    expect(await ran(/survivor/)).toHaveLength(1);
  }, 60_000);

  test('still knows the session', async () => {
    expect((await driver.execute('SELECT COUNT(*) AS n FROM survivor')).rows).toEqual([{ N: 0 }]);
  });

  test('goes on with an asynchronous statement when somebody asks how it is doing', async () => {
    const here = at(wire, playground);
    await eventually('success', async () => ((await here.status(unattended)) === 'SUCCESS' ? true : undefined), 40_000);
    expect(await ran(/unattended/)).toHaveLength(1);
  }, 60_000);

  test('does not run an approved statement again when it died before the answer came', async () => {
    const here = at(wire, playground);
    expect(await here.end(half.queryId)).toMatchObject({
      success: false,
      code: '861306',
      message: expect.stringMatching(/unknown whether the statement ran; it was not run again/),
    });
    expect(await here.query(half.text, half.requestId)).toMatchObject({ code: '861306' });
    expect(await ran(/half_done/)).toHaveLength(1);
  }, 60_000);

  test('sends a statement that was allowed under the same request id, so that Snowflake runs it once', async () => {
    const here = at(wire, playground);
    const again = await here.query(allowed.text, allowed.requestId);
    const end = again.code === '333334' ? await here.end(again.data['queryId']) : again;
    expect(end).toMatchObject({ success: true });
    expect(await ran(/once only/)).toHaveLength(1);
    expect((await here.query('SELECT COUNT(*) AS n FROM orders WHERE id = 81000')).data['rowset']).toEqual([['1']]);
    expect((await playground.standIn.counters()).repeatedRequests).toBeGreaterThanOrEqual(1);
  }, 60_000);
});

describe('two gateways over one Redis', () => {
  test('serve one session side by side', async () => {
    const wire = await loginByHand(playground);
    expect((await at(wire, second).query('USE SCHEMA hr')).success).toBe(true);
    const answer = await at(wire, playground).query('SELECT CURRENT_SCHEMA() AS s, COUNT(*) AS n FROM employees');
    expect(answer.data['rowset']).toEqual([['HR', '2']]);
    const { answer: out } = await wire.post('/session?delete=true');
    expect(out.success).toBe(true);
    expect(await at(wire, second).query('SELECT 1')).toMatchObject({ success: false, code: '390111' });
  });

  test('held at one, approved at the other, polled at the other after the first stopped', async () => {
    const wire = await loginByHand(playground);
    const held = await at(wire, playground).query('CREATE TABLE handed_over (id int)');
    expect(held.code).toBe('333334');
    const there = await connectApprover(playground, { consoleUrl: second.consoleUrl });
    const request = await there.find(/handed_over/);
    const startedMs = Date.now();
    expect(await playground.gateway.stop()).toBe(0);
    // A held statement does not keep a gateway from stopping, as a running one does for fifteen seconds.
    expect(Date.now() - startedMs).toBeLessThan(14_000);
    try {
      expect(await there.decide(request, 'approve')).toMatchObject({ status: 200 });
      expect(await at(wire, second).end(held.data['queryId'], 10_000)).toMatchObject({ success: true });
      expect(await ran(/handed_over/)).toHaveLength(1);
    } finally {
      await playground.gateway.start();
    }
  }, 60_000);

  test('one request id sent to both runs once and answers the same', async () => {
    const wire = await loginByHand(playground);
    const requestId = crypto.randomUUID();
    const text = 'INSERT INTO orders (id) VALUES (82000)';
    const answers = await Promise.all([
      at(wire, playground).query(text, requestId),
      at(wire, second).query(text, requestId),
      at(wire, playground).query(text, requestId),
      at(wire, second).query(text, requestId),
    ]);
    expect(answers.map(({ success }) => success)).toEqual([true, true, true, true]);
    expect(new Set(answers.map(({ data }) => data['queryId'])).size).toBe(1);
    expect(await ran(/82000/)).toHaveLength(1);
    const records = [
      ...(await recordsIn(playground.recordingDirectory)),
      ...(await recordsIn(second.recordingDirectory)),
    ];
    const requests = records.filter(({ leaf }) => leaf.kind === 'request' && leaf.fields['rid'] === requestId);
    expect(requests).toHaveLength(1);
  });

  test('a statement under way at one is cancelled at the other', async () => {
    const wire = await loginByHand(playground);
    const requestId = crypto.randomUUID();
    const pending = at(wire, playground).query('ALTER TABLE orders ADD COLUMN never_added text', requestId);
    const request = await owner.find(/never_added/);
    expect((await at(wire, second).abort(requestId)).success).toBe(true);
    const first = await pending;
    const end = first.code === '333334' ? await at(wire, second).end(first.data['queryId'], 10_000) : first;
    expect(end).toMatchObject({ success: false, code: '000604' });
    expect((await owner.get(request.id)).body['state']).toBe('withdrawn');
    expect(await ran(/never_added/)).toEqual([]);
  });

  test('a chunk of a result of one is served by the other', async () => {
    const wire = await loginByHand(playground);
    const answer = await at(wire, playground).query('SELECT id, payload FROM big');
    const [chunk] = answer.data['chunks'] as readonly { url: string; rowCount: number }[];
    const path = new URL(chunk?.url ?? '').pathname;
    const response = await fetch(`${second.driverUrl}${path}`);
    expect(response.status).toBe(200);
    expect(JSON.parse(`[${await response.text()}]`)).toHaveLength(chunk?.rowCount ?? 0);
  });

  test('Redis holds no text of a statement, no token and no address of a result in the clear', async () => {
    const wire = await loginByHand(playground);
    const held = at(wire, playground).query("DELETE FROM orders WHERE note = 'secret words'");
    const request = await owner.find(/secret words/);
    const dump = await dumpOf(redis.url);
    expect(dump.length).toBeGreaterThan(1000);
    expect(dump).not.toMatch(/secret words|ver:3-hint|ps_[0-9a-f]{32}_|pm_[0-9a-f]{32}_|\/results\//);
    await owner.decide(request, 'deny', 'no');
    await held;
  });
});

describe('while Redis is away', () => {
  test('requests are refused with PISTE-1703, nothing runs, and all goes on when it is back', async () => {
    const driver = await connectAgent(playground);
    await driver.execute('SELECT 1 AS one');
    await playground.standIn.reset();
    redis.freeze();
    try {
      const failure = await failureOf(driver.execute('SELECT 2 AS two'));
      expect(failure).toMatchObject({
        code: '861703',
        sqlState: '58030',
        message: expect.stringContaining('Nothing was executed'),
      });
      expect((await failureOf(connectAgent(playground))).code).toBe('861703');
      expect((await fetch(`${playground.opsUrl}/readyz`)).status).toBe(503);
      expect((await fetch(`${playground.opsUrl}/livez`)).status).toBe(200);
      expect((await playground.standIn.counters()).statements).toBe(0);
    } finally {
      redis.thaw();
    }
    await eventually('readiness', async () =>
      (await fetch(`${playground.opsUrl}/readyz`)).status === 200 ? true : undefined,
    );
    expect((await driver.execute('SELECT 3 AS three')).rows).toEqual([{ THREE: 3 }]);
    await driver.close();
  }, 60_000);

  test('and sessions it lost are gone for good, which drivers understand', async () => {
    const driver = await connectAgent(playground);
    await redis.stop();
    await redis.start();
    await eventually('readiness', async () =>
      (await fetch(`${playground.opsUrl}/readyz`)).status === 200 ? true : undefined,
    );
    expect((await failureOf(driver.execute('SELECT 1'))).code).toBe(407002);
    const again = await connectAgent(playground);
    expect((await again.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
    await again.close();
  }, 60_000);
});

/** Every key and value of a Redis, by its own protocol. */
async function dumpOf(url: string): Promise<string> {
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  const script =
    "local all = {} for _, k in ipairs(redis.call('KEYS', '*')) do all[#all + 1] = k local t = redis.call('TYPE', k).ok if t == 'string' then all[#all + 1] = redis.call('GET', k) elseif t == 'hash' then for _, v in ipairs(redis.call('HGETALL', k)) do all[#all + 1] = v end end end return table.concat(all, '\\n') .. '\\nEND-OF-DUMP'";
  const parts = ['EVAL', script, '0'];
  socket.write(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`);
  await eventually('the dump', async () => (text.includes('END-OF-DUMP') ? true : undefined));
  socket.destroy();
  return text;
}
