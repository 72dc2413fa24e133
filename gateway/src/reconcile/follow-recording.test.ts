import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { encodeQueryTag, openDirectory, type RecordingSource } from '@piste/verifier';
import type { Recording } from '../recording/index.js';
import { createFakeClock, entry, openTestRecording, permitOf, withDirectory } from '../recording/recording-fixture.js';
import { type FollowedRecording, type FollowOptions, followRecording } from './follow-recording.js';
import type { HistoryRow } from './history-row.js';
import { historyRow } from './reconcile-fixture.js';
import type { ReconcileReport } from './report.js';

/** A gateway that records, and the rows Snowflake has of it. */
interface World {
  readonly directory: string;
  readonly rows: HistoryRow[];
  /** Runs statements through the gateway; their rows. */
  run(count: number): Promise<readonly HistoryRow[]>;
  /** Its process ends, and another begins. */
  restart(): Promise<void>;
  follow(options?: FollowOptions): FollowedRecording;
  compare(
    followed: FollowedRecording,
    rows?: readonly HistoryRow[],
    sinceMs?: number,
  ): Promise<{ readonly report: ReconcileReport; readonly bytes: number }>;
  /** A comparison by one that has read nothing yet. */
  anew(rows?: readonly HistoryRow[], sinceMs?: number): ReturnType<World['compare']>;
  nowMs(): number;
  /** Paths of the segments of the newest log. */
  segments(): Promise<readonly string[]>;
}

const SESSION = '7001';

async function inWorld(use: (world: World) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const clock = createFakeClock();
    const rows: HistoryRow[] = [];
    let bytes = 0;
    const counting = (path: string): RecordingSource => {
      const source = openDirectory(path);
      return {
        ...source,
        async read(...range) {
          const found = await source.read(...range);
          bytes += found.byteLength;
          return found;
        },
      };
    };
    const start = async (): Promise<Recording> => {
      const recording = await openTestRecording(directory, { segmentBytes: 4_000, random: randomBytes, clock });
      await recording.append(entry('session.open', { connection: 'crm', account: 'ACME', up: { sess: SESSION } }));
      return recording;
    };
    let recording = await start();

    async function runOne(): Promise<HistoryRow> {
      clock.advance(1000);
      const qid = randomUUID();
      const sql = `select ${qid}`;
      const receipt = await recording.recordRequest(
        permitOf(sql),
        entry('request', { op: 'query', qid, cls: 'SELECT', dec: { v: 'allow' } }, { sql }),
      );
      if (receipt.standing === 'deferred') throw new Error('it has its place');
      const { writer, index, leafHash, tagSignature: signature } = receipt;
      const id = randomUUID();
      await recording.append(entry('response', { qid, code: null, rows: 1, parts: 0, upq: id }));
      const tag = encodeQueryTag({ writer, index, leafHash, signature, claimed: undefined });
      const startMs = clock.nowMs();
      return historyRow({ id, text: sql, tag, sessionId: SESSION, startMs, endMs: startMs + 100 });
    }

    const world: World = {
      directory,
      rows,
      async run(count) {
        const fresh: HistoryRow[] = [];
        for (let n = 0; n < count; n += 1) fresh.push(await runOne());
        rows.push(...fresh);
        return fresh;
      },
      async restart() {
        await recording.close();
        clock.advance(1000);
        recording = await start();
      },
      follow: (options) =>
        followRecording({ directory, archive: undefined }, undefined, { ...options, openLocal: counting }),
      async compare(followed, given = rows, sinceMs = 0) {
        bytes = 0;
        const nowMs = clock.nowMs() + 600_000;
        const { report } = await followed.compare(given, {
          nowMs,
          viewLagMs: 60_000,
          statementsSinceMs: sinceMs,
          connection: 'crm',
          recordsAreNewer: true,
        });
        return { report, bytes };
      },
      anew: (...rest) => world.compare(world.follow(), ...rest),
      nowMs: () => clock.nowMs(),
      async segments() {
        const log = (await readdir(directory)).sort().at(-1) ?? '';
        return (await readdir(join(directory, log)))
          .filter((name) => name.endsWith('.seg'))
          .sort()
          .map((name) => join(directory, log, name));
      },
    };
    try {
      await use(world);
    } finally {
      await recording.close();
    }
  });
}

const alarmsOf = ({ findings }: ReconcileReport): readonly string[] =>
  findings.filter(({ weight }) => weight === 'alarm').map(({ kind, message }) => `${kind}: ${message}`);

