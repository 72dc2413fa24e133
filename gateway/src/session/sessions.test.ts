import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Principal } from '../identity/principal.js';
import { createMemoryStore, createSealer, type Store } from '../store/index.js';
import { createSessions, type NewSession, type Sessions } from './index.js';

const principal: Principal = {
  issuer: 'https://issuer.example',
  subject: 'agent-1',
  name: 'agent-1',
  groups: ['agents'],
  agent: undefined,
  instance: undefined,
  delegator: undefined,
  task: undefined,
  tokenDigest: '0'.repeat(64),
};

const fresh: NewSession = {
  principal,
  connection: 'crm',
  account: 'ACME',
  clientApp: 'JavaScript',
  clientVersion: '3',
  context: { database: 'CRM', schema: undefined, role: 'ANALYST', warehouse: undefined },
  parameters: '{}',
  claimedPurpose: undefined,
  upstream: { token: 'upstream-secret', masterToken: 'upstream-master', sessionId: '7', service: undefined },
  idleTimeoutSeconds: 100,
  maxLifetimeSeconds: 1000,
};

describe('client sessions', () => {
  let nowMs = 0;
  let store: Store;
  let sessions: Sessions;

  beforeEach(() => {
    nowMs = 1_000_000;
    store = createMemoryStore({ clock: () => nowMs });
    sessions = createSessions({
      store,
      sealer: createSealer(new Uint8Array(32)),
      clock: { nowMs: () => nowMs },
      sessionTokenSeconds: 60,
      masterTokenSeconds: 300,
    });
  });

  test('are seen as another gateway changed or closed them, at once', async () => {
    const { session } = await sessions.open(fresh);
    const other = createSessions({
      store,
      sealer: createSealer(new Uint8Array(32)),
      clock: { nowMs: () => nowMs },
      sessionTokenSeconds: 60,
      masterTokenSeconds: 300,
    });
    await sessions.load(session.id);
    const upstream = { ...fresh.upstream, token: 'renewed-elsewhere' };
    await other.update(session.id, { upstream });
    expect((await sessions.load(session.id))?.upstream).toEqual(upstream);
    await other.close(session.id);
    expect(await sessions.load(session.id)).toBeUndefined();
  });

  test('do not open with values that somebody exchanged in the store', async () => {
    const one = await sessions.open(fresh);
    const two = await sessions.open({ ...fresh, upstream: { ...fresh.upstream, token: 'of-two' } });
    await sessions.load(one.session.id);
    await sessions.load(two.session.id);
    const [ofOne, ofTwo] = [await store.get(`session:${one.session.id}`), await store.get(`session:${two.session.id}`)];
    if (ofOne === undefined || ofTwo === undefined) throw new Error('not stored');
    await store.replace(`session:${one.session.id}`, ofOne.version, ofTwo.value, 100);
    expect(await sessions.load(one.session.id)).toBeUndefined();
  });

  test('are found by their token and by nothing else', async () => {
    const { session, tokens } = await sessions.open(fresh);
    expect(await sessions.authenticate(tokens.token, 'session')).toMatchObject({
      ok: true,
      session: { id: session.id, connection: 'crm' },
    });
    expect(await sessions.authenticate(tokens.masterToken, 'session')).toEqual({ ok: false, refusal: 'invalid' });
    expect(await sessions.authenticate(tokens.token, 'master')).toEqual({ ok: false, refusal: 'invalid' });
    expect(
      await sessions
        .authenticate(`${tokens.token.slice(0, -1)}0`, 'session')
        .then((a) => a.ok && tokens.token.at(-1) !== '0'),
    ).toBe(false);
    expect(await sessions.authenticate('None', 'session')).toEqual({ ok: false, refusal: 'invalid' });
    expect(await sessions.authenticate(undefined, 'session')).toEqual({ ok: false, refusal: 'invalid' });
  });

  test("never put Snowflake's or their own tokens into the store in the clear", async () => {
    const { session, tokens } = await sessions.open(fresh);
    const stored = await store.get(`session:${session.id}`);
    expect(stored?.value).not.toContain('upstream-secret');
    expect(stored?.value).not.toContain('upstream-master');
    expect(stored?.value).not.toContain(tokens.token);
    expect((await sessions.load(session.id))?.upstream.token).toBe('upstream-secret');
  });

  test('expire by token, are renewed, and accept the old token for a while', async () => {
    const { session, tokens } = await sessions.open(fresh);
    nowMs += 61_000;
    expect(await sessions.authenticate(tokens.token, 'session')).toEqual({ ok: false, refusal: 'expired' });
    const renewed = await sessions.renew(session.id);
    expect(renewed?.token).not.toBe(tokens.token);
    expect(await sessions.authenticate(renewed?.token, 'session')).toMatchObject({ ok: true });
    expect(await sessions.authenticate(tokens.token, 'session')).toMatchObject({ ok: true });
    expect(await sessions.authenticate(tokens.masterToken, 'master')).toEqual({ ok: false, refusal: 'invalid' });
  });

  test('end when idle and at their greatest age, however busy', async () => {
    const { tokens } = await sessions.open(fresh);
    nowMs += 101_000;
    expect(await sessions.authenticate(tokens.token, 'session')).toEqual({ ok: false, refusal: 'gone' });
    const long = await sessions.open({ ...fresh, idleTimeoutSeconds: 5000 });
    nowMs += 1_001_000;
    expect(await sessions.authenticate(long.tokens.token, 'session')).toEqual({ ok: false, refusal: 'gone' });
  });

  test('stay alive while they are used', async () => {
    const { session, tokens } = await sessions.open({ ...fresh, maxLifetimeSeconds: 100_000 });
    let { token } = tokens;
    for (let round = 0; round < 5; round += 1) {
      nowMs += 50_000;
      expect(await sessions.authenticate(token, 'session')).toMatchObject({ ok: true });
      token = (await sessions.renew(session.id))?.token ?? '';
    }
  });

  test('lose no change when two are made at once', async () => {
    const { session } = await sessions.open(fresh);
    await Promise.all([
      sessions.update(session.id, { claimedPurpose: 'report' }),
      sessions.update(session.id, { upstream: { ...fresh.upstream, token: 'renewed' } }),
    ]);
    expect(await sessions.load(session.id)).toMatchObject({ claimedPurpose: 'report', upstream: { token: 'renewed' } });
  });

  test('are gone once closed, and cannot be changed back to life', async () => {
    const { session, tokens } = await sessions.open(fresh);
    await sessions.close(session.id);
    expect(await sessions.authenticate(tokens.token, 'session')).toEqual({ ok: false, refusal: 'gone' });
    expect(await sessions.update(session.id, { claimedPurpose: 'x' })).toBeUndefined();
    expect(await sessions.renew(session.id)).toBeUndefined();
  });
});
