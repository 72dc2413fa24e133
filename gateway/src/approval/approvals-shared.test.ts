import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Entry } from '@piste/verifier';
import { createMemoryStore, createRedisStore, type Store } from '../store/index.js';
import { type RedisProcess, startRedisProcess } from '../store/redis-process.js';
import { demand, type Gateway, gateway, no, owner, person, quorum, subject, yes } from './approval-fixture.js';
import type { ApprovalsDeps } from './approvals.js';
import { SLOW_LOOK_MS, type Timers } from './waiting.js';

/** Several gateways over one store; what each of them keeps for itself must not matter. */
interface World {
  openStore(): Store;
  dispose(): Promise<void>;
}

const worlds: readonly (readonly [string, () => Promise<World>])[] = [
  [
    'memory',
    async () => {
      const store = createMemoryStore({ clock: () => 0 });
      return { openStore: () => store, dispose: async () => undefined };
    },
  ],
  [
    'Redis',
    async () => {
      const server: RedisProcess = await startRedisProcess();
      const stores: Store[] = [];
      return {
        openStore() {
          const store = createRedisStore({ url: server.url, keyPrefix: 'piste:', commandTimeoutMs: 30_000 });
          stores.push(store);
          return store;
        },
        async dispose() {
          for (const store of stores) await store.close();
          await server.dispose();
        },
      };
    },
  ],
];

/** A waiter with these looks again only when it is told something. */
const NEVER: Timers = { after: () => () => undefined };

/** Every pause is over at once and its length noted: nothing is measured with a clock that others slow down. */
function hastyTimers(): { readonly timers: Timers; readonly pausesMs: number[] } {
  const pausesMs: number[] = [];
  const after: Timers['after'] = (milliseconds, run) => {
    pausesMs.push(milliseconds);
    const timer = setTimeout(run, 1);
    return () => clearTimeout(timer);
  };
  return { timers: { after }, pausesMs };
}

let queries = 0;
const nextSubject = (more: Parameters<typeof subject>[0] = {}) => {
  queries += 1;
  return subject({ queryId: `query-${queries}`, ...more });
};
const decisionsOf = (entries: readonly Entry[]) =>
  entries.filter(({ kind }) => kind === 'decision').map(({ fields }) => fields['v']);

