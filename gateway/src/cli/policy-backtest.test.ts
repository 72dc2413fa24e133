import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { catalogVersion } from '../policy/index.js';
import type { Entry, EntryValue } from '../recording/index.js';
import {
  createFakeClock,
  createFakeRandom,
  entry,
  openTestRecording,
  withDirectory,
} from '../recording/recording-fixture.js';
import type { CatalogObject, ObjectName } from '../sql/index.js';
import { run, TESTDATA } from './run-fixture.js';

type Fields = Readonly<Record<string, EntryValue>>;

const POLICIES = join(TESTDATA, 'example', 'resources');
/** After the moment at which the test recordings begin. */
const TODAY = Date.UTC(2027, 0, 1);

const CUSTOMERS: ObjectName = { database: 'CRM', schema: 'PUBLIC', name: 'CUSTOMERS' };
const TABLE: CatalogObject = {
  kind: 'table',
  columns: ['NAME', 'EMAIL'].map((name) => ({ name, type: 'text' })),
};
const SEEN = catalogVersion([CUSTOMERS], () => TABLE);

const opening = (over: Fields = {}, groups: readonly string[] = ['analysts']): Entry =>
  entry('session.open', {
    who: { iss: 'https://login.acme.example', sub: 'u1', name: 'U', grp: groups },
    connection: 'prod',
    account: 'acme-prod',
    ...over,
  });

const catalogue = (over: Fields = {}): Entry =>
  entry(
    'control',
    { op: 'catalogue', outcome: 'read', objects: 1, role: 'ANALYST', tags: 'none', ...over },
    { objects: JSON.stringify([[['CRM', 'PUBLIC', 'CUSTOMERS'], TABLE]]) },
  );

interface Asked {
  readonly qid?: string;
  readonly dec: Fields;
  readonly over?: Fields;
  readonly bodies?: Readonly<Record<string, string>>;
}

const request = (sql: string | undefined, { qid = 'q1', dec, over = {}, bodies = {} }: Asked): Entry =>
  entry(
    'request',
    {
      op: 'query',
      qid,
      rid: `r-${qid}`,
      cls: 'SELECT',
      dec: { rules: [], reasons: [], pol: 'p1', apr: null, cat: null, src: [], ...dec },
      ctx: { role: 'ANALYST', wh: 'COMPUTE_WH', db: 'CRM', sch: 'PUBLIC' },
      hash: null,
      ...over,
    },
    { ...(sql === undefined ? {} : { submitted: sql }), ...bodies },
  );

/** What stands for an answer without having run anything: it asks nothing of the records before it. */
const answer = (qid = 'q1', over: Fields = {}): Entry =>
  entry(
    'response',
    { qid, code: null, rows: 0, cols: 0, masked: [], ...over },
    { head: '{"rowtype":[{"name":"EMAIL"}]}' },
  );

const SELECT = 'SELECT email FROM customers';
const EMAIL: Fields = { o: 'CRM.PUBLIC.CUSTOMERS', c: 'EMAIL', m: 'Partial', p: 'customer-pii', r: 'emails' };
const READ: Fields = { v: 'allow', cat: SEEN, src: [EMAIL], rules: ['customer-pii/emails'] };
const MASKED = answer('q1', { masked: [{ i: 0, m: 'Partial', p: 'customer-pii', r: 'emails' }] });

interface Summary {
  readonly totals: Readonly<Record<string, number>>;
  readonly undecided: Readonly<Record<string, number>>;
  readonly differences: readonly { readonly differences: readonly unknown[] }[];
}

/** A recording of these records, one log for each list, and what the back-test says of it. */
async function backtest(
  logs: readonly (readonly Entry[])[],
  args: readonly string[] = [],
  policies = POLICIES,
): Promise<{ readonly code: number; readonly summary: Summary; readonly text: string }> {
  return withBacktest(logs, (directory) => backtestIn(directory, args, policies));
}

async function withBacktest<T>(
  logs: readonly (readonly Entry[])[],
  use: (directory: string) => Promise<T>,
): Promise<T> {
  return withDirectory(async (parent) => {
    const directory = join(parent, 'recording');
    const clock = createFakeClock();
    const random = createFakeRandom();
    for (const entries of logs) {
      const recording = await openTestRecording(directory, { clock, random });
      for (const one of entries) await recording.append(one);
      await recording.close();
      clock.advance(1_000);
    }
    return use(directory);
  });
}

async function backtestIn(directory: string, args: readonly string[], policies = POLICIES) {
  const argv = ['policy', 'backtest', '--policies', policies, '--recording', directory, ...args];
  const json = await run([...argv, '--json'], { nowMs: () => TODAY });
  const { code, out, err } = await run(argv, { nowMs: () => TODAY });
  expect(code).toBe(json.code);
  const summary = json.out === '' ? { totals: {}, undecided: {}, differences: [] } : (JSON.parse(json.out) as Summary);
  return { code, summary, text: err + out };
}

