import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Entry } from '@piste/verifier';
import { GatewayError } from '../errors.js';
import { createMemoryStore, createSealer, type Store } from '../store/index.js';
import { demand, type Gateway, gateway, no, owner, person, quorum, subject, yes } from './approval-fixture.js';
import type { ApprovalsDeps } from './approvals.js';

const SUBJECT = subject();
const kinds = (entries: readonly Entry[]) => entries.map(({ kind }) => kind);

function setUp(more: Partial<ApprovalsDeps> = {}): Gateway & { readonly store: Store } {
  const time = { nowMs: 1_800_000_000_000 };
  const store = createMemoryStore({ clock: () => time.nowMs });
  return { ...gateway(store, { clock: () => time.nowMs, ...more }), time, store };
}

describe('request', () => {
  test('opens one approval per query and returns the same one again', async () => {
    const { approvals, entries, time } = setUp();
    const first = await approvals.request(SUBJECT);
    expect(first).toMatchObject({
      state: 'pending',
      votes: [],
      createdAtMs: time.nowMs,
      expiresAtMs: time.nowMs + 600_000,
    });
    expect(first.id).toMatch(/^[0-9a-z]{26}$/);
    time.nowMs += 1_000;
    expect(await approvals.request(SUBJECT)).toEqual(first);
    expect(await approvals.get(first.id)).toEqual(first);
    expect(await approvals.findByQuery(SUBJECT.queryId)).toEqual(first);
    expect(kinds(entries)).toEqual(['approval.request']);
    expect((await approvals.request(subject({ queryId: 'another' }))).id).not.toBe(first.id);
  });

  test('keeps everything of its subject', async () => {
    const { approvals } = setUp();
    const { id } = await approvals.request(SUBJECT);
    expect((await approvals.get(id))?.subject).toEqual(SUBJECT);
  });

  test('refuses another statement under the same query id', async () => {
    const { approvals } = setUp();
    await approvals.request(SUBJECT);
    const other = subject({ canonicalText: 'DROP TABLE SALES.PUBLIC.ORDERS' });
    await expect(approvals.request(other)).rejects.toMatchObject({ denial: { code: 'PISTE-1305' } });
    expect((await approvals.findByQuery(SUBJECT.queryId))?.subject.canonicalText).toBe(SUBJECT.canonicalText);
  });

  test('shows nobody a request that could not be recorded, and opens it once it can be', async () => {
    let isBroken = true;
    const entries: Entry[] = [];
    const record = async (entry: Entry) => {
      if (isBroken) throw new Error('disk full');
      entries.push(entry);
    };
    const { approvals } = setUp({ record });
    await expect(approvals.request(SUBJECT)).rejects.toThrow('disk full');
    expect(await approvals.findByQuery(SUBJECT.queryId)).toBeUndefined();
    expect(await approvals.list({ limit: 10 })).toEqual([]);
    expect(await approvals.sweep()).toBe(0);
    isBroken = false;
    const approval = await approvals.request(SUBJECT);
    expect(approval.state).toBe('pending');
    expect(entries).toHaveLength(1);
  });

  test('refuses a demand without a time limit', async () => {
    const { approvals } = setUp();
    for (const timeoutSeconds of [0, -1, Number.NaN]) {
      await expect(approvals.request(subject({ demand: demand([quorum()], timeoutSeconds) }))).rejects.toThrow(
        RangeError,
      );
    }
  });

  test('knows no identifier but its own', async () => {
    const { approvals } = setUp();
    for (const id of ['', 'x', '../query/1', '0'.repeat(26), SUBJECT.queryId]) {
      expect(await approvals.get(id)).toBeUndefined();
      expect(await approvals.vote(id, owner('olga'), yes(SUBJECT))).toEqual({ ok: false, refusal: 'unknown-request' });
      expect(await approvals.withdraw(id, 'cancelled')).toBeUndefined();
      expect(await approvals.redeem(id, SUBJECT.bindingHash)).toEqual({ ok: false, refusal: 'unknown-request' });
      await expect(approvals.wait(id, { timeoutMs: 10 })).rejects.toBeInstanceOf(GatewayError);
    }
  });
});