describe('a recording that is followed', () => {
  test('is read only where it grew', async () => {
    await inWorld(async (world) => {
      const followed = world.follow();
      await world.run(30);
      await world.restart();
      await world.run(30);
      const first = await world.compare(followed);
      expect([first.report.outcome, first.report.rows.matched]).toEqual(['complete', 60]);
      const sinceMs = world.nowMs() + 1;
      const fresh = await world.run(5);
      const second = await world.compare(followed, fresh, sinceMs);
      expect([second.report.outcome, second.report.rows.matched]).toEqual(['complete', 5]);
      const whole = await world.anew(fresh, sinceMs);
      expect(second.report).toEqual(whole.report);
      expect(first.bytes).toBeGreaterThan(75_000);
      // What five statements wrote, twice, and the zeros written ahead of them.
      expect(second.bytes).toBeLessThan(30_000);
      const third = await world.compare(followed, [], world.nowMs());
      expect(third.bytes).toBeLessThan(10_000);
    });
  });

  test('gives the outcome of one that is read from its beginning, whatever is in the history', async () => {
    await inWorld(async (world) => {
      const followed = world.follow();
      for (let round = 0; round < 4; round += 1) {
        const [one, two, three] = await world.run(7);
        if (round === 2) await world.restart();
        const tag = one?.tag ?? '';
        world.rows.push(
          historyRow({ id: randomUUID(), startMs: world.nowMs() }),
          historyRow({ id: randomUUID(), tag, startMs: world.nowMs() }),
          historyRow({ id: randomUUID(), tag: world.rows[0]?.tag ?? '', sessionId: '666', startMs: world.nowMs() }),
          historyRow({ ...two, id: randomUUID(), tag: '' }),
          historyRow({ ...three, text: 'select other', sessionId: '666' }),
        );
        const { report } = await world.compare(followed);
        expect(report).toEqual((await world.anew()).report);
        expect(report.counts.alarm).toBe(5 * (round + 1));
      }
    });
  });

  test.each<readonly [string, (world: World) => Promise<void>, RegExp]>([
    [
      'lost a segment',
      async (world) => rm((await world.segments())[1] ?? ''),
      /held \d+ records when it was read before, and \d+ can be read now/,
    ],
    [
      'was cut',
      async (world) => truncate((await world.segments()).at(-1) ?? '', 900),
      /records were removed or changed/,
    ],
    [
      'was changed where it had been read',
      async (world) => {
        const [path = ''] = await world.segments();
        const bytes = await readFile(path);
        bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
        await writeFile(path, bytes);
      },
      /records were removed or changed/,
    ],
    [
      'is gone',
      async (world) => rename(join((await world.segments())[0] ?? '', '..'), join(world.directory, 'elsewhere')),
      /held \d+ records when it was read before, and 0 can be read now/,
    ],
  ])('that %s is an alarm, and judged by what is left', async (_, change, message) => {
    await inWorld(async (world) => {
      const followed = world.follow();
      await world.run(12);
      await world.compare(followed);
      await change(world);
      const { report } = await world.compare(followed, []);
      expect(alarmsOf(report)).toEqual([expect.stringMatching(message)]);
      expect(report.outcome).toBe('alarm');
      const next = await world.compare(followed);
      expect(next.report).toEqual((await world.anew()).report);
    });
  });

  test('that was only touched is read again and no alarm', async () => {
    await inWorld(async (world) => {
      const followed = world.follow();
      await world.run(12);
      const first = await world.compare(followed);
      const [path = ''] = await world.segments();
      await utimes(path, 1, 1);
      const second = await world.compare(followed);
      expect(second.report).toEqual(first.report);
      expect(second.bytes).toBeGreaterThan(first.bytes / 2);
      expect((await world.compare(followed)).bytes).toBeLessThan(10_000);
    });
  });

  test('goes on where a reading failed', async () => {
    await inWorld(async (world) => {
      let left = 6;
      const failing = (path: string): RecordingSource => {
        const source = openDirectory(path);
        return {
          ...source,
          read: (...range) => {
            left -= 1;
            return left === 0 ? Promise.reject(new Error('broken disk')) : source.read(...range);
          },
        };
      };
      await world.run(12);
      const followed = followRecording({ directory: world.directory, archive: undefined }, undefined, {
        openLocal: failing,
      });
      await expect(world.compare(followed)).rejects.toThrow('broken disk');
      expect((await world.compare(followed)).report).toEqual((await world.anew()).report);
    });
  });
});

describe('statements beyond the bound', () => {
  test('are forgotten, and a copy of the tag of one is an alarm all the same', async () => {
    await inWorld(async (world) => {
      const followed = world.follow({ keptStatements: 10 });
      const [old] = await world.run(30);
      await world.compare(followed);
      // The hour that a statement may take to start.
      await world.restart();
      const sinceMs = world.nowMs() + 7_200_000;
      const copied = historyRow({ id: 'copied', tag: old?.tag ?? '', sessionId: '666', startMs: sinceMs + 1 });
      const { report, bytes } = await world.compare(followed, [copied], sinceMs);
      expect([report.rows.repeated, report.findings[0]?.queryId]).toEqual([1, 'copied']);
      expect(bytes).toBeLessThan(15_000);
      expect((await world.anew([copied], sinceMs)).report.rows.repeated).toBe(1);
    });
  });

  test('are read again for who asks about their time', async () => {
    await inWorld(async (world) => {
      const followed = world.follow({ keptStatements: 10 });
      await world.run(30);
      const first = await world.compare(followed);
      const again = await world.compare(followed);
      expect(again.report).toEqual(first.report);
      expect(again.bytes).toBeGreaterThan(first.bytes / 2);
    });
  });
});
