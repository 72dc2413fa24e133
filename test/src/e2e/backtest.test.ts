import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { askPiste, runPiste } from '../demo/piste.js';
import type { Playground } from '../playground/playground.js';
import { corpusPolicy } from './corpus-policy.js';
import { corpusCases, type Pass, runAtWire, startCorpusPlayground } from './corpus-run.js';
import { recordsIn } from './records.js';

/** Everything that depends on what a session did before, and a part of the rest. */
const CASES = corpusCases.filter(
  ({ session, tags }, index) => session !== undefined || tags.includes('result-scan') || index % 9 === 0,
);

interface Difference {
  readonly sql: string;
  readonly recorded: { readonly verdict: string };
  readonly now: { readonly verdict: string };
  readonly differences: readonly {
    readonly field: string;
    readonly gone: readonly string[];
    readonly come: readonly string[];
  }[];
}

interface Summary {
  readonly totals: Readonly<Record<'statements' | 'sessions' | 'same' | 'different' | 'undecided', number>>;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly rules: readonly { readonly rule: string; readonly recorded: number; readonly now: number }[];
  readonly undecided: Readonly<Record<string, number>>;
  readonly differences: readonly Difference[];
}

let playground: Playground;
let pass: Pass;

beforeAll(async () => {
  playground = await startCorpusPlayground(corpusPolicy('Mask'));
  pass = await runAtWire(playground, CASES);
  await playground.stopGateway();
  await playground.stopStandIn();
}, 180_000);
afterAll(() => playground?.stop());

const argsFor = (policies: string, ...more: readonly string[]): readonly string[] => [
  'policy',
  'backtest',
  '--policies',
  policies,
  '--recording',
  playground.recordingDirectory,
  '--trust',
  playground.checkpointFile,
  ...more,
];
const backtest = (policies: string, ...more: readonly string[]): Promise<Summary> =>
  askPiste<Summary>(...argsFor(policies, ...more));

/** The policies of the gateway with one file changed. */
async function policiesWith(name: string, text: string | null): Promise<string> {
  const folder = join(playground.directory, `policies-${crypto.randomUUID()}`);
  await cp(playground.resourcesDirectory, folder, { recursive: true });
  if (text === null) await rm(join(folder, name));
  else await writeFile(join(folder, name), text);
  return folder;
}

describe('a recorded corpus of statements', () => {
  test('is decided by the policies it was recorded under as it was', async () => {
    const { totals, undecided, differences, rules } = await backtest(playground.resourcesDirectory);
    expect(differences.slice(0, 3)).toEqual([]);
    expect(undecided).toEqual({});
    expect(totals.same).toBe(totals.statements);
    expect(totals.statements).toBeGreaterThanOrEqual(pass.endings.size);
    expect(rules.length).toBeGreaterThan(3);
    for (const { rule, recorded, now } of rules) expect([rule, now]).toEqual([rule, recorded]);
    expect((await runPiste(...argsFor(playground.resourcesDirectory))).exitCode).toBe(0);
  });

  test('shows what stricter predicates refuse', async () => {
    const policies = await policiesWith('masking.yaml', corpusPolicy('Deny'));
    const { totals, verdicts, differences, undecided } = await backtest(policies);
    expect([undecided, totals.different, totals.same + totals.different]).toEqual([
      {},
      differences.length,
      totals.statements,
    ]);
    expect(verdicts['allow → block']).toBeGreaterThan(0);
    expect(Object.keys(verdicts)).toEqual(['allow → block']);
    const blocked = differences.filter(({ recorded, now }) => recorded.verdict === 'allow' && now.verdict === 'block');
    expect(verdicts['allow → block']).toBe(blocked.length);
    expect((await runPiste(...argsFor(policies))).exitCode).toBe(1);
  });

  test('shows the masks and refusals that a missing policy takes away', async () => {
    const { differences, rules, verdicts } = await backtest(await policiesWith('masking.yaml', null));
    const gone = differences.flatMap((one) =>
      one.differences.flatMap((two) => (two.field === 'masks' ? two.gone : [])),
    );
    const come = differences.flatMap((one) =>
      one.differences.flatMap((two) => (two.field === 'masks' ? two.come : [])),
    );
    expect([gone.length > 20, come]).toEqual([true, []]);
    expect(gone).toContainEqual(expect.stringMatching(/^APP\.PUBLIC\.CUSTOMERS\.EMAIL: Hash \(corpus\/column-\d+\)$/));
    expect(verdicts['block → allow']).toBeGreaterThan(0);
    for (const { rule, now } of rules.filter(({ rule: name }) => name.startsWith('corpus/')))
      expect([rule, now]).toEqual([rule, 0]);
  });

  test('shows a rule that would have asked people', async () => {
    const rule = `apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: ask-for-customers }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Hold
  match: { statementTypes: [Select], objects: [{ database: APP, schema: PUBLIC, object: CUSTOMERS }] }
  approval:
    approvers: [{ kind: Group, name: data-owners }]
    requestTimeoutSeconds: 900
    grant: { scope: Statement, validSeconds: 900 }
`;
    const { verdicts, rules } = await backtest(await policiesWith('further.yaml', rule));
    expect(Object.keys(verdicts)).toEqual(['allow → hold']);
    const counted = rules.find(({ rule: name }) => name === 'ask-for-customers');
    expect(counted?.recorded).toBe(0);
    expect(counted?.now).toBeGreaterThanOrEqual(verdicts['allow → hold'] ?? 0);
  });

  test('is not decided where the policies ask for what the record does not hold', async () => {
    const tagged = `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: by-tag }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  rules:
    - name: pii
      match: { tags: [{ name: GOV.TAGS.PII }] }
      action: { type: Redact }
`;
    const policies = await policiesWith('further.yaml', tagged);
    const { totals, undecided } = await backtest(policies);
    expect(undecided).toEqual({ 'tags-unknown': totals.undecided });
    expect([totals.undecided > 20, totals.different]).toEqual([true, 0]);
    const { exitCode, text } = await runPiste(...argsFor(policies));
    expect([exitCode, text]).toEqual([
      2,
      expect.stringMatching(/not decided again: \d+ statements, the policies ask for tags/),
    ]);
  });

  test('can be narrowed to a session and to a time', async () => {
    const { totals: all } = await backtest(playground.resourcesDirectory);
    const [record] = await recordsIn(playground.recordingDirectory).then((records) =>
      records.filter(({ leaf }) => leaf.kind === 'session.open'),
    );
    const id = record?.leaf.strand?.sessionId ?? '';
    const { totals: one } = await backtest(playground.resourcesDirectory, '--session', id);
    expect([one.sessions, one.statements < all.statements]).toEqual([1, true]);
    const { totals: none } = await backtest(playground.resourcesDirectory, '--since', '2999-01-01');
    expect(none.statements).toBe(0);
    expect((await runPiste(...argsFor(playground.resourcesDirectory, '--session', 'nobody'))).exitCode).toBe(3);
  });
});