describe('vote', () => {
  test('the votes of every quorum approve; each is recorded, and the decision before it shows', async () => {
    const quorums = [quorum({ minApprovals: 2 }), quorum({ rule: 'security', groups: ['security'] })];
    const asked = subject({ demand: demand(quorums) });
    const { approvals, entries, time } = setUp();
    const { id } = await approvals.request(asked);
    const states: (string | undefined)[] = [];
    for (const voter of [owner('a'), person('s', { groups: ['security'] }), owner('b')]) {
      time.nowMs += 1_000;
      const result = await approvals.vote(id, voter, yes(asked, { reason: ' fine ' }));
      states.push(result.ok ? result.approval.state : result.refusal);
    }
    expect(states).toEqual(['pending', 'pending', 'approved']);
    const approval = await approvals.get(id);
    expect(approval?.decidedAtMs).toBe(time.nowMs);
    expect(approval?.votes.map(({ voter, reason }) => [voter.subject, reason])).toEqual([
      ['a', 'fine'],
      ['s', 'fine'],
      ['b', 'fine'],
    ]);
    expect(kinds(entries)).toEqual(['approval.request', 'approval.vote', 'approval.vote', 'approval.vote', 'decision']);
  });

  test('one no decides at once and is final', async () => {
    const { approvals } = setUp();
    const { id } = await approvals.request(SUBJECT);
    expect(await approvals.vote(id, owner('a'), no(SUBJECT))).toMatchObject({
      ok: true,
      approval: { state: 'denied' },
    });
    expect(await approvals.vote(id, owner('b'), yes(SUBJECT))).toEqual({ ok: false, refusal: 'already-decided' });
    expect(await approvals.withdraw(id, 'cancelled')).toMatchObject({ state: 'denied' });
    expect(await approvals.get(id)).toMatchObject({
      state: 'denied',
      votes: [{ reason: 'wrong table', channel: 'page' }],
    });
  });

  test('a refused vote changes and records nothing', async () => {
    const { approvals, entries } = setUp();
    const { id } = await approvals.request(SUBJECT);
    const before = await approvals.get(id);
    expect(await approvals.vote(id, SUBJECT.requester, yes(SUBJECT))).toEqual({ ok: false, refusal: 'own-request' });
    expect(await approvals.vote(id, owner('a'), yes(SUBJECT, { bindingHash: 'x' }))).toEqual({
      ok: false,
      refusal: 'hash-mismatch',
    });
    expect(await approvals.get(id)).toEqual(before);
    expect(kinds(entries)).toEqual(['approval.request']);
  });

  test('the entries carry what an auditor needs, in values the record can hold', async () => {
    const { approvals, entries } = setUp();
    const { id, expiresAtMs } = await approvals.request(SUBJECT);
    await approvals.vote(id, owner('a', { name: 'A\uD800' }), no(SUBJECT, { reason: 'not \uDC00 now' }));
    const common = { qid: SUBJECT.queryId, apr: id };
    expect(entries.map(({ fields }) => fields)).toEqual([
      {
        ...common,
        hash: SUBJECT.bindingHash,
        rules: ['writes-need-a-human'],
        quorums: [{ rule: 'writes-need-a-human', n: 1, grp: ['data-owners'], usr: [] }],
        expires: expiresAtMs,
        cls: 'delete',
      },
      {
        ...common,
        iss: 'https://issuer.example',
        sub: 'a',
        name: 'A\uFFFD',
        grp: ['data-owners'],
        choice: 'deny',
        reason: 'not \uFFFD now',
        channel: 'page',
      },
      {
        ...common,
        v: 'denied',
        hash: SUBJECT.bindingHash,
        votes: [{ iss: 'https://issuer.example', sub: 'a', choice: 'deny' }],
      },
    ]);
    expect(entries.every(({ sessionId }) => sessionId === 'session-1')).toBe(true);
  });

  test('a vote that cannot be recorded does not count', async () => {
    let isBroken = false;
    const record = async () => {
      if (isBroken) throw new Error('disk full');
    };
    const { approvals } = setUp({ record });
    const { id } = await approvals.request(SUBJECT);
    isBroken = true;
    await expect(approvals.vote(id, owner('a'), yes(SUBJECT))).rejects.toThrow('disk full');
    expect(await approvals.get(id)).toMatchObject({ state: 'pending', votes: [] });
    isBroken = false;
    expect(await approvals.vote(id, owner('a'), yes(SUBJECT))).toMatchObject({
      ok: true,
      approval: { state: 'approved' },
    });
  });

  test('a yes whose decision cannot be recorded lets nothing through until it is recorded', async () => {
    const entries: Entry[] = [];
    let isBroken = true;
    const record = async (entry: Entry) => {
      if (isBroken && entry.kind === 'decision') throw new Error('disk full');
      entries.push(entry);
    };
    const { approvals, time } = setUp({ record });
    const { id } = await approvals.request(SUBJECT);
    await expect(approvals.vote(id, owner('a'), yes(SUBJECT))).rejects.toThrow('disk full');
    expect(await approvals.get(id)).toMatchObject({ state: 'pending' });
    expect(await approvals.redeem(id, SUBJECT.bindingHash)).toEqual({ ok: false, refusal: 'not-approved' });
    expect(await approvals.vote(id, owner('b'), no(SUBJECT))).toEqual({ ok: false, refusal: 'already-decided' });
    time.nowMs += 6_000;
    await expect(approvals.get(id)).rejects.toThrow('disk full');
    isBroken = false;
    time.nowMs += 6_000;
    expect(await approvals.get(id)).toMatchObject({ state: 'approved' });
    expect(kinds(entries)).toEqual(['approval.request', 'approval.vote', 'decision']);
  });

  test('a vote overtaken by the expiry while it was being recorded is refused, and the record says so', async () => {
    const entries: Entry[] = [];
    const time = { nowMs: 0 };
    const record = async (entry: Entry) => {
      entries.push(entry);
      if (entry.kind === 'approval.vote' && entry.fields['refused'] === undefined) time.nowMs += 700_000;
    };
    const { approvals } = setUp({ record, clock: () => time.nowMs });
    const { id } = await approvals.request(SUBJECT);
    expect(await approvals.vote(id, owner('a'), yes(SUBJECT))).toEqual({ ok: false, refusal: 'already-decided' });
    expect(await approvals.get(id)).toMatchObject({ state: 'expired', votes: [] });
    expect(entries.map(({ kind, fields }) => [kind, fields['refused'] ?? fields['v']])).toEqual([
      ['approval.request', undefined],
      ['approval.vote', undefined],
      ['decision', 'expired'],
      ['approval.vote', 'already-decided'],
    ]);
  });
});

