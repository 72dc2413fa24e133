import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTime } from './time.js';

const NOW = Date.UTC(2026, 10, 23, 6);
const DAY = 86_400_000;

describe('parseTime', () => {
  test.each([
    ['2026', Date.UTC(2026, 0), Date.UTC(2027, 0)],
    ['2026-02', Date.UTC(2026, 1), Date.UTC(2026, 2)],
    ['2026-12', Date.UTC(2026, 11), Date.UTC(2027, 0)],
    ['2026-11-23', Date.UTC(2026, 10, 23), Date.UTC(2026, 10, 24)],
    ['2026-11-23T06', Date.UTC(2026, 10, 23, 6), Date.UTC(2026, 10, 23, 7)],
    ['2026-11-23 06:30', Date.UTC(2026, 10, 23, 6, 30), Date.UTC(2026, 10, 23, 6, 31)],
    ['2026-11-23T06:30:05', Date.UTC(2026, 10, 23, 6, 30, 5), Date.UTC(2026, 10, 23, 6, 30, 6)],
    ['2026-11-23T06:30:05.25', Date.UTC(2026, 10, 23, 6, 30, 5, 250), Date.UTC(2026, 10, 23, 6, 30, 5, 251)],
    ['2026-11-23T06:30:05.250Z', Date.UTC(2026, 10, 23, 6, 30, 5, 250), Date.UTC(2026, 10, 23, 6, 30, 5, 251)],
    ['2026-11-23T06:30+02:00', Date.UTC(2026, 10, 23, 4, 30), Date.UTC(2026, 10, 23, 4, 31)],
    ['2026-11-23T06:30-0930', Date.UTC(2026, 10, 23, 16), Date.UTC(2026, 10, 23, 16, 1)],
    ['90m', NOW - 5_400_000, NOW - 5_400_000],
    ['7d', NOW - 7 * DAY, NOW - 7 * DAY],
    ['2w', NOW - 14 * DAY, NOW - 14 * DAY],
  ])('reads %s', (text, startMs, endMs) => {
    expect(parseTime(text, NOW)).toEqual({ startMs, endMs });
  });

  test.each([
    '',
    'yesterday',
    '2026-13',
    '2026-02-30',
    '2026-11-23T24:00',
    '2026-11-23T06:60',
    '2026-11-23T06:00+15:00',
    '2026-11-23Z',
    '0001-01-01',
    '7 d',
    '-7d',
    '1e3',
  ])('refuses %p', (text) => {
    expect(parseTime(text, NOW)).toBeUndefined();
  });

  test('reads what a clock writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(parseTime(new Date(ms).toISOString(), NOW)).toEqual({ startMs: ms, endMs: ms + 1 });
      }),
    );
  });
});