describe.each(worlds)('gateways that share a store in %s', (_name, setUp) => {
  let world: World;
  let entries: Entry[];
  beforeAll(async () => {
    world = await setUp();
  });
  afterAll(() => world?.dispose());
  beforeEach(() => {
    entries = [];
  });

  /** A gateway whose record takes a moment, so that writes of others come in between. */
  function join(more: Partial<ApprovalsDeps> = {}): Gateway {
    const record = async (entry: Entry) => {
      await pause(entries.length % 3);
      entries.push(entry);
    };
    return gateway(world.openStore(), { record, ...more }, entries);
  }

  test('twenty requests of one query at once are one approval', async () => {
    const gateways = [join(), join()];
    const asked = nextSubject();
    const all = await Promise.all(
      Array.from(
        { length: 20 },
        (_, at) => gateways[at % 2]?.approvals.request(asked) ?? Promise.reject(new Error('none')),
      ),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.every(({ state }) => state === 'pending')).toBe(true);
    expect(new Set(entries.map((entry) => JSON.stringify(entry))).size).toBe(1);
  });

  test('of many votes at once none is lost and nobody counts twice', async () => {
    const gateways = [join(), join()];
    const asked = nextSubject({ demand: demand([quorum({ minApprovals: 15 })]) });
    const [first, second] = gateways;
    if (first === undefined || second === undefined) throw new Error('none');
    const { id } = await first.approvals.request(asked);
    const votes = Array.from({ length: 28 }, (_, at) =>
      (at % 2 === 0 ? first : second).approvals.vote(id, owner(`p${at % 14}`), yes(asked)),
    );
    const results = await Promise.all(votes);
    expect(results.filter(({ ok }) => ok)).toHaveLength(14);
    expect(results.every((result) => result.ok || result.refusal === 'already-voted')).toBe(true);
    expect(await first.approvals.get(id)).toMatchObject({ state: 'pending' });
    expect((await first.approvals.get(id))?.votes).toHaveLength(14);
    expect(await second.approvals.vote(id, owner('p14'), yes(asked))).toMatchObject({
      ok: true,
      approval: { state: 'approved' },
    });
    expect(decisionsOf(entries)).toEqual(['approved']);
  });

  test('a yes, a no, a withdrawal and two releases at once end in one way, and the record agrees', async () => {
    for (let round = 0; round < 15; round += 1) {
      entries = [];
      const [a, b] = [join(), join()];
      const asked = nextSubject();
      const { id } = await a.approvals.request(asked);
      const [approve, deny, , ...releases] = await Promise.all([
        a.approvals.vote(id, owner('a'), yes(asked)),
        b.approvals.vote(id, owner('b'), no(asked)),
        b.approvals.withdraw(id, 'cancelled'),
        ...[a, b].map(async ({ approvals }) => {
          await approvals.wait(id, { timeoutMs: 5_000 });
          return approvals.redeem(id, asked.bindingHash);
        }),
      ]);
      const end = await a.approvals.get(id);
      expect(decisionsOf(entries)).toEqual([end?.state]);
      expect(approve.ok).toBe(end?.state === 'approved');
      expect(deny.ok).toBe(end?.state === 'denied');
      expect(releases.filter(({ ok }) => ok)).toHaveLength(end?.state === 'approved' ? 1 : 0);
      // A vote stands in the record exactly when it counted or was taken back there.
      const fieldsOf = entries.filter(({ kind }) => kind === 'approval.vote').map(({ fields }) => fields);
      const standing = fieldsOf.filter(
        (cast) =>
          cast['refused'] === undefined &&
          !fieldsOf.some((other) => other['sub'] === cast['sub'] && other['refused'] !== undefined),
      );
      expect(standing.map(({ sub }) => sub)).toEqual(end?.votes.map(({ voter }) => voter.subject));
    }
  });

  test('a gateway started later sees a pending request and completes it', async () => {
    const asked = nextSubject({ demand: demand([quorum({ minApprovals: 2 })]) });
    const before = join();
    const { id } = await before.approvals.request(asked);
    await before.approvals.vote(id, owner('a'), yes(asked));
    const after = join();
    expect((await after.approvals.list({ state: 'pending', limit: 100 })).map((one) => one.id)).toContain(id);
    expect(await after.approvals.request(asked)).toMatchObject({ id, votes: [{ voter: { subject: 'a' } }] });
    expect(await after.approvals.vote(id, owner('a'), yes(asked))).toEqual({ ok: false, refusal: 'already-voted' });
    expect(await after.approvals.vote(id, owner('b'), yes(asked))).toMatchObject({
      ok: true,
      approval: { state: 'approved' },
    });
    expect(await after.approvals.redeem(id, asked.bindingHash)).toMatchObject({ ok: true });
  });

  test('what a gateway that stopped left half announced or half closed, another finishes', async () => {
    const isStopped = { request: true, decision: true };
    const record = async (entry: Entry) => {
      if (entry.kind === 'approval.request' && isStopped.request) throw new Error('stopped');
      if (entry.kind === 'decision' && isStopped.decision) throw new Error('stopped');
    };
    const stopped = join({ record });
    const asked = nextSubject();
    await expect(stopped.approvals.request(asked)).rejects.toThrow('stopped');
    const next = join();
    expect(await next.approvals.findByQuery(asked.queryId)).toBeUndefined();
    const { id } = await next.approvals.request(asked);
    await expect(stopped.approvals.vote(id, owner('a'), yes(asked))).rejects.toThrow('stopped');
    expect(await next.approvals.get(id)).toMatchObject({ state: 'pending' });
    expect(await next.approvals.sweep()).toBeGreaterThan(0);
    next.time.nowMs += 6_000;
    expect(await next.approvals.get(id)).toMatchObject({ state: 'approved' });
    expect(decisionsOf(entries)).toEqual(['approved']);
  });

  test('a gateway that is slow to record a decision is overtaken by another, and they agree', async () => {
    const released = Promise.withResolvers<void>();
    const slowly = async (entry: Entry) => {
      if (entry.kind === 'decision') await released.promise;
      entries.push(entry);
    };
    const told: string[] = [];
    const metrics = { approvals: (_rule: string, outcome: string) => told.push(outcome) };
    const [slow, quick] = [join({ record: slowly, metrics }), join({ metrics })];
    const asked = nextSubject();
    const { id } = await slow.approvals.request(asked);
    const voting = slow.approvals.vote(id, owner('a'), yes(asked));
    for (let look = 0; look < 500; look += 1) {
      const refused = await quick.approvals.vote(id, person('sam'), yes(asked));
      if (!refused.ok && refused.refusal === 'already-decided') break;
      await pause(2);
    }
    quick.time.nowMs += 6_000;
    expect(await quick.approvals.get(id)).toMatchObject({ state: 'approved' });
    expect(await quick.approvals.redeem(id, asked.bindingHash)).toMatchObject({ ok: true });
    released.resolve();
    expect(await voting).toMatchObject({ ok: true, approval: { state: 'approved' } });
    expect(await slow.approvals.redeem(id, asked.bindingHash)).toEqual({ ok: false, refusal: 'already-redeemed' });
    expect(told).toEqual(['approved']);
    const decisions = entries.filter(({ kind }) => kind === 'decision').map((entry) => JSON.stringify(entry));
    expect(decisions).toHaveLength(2);
    expect(new Set(decisions).size).toBe(1);
  });

  test('a waiter hears of a decision made elsewhere without any slow look', async () => {
    const [waiter, voter] = [join({ clock: Date.now, timers: NEVER }), join({ clock: Date.now })];
    const asked = nextSubject();
    const { id } = await waiter.approvals.request(asked);
    const waiting = waiter.approvals.wait(id, { timeoutMs: 20_000 });
    await pause(100);
    await voter.approvals.vote(id, owner('a'), yes(asked));
    expect((await waiting).state).toBe('approved');
  });

  test.each([
    ['never come', { watch: async () => () => undefined }],
    ['cannot be had', { watch: () => Promise.reject(new Error('no subscriptions')) }],
    ['are never granted', { watch: () => new Promise<never>(() => undefined) }],
  ])('a waiter whose notices %s still hears within the slow look', async (_how, broken) => {
    const deaf = { ...world.openStore(), ...broken };
    const { timers, pausesMs } = hastyTimers();
    const [waiter, voter] = [join({ clock: Date.now, store: deaf, timers }), join({ clock: Date.now })];
    const asked = nextSubject();
    const { id } = await waiter.approvals.request(asked);
    const waiting = waiter.approvals.wait(id, { timeoutMs: 20_000 });
    await pause(50);
    await voter.approvals.vote(id, owner('a'), no(asked));
    expect((await waiting).state).toBe('denied');
    expect(Math.max(...pausesMs)).toBe(SLOW_LOOK_MS);
  });

  test('a waiter gets the pending approval when its time is up, and the expired one when the request’s time is', async () => {
    const { timers, pausesMs } = hastyTimers();
    const { approvals } = join({ clock: Date.now, timers });
    const long = await approvals.request(nextSubject());
    expect((await approvals.wait(long.id, { timeoutMs: 150 })).state).toBe('pending');
    // Never longer than what is left.
    expect(Math.max(...pausesMs)).toBeLessThanOrEqual(150);
    const short = await approvals.request(nextSubject({ demand: demand([quorum()], 0.3) }));
    expect((await approvals.wait(short.id, { timeoutMs: 20_000 })).state).toBe('expired');
  });

  test('a waiter ends at once when aborted or withdrawn', async () => {
    const { approvals } = join({ clock: Date.now, timers: NEVER });
    const asked = await approvals.request(nextSubject());
    const controller = new AbortController();
    const aborted = approvals.wait(asked.id, { timeoutMs: 20_000, signal: controller.signal });
    const withdrawn = approvals.wait(asked.id, { timeoutMs: 20_000 });
    controller.abort(new Error('client went away'));
    await expect(aborted).rejects.toThrow('client went away');
    await expect(approvals.wait(asked.id, { timeoutMs: 20_000, signal: controller.signal })).rejects.toThrow(
      'client went away',
    );
    await approvals.withdraw(asked.id, 'client-gone');
    expect((await withdrawn).state).toBe('withdrawn');
  });
});

