import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readFixtures } from './policy-fixture.js';
import { run, TESTDATA } from './run-fixture.js';

const EXAMPLE = join(TESTDATA, 'example');

async function withFiles<T>(
  files: Readonly<Record<string, string>>,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-policy-test-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A fixture of one case about the example's resources. */
function fixture(expect: string, sql = 'SELECT email, UPPER(city) FROM customers', more = ''): string {
  const [resources, catalog] = [join(EXAMPLE, 'resources'), join(EXAMPLE, 'catalog.json')].map((path) =>
    JSON.stringify(path),
  );
  const head = `resources: ${resources}\ncatalog: ${catalog}\ncases:\n`;
  return `${head}  - name: the case\n    sql: ${JSON.stringify(sql)}\n    as: { groups: [analysts] }\n${more}    expect: ${expect}\n`;
}

const test1 = (text: string, ...more: readonly string[]) =>
  withFiles({ 'a.yaml': text }, (directory) => run(['policy', 'test', directory, ...more]));

describe('piste policy test', () => {
  test('passes its examples', async () => {
    const { code, out } = await run(['policy', 'test', join(EXAMPLE, 'tests')]);
    expect(out).not.toContain('FAILED');
    expect(code).toBe(0);
    expect(out).toContain('18 cases, all passed');
  });

  test.each([
    ['{ verdict: block }', ['verdict:', 'expected block', 'but got  allow']],
    ['{ verdict: hold, code: PISTE-1404 }', ['verdict:', 'code:', 'expected PISTE-1404', 'but got  none']],
    ['{ masked: {} }', ['masked:', 'expected nothing', 'but got  EMAIL: Partial']],
    ['{ masked: { EMAIL: Redact } }', ['expected EMAIL: Redact']],
    [
      '{ masked: { EMAIL: Partial, NAME: Redact } }',
      ['expected EMAIL: Partial, NAME: Redact', 'but got  EMAIL: Partial'],
    ],
    ['{ reason: unread }', ['reason:', 'expected unread', 'allowed-by-default']],
    ['{ sentText: SELECT 1 }', ['sentText:', 'expected SELECT 1']],
    ['{ recording: Strict }', ['recording:', 'expected Strict', 'but got  none']],
  ])('fails a case that expects %s', async (expectation, lines) => {
    const { code, out } = await test1(fixture(expectation));
    expect(code).toBe(1);
    for (const line of ['FAILED the case (line 4)', ...lines, 'because allowed-by-default', '1 case, 1 failed']) {
      expect(out).toContain(line);
    }
  });

  test('compares the session, too', async () => {
    const session = '    session: { schema: SCRATCH }\n';
    expect((await test1(fixture('{ verdict: allow }', 'SELECT id FROM results', session))).code).toBe(0);
    expect((await test1(fixture('{ verdict: allow }', 'SELECT id FROM results'))).code).toBe(1);
    const { code, err } = await test1(fixture('{ verdict: allow }', 'SELECT 1', '    session: { path: x }\n'));
    expect(code).toBe(2);
    expect(err).toContain('a.yaml:4: case "the case": session.path is not known');
  });

  test('gives programs the results, and build servers JUnit', () =>
    withFiles({ 'a.yaml': fixture('{ verdict: block, reason: "<&>" }') }, async (directory) => {
      const junit = join(directory, 'junit.xml');
      const { code, out } = await run(['policy', 'test', directory, '--json', '--junit', junit]);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({
        passed: false,
        fixtures: [
          { cases: [{ name: 'the case', line: 4, differences: [{ field: 'verdict' }, { field: 'reason' }] }] },
        ],
      });
      const xml = await readFile(junit, 'utf8');
      expect(xml).toContain('tests="1" failures="1"');
      expect(xml).toContain('<failure message="verdict: expected block but got allow; reason: expected &lt;&amp;&gt;');
    }));

  test('says which resources are not in force as written', async () => {
    const policy = `{ apiVersion: piste.dev/v1alpha1, kind: MaskingPolicy, metadata: { name: m }, spec: {
      targetRefs: [{ kind: SnowflakeConnection, name: nobody }],
      rules: [{ name: r, match: { columns: [{ database: A, column: B }] }, action: { type: Redact } }] } }`;
    const connection = `{ apiVersion: piste.dev/v1alpha1, kind: SnowflakeConnection, metadata: { name: c }, spec: {
      account: { identifier: x }, allowedGroups: [g], allowedRoles: [R],
      auth: { type: ProgrammaticAccessToken, programmaticAccessToken: { user: U, tokenSecretRef: { name: s, key: k } } },
      issuers: [{ name: i, url: "https://i.example", audience: a }] } }`;
    const text = `resources: [${policy}, ${connection}]\ncases: [{ name: one, sql: SELECT 1, expect: { verdict: allow } }]\n`;
    const { code, out } = await test1(text);
    expect(code).toBe(0);
    expect(out).toContain('note');
    expect(out).toContain('there is no SnowflakeConnection nobody');
    const without = await test1(text.replace(connection, policy.replace('name: m', 'name: other')));
    expect(without.code).toBe(2);
    expect(without.err).toContain('there is no connection');
  });

  test.each([
    ['cases: [', 'a.yaml:1:'],
    ['', 'there is no document'],
    ['7', 'a.yaml:1:1: this is not an object'],
    ['resources: [', 'a.yaml:1:'],
    ['resources: r\nfoo: 1\ncases: []', 'a.yaml:2:1: foo: this field does not exist'],
    ['cases: []', 'a.yaml:1:1: resources: this field is missing'],
    ['resources: r\ncases: []', 'a.yaml:2:1: cases: there is no case'],
    [
      'resources: r\ncases:\n  - name: one\n    sql: 7\n    expect: { verdict: allow }',
      'a.yaml:4:5: cases[0].sql: this is not a text',
    ],
    ['resources: r\ncases:\n  - { name: one, sql: s }', 'cases[0].expect: this field is missing'],
    ['resources: r\ncases:\n  - { name: one, sql: s, expect: {} }', 'nothing is expected'],
    [
      'resources: r\ncases:\n  - { name: one, sql: s, expect: { verdict: deny } }',
      'this is not one of allow, block, hold',
    ],
    [
      'resources: r\ncases:\n  - name: one\n    sql: s\n    expect: { masked: { A: NULL } }',
      'a.yaml:5:25: cases[0].expect.masked.A: this is not a text',
    ],
    [
      'resources: r\ncases:\n  - &x { name: one, sql: s, expect: { verdict: allow } }\n  - *x',
      'YAML aliases are not accepted',
    ],
    ['a: 1\na: 2', 'a.yaml:2:1: a: the same field stands here twice'],
  ])('refuses the file %j, naming the place', async (text, complaint) => {
    const { code, out, err } = await test1(text);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(complaint);
    expect(err).not.toContain('Usage:');
  });

  test('refuses names that stand twice, files that are not there and nothing at all', async () => {
    const twice = fixture('{ verdict: allow }').replace(/ {2}- name[\s\S]*$/, (one) => one + one);
    expect((await test1(twice)).err).toContain('cases[1].name: another case has this name');
    expect(await run(['policy', 'test', '/nowhere.yaml'])).toMatchObject({ code: 2, out: '' });
    expect((await test1('resources: ./missing\ncases: [{ name: one, sql: s, expect: { verdict: allow } }]')).code).toBe(
      2,
    );
    const { code, err } = await run(['policy', 'test']);
    expect(code).toBe(2);
    expect(err).toContain('Usage:');
    await withFiles({}, async (directory) => expect((await run(['policy', 'test', directory])).code).toBe(2));
  });

  test('survives brackets nested by the thousand', () => {
    const { fixtures, faults } = readFixtures('['.repeat(50_000), 'a.yaml');
    expect(fixtures).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
  });
});