describe('a recorded statement', () => {
  test('is the same under the same policies', async () => {
    const { code, summary } = await backtest([[opening(), catalogue(), request(SELECT, { dec: READ }), MASKED]]);
    expect(summary.differences).toEqual([]);
    expect([code, summary.totals]).toEqual([0, { statements: 1, sessions: 1, same: 1, different: 0, undecided: 0 }]);
  });

  test('differs where the verdict, a rule or a mask is another', async () => {
    const then: Fields = { v: 'block', cat: SEEN, rules: ['gone'], src: [{ ...EMAIL, m: 'Hash' }] };
    const { code, summary, text } = await backtest([
      [opening(), catalogue(), request(SELECT, { dec: then }), answer()],
    ]);
    expect(code).toBe(1);
    expect(summary.differences[0]?.differences).toEqual([
      { field: 'verdict', gone: ['block'], come: ['allow'] },
      { field: 'rules', gone: ['gone'], come: ['customer-pii/emails'] },
      {
        field: 'masks',
        gone: ['CRM.PUBLIC.CUSTOMERS.EMAIL: Hash (customer-pii/emails)'],
        come: ['#1: Partial (customer-pii/emails)', 'CRM.PUBLIC.CUSTOMERS.EMAIL: Partial (customer-pii/emails)'],
      },
    ]);
    for (const line of ['verdict: block → allow', '- gone', '+ customer-pii/emails', 'block → allow: 1 statement']) {
      expect(text).toContain(line);
    }
    expect(text).toMatch(/^customer-pii\/emails +0 +1$/m);
  });

  test('is compared without the masks of its result where there was no result', async () => {
    const failed = answer('q1', { code: '100038' });
    const { summary } = await backtest([[opening(), catalogue(), request(SELECT, { dec: READ }), failed]]);
    expect([summary.differences, summary.totals['same']]).toEqual([[], 1]);
  });

  test('is compared without masks for what was found in values', async () => {
    const found = answer('q1', {
      masked: [
        { i: 0, m: 'Partial', p: 'customer-pii', r: 'emails' },
        { i: 1, m: 'Redact', p: 'detection', r: 'Email' },
      ],
    });
    expect((await backtest([[opening(), catalogue(), request(SELECT, { dec: READ }), found]])).code).toBe(0);
  });

  test('is decided for the one who asked, at the time of asking', async () => {
    await withDirectory(async (policies) => {
      await cp(POLICIES, policies, { recursive: true });
      const file = join(policies, 'customers.yaml');
      // Over today, and not when the statement was recorded.
      await writeFile(file, (await readFile(file, 'utf8')).replace('2099-01-01', '2026-12-01'));
      const allowed: Fields = { v: 'allow', cat: SEEN };
      const logs = [[opening({}, ['fraud']), catalogue(), request(SELECT, { dec: allowed }), answer()]];
      expect((await backtest(logs, [], policies)).summary).toMatchObject({ differences: [], totals: { same: 1 } });
    });
  });

  test('that was held and released counts once', async () => {
    const text = 'DELETE FROM customers WHERE customer_id = 7';
    const held: Fields = { v: 'hold', rules: ['hold-changes'] };
    const first = request(text, { dec: held });
    const released = request(text, { dec: { ...held, v: 'allow', apr: 'a1' } });
    for (const logs of [
      [[opening(), first, released, answer()]],
      [
        [opening(), first],
        [released, answer()],
      ],
    ]) {
      const { summary, code } = await backtest(logs);
      expect([code, summary.differences, summary.totals['statements']]).toEqual([0, [], 1]);
    }
  });

  test('that writes a placeholder back stays refused', async () => {
    const binds = JSON.stringify({ 1: { type: 'TEXT', value: '***' } });
    const dec: Fields = { v: 'block', rules: ['hold-changes'] };
    const refused = request('UPDATE customers SET name = ?', { dec, bodies: { binds } });
    const { summary } = await backtest([[opening(), refused, answer('q1', { code: '861402' })]]);
    expect([summary.differences, summary.totals['same']]).toEqual([[], 1]);
  });

  test('is read with the variables that the session had', async () => {
    const steps = [
      request("SET v = 'x'", { qid: 'q1', dec: { v: 'allow' } }),
      answer('q1'),
      request('SELECT $v AS v', { qid: 'q2', dec: { v: 'allow' } }),
      answer('q2'),
    ];
    expect((await backtest([[opening(), ...steps]])).summary.totals).toMatchObject({ same: 2 });
    expect((await backtest([[opening(), ...steps.slice(2)]])).summary.totals).toMatchObject({ different: 1 });
  });
});