describe('approvals without their store', () => {
  test('refuse every call while Redis is away, keep what was pending across its loss of connections, and go on', async () => {
    const server = await startRedisProcess();
    const store = createRedisStore({ url: server.url, keyPrefix: 'piste:', commandTimeoutMs: 300 });
    try {
      const { approvals } = gateway(store, { clock: Date.now });
      const asked = nextSubject();
      const { id } = await approvals.request(asked);
      const waiting = approvals.wait(id, { timeoutMs: 20_000 });
      const failed = expect(waiting).rejects.toMatchObject({ denial: { code: 'PISTE-1703' } });
      server.freeze();
      await failed;
      await expect(approvals.vote(id, person('sam'), yes(asked))).rejects.toMatchObject({
        denial: { code: 'PISTE-1703' },
      });
      await expect(approvals.redeem(id, asked.bindingHash)).rejects.toMatchObject({ denial: { code: 'PISTE-1703' } });
      server.thaw();
      const deadline = performance.now() + 30_000;
      while (
        !(await store.ping().then(
          () => true,
          () => false,
        )) &&
        performance.now() < deadline
      )
        await pause(50);
      expect(await approvals.vote(id, owner('a'), yes(asked))).toMatchObject({
        ok: true,
        approval: { state: 'approved' },
      });
    } finally {
      await store.close();
      await server.dispose();
    }
  });
});
