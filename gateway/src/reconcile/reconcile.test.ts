import { describe, expect, test } from '@jest/globals';
import { encodeQueryTag, parseQueryTag } from '@piste/verifier';
import fc from 'fast-check';
import type { HistoryRow } from './history-row.js';
import { reconcile } from './reconcile.js';
import {
  createScene,
  historyRow,
  NOW_MS,
  type RunOptions,
  type Scene,
  START_MS,
  VIEW_LAG_MS,
} from './reconcile-fixture.js';
import type { ReconcileOptions } from './reconcile-options.js';
import type { ReconcileReport, RowKind, StatementKind } from './report.js';

const look = (scene: Scene, rows: readonly HistoryRow[], changes: Partial<ReconcileOptions> = {}) =>
  reconcile(scene.records, rows, { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS, ...changes });

const kindsOf = (report: ReconcileReport): string =>
  [...Object.entries(report.rows), ...Object.entries(report.statements)]
    .filter(([kind, count]) => count > 0 && kind !== 'in-history')
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');

/** The tag of a row with some members changed, its signature as it was. */
const retagged = (row: HistoryRow, changes: Readonly<Record<string, unknown>>): HistoryRow => ({
  ...row,
  tag: JSON.stringify({ ...(JSON.parse(row.tag) as object), ...changes }),
});

const LONG = `SELECT '${'ü'.repeat(99_000)}${'😀'.repeat(2_000)}'`;

