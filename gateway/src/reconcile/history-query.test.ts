import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AnswerRows, type HistorySession, HistoryUnavailable, readHistory } from './history-query.js';

interface Ended {
  readonly id: string;
  /** Undefined: still running. */
  readonly endMs: number | undefined;
}

const NOW_MS = 1_795_406_400_000;

const cellsOf = ({ id, endMs }: Ended): ReadonlyMap<string, string> =>
  new Map([
    ['QUERY_ID', id],
    ['QUERY_TEXT', 'SELECT 1'],
    ['USER_NAME', 'PISTE_SVC'],
    ['START_TIME', '1795400000.000000000'],
    ...(endMs === undefined ? [] : [['END_TIME', `${(endMs / 1000).toFixed(3)}000000`] as const]),
  ]);

/** Snowflake's function: the newest rows that ended in the span, both ends included, up to its limit. */
function account(history: readonly Ended[], asked: string[] = []): HistorySession {
  return {
    database: 'CRM',
    async ask(text) {
      asked.push(text);
      const number = (name: string): number | undefined => {
        const found = new RegExp(`${name} => (?:TO_TIMESTAMP_LTZ\\()?(\\d+)`).exec(text)?.[1];
        return found === undefined ? undefined : Number(found);
      };
      const fromMs = number('END_TIME_RANGE_START') ?? 0;
      const toMs = number('END_TIME_RANGE_END');
      const chosen = history.filter(({ endMs }) =>
        endMs === undefined ? toMs === undefined : endMs >= fromMs && endMs <= (toMs ?? Number.POSITIVE_INFINITY),
      );
      return chosen
        .toSorted((a, b) => (b.endMs ?? Number.POSITIVE_INFINITY) - (a.endMs ?? Number.POSITIVE_INFINITY))
        .slice(0, number('RESULT_LIMIT'))
        .map(cellsOf);
    },
  };
}

async function idsRead(session: HistorySession, fromMs: number): Promise<readonly string[]> {
  const ids: string[] = [];
  await readHistory(session, { fromMs, nowMs: NOW_MS }, (rows) => ids.push(...rows.map(({ id }) => id)));
  return ids;
}

describe('reading the history page by page', () => {
  test('gives every row once, whatever their times', async () => {
    const time = fc.oneof(
      fc.integer({ min: NOW_MS - 10_000, max: NOW_MS }),
      fc.integer({ min: NOW_MS - 50, max: NOW_MS + 50 }),
      fc.constant(undefined),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(time, { minLength: 0, maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (times, copies) => {
          // Pages are of 2,000 rows: each time stands for many.
          const history = times.flatMap((endMs, at) =>
            Array.from({ length: 150 * copies }, (_, n) => ({
              id: `q-${at}-${n}`,
              endMs: endMs === undefined ? undefined : endMs + (n % 7),
            })),
          );
          const wanted = history
            .filter(({ endMs }) => endMs === undefined || endMs >= NOW_MS - 10_000)
            .map(({ id }) => id);
          const read = await idsRead(account(history), NOW_MS - 10_000).catch((error: unknown) => error);
          // More of one moment than a page holds can only be refused.
          if (read instanceof HistoryUnavailable) expect(history.length).toBeGreaterThanOrEqual(2_000);
          else expect((read as string[]).toSorted()).toEqual(wanted.toSorted());
        },
      ),
      { numRuns: 15 },
    );
  });

  test('goes from old to new', async () => {
    const history = Array.from({ length: 5_000 }, (_, n) => ({ id: `q-${n}`, endMs: NOW_MS - 5_000 + n }));
    const asked: string[] = [];
    const ids = await idsRead(account(history, asked), NOW_MS - 5_000);
    expect(ids).toHaveLength(5_000);
    expect(asked.length).toBeGreaterThan(3);
    expect(Number(ids.at(-1)?.slice(2))).toBeGreaterThan(Number(ids[0]?.slice(2)));
  });

  test('asks only for itself, client-generated statements included, with a name as it is', async () => {
    const asked: string[] = [];
    await readHistory({ ...account([], asked), database: 'C"RM' }, { fromMs: 1, nowMs: NOW_MS }, () => undefined);
    expect(asked).toEqual([
      expect.stringMatching(
        /FROM TABLE\("C""RM"\.INFORMATION_SCHEMA\.QUERY_HISTORY_BY_USER\(.*INCLUDE_CLIENT_GENERATED_STATEMENT => TRUE\)\)$/,
      ),
    ]);
    expect(asked[0]).not.toMatch(/USER_NAME =>|END_TIME_RANGE_END/);
  });

  test('stops where a run grows too large, and says where', async () => {
    const history = Array.from({ length: 120_000 }, (_, n) => ({ id: `q-${n}`, endMs: NOW_MS - 120_000 + n }));
    const ids = new Set<string>();
    const { untilMs, rows } = await readHistory(
      account(history),
      { fromMs: NOW_MS - 120_000, nowMs: NOW_MS },
      (page) => {
        for (const { id } of page) ids.add(id);
      },
    );
    expect(rows).toBeGreaterThanOrEqual(100_000);
    expect(untilMs).toBeLessThan(NOW_MS);
    const before = history.filter(({ endMs }) => endMs < untilMs);
    expect(before.every(({ id }) => ids.has(id))).toBe(true);
  });

  test.each<readonly [string, Partial<HistorySession>, RegExp]>([
    ['without a database', { database: undefined }, /no default database/],
    ['that Snowflake refuses', { ask: async () => undefined }, /did not give out/],
    [
      'with a row that cannot be read',
      { ask: async () => [new Map([['QUERY_ID', 'x']])] as AnswerRows },
      /cannot be read/,
    ],
    [
      'with more in one moment than a page holds',
      account(Array.from({ length: 2_000 }, (_, n) => ({ id: String(n), endMs: NOW_MS - 1 }))),
      /one moment/,
    ],
  ])('fails %s', async (_, change, message) => {
    await expect(idsRead({ ...account([]), ...change }, NOW_MS - 1000)).rejects.toThrow(message);
  });
});