describe('expiry', () => {
  test('a request that nobody decided in time is expired for every reader, and stays so', async () => {
    const { approvals, entries, time } = setUp();
    const { id, expiresAtMs } = await approvals.request(SUBJECT);
    time.nowMs = expiresAtMs - 1;
    expect((await approvals.get(id))?.state).toBe('pending');
    time.nowMs = expiresAtMs;
    expect(await approvals.list({ state: 'pending', limit: 10 })).toEqual([]);
    expect(await approvals.get(id)).toMatchObject({ state: 'expired', decidedAtMs: expiresAtMs });
    expect(await approvals.vote(id, owner('a'), yes(SUBJECT))).toEqual({ ok: false, refusal: 'already-decided' });
    expect(await approvals.redeem(id, SUBJECT.bindingHash)).toEqual({ ok: false, refusal: 'not-approved' });
    expect(entries.filter(({ kind }) => kind === 'decision')).toHaveLength(1);
  });

  test('sweep expires what nobody reads, and counts the rest', async () => {
    const counts: number[] = [];
    const metrics = {
      pending: (count: number) => counts.push(count),
      oldestPending: (age: number) => counts.push(age),
    };
    const { approvals, entries, time } = setUp({ metrics });
    await approvals.request(subject({ queryId: 'short', demand: demand([quorum()], 60) }));
    await approvals.request(subject({ queryId: 'long' }));
    expect(await approvals.sweep()).toBe(2);
    time.nowMs += 61_000;
    expect(await approvals.sweep()).toBe(1);
    await approvals.withdraw((await approvals.findByQuery('long'))?.id ?? '', 'cancelled');
    expect(await approvals.sweep()).toBe(0);
    expect(counts).toEqual([2, 0, 1, 61, 0, 0]);
    expect(entries.filter(({ kind }) => kind === 'decision')).toMatchObject([
      { fields: { qid: 'short', v: 'expired' } },
      { fields: { qid: 'long', v: 'withdrawn' } },
    ]);
  });

  test('an ended approval is kept for a day', async () => {
    const { approvals, time, store } = setUp();
    const { id } = await approvals.request(SUBJECT);
    await approvals.vote(id, owner('a'), yes(SUBJECT));
    time.nowMs += 23.9 * 3600_000;
    expect((await approvals.get(id))?.state).toBe('approved');
    time.nowMs += 0.2 * 3600_000;
    expect(await approvals.get(id)).toBeUndefined();
    expect(await store.keys('', 10)).toEqual([]);
  });
});

describe('withdraw', () => {
  test.each(['cancelled', 'client-gone', 'session-ended'] as const)('ends a pending request: %s', async (why) => {
    const { approvals, entries } = setUp();
    const { id } = await approvals.request(SUBJECT);
    expect(await approvals.withdraw(id, why)).toMatchObject({ state: 'withdrawn', withdrawnBecause: why });
    expect(await approvals.withdraw(id, 'cancelled')).toMatchObject({ withdrawnBecause: why });
    expect(await approvals.vote(id, owner('a'), yes(SUBJECT))).toEqual({ ok: false, refusal: 'already-decided' });
    expect(entries.at(-1)).toMatchObject({ kind: 'decision', fields: { v: 'withdrawn', why } });
    expect(kinds(entries)).toEqual(['approval.request', 'decision']);
  });
});