describe('a history row', () => {
  interface Case {
    readonly run?: RunOptions;
    readonly rows: (row: HistoryRow, scene: Scene) => readonly HistoryRow[];
    readonly options?: Partial<ReconcileOptions>;
    readonly outcome: ReconcileReport['outcome'];
    readonly kinds: string;
  }
  const complete = { outcome: 'complete', kinds: 'matched 1' } as const;

  test.each<readonly [string, Case]>([
    ['of a recorded statement', { rows: (row) => [row], ...complete }],
    ['with binds', { run: { binds: '{"1":{}}' }, rows: (row) => [row], ...complete }],
    ['of a held statement', { run: { held: true, binds: '[]' }, rows: (row) => [row], ...complete }],
    ['that failed', { run: { failed: true }, rows: (row) => [row], ...complete }],
    [
      'of a failed statement whose text Snowflake hides',
      { run: { failed: true }, rows: (row) => [{ ...row, text: '<redacted>' }], ...complete },
    ],
    [
      'cut at 100 000 code points',
      {
        run: { text: LONG },
        rows: (row) => [{ ...row, text: Array.from(LONG).slice(0, 100_000).join('') }],
        ...complete,
      },
    ],
    [
      'cut at 100 000 UTF-16 units',
      { run: { text: LONG }, rows: (row) => [{ ...row, text: LONG.slice(0, 100_000) }], ...complete },
    ],
    [
      'of another user, where the service user is named',
      {
        rows: (row) => [row, historyRow({ user: 'SAM' })],
        options: { user: 'PISTE_SVC' },
        outcome: 'complete',
        kinds: 'matched 1, not-judged 1',
      },
    ],
    [
      'from before the records',
      {
        rows: (row) => [row, historyRow({ startMs: START_MS - 1 })],
        outcome: 'complete',
        kinds: 'matched 1, not-judged 1',
      },
    ],
    ['from before the records, by its own clock', { rows: (row) => [{ ...row, startMs: START_MS - 1 }], ...complete }],
    [
      'run by a recorded procedure',
      {
        run: { statementClass: 'CALL' },
        rows: (row) => [historyRow({ rootId: row.id }), row],
        outcome: 'complete',
        kinds: 'matched 1, child 1',
      },
    ],
    [
      'run by a procedure that then failed',
      {
        run: { statementClass: 'CALL', failed: true },
        rows: (row) => [historyRow({ rootId: row.id }), row],
        outcome: 'complete',
        kinds: 'matched 1, child 1',
      },
    ],
    [
      'run by a procedure under its tag',
      {
        run: { statementClass: 'CALL' },
        rows: (row) => [historyRow({ rootId: row.id, tag: row.tag, text: 'SELECT 2' }), row],
        outcome: 'complete',
        kinds: 'matched 1, child 1',
      },
    ],

    ['without tag', { rows: (row) => [row, historyRow()], outcome: 'alarm', kinds: 'matched 1, unrecorded 1' }],
    [
      'from before the records, where they must reach so far',
      {
        rows: (row) => [row, historyRow({ startMs: START_MS - 1 })],
        options: { sinceMs: 0 },
        outcome: 'alarm',
        kinds: 'matched 1, unrecorded 1',
      },
    ],
    [
      "with somebody else's tag",
      { rows: (row) => [row, historyRow({ tag: '{"piste":1}' })], outcome: 'alarm', kinds: 'matched 1, unrecorded 1' },
    ],
    [
      'young and without tag',
      { rows: (row) => [row, historyRow({ startMs: NOW_MS })], outcome: 'alarm', kinds: 'matched 1, unrecorded 1' },
    ],
    [
      'run by something unrecorded',
      { rows: (row) => [row, historyRow({ rootId: 'elsewhere' })], outcome: 'alarm', kinds: 'matched 1, unrecorded 1' },
    ],
    [
      'with another text',
      { rows: (row) => [{ ...row, text: `${row.text} ` }], outcome: 'alarm', kinds: 'text-differs 1' },
    ],
    [
      'with another text and binds',
      {
        run: { binds: '{}' },
        rows: (row) => [{ ...row, text: 'SELECT 0' }],
        outcome: 'alarm',
        kinds: 'text-differs 1',
      },
    ],
    [
      'hidden though it ran',
      { rows: (row) => [{ ...row, text: '<redacted>' }], outcome: 'alarm', kinds: 'text-differs 1' },
    ],
    [
      'cut, and another text',
      {
        run: { text: LONG },
        rows: (row) => [{ ...row, text: `${LONG.slice(0, 99_999)}x` }],
        outcome: 'alarm',
        kinds: 'text-differs 1',
      },
    ],
    ['whose tag was taken off', { rows: (row) => [{ ...row, tag: '' }], outcome: 'alarm', kinds: 'tag-differs 1' }],
    [
      'whose tag has no signature',
      { rows: (row) => [retagged(row, { s: undefined })], outcome: 'alarm', kinds: 'tag-differs 1, not-in-history 1' },
    ],
    [
      "with another statement's signature",
      {
        rows: (row, scene) => [retagged(row, { s: parseQueryTag(scene.run().row.tag)?.signature })],
        outcome: 'alarm',
        kinds: 'tag-differs 1, not-in-history 2',
      },
    ],
    [
      'whose tag names another record',
      { rows: (row) => [retagged(row, { i: 1 })], outcome: 'alarm', kinds: 'tag-differs 1, not-in-history 1' },
    ],
    [
      'whose tag has another hash',
      {
        rows: (row) => [retagged(row, { r: '0'.repeat(64) })],
        outcome: 'alarm',
        kinds: 'tag-differs 1, not-in-history 1',
      },
    ],
    [
      'whose tag names an unknown log',
      {
        rows: (row) => [row, retagged(historyRow({ tag: row.tag }), { w: 'test/w/x' })],
        outcome: 'alarm',
        kinds: 'matched 1, unrecorded 1',
      },
    ],
    [
      'that ran again under the same tag',
      { rows: (row) => [{ ...row, id: 'again' }, row], outcome: 'alarm', kinds: 'matched 1, repeated 1' },
    ],
    [
      'that ran again under the tag of a statement without answer',
      {
        run: { answered: false },
        rows: (row) => [row, { ...row, id: 'again' }],
        outcome: 'alarm',
        kinds: 'matched 1, repeated 1',
      },
    ],
    [
      'in another session',
      { rows: (row) => [{ ...row, sessionId: '666' }], outcome: 'alarm', kinds: 'session-differs 1, not-in-history 1' },
    ],
    [
      'of a record of another connection',
      {
        rows: (row) => [row],
        options: { connection: 'other' },
        outcome: 'alarm',
        kinds: 'tag-differs 1, not-judged 1',
      },
    ],

    [
      'during a recorded call',
      {
        run: { statementClass: 'CALL' },
        rows: (row) => [row, historyRow({ startMs: row.startMs + 1 })],
        outcome: 'cannot-conclude',
        kinds: 'matched 1, possible-child 1',
      },
    ],
    [
      'during a recorded call, inside the lag',
      {
        run: { statementClass: 'CALL', atSeconds: 3590 },
        rows: (row) => [row, historyRow({ startMs: row.startMs + 1 })],
        outcome: 'complete',
        kinds: 'matched 1, inside-lag 1',
      },
    ],
    [
      'in the session of a recorded call, after it',
      {
        run: { statementClass: 'CALL' },
        rows: (row) => [row, historyRow({ startMs: row.startMs + 60_000 })],
        outcome: 'alarm',
        kinds: 'matched 1, unrecorded 1',
      },
    ],
    [
      'during a recorded call, in another session',
      {
        run: { statementClass: 'CALL' },
        rows: (row) => [row, historyRow({ startMs: row.startMs + 1, sessionId: '666' })],
        outcome: 'alarm',
        kinds: 'matched 1, unrecorded 1',
      },
    ],
    [
      'run by something not listed yet',
      {
        rows: (row) => [row, historyRow({ rootId: 'soon', startMs: NOW_MS - 1 })],
        outcome: 'complete',
        kinds: 'matched 1, inside-lag 1',
      },
    ],
    [
      'with binds, where the text cannot be read',
      { run: { binds: '{}', unread: true }, rows: (row) => [row], outcome: 'cannot-conclude', kinds: 'text-unread 1' },
    ],
    ['without binds, where bodies cannot be read', { run: { unread: true }, rows: (row) => [row], ...complete }],
    [
      'with another text, where bodies cannot be read',
      {
        run: { unread: true },
        rows: (row) => [{ ...row, text: 'SELECT 0' }],
        outcome: 'alarm',
        kinds: 'text-differs 1',
      },
    ],
    [
      'of several users, where none is named',
      {
        rows: (row) => [row, historyRow({ user: 'SAM', rootId: row.id })],
        outcome: 'cannot-conclude',
        kinds: 'matched 1, child 1',
      },
    ],
  ])('%s', async (_, { run, rows, options, outcome, kinds }) => {
    const scene = createScene();
    const { row } = scene.run(run);
    const report = await look(scene, rows(row, scene), options);
    expect([kindsOf(report), report.outcome]).toEqual([kinds, outcome]);
    const needed = await look(scene, rows(row, scene), { ...options, signatures: 'needed' });
    if (!/signature/.test(_)) expect(needed.outcome).toBe(outcome);
  });

  test.each<readonly [string, (scene: Scene) => void, Partial<ReconcileOptions>, RowKind, ReconcileReport['outcome']]>([
    ['an open log that ends earlier', () => {}, {}, 'log-ends-earlier', 'cannot-conclude'],
    ['an open log read after the history', () => {}, { recordsAreNewer: true }, 'record-missing', 'alarm'],
    ['a log that a later one found ended', () => {}, {}, 'record-missing', 'alarm'],
    ['a log with later records', (scene) => void scene.run({ atSeconds: 120 }), {}, 'record-missing', 'alarm'],
    ['a closed log', (scene) => scene.add('writer.close', {}), {}, 'record-missing', 'alarm'],
  ])('signed by the writer of %s', async (name, change, options, kind, outcome) => {
    const scene = createScene();
    const known = scene.run({ atSeconds: 10 });
    const cut = createScene(scene.signer);
    for (let n = 0; n < 8; n += 1) cut.run();
    const { row } = cut.run();
    change(scene);
    if (/found ended/.test(name)) scene.add('writer.sealed', { origin: scene.signer.name });
    const report = await look(scene, [known.row, row], options);
    expect([report.rows[kind], report.outcome]).toEqual([1, outcome]);
  });

  test('signed by a known writer whose log is not here proves only that', async () => {
    const here = createScene();
    const elsewhere = createScene();
    const { row } = elsewhere.run();
    const writers = [elsewhere.signer.vkey];
    expect(kindsOf(await look(here, [row], { writers }))).toBe('log-not-here 1');
    expect(kindsOf(await look(here, [retagged(row, { i: 99 })], { writers }))).toBe('tag-differs 1');
    expect(kindsOf(await look(here, [row]))).toBe('unrecorded 1');
  });

  describe('of another gateway', () => {
    interface Elsewhere {
      readonly rows: (row: HistoryRow) => readonly HistoryRow[];
      readonly options?: Partial<ReconcileOptions>;
      readonly kinds: string;
      readonly outcome: ReconcileReport['outcome'];
    }
    const other = { sessionId: '9009' };
    const endsLate = { ...other, endMs: START_MS + 90_000 };
    const duringIt = { startMs: START_MS + 61_000, endMs: START_MS + 62_000 };

    test.each<readonly [string, Elsewhere]>([
      ['is not compared', { rows: (row) => [row], kinds: 'recorded-elsewhere 1', outcome: 'cannot-conclude' }],
      [
        'under another signature',
        { rows: (row) => [retagged(row, { r: '0'.repeat(64) })], kinds: 'tag-differs 1', outcome: 'alarm' },
      ],
      [
        'that is not registered',
        { rows: (row) => [row], options: { registered: undefined }, kinds: 'unrecorded 1', outcome: 'alarm' },
      ],
      [
        'of which the registry may yet tell',
        {
          rows: (row) => [row],
          options: { registered: { writers: [], isWhole: false } },
          kinds: 'log-not-here 1',
          outcome: 'cannot-conclude',
        },
      ],
      [
        'under a copied tag, copy first in the history',
        {
          rows: (row) => [historyRow({ tag: row.tag, startMs: START_MS + 70_000 }), row],
          kinds: 'repeated 1, recorded-elsewhere 1',
          outcome: 'alarm',
        },
      ],
      [
        'under a copied tag at the same time in another session',
        {
          rows: (row) => [row, historyRow({ tag: row.tag, ...duringIt })],
          kinds: 'repeated 1, recorded-elsewhere 1',
          outcome: 'alarm',
        },
      ],
      [
        'in the session and during it, without tag',
        {
          rows: (row) => [historyRow({ ...other, ...duringIt }), { ...row, ...endsLate }],
          kinds: 'recorded-elsewhere 1, possible-child 1',
          outcome: 'cannot-conclude',
        },
      ],
      [
        'in the session and during it, under its tag',
        {
          rows: (row) => [historyRow({ ...other, ...duringIt, tag: row.tag }), { ...row, ...endsLate }],
          kinds: 'recorded-elsewhere 1, possible-child 1',
          outcome: 'cannot-conclude',
        },
      ],
      [
        'in the session after it, without tag',
        {
          rows: (row) => [row, historyRow({ ...other, startMs: START_MS + 90_000 })],
          kinds: 'unrecorded 1, recorded-elsewhere 1',
          outcome: 'alarm',
        },
      ],
      [
        'during it, under the tag of nobody',
        {
          rows: (row) => [
            { ...row, ...endsLate },
            retagged(historyRow({ ...other, ...duringIt, tag: row.tag }), { w: 'test/w/x' }),
          ],
          kinds: 'unrecorded 1, recorded-elsewhere 1',
          outcome: 'alarm',
        },
      ],
      [
        'run by a procedure it called',
        {
          rows: (row) => [historyRow({ rootId: row.id, sessionId: '666' }), row],
          kinds: 'child 1, recorded-elsewhere 1',
          outcome: 'cannot-conclude',
        },
      ],
    ])('%s', async (_, { rows, options, kinds, outcome }) => {
      const here = createScene();
      const elsewhere = createScene();
      const { row } = elsewhere.run();
      const registered = { writers: [elsewhere.signer.vkey], isWhole: true };
      const report = await look(here, rows({ ...row, ...other }), { recordsAreNewer: true, registered, ...options });
      expect([kindsOf(report).split(', ').toSorted(), report.outcome]).toEqual([kinds.split(', ').toSorted(), outcome]);
      expect(report.findings.filter(({ kind }) => kind === 'recorded-elsewhere').length).toBeLessThanOrEqual(1);
    });

    test.each<readonly [string, 'open' | 'closed', string]>([
      ['may be behind the end of a copy', 'open', 'recorded-elsewhere 1'],
      ['cannot be behind the end of a copy that was closed', 'closed', 'record-missing 1'],
    ])('%s', async (_, end, kinds) => {
      const copy = createScene();
      const whole = createScene(copy.signer);
      for (let n = 0; n < 4; n += 1) whole.run();
      const { row } = whole.run();
      if (end === 'closed') copy.add('writer.close', {});
      const registered = { writers: [copy.signer.vkey], isWhole: true };
      const copies = new Set([copy.signer.name.slice(copy.signer.name.lastIndexOf('/') + 1)]);
      expect(kindsOf(await look(copy, [row], { recordsAreNewer: true, registered, copies }))).toBe(kinds);
    });
  });

  test('behind a gap in its log proves nothing, and the gap is told', async () => {
    const scene = createScene();
    const whole = createScene(scene.signer);
    for (let n = 0; n < 4; n += 1) whole.run();
    const { row } = whole.run();
    const log = scene.signer.name.slice(scene.signer.name.lastIndexOf('/') + 1);
    const records = async function* () {
      yield* scene.records;
      const problem = { severity: 'tampered', code: 'missing-segment', message: '', segment: 2, offset: 0 } as const;
      return [{ log, size: scene.records.length, problem }];
    };
    const options = { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS, recordsAreNewer: true };
    const report = await reconcile(records(), [row], options);
    expect([kindsOf(report), report.outcome]).toEqual(['log-ends-earlier 1', 'cannot-conclude']);
    expect(report.findings.map(({ kind }) => kind).toSorted()).toEqual(['log-ends-earlier', 'recording']);
    expect((await reconcile(records(), [], options)).outcome).toBe('cannot-conclude');
  });

  test('that cannot be read stands in the way of a conclusion', async () => {
    const scene = createScene();
    const rows = [scene.run().row, { ok: false as const, complaint: 'row 2: no QUERY_ID' }];
    const report = await reconcile(scene.records, rows, { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS });
    expect([report.outcome, report.findings[0]?.message]).toEqual(['cannot-conclude', 'row 2: no QUERY_ID']);
  });
});