describe('a statement that cannot be decided again', () => {
  const read = request(SELECT, { dec: READ });
  const variable = request('SELECT $v AS v', { qid: 'q2', dec: { v: 'allow' } });

  test.each<[string, readonly (readonly Entry[])[], Fields]>([
    ['whose catalogue is not recorded', [[opening(), read, MASKED]], { 'catalogue-unknown': 1 }],
    [
      'that was read against another catalogue',
      [[opening(), catalogue(), request(SELECT, { dec: { ...READ, cat: 'ab' } })]],
      { 'catalogue-unknown': 1 },
    ],
    ['whose role saw other objects', [[opening(), catalogue({ role: 'OTHER' }), read]], { 'catalogue-unknown': 1 }],
    ['whose session was opened elsewhere', [[catalogue(), read]], { 'session-unknown': 1 }],
    ['of another connection', [[opening({ connection: 'other' }), catalogue(), read]], { 'connection-unknown': 1 }],
    ['without its text', [[opening(), catalogue(), request(undefined, { dec: READ })]], { 'text-missing': 1 }],
    [
      'with a variable, of a session that moved',
      [[opening(), request('SELECT 1', { dec: { v: 'allow' } })], [variable]],
      { 'session-moved': 1 },
    ],
  ])('%s is counted', async (_what, logs, undecided) => {
    const { code, summary, text } = await backtest(logs);
    expect([code, summary.undecided, summary.totals['different']]).toEqual([2, undecided, 0]);
    expect(text).toMatch(/not decided again: 1 statement, /);
  });

  const describedIn = (parent: string): string => join(parent, 'catalog.json');
  const DESCRIPTION = JSON.stringify({ tables: { 'CRM.PUBLIC.CUSTOMERS': { columns: ['NAME', 'EMAIL'] } } });

  test('is decided by a description of the objects where one is given', () =>
    withDirectory(async (parent) => {
      await writeFile(describedIn(parent), DESCRIPTION);
      const { code, summary } = await backtest([[opening(), read, MASKED]], ['--catalog', describedIn(parent)]);
      expect([code, summary.differences, summary.totals]).toMatchObject([0, [], { same: 1, undecided: 0 }]);
    }));

  test('is not decided by a description that lacks an object', () =>
    withDirectory(async (parent) => {
      await writeFile(describedIn(parent), DESCRIPTION);
      const other = request('SELECT x FROM elsewhere', { dec: { v: 'allow', cat: 'ab' } });
      const { summary } = await backtest([[opening(), other]], ['--catalog', describedIn(parent)]);
      expect(summary.undecided).toEqual({ 'catalogue-unknown': 1 });
    }));
});

describe('piste policy backtest', () => {
  const logs = [[opening(), catalogue(), request(SELECT, { dec: READ }), MASKED]];

  test('refuses a recording that is not as it was written', () =>
    withBacktest(logs, async (directory) => {
      const [log = ''] = (await readdir(directory)).sort();
      const file = join(directory, log, '00000001.seg');
      const bytes = await readFile(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      await writeFile(file, bytes);
      const { code, text } = await backtestIn(directory, []);
      expect([code, text]).toEqual([2, expect.stringMatching(/not as it was written/)]);
    }));

  test('looks at one session, and from a time on', () =>
    withBacktest(logs, async (directory) => {
      const countOf = async (...args: readonly string[]) =>
        (await backtestIn(directory, args)).summary.totals['statements'];
      expect(await countOf('--session', 'session-')).toBe(1);
      expect(await countOf('--since', '2026-11-23')).toBe(1);
      expect(await countOf('--since', '2026-11-23T07:00:00Z')).toBe(0);
      expect([await countOf('--since', '60d'), await countOf('--since', '1h')]).toEqual([1, 0]);
      expect((await backtestIn(directory, ['--session', 'other'])).code).toBe(3);
    }));

  test.each([
    [[], /which policies/],
    [['--policies', POLICIES], /which recording/],
    [['--policies', POLICIES, '--recording', 'nowhere'], /nowhere: cannot be read/],
    [['--policies', 'nowhere', '--recording', 'nowhere'], /nowhere: cannot be read/],
    [['--policies', POLICIES, '--recording', 'nowhere', '--since', 'yesterday'], /--since yesterday/],
    [['--policies', POLICIES, '--recording', 'nowhere', '--junit', 'x'], /takes no --junit/],
    [['here', '--policies', POLICIES], /name folders/],
  ])('answers %j with exit code 3', async (args, complaint) => {
    const { code, err } = await run(['policy', 'backtest', ...args]);
    expect([code, err]).toEqual([3, expect.stringMatching(complaint)]);
  });
});
