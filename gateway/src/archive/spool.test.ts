import { expect, test } from '@jest/globals';
import { createSpool } from './spool.js';

function spoolAt(limits = { maxLagSeconds: 60, maxBytes: 1000 }) {
  let now = 0;
  const tick = (seconds: number): void => {
    now += seconds * 1000;
  };
  return { spool: createSpool(limits, () => now), tick };
}

test('nothing waits: no lag, however long nothing happens', () => {
  const { spool, tick } = spoolAt();
  tick(3600);
  expect([spool.lagSeconds, spool.bytes, spool.blocked]).toEqual([0, 0, undefined]);
});

test('lag counts from the first byte that waits and ends with a complete round', () => {
  const { spool, tick } = spoolAt();
  tick(1000);
  spool.grew(10);
  tick(61);
  expect([spool.lagSeconds, spool.blocked]).toEqual([61, 'lag']);
  const round = spool.startRound();
  round.found(10);
  tick(5);
  round.shipped(10);
  round.complete();
  expect([spool.lagSeconds, spool.bytes, spool.blocked]).toEqual([0, 0, undefined]);
});

test('what is committed during a round still waits after it, since the round began', () => {
  const { spool, tick } = spoolAt();
  spool.grew(100);
  tick(10);
  const round = spool.startRound();
  round.found(100);
  tick(3);
  spool.grew(40);
  round.shipped(100);
  round.complete();
  expect([spool.bytes, spool.lagSeconds]).toEqual([40, 3]);
});

test('a round that fails keeps what it did not ship', () => {
  const { spool, tick } = spoolAt();
  spool.grew(900);
  const round = spool.startRound();
  round.found(900);
  round.shipped(300);
  tick(30);
  expect([spool.bytes, spool.lagSeconds]).toEqual([600, 30]);
  spool.grew(400);
  expect(spool.blocked).toBe('bytes');
});

test('what former processes left waits from the start', () => {
  const { spool, tick } = spoolAt();
  spool.startRound().found(500);
  tick(61);
  expect([spool.bytes, spool.blocked]).toEqual([500, 'lag']);
});