describe('a recorded statement', () => {
  test.each<
    readonly [string, RunOptions | 'blocked', Partial<ReconcileOptions>, StatementKind, ReconcileReport['outcome']]
  >([
    ['that was blocked', 'blocked', {}, 'never-forwarded', 'complete'],
    ['that Snowflake answered', {}, {}, 'not-in-history', 'cannot-conclude'],
    [
      'that Snowflake answered, in an account with hybrid tables',
      {},
      { hybridTables: true },
      'not-in-history',
      'complete',
    ],
    ['that Snowflake refused before it had an id', { failed: true }, {}, 'rejected', 'complete'],
    ['without any answer', { answered: false }, {}, 'outcome-unknown', 'complete'],
    ['from within the lag', { atSeconds: 3541 }, {}, 'inside-lag', 'complete'],
    ['of another connection', {}, { connection: 'other' }, 'not-judged', 'complete'],
    ['from before what is asked for', {}, { sinceMs: START_MS + 120_000 }, 'not-judged', 'complete'],
  ])('%s, and no row', async (_, run, options, kind, outcome) => {
    const scene = createScene();
    if (run === 'blocked') scene.block('DROP DATABASE crm');
    else scene.run(run);
    const report = await look(scene, [], options);
    expect([kindsOf(report), report.outcome]).toEqual([`${kind} 1`, outcome]);
  });

  test('is noted where Snowflake counts other rows than its records hold', async () => {
    const scene = createScene();
    const { row } = scene.run({ rows: 3 });
    const report = await look(scene, [{ ...row, resultRows: 4 }]);
    expect(report.outcome).toBe('complete');
    expect(report.findings).toMatchObject([{ weight: 'note', kind: 'rows-differ', queryId: row.id }]);
  });

  test('walked by a second gateway stands once in the history', async () => {
    const scene = createScene();
    const { row, queryId, index } = scene.run();
    const [first] = scene.records.filter((record) => record.index === index);
    if (first === undefined) throw new Error('no record');
    const again = { ...first, index: scene.records.length, leafHash: '1'.repeat(64) };
    expect(first.leaf.fields['qid']).toBe(queryId);
    const report = await reconcile([...scene.records, again], [row], { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS });
    expect([kindsOf(report), report.outcome]).toEqual(['matched 1', 'complete']);
  });
});