describe('redeem', () => {
  test('gives a yes out once, and only for the statement it is about', async () => {
    const { approvals } = setUp();
    const { id } = await approvals.request(SUBJECT);
    expect(await approvals.redeem(id, SUBJECT.bindingHash)).toEqual({ ok: false, refusal: 'not-approved' });
    await approvals.vote(id, owner('a'), yes(SUBJECT));
    expect(await approvals.redeem(id, 'f'.repeat(64))).toEqual({ ok: false, refusal: 'hash-mismatch' });
    expect(await approvals.redeem(id, SUBJECT.bindingHash)).toMatchObject({
      ok: true,
      approval: { id, state: 'approved' },
    });
    expect(await approvals.redeem(id, SUBJECT.bindingHash)).toEqual({ ok: false, refusal: 'already-redeemed' });
    expect(await approvals.get(id)).toMatchObject({ state: 'approved' });
  });
});

describe('list', () => {
  test('gives the newest first, by state, and no more than asked for', async () => {
    const { approvals, time } = setUp();
    const ids: string[] = [];
    for (let at = 0; at < 120; at += 1) {
      time.nowMs += 10;
      ids.unshift((await approvals.request(subject({ queryId: `query-${at}` }))).id);
    }
    const denied = ids.filter((_, at) => at % 3 === 0);
    for (const id of denied) await approvals.vote(id, owner('a'), no(SUBJECT));
    const idsOf = async (filter: Parameters<typeof approvals.list>[0]) =>
      (await approvals.list(filter)).map(({ id }) => id);
    expect(await idsOf({ limit: 1000 })).toEqual(ids);
    expect(await idsOf({ limit: 5 })).toEqual(ids.slice(0, 5));
    expect(await idsOf({ state: 'denied', limit: 30 })).toEqual(denied.slice(0, 30));
    expect(await idsOf({ state: 'pending', limit: 1000 })).toEqual(ids.filter((id) => !denied.includes(id)));
    expect(await idsOf({ state: 'expired', limit: 10 })).toEqual([]);
  });
});

describe('metrics', () => {
  test('tell each end once for each rule, with the channel of the deciding vote', async () => {
    const told: unknown[] = [];
    const metrics = {
      approvals: (...label: unknown[]) => told.push(label),
      decisionSeconds: (...label: unknown[]) => told.push(label),
    };
    const { approvals, time } = setUp({ metrics });
    const asked = subject({ demand: demand([quorum({ rule: 'r1' }), quorum({ rule: 'r2' })]) });
    const { id } = await approvals.request(asked);
    time.nowMs += 2_500;
    await approvals.vote(id, owner('a'), yes(asked, { channel: 'page' }));
    await approvals.get(id);
    await approvals.redeem(id, asked.bindingHash);
    const other = await approvals.request(subject({ queryId: 'other' }));
    await approvals.withdraw(other.id, 'cancelled');
    expect(told).toEqual([
      ['r1', 'approved', 'page'],
      ['r2', 'approved', 'page'],
      ['approved', 2.5],
      ['writes-need-a-human', 'withdrawn', 'none'],
      ['withdrawn', 0],
    ]);
  });
});

describe('a sealer', () => {
  test('keeps statements unreadable in the store and refuses a yes that somebody wrote there', async () => {
    const time = { nowMs: 1_800_000_000_000 };
    const store = createMemoryStore({ clock: () => time.nowMs });
    const { approvals } = gateway(store, { sealer: createSealer(randomBytes(32)) });
    const { id } = await approvals.request(SUBJECT);
    const key = `approval/query/${SUBJECT.queryId}`;
    const stored = await store.get(key);
    expect(stored?.value).not.toContain('ORDERS');
    await approvals.vote(id, owner('a'), yes(SUBJECT));
    expect((await approvals.get(id))?.state).toBe('approved');

    const forged = JSON.stringify({
      format: 1,
      phase: 'closed',
      sinceMs: 0,
      approval: { id, subject: SUBJECT, votes: [], expiresAtMs: 9e15, state: 'approved' },
    });
    await store.replace(key, (await store.get(key))?.version ?? '', forged, 60);
    await expect(approvals.get(id)).rejects.toBeInstanceOf(GatewayError);
    await expect(approvals.redeem(id, SUBJECT.bindingHash)).rejects.toBeInstanceOf(GatewayError);
  });
});
