import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { lineOf } from './explain-spans.js';
import { readRequester } from './explain-who.js';
import { golden, run, TESTDATA } from './run-fixture.js';

const EXAMPLE = join(TESTDATA, 'example');
const CATALOG = ['--catalog', join(EXAMPLE, 'catalog.json')];
const FOLDERS = ['--resources', join(EXAMPLE, 'resources'), ...CATALOG];
const ANALYST = ['--as', 'group:analysts'];

const explain = (sql: string, ...more: readonly string[]) => run(['explain', sql, ...ANALYST, ...FOLDERS, ...more]);

async function explained(sql: string, ...more: readonly string[]) {
  const { code, out } = await explain(sql, '-o', 'json', ...more);
  return { exit: code, ...JSON.parse(out) };
}

describe('piste explain', () => {
  test.each([
    ['allowed', 'SELECT name, email, customer_id FROM customers', 0],
    ['denied', 'SELECT name, email\nFROM customers\nWHERE birthday > CURRENT_DATE', 3],
    ['unread', 'SELECT email FROM custmers', 3],
    ['held', 'DELETE FROM orders WHERE order_id = 7', 4],
    ['blocked', 'DROP TABLE customers', 3],
    ['moved', 'INSERT INTO crm.scratch.results SELECT customer_id, email FROM customers', 3],
  ])('shows people what is %s', async (name, sql, exit) => {
    const { code, out, err } = await explain(sql);
    expect([code, err]).toEqual([exit, '']);
    expect(out).toBe(await golden(`explain-${name}.txt`, out));
  });

  test('gives programs the same', async () => {
    const { exit, ...got } = await explained('SELECT c.contact AS x FROM contacts AS c');
    expect(exit).toBe(0);
    expect(got).toMatchObject({
      as: 'group analysts',
      connection: 'prod',
      class: 'SELECT',
      verdict: 'allow',
      code: null,
      reads: ['CRM.PUBLIC.CONTACTS', 'CRM.PUBLIC.CUSTOMERS'],
      outputs: [
        {
          position: 1,
          name: 'X',
          carries: ['CRM.PUBLIC.CUSTOMERS.EMAIL', 'CRM.PUBLIC.CONTACTS.CONTACT'],
          protected: ['CRM.PUBLIC.CUSTOMERS.EMAIL'],
          masks: [{ action: 'Partial', rule: 'customer-pii/emails', column: 'CRM.PUBLIC.CUSTOMERS.EMAIL' }],
        },
      ],
    });
    expect(got.sent).toEqual(expect.any(String));
  });

  test('masks nothing for whom a rule exempts', async () => {
    const { out } = await run([
      'explain',
      'SELECT email FROM customers',
      '--as',
      'group:fraud',
      ...FOLDERS,
      '-o',
      'json',
    ]);
    expect(JSON.parse(out)).toMatchObject({ verdict: 'allow', outputs: [{ protected: [], masks: [] }] });
  });

  test('says so when the connection would not admit the requester', async () => {
    const { code, err } = await run(['explain', 'SELECT 1', '--as', 'group:guests', ...FOLDERS]);
    expect(code).toBe(0);
    expect(err).toContain('opens no session for this requester; it admits the groups analysts, fraud, loaders');
  });

  test('reads names in the schema and judges in the role that are given', async () => {
    expect(await explained('SELECT id FROM results', '--schema', 'SCRATCH')).toMatchObject({
      verdict: 'allow',
      reads: ['CRM.SCRATCH.RESULTS'],
    });
    expect(await explained('SELECT id FROM results', '--schema', 'SCRATCH', '--role', 'SYSADMIN')).toMatchObject({
      verdict: 'block',
      reasons: [{ kind: 'role-not-offered' }],
    });
  });

  test('points at every place where a protected column is named', async () => {
    const { places } = await explained('SELECT email\nFROM customers WHERE birthday = GREATEST(birthday, birthday)');
    expect(places).toMatchObject([
      { line: 2, column: 22, message: 'CRM.PUBLIC.CUSTOMERS.BIRTHDAY, protected by birthdays/birthdays' },
      { line: 2, column: 42 },
      { line: 2, column: 52 },
    ]);
  });

  test('points at what could not be read', async () => {
    const { places } = await explained('SELECT name\nFROM customers WHERE emial = 1');
    expect(places).toEqual([{ start: 33, end: 38, line: 2, column: 22, message: 'a column is not known' }]);
  });

  test.each([
    ['ab\ncd', 3, 4, { before: '', marked: 'c', after: 'd' }],
    ['\nab', 1, 3, { before: '', marked: 'ab', after: '' }],
    ['ab', 2, 2, { before: 'ab', marked: '', after: '' }],
    ['a\nb', 0, 3, { before: '', marked: 'a', after: '' }],
    ['', 0, 0, { before: '', marked: '', after: '' }],
  ])('shows the line of %j around %i to %i', (sql, start, end, line) => {
    expect(lineOf(sql, { start, end, line: 1, column: 1, message: '' })).toEqual(line);
  });

  test('lets nothing in a statement or a name steer the terminal', async () => {
    const hostile = '\u001b[2J\u202e\u0007';
    for (const argv of [
      ['explain', `SELECT '${hostile}', "${hostile}", ssn AS "${hostile}" FROM customers`, ...ANALYST, ...FOLDERS],
      ['explain', 'SELECT 1', '--as', `group:${hostile}`, ...FOLDERS],
      ['explain', 'column', `CRM.PUBLIC.CUSTOMERS.${hostile}`, ...ANALYST, ...FOLDERS],
    ]) {
      for (const more of [[], ['-o', 'json']]) {
        const { out, err } = await run([...argv, ...more]);
        expect(out + err).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      }
    }
  });

  test.each<[readonly string[], string]>([
    [[], 'which statement?'],
    [['SELECT', '1', ...FOLDERS], 'one statement at a time'],
    [['SELECT 1'], 'Name their description with --catalog FILE'],
    [['SELECT 1', ...CATALOG], 'Name their folder with --resources DIR'],
    [['SELECT 1', ...FOLDERS, '-o', 'yaml'], '-o is text or json'],
    [['SELECT 1', ...FOLDERS, '--as', 'analysts'], 'write group:NAME'],
    [['SELECT 1', ...FOLDERS, '--as', 'team:x'], 'team is not known'],
    [['SELECT 1', ...FOLDERS, '--as', 'claim:x'], 'write claim:NAME=VALUE'],
    [['SELECT 1', ...FOLDERS, '--as', 'user:a', '--as', 'user:b'], 'may stand only once'],
    [['SELECT 1', ...FOLDERS, '--trust', 'x'], 'explain takes no --trust'],
    [['column', ...FOLDERS], 'which column?'],
    [['--json', ...FOLDERS], 'judged by --catalog alone'],
  ])('answers %j with usage and exit code 2', async (argv, complaint) => {
    const { code, out, err } = await run(['explain', ...argv]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(complaint);
    expect(err).toContain('Usage:');
  });

  test.each<[readonly string[], string]>([
    [['SELECT 1', '--resources', '/nowhere', ...CATALOG], '/nowhere: cannot be read (ENOENT)'],
    [['SELECT 1', '--resources', join(EXAMPLE, 'catalog.json'), ...CATALOG], 'this is not a folder'],
    [['SELECT 1', '--resources', join(EXAMPLE, 'tests'), ...CATALOG], 'there is no connection'],
    [['SELECT 1', ...FOLDERS, '--connection', 'test'], 'no connection test: there are prod'],
    [['column', 'A.B', ...FOLDERS], 'A.B is not DB.SCHEMA.TABLE.COLUMN'],
    [['column', 'CRM.PUBLIC.CUSTOMERS.EMIAL', ...FOLDERS], 'the catalog has no column CRM.PUBLIC.CUSTOMERS.EMIAL'],
  ])('names what is wrong with the files of %j', async (argv, complaint) => {
    const { code, out, err } = await run(['explain', ...argv]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(complaint);
    expect(err).not.toContain('Usage:');
  });
});

describe('piste explain column', () => {
  const column = (name: string, group: string, ...more: readonly string[]) =>
    run(['explain', 'column', name, '--as', `group:${group}`, ...FOLDERS, ...more]);

  test.each([
    ['two-rules', 'CRM.PUBLIC.TICKETS.EMAIL', 'analysts'],
    ['exempt', 'CRM.PUBLIC.CUSTOMERS.EMAIL', 'fraud'],
    ['dry-run', 'CRM.PUBLIC.CUSTOMERS.NAME', 'analysts'],
    ['unprotected', 'CRM.PUBLIC.CUSTOMERS.CITY', 'analysts'],
  ])('shows the tree of %s', async (name, target, group) => {
    const { code, out } = await column(target, group);
    expect(code).toBe(0);
    expect(out).toBe(await golden(`explain-column-${name}.txt`, out));
  });

  test('gives programs the same', async () => {
    const { out } = await column('CRM.PUBLIC.TICKETS.EMAIL', 'fraud', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({
      column: 'CRM.PUBLIC.TICKETS.EMAIL',
      winner: 'free-text/notes',
      action: 'Redact',
      rules: [
        { rule: 'customer-pii/emails', outcome: 'exempt', exemption: 'group fraud' },
        { rule: 'free-text/notes', outcome: 'wins', exemption: null },
      ],
    });
  });

  test('needs no catalogue', async () => {
    const { code, out } = await run([
      'explain',
      'column',
      'X.Y.Z.SSN',
      ...ANALYST,
      '--resources',
      join(EXAMPLE, 'resources'),
    ]);
    expect(code).toBe(0);
    expect(out).toContain('masked (Null) by customer-pii/ssn');
  });
});

describe('--as', () => {
  test('describes a requester', () => {
    expect(
      readRequester([
        'group:a',
        'user:https://i.example#s#1',
        'claim:dept=x',
        'claim:dept=y',
        'claim:q=a=b',
        'group:b:c',
      ]),
    ).toEqual({
      issuer: 'https://i.example',
      subject: 's#1',
      groups: ['a', 'b:c'],
      claims: { dept: ['x', 'y'], q: ['a=b'] },
    });
    expect(readRequester(['user:s'])).toMatchObject({ issuer: '', subject: 's' });
  });
});