describe('the report', () => {
  test('says until when everything is recorded, before what is not settled', async () => {
    const scene = createScene();
    const { row } = scene.run();
    expect((await look(scene, [row])).completeUntilMs).toBe(NOW_MS - VIEW_LAG_MS);
    const open = historyRow({ rootId: 'soon', startMs: NOW_MS - VIEW_LAG_MS + 1 });
    expect((await look(scene, [row, open])).completeUntilMs).toBe(NOW_MS - VIEW_LAG_MS);
    expect((await look(scene, [row, historyRow()])).completeUntilMs).toBeUndefined();
  });

  test('names its input by digest', async () => {
    const scene = createScene();
    const { row } = scene.run();
    const one = await look(scene, [row]);
    expect(one.historyDigest).toMatch(/^[0-9a-f]{64}$/);
    expect((await look(scene, [row])).historyDigest).toBe(one.historyDigest);
    expect((await look(scene, [{ ...row, text: 'x' }])).historyDigest).not.toBe(one.historyDigest);
  });

  test('cannot be complete over several connections or half a history', async () => {
    const scene = createScene();
    const { row } = scene.run();
    const reasons = async (changes: Partial<ReconcileOptions>, records = scene.records) =>
      (await reconcile(records, [row], { nowMs: NOW_MS, viewLagMs: VIEW_LAG_MS, ...changes })).findings.map(
        ({ kind }) => kind,
      );
    expect(await reasons({ historyComplaint: 'too many rows' })).toEqual(['history-incomplete']);
    const [open, session, ...rest] = scene.records;
    if (open === undefined || session === undefined) throw new Error('no session');
    const second = {
      ...session,
      leaf: {
        ...session.leaf,
        strand: { sessionId: 's2', number: 0, previous: undefined },
        fields: { connection: 'hr' },
      },
    };
    expect(await reasons({}, [open, session, second, ...rest])).toEqual(['several-connections']);
    expect(await reasons({ connection: 'crm' }, [open, session, second, ...rest])).toEqual([]);
  });
});

