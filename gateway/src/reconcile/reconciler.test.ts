import { describe, expect, test } from '@jest/globals';
import type { Entry } from '@piste/verifier';
import type { Comparison } from './comparison.js';
import type { HistoryRow } from './history-row.js';
import type { TagUse } from './judge-late.js';
import { reconcile } from './reconcile.js';
import { createScene, historyRow, NOW_MS, type Scene } from './reconcile-fixture.js';
import { createReconciler, type ReconcilerDeps } from './reconciler.js';

interface World {
  readonly entries: Entry[];
  readonly announced: Entry['fields'][];
  readonly gauges: Record<string, number>;
  nowMs: number;
  tick: () => void;
  deps: ReconcilerDeps;
}

const cellsOf = (row: HistoryRow): ReadonlyMap<string, string> =>
  new Map([
    ['QUERY_ID', row.id],
    ['QUERY_TEXT', row.text],
    ['QUERY_TAG', row.tag],
    ['USER_NAME', row.user],
    ['SESSION_ID', row.sessionId ?? ''],
    ['START_TIME', new Date(row.startMs).toISOString()],
    ['END_TIME', new Date(row.endMs ?? row.startMs).toISOString()],
    ['EXECUTION_STATUS', 'SUCCESS'],
  ]);

/** A gateway whose account gives out these rows, over the records of a scene. */
function worldOf(scene: Scene, rows: readonly HistoryRow[], changes: Partial<ReconcilerDeps> = {}): World {
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const world: World = {
    entries: [],
    announced: [],
    gauges: {},
    nowMs: NOW_MS,
    tick: () => {},
    deps: {} as ReconcilerDeps,
  };
  const comparison = (): Comparison => {
    const taken: HistoryRow[] = [];
    return {
      add: (more) => void taken.push(...more),
      async finish(options) {
        const tags = new Map<string, TagUse>();
        const tellTag = (place: string, use: TagUse): void => void tags.set(place, use);
        return { report: await reconcile(scene.records, taken, { ...options, tellTag }), tags };
      },
      close: async () => {},
    };
  };
  world.deps = {
    connections: () => ['crm'],
    openSession: (_connection, _signal, work) =>
      work({
        database: 'CRM',
        async ask(text) {
          if (!text.includes('QUERY_HISTORY')) return [];
          const fromMs = Number(/START => TO_TIMESTAMP_LTZ\((\d+)/.exec(text)?.[1]);
          return rows.filter(({ endMs }) => (endMs ?? 0) >= fromMs).map(cellsOf);
        },
      }),
    createComparison: comparison,
    record: async (entry) => {
      world.entries.push(entry);
      return { writer: 'w', index: world.entries.length, leafHash: '' };
    },
    announce: async (fields) => void world.announced.push(fields),
    metrics: {
      unreconciled: (connection, weight, count) => {
        world.gauges[`${connection} ${weight}`] = count;
      },
      reconciled: (connection, untilMs) => {
        world.gauges[connection] = untilMs;
      },
    },
    clock: { nowMs: () => world.nowMs },
    timers: {
      every: (_milliseconds, work) => {
        world.tick = work;
        return () => {
          world.tick = () => {};
        };
      },
    },
    log: silent,
    everySeconds: 60,
    ...changes,
  };
  return world;
}

describe('a comparison at the gateway', () => {
  test('is recorded, counted and announced', async () => {
    const scene = createScene();
    const world = worldOf(scene, [scene.run().row, historyRow({ id: 'past-the-gateway' })]);
    const { report, recorded } = await createReconciler(world.deps).run('crm', { issuer: 'i', subject: 'alex' });
    expect([report.outcome, recorded.index]).toEqual(['alarm', 1]);
    expect(world.entries).toMatchObject([
      {
        kind: 'reconcile',
        fields: {
          connection: 'crm',
          by: { iss: 'i', sub: 'alex' },
          outcome: 'alarm',
          rows: { matched: 1, unrecorded: 1 },
          alarms: 1,
          digest: report.historyDigest,
          findings: [{ w: 'alarm', k: 'unrecorded', id: 'past-the-gateway' }],
          service: { v: 'not-checked' },
        },
      },
    ]);
    expect(JSON.stringify(world.entries)).not.toContain('SELECT');
    const { digest: _, ...told } = world.entries[0]?.fields ?? {};
    expect(world.announced).toEqual([{ ...told, record: { w: 'w', i: 1, r: '' } }]);
    expect(world.gauges).toEqual({ 'crm alarm': 1, 'crm unproven': 0, crm: NOW_MS - 60_000 });
  });

  test('keeps an alarm in sight while the next runs go on from where it stopped', async () => {
    const scene = createScene();
    const rows = [historyRow({ id: 'past-the-gateway' })];
    const world = worldOf(scene, rows);
    const reconciler = createReconciler(world.deps);
    await reconciler.run('crm', 'schedule');
    world.nowMs += 600_000;
    const second = await reconciler.run('crm', 'schedule');
    expect([second.report.outcome, second.report.rows.unrecorded]).toEqual(['complete', 0]);
    expect(world.gauges).toEqual({ 'crm alarm': 1, 'crm unproven': 0, crm: NOW_MS + 540_000 });
    world.nowMs += 8 * 86_400_000;
    await reconciler.run('crm', 'schedule');
    expect(world.gauges['crm alarm']).toBe(0);
  });

  test('finds again what is asked for again, without moving the schedule', async () => {
    const scene = createScene();
    const world = worldOf(scene, [historyRow()]);
    const reconciler = createReconciler(world.deps);
    await reconciler.run('crm', 'schedule');
    const before = world.gauges['crm'];
    world.nowMs += 600_000;
    const again = await reconciler.run('crm', { issuer: 'i', subject: 's' }, NOW_MS - 3_600_000);
    expect([again.report.rows.unrecorded, world.gauges['crm'], world.gauges['crm alarm']]).toEqual([1, before, 1]);
  });

  test('is told to who asks while it is under way', async () => {
    const world = worldOf(createScene(), []);
    const reconciler = createReconciler(world.deps);
    const [one, two] = await Promise.all([reconciler.run('crm', 'schedule'), reconciler.run('crm', 'schedule')]);
    expect(one).toBe(two);
    expect(world.entries).toHaveLength(1);
  });

  test('runs on the schedule until the gateway stops', async () => {
    const world = worldOf(createScene(), []);
    const reconciler = createReconciler(world.deps);
    world.tick();
    await reconciler.close();
    expect(world.entries).toHaveLength(1);
    world.tick();
    expect(world.entries).toHaveLength(1);
  });

  test.each<readonly [string, Partial<ReconcilerDeps>]>([
    ['the account', { openSession: () => Promise.reject(new Error('broken')) }],
    [
      'the recording',
      {
        createComparison: () => ({
          add: () => {},
          finish: () => Promise.reject(new Error('broken')),
          close: async () => {},
        }),
      },
    ],
  ])('that fails for %s is recorded as failed and proves nothing', async (_, changes) => {
    const world = worldOf(createScene(), [], changes);
    await expect(createReconciler(world.deps).run('crm', 'schedule')).rejects.toThrow('broken');
    expect(world.entries).toMatchObject([{ kind: 'reconcile', fields: { outcome: 'failed', why: 'broken' } }]);
    expect(world.gauges).toEqual({});
  });

  test('that cannot be recorded is no result', async () => {
    const world = worldOf(createScene(), [], { record: () => Promise.reject(new Error('disk full')) });
    await expect(createReconciler(world.deps).run('crm', 'schedule')).rejects.toThrow('disk full');
    expect(world.gauges).toEqual({});
  });

  test('finds a tag of another gateway again in a later run', async () => {
    const here = createScene();
    const elsewhere = createScene();
    const { row } = elsewhere.run();
    const rows = [row];
    const knownWriters = async () => ({ writers: [elsewhere.signer.vkey], isWhole: true });
    const world = worldOf(here, rows, { knownWriters });
    const reconciler = createReconciler(world.deps);
    const first = await reconciler.run('crm', 'schedule');
    expect([first.report.rows['recorded-elsewhere'], first.report.outcome]).toEqual([1, 'cannot-conclude']);
    world.nowMs += 600_000;
    rows.push(historyRow({ id: 'copied', tag: row.tag, sessionId: '666', startMs: NOW_MS, endMs: NOW_MS + 1 }));
    const second = await reconciler.run('crm', 'schedule');
    expect([second.report.rows.repeated, second.report.findings[0]?.queryId]).toEqual([1, 'copied']);
    // Who asks for all of it again sees the same two.
    const again = await reconciler.run('crm', { issuer: 'i', subject: 's' }, NOW_MS - 3_600_000);
    expect([again.report.rows['recorded-elsewhere'], again.report.rows.repeated]).toEqual([1, 1]);
  });

  test('finds a copied tag again after a restart, as it begins a week ago', async () => {
    const elsewhere = createScene();
    const { row } = elsewhere.run();
    const rows = [row];
    const knownWriters = async () => ({ writers: [elsewhere.signer.vkey], isWhole: true });
    const world = worldOf(createScene(), rows, { knownWriters });
    await createReconciler(world.deps).run('crm', 'schedule');
    world.nowMs += 5 * 86_400_000;
    rows.push(historyRow({ id: 'copied', tag: row.tag, sessionId: '666', startMs: world.nowMs, endMs: world.nowMs }));
    const { report } = await createReconciler(world.deps).run('crm', 'schedule');
    expect([report.rows.repeated, report.findings[0]?.queryId]).toEqual([1, 'copied']);
  });

  test('calls nobody a stranger while the registry cannot be read', async () => {
    const { row } = createScene().run();
    const knownWriters = () => Promise.reject(new Error('unreachable'));
    const world = worldOf(createScene(), [row, historyRow({ id: 'past', sessionId: '666' })], { knownWriters });
    const { report } = await createReconciler(world.deps).run('crm', 'schedule');
    expect(report.rows).toMatchObject({ 'log-not-here': 1, unrecorded: 1 });
    const alone = worldOf(createScene(), [row], { knownWriters });
    expect((await createReconciler(alone.deps).run('crm', 'schedule')).report.outcome).toBe('cannot-conclude');
  });

  test('stands though the registry does not take it', async () => {
    const world = worldOf(createScene(), [], { announce: () => Promise.reject(new Error('unreachable')) });
    expect((await createReconciler(world.deps).run('crm', 'schedule')).report.outcome).toBe('complete');
  });
});
