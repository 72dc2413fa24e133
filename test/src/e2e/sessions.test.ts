import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { WireClient } from '../harness/wire-client.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectApprover, eventually, failureOf, loginByHand } from './callers.js';
import { outlineOf, recordsIn } from './records.js';

let playground: Playground;
/** Beside the first gateway, whose tokens live as short as they can: one whose tokens outlive every test. */
let patient: GatewayProgram;

beforeAll(async () => {
  playground = await startPlayground({
    gatewayEnvironment: { PISTE_SESSION_TOKEN_SECONDS: '1', PISTE_MASTER_TOKEN_SECONDS: '6', PISTE_HOLD_SECONDS: '1' },
  });
  patient = await playground.startGateway('patient', {
    PISTE_SESSION_TOKEN_SECONDS: '600',
    PISTE_MASTER_TOKEN_SECONDS: '3600',
  });
}, 60_000);
afterAll(async () => await playground?.stop());
beforeEach(async () => await playground.standIn.reset());

const secondsPass = async (seconds: number): Promise<void> => {
  const untilMs = Date.now() + seconds * 1000;
  await eventually('the end of the wait', async () => (Date.now() >= untilMs ? true : undefined));
};
const loginPatiently = (): Promise<WireClient> => loginByHand(playground, { url: patient.driverUrl });
const heartbeat = async (wire: WireClient, token?: string) =>
  (await wire.post('/session/heartbeat', {}, token === undefined ? {} : { token })).answer;
const renew = async (wire: WireClient, masterToken: string) =>
  (await wire.post('/session/token-request', { requestType: 'RENEW' }, { token: masterToken })).answer;

describe("the gateway's own session tokens", () => {
  test('expire, and the driver renews them without a word', async () => {
    const driver = await connectAgent(playground);
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
    await secondsPass(1.1);
    expect((await driver.execute('SELECT 2 AS two')).rows).toEqual([{ TWO: 2 }]);
    // Snowflake's own tokens live longer; they are not touched.
    expect((await playground.standIn.counters()).renewals).toBe(0);
    expect(outlineOf(await recordsIn(playground.recordingDirectory))).toEqual(
      expect.arrayContaining(['control query-request expired', 'control renew ok']),
    );
    await driver.close();
  });

  test('expire while a statement waits for people, and the driver goes on waiting', async () => {
    const driver = await connectAgent(playground);
    const owner = await connectApprover(playground);
    const done = driver.execute('CREATE TABLE outlived (id int)');
    done.catch(() => undefined);
    const request = await owner.find(/outlived/);
    await secondsPass(3);
    await owner.decide(request, 'approve');
    expect((await done).rows).toEqual([{ status: 'Table OUTLIVED successfully created.' }]);
    await driver.close();
  });

  test('stay good for a while after the renewal, because other threads of the driver still use them', async () => {
    const wire = await loginPatiently();
    const fresh = await renew(wire, wire.masterToken);
    expect((await heartbeat(wire)).success).toBe(true);
    expect((await heartbeat(wire, String(fresh.data['sessionToken']))).success).toBe(true);
  });

  test('are renewed with the newest master token only', async () => {
    const wire = await loginPatiently();
    const fresh = await renew(wire, wire.masterToken);
    expect(await renew(wire, wire.masterToken)).toMatchObject({ success: false, code: '390114' });
    expect((await renew(wire, String(fresh.data['masterToken']))).success).toBe(true);
  });

  test('end for good with the master token, and the driver says that it is disconnected', async () => {
    const driver = await connectAgent(playground);
    const wire = await loginByHand(playground);
    await secondsPass(6.2);
    expect(await heartbeat(wire)).toMatchObject({ success: false, code: '390112' });
    expect(await renew(wire, wire.masterToken)).toMatchObject({
      success: false,
      code: '390114',
      message: expect.stringContaining('PISTE-1006'),
    });
    expect((await failureOf(driver.execute('SELECT 1'))).code).toBe(407002);
  });
});

describe('a session that Snowflake ended', () => {
  test.each(['gone', 'master-token'] as const)(
    '(%s) is told with its reason, and then is over for the driver too',
    async (what) => {
      const driver = await connectAgent(playground);
      await driver.execute('SELECT 1');
      await playground.standIn.expire(what);
      expect(await failureOf(driver.execute('SELECT 1'))).toMatchObject({
        code: '861006',
        message: expect.stringContaining('Retry: after connecting again'),
      });
      expect((await failureOf(driver.execute('SELECT 1'))).code).toBe(407002);
      const metrics = await (await fetch(`${playground.opsUrl}/metrics`)).text();
      const closed = (await recordsIn(playground.recordingDirectory)).findLast(
        ({ leaf }) => leaf.kind === 'session.close',
      );
      expect(closed?.leaf.fields['why']).toBe('upstream-gone');
      expect(metrics).toMatch(/^piste_sessions_active\{connection="crm",protocol="driver"\} \d+$/m);
    },
  );
});

describe('a logout', () => {
  test('ends the session at Snowflake too, and every token of it', async () => {
    const wire = await loginPatiently();
    expect((await wire.post('/session?delete=true')).answer.success).toBe(true);
    await eventually('the logout at Snowflake', async () =>
      (await playground.standIn.counters()).logouts === 1 ? true : undefined,
    );
    expect(await heartbeat(wire)).toMatchObject({ success: false, code: '390111' });
    expect(await renew(wire, wire.masterToken)).toMatchObject({ success: false, code: '390114' });
    expect((await wire.post('/session?delete=true')).answer).toMatchObject({ success: false, code: '390111' });
  });

  test('of one session leaves the others of the same principal alone', async () => {
    const [one, other] = await Promise.all([loginPatiently(), loginPatiently()]);
    await one.post('/session?delete=true');
    expect((await other.query('SELECT 1 AS one')).data['rowset']).toEqual([['1']]);
  });
});
