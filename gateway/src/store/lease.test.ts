import { describe, expect, test } from '@jest/globals';
import { acquireLease, isLeaseHeld, releaseLease, renewLease } from './lease.js';
import { createMemoryStore } from './memory-store.js';

function setUp() {
  const time = { nowMs: 0 };
  return { time, store: createMemoryStore({ clock: () => time.nowMs }) };
}

describe('a lease', () => {
  test('is held by one holder at a time', async () => {
    const { store } = setUp();
    const got = await Promise.all(['a', 'b', 'c'].map((holder) => acquireLease(store, 'job', holder, 10)));
    expect(got.filter(Boolean)).toHaveLength(1);
    expect(await isLeaseHeld(store, 'job', 'a')).toBe(got[0]);
    expect(await isLeaseHeld(store, 'job', 'b')).toBe(got[1]);
  });

  test('ends by itself and can then be taken by another, after which the first cannot renew or release it', async () => {
    const { store, time } = setUp();
    expect(await acquireLease(store, 'job', 'a', 10)).toBe(true);
    time.nowMs = 9_000;
    expect(await renewLease(store, 'job', 'a', 10)).toBe(true);
    expect(await acquireLease(store, 'job', 'b', 10)).toBe(false);
    time.nowMs = 19_000;
    expect(await isLeaseHeld(store, 'job', 'a')).toBe(false);
    expect(await acquireLease(store, 'job', 'b', 10)).toBe(true);
    expect(await renewLease(store, 'job', 'a', 10)).toBe(false);
    expect(await releaseLease(store, 'job', 'a')).toBe(false);
    expect(await isLeaseHeld(store, 'job', 'b')).toBe(true);
  });

  test('released early is free at once', async () => {
    const { store } = setUp();
    await acquireLease(store, 'job', 'a', 10);
    expect(await releaseLease(store, 'job', 'a')).toBe(true);
    expect(await acquireLease(store, 'job', 'b', 10)).toBe(true);
  });

  test('acquired or renewed twice at once by its holder stays held', async () => {
    const { store } = setUp();
    const twice = () => Promise.all([acquireLease(store, 'job', 'a', 10), renewLease(store, 'job', 'a', 10)]);
    await acquireLease(store, 'job', 'a', 10);
    expect(await twice()).toEqual([true, true]);
  });
});