describe('any mixture', () => {
  const deeds = [
    'honest',
    'bypass',
    'other-text',
    'stolen-tag',
    'replay',
    'forged-tag',
    'unsigned',
    'no-tag',
    'elsewhere',
    'dropped-record',
  ] as const;
  type Deed = (typeof deeds)[number];
  const step = fc.record({
    deed: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Deed>('honest') },
      { weight: 1, arbitrary: fc.constantFrom(...deeds) },
    ),
    binds: fc.boolean(),
    failed: fc.boolean(),
    held: fc.boolean(),
    unread: fc.boolean(),
    text: fc.string({ unit: 'grapheme', maxLength: 30 }),
    order: fc.nat(),
  });

  /** What the deed leaves in the history, and the ids of the rows that must be found. */
  function act(scene: Scene, deed: Deed, run: RunOptions): { rows: HistoryRow[]; found: string[]; dropped: number[] } {
    // Of two rows for a statement that failed without a known id, nothing tells which was the agent's.
    const { row, index } = scene.run(deed === 'replay' ? { ...run, failed: false } : run);
    const bad = (changed: HistoryRow, rest: HistoryRow[] = [], dropped: number[] = []) => ({
      rows: [changed, ...rest],
      found: [changed.id],
      dropped,
    });
    switch (deed) {
      case 'honest':
        return { rows: [row], found: [], dropped: [] };
      case 'bypass':
        return bad(historyRow({ text: row.text }), [row]);
      case 'other-text':
        return bad({ ...row, text: `${row.text}x` });
      case 'stolen-tag':
        return bad(historyRow({ tag: row.tag, text: row.text, sessionId: '666' }), [row]);
      case 'replay':
        return bad(historyRow({ tag: row.tag, text: row.text }), [row]);
      case 'unsigned':
        return bad(retagged(row, { s: 'A'.repeat(86) }));
      case 'forged-tag': {
        const tag = parseQueryTag(row.tag);
        if (tag === undefined) throw new Error('no tag');
        return bad(historyRow({ text: row.text, tag: encodeQueryTag({ ...tag, index: tag.index + 1 }) }), [row]);
      }
      case 'no-tag':
        return bad({ ...row, tag: '' });
      case 'elsewhere':
        return bad({ ...row, sessionId: '666' });
      case 'dropped-record':
        return bad(row, [], [index]);
    }
  }

  const cases = process.env['PISTE_TORTURE'] === '1' ? 5_000 : 150;

  test('every deed is found, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const scene = createScene();
        const acts = steps.map(({ deed, text, binds, ...rest }) => {
          // A text with binds that nobody can read is said to be unread, which is another promise.
          const unread = rest.unread && !binds;
          const run = { ...rest, unread, text: `SELECT '${text}'`, ...(binds ? { binds: '{"1":{}}' } : {}) };
          return act(scene, deed, run);
        });
        const dropped = new Set(acts.flatMap((one) => one.dropped));
        const records = scene.records.filter(({ index }) => !dropped.has(index));
        const shuffled = acts
          .flatMap(({ rows }, at) => rows.map((row, n) => ({ row, order: (steps[at]?.order ?? 0) + n })))
          .toSorted((a, b) => a.order - b.order)
          .map(({ row }) => row);
        const end = { ...records[0], index: scene.records.length, leaf: { ...records[0]?.leaf, kind: 'writer.close' } };
        const report = await reconcile([...records, end as (typeof records)[0]], shuffled, {
          nowMs: NOW_MS,
          viewLagMs: VIEW_LAG_MS,
        });
        const alarms = report.findings.filter(({ weight }) => weight === 'alarm').map(({ queryId }) => queryId ?? '');
        expect(new Set(alarms)).toEqual(new Set(acts.flatMap(({ found }) => found)));
      }),
      { numRuns: cases },
    );
  });
});
