import { appendFile, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { entry, openTestRecording, withDirectory } from '../../recording/recording-fixture.js';
import { HOSTILE, OTHER_SESSION, ROAMING_SESSION, type Roaming, recordRoaming } from '../roaming-fixture.js';
import { golden, type Run, run } from '../run-fixture.js';

interface Found {
  readonly records: { readonly indexed: number; readonly total: number };
  readonly hits: { readonly shown: number; readonly total: number };
  readonly results: readonly {
    readonly state: string;
    readonly records: readonly { readonly fields: { readonly qid?: string } }[];
  }[];
  readonly dropped: readonly unknown[];
}

interface Place extends Roaming {
  readonly index: string;
  readonly search: (query: string, ...more: readonly string[]) => Promise<Run>;
  readonly find: (query: string, ...more: readonly string[]) => Promise<Found>;
}

async function withRoaming(use: (place: Place) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const roaming = await recordRoaming(parent);
    const index = join(parent, 'index.sqlite');
    const search = (query: string, ...more: readonly string[]): Promise<Run> =>
      run(['search', query, roaming.directory, '--index', index, ...more]);
    const find = async (query: string, ...more: readonly string[]): Promise<Found> =>
      JSON.parse((await search(query, '--json', ...more)).out) as Found;
    await use({ ...roaming, index, search, find });
  });
}

/** Query ids of hits, newest first; a record without one by its kind. */
function idsOf({ results }: Found): readonly string[] {
  return results.map(({ records }) => {
    const [first] = records as readonly { readonly fields: { readonly qid?: string }; readonly kind?: string }[];
    return first?.fields.qid ?? first?.kind ?? '?';
  });
}

describe('piste search', () => {
  test('finds statements by what was recorded of them', () =>
    withRoaming(async ({ find }) => {
      const answers: readonly (readonly [string, readonly string[]])[] = [
        ['customers', ['s3', 's1']],
        ['"crm.public.customers"', ['s3', 's1']],
        ['SHA2', ['s1']],
        ['ticket', ['s1']],
        ['custom*', ['s3', 's1']],
        ['customers -drop', ['s1']],
        ['table:customers', ['s3', 's1']],
        ['table:PUBLIC.orders', ['s4', 's2']],
        ['table:crm.*', ['s4', 's3', 's2', 's1']],
        ['table:public', []],
        ['column:email', ['s1']],
        ['column:crm.public.customers.email', ['s1']],
        ['class:drop_table', ['s3']],
        ['class:select bytes>0', ['s1']],
        ['bytes>=45', ['s1']],
        ['bytes>=46', []],
        ['agent:devin class:*', ['s4', 's3', 's2', 's1']],
        ['agent:run-42 class:delete', ['s2']],
        ['who:kim@corp.test class:show', ['p1']],
        ['who:ann@corp.test', ['s2']],
        ['who:*@corp.test class:select', ['s4', 's1']],
        ['-agent:devin class:*', ['p1']],
        ['decision:hold', ['s2']],
        ['decision:approved', ['s2']],
        ['decision:block', ['s3']],
        ['decision:refused', ['request.refused', 'session.refused']],
        ['rule:hold-deletes', ['s2']],
        ['rule:pii/emails', ['s1']],
        ['rule:pii', ['s1']],
        ['error:PISTE-1201', ['s3']],
        ['error:861201', ['s3']],
        ['error:* class:*', ['s3', 's1', 'p1']],
        ['qid:s2', ['s2']],
        ['qid:01b2-upstream', ['s1']],
        ['qid:rid-s4', ['s4']],
        [`session:${OTHER_SESSION} class:*`, ['p1']],
        ['session:roam* class:delete', ['s2']],
        ['since:2026-11-23T06:03 class:*', ['s4', 's3', 's2', 's1']],
        ['since:2026-11-23T06:03:04.050 class:*', ['s4', 's1']],
        ['until:2026-11-23T06:01:00 class:*', ['p1']],
        ['since:2026-11-24', []],
      ];
      for (const [query, ids] of answers) expect([query, idsOf(await find(query))]).toEqual([query, ids]);
    }));

  test('says what it found, how much is indexed and who vouches for it', () =>
    withRoaming(async ({ search, trust }) => {
      const plain = await search('table:crm.*');
      expect(plain).toMatchObject({ code: 0, err: '' });
      expect(plain.out).toBe(await golden('search.txt', plain.out));
      const verified = await search('decision:block', '--trust', trust);
      expect(verified.code).toBe(0);
      expect(verified.out).toBe(await golden('search-verified.txt', verified.out));
    }));

  test('shows the newest hits and counts the others', () =>
    withRoaming(async ({ search, find }) => {
      expect((await search('class:*', '--limit', '2')).out).toMatch(
        /^2 of 5 hits shown, newest first \(--limit\) · 26 of 26 records in 2 logs indexed/m,
      );
      expect((await find('class:*', '--limit', '2')).hits).toEqual({ shown: 2, total: 5 });
    }));

  test.each([
    ['tabel:x', 'did you mean table:'],
    ['', 'the query is empty'],
  ])('points into the query %p and exits with 3', async (query, message) => {
    const { code, out, err } = await run(['search', query, '/nowhere']);
    expect(code).toBe(3);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).toContain('^');
    expect(err).not.toContain('Usage:');
  });

  test('lets nothing in a recording steer the terminal', () =>
    withRoaming(async ({ search }) => {
      for (const argv of [[], ['--json']]) {
        const { out, err } = await search('drop', ...argv);
        expect(out + err).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
        expect(out).not.toContain(HOSTILE);
        expect(out).toContain('gnp');
      }
    }));
});

describe('the index', () => {
  test('is for its owner alone and lies in the cache where nobody names a file', () =>
    withRoaming(async ({ directory, trust }) => {
      const home = join(trust, '..', 'home');
      await mkdir(home);
      expect((await run(['search', 'customers', directory], { environment: { HOME: home } })).code).toBe(0);
      const folder = join(home, '.cache/piste/search');
      const [name = ''] = await readdir(folder);
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }));

  test('keeps the mode of a file that others could read from being one', () =>
    withRoaming(async ({ search, index }) => {
      await writeFile(index, '', { mode: 0o644 });
      await search('customers');
      expect((await stat(index)).mode & 0o777).toBe(0o600);
    }));

  test('never touches a file that is none', () =>
    withRoaming(async ({ search, index, trust }) => {
      const other = new DatabaseSync(index);
      other.exec('CREATE TABLE precious (x)');
      other.close();
      const before = await readFile(index);
      expect(await search('customers')).toMatchObject({ code: 1, err: expect.stringContaining('was left alone') });
      expect(await readFile(index)).toEqual(before);
      expect((await run(['search', 'customers', join(trust, '..', 'recording'), '--index', trust])).err).toContain(
        'was left alone',
      );
    }));

  test('grows with the logs and reads only those that did', () =>
    withDirectory(async (parent) => {
      const directory = join(parent, 'recording');
      const index = join(parent, 'index');
      const recording = await openTestRecording(directory);
      const add = (text: string): Promise<unknown> =>
        recording.append(entry('request', { qid: text, cls: 'SELECT' }, { sql: `select ${text}` }));
      const find = async (query: string): Promise<Found> =>
        JSON.parse((await run(['search', query, directory, '--index', index, '--json'])).out) as Found;
      await add('one');
      expect(idsOf(await find('select'))).toEqual(['one']);
      await add('two');
      const grown = await find('select');
      expect(idsOf(grown)).toEqual(['two', 'one']);
      expect(grown.records).toMatchObject({ indexed: 3, total: 3 });
      await recording.append(entry('response', { qid: 'one', code: '000001' }, { rows: '[["x"]]' }));
      await recording.close();
      expect(idsOf(await find('error:000001 bytes>0 one'))).toEqual(['one']);
      expect((await find('select')).records).toMatchObject({ indexed: 5, total: 5 });
    }));

  test('is made anew when a log it tells of is gone or another, and says so', () =>
    withRoaming(async ({ search, directory, logs, trust }) => {
      await search('customers');
      const [older, younger] = logs;
      await rm(join(directory, younger), { recursive: true });
      const gone = await search('class:*');
      expect(gone.err).toContain(`note: the index is made anew: it tells of log ${younger}`);
      expect(gone.out).toContain('16 of 16 records in 1 log indexed');
      // Another log under the same name: the one of a writer that recorded something else.
      const elsewhere = join(trust, '..', 'elsewhere');
      await mkdir(elsewhere);
      const fresh = await recordRoaming(elsewhere);
      await copyFile(join(fresh.directory, older, '00000001.seg'), join(directory, older, '00000001.seg'));
      const { code, err } = await search('class:*');
      expect(err).toContain(`made anew: log ${older} is another than it was made from`);
      expect(code).toBe(0);
    }));

  test('is made anew when it is broken, of another version, or lost records', () =>
    withRoaming(async ({ search, index }) => {
      const tamper = (sql: string): void => {
        const database = new DatabaseSync(index);
        database.exec(sql);
        database.close();
      };
      await search('customers');
      tamper('DELETE FROM records WHERE position = 3');
      expect((await search('customers')).err).toContain('made anew: it holds 24 of the 26 records it was made from');
      tamper('PRAGMA user_version = 999');
      expect((await search('customers')).err).toContain('made anew: it is of another version');
      const bytes = await readFile(index);
      await writeFile(index, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]));
      const { code, err, out } = await search('customers');
      expect(err).toContain('made anew: it is broken');
      expect(code).toBe(0);
      expect(out).toContain('2 hits · 26 of 26 records');
    }));

  test('decides nothing: a hit that the log does not bear out is dropped, loudly', () =>
    withRoaming(async ({ search, index, find }) => {
      await search('customers');
      const database = new DatabaseSync(index);
      database.exec("INSERT INTO facts SELECT 'table', 'secrets', id FROM units WHERE key LIKE '%\"s4\"%'");
      database.exec("UPDATE records SET hash = 'ff' WHERE unit = (SELECT id FROM units WHERE key LIKE '%\"s2\"%')");
      database.close();
      const forged = await search('table:secrets');
      expect(forged.code).toBe(1);
      expect(forged.err).toContain('is dropped: its records do not meet the query');
      expect(forged.out).toContain('0 hits · 1 dropped');
      const changed = await search('qid:s2');
      expect(changed.code).toBe(1);
      expect(changed.err).toMatch(/record \d+ of log \w+ is another one/);
      expect((await find('qid:s2', '--fresh')).hits).toEqual({ shown: 1, total: 1 });
    }));

  test('says what of a damaged log is not searched, and fails', () =>
    withRoaming(async ({ search, directory, logs }) => {
      await search('customers');
      await appendFile(join(directory, logs[0], '00000001.seg'), 'garbage');
      for (let round = 0; round < 2; round += 1) {
        const { code, err, out } = await search('customers');
        expect(code).toBe(1);
        expect(err).toContain(`WARNING: log ${logs[0]} is damaged after 16 records`);
        expect(out).toContain('2 hits');
      }
    }));

  test('finds nothing behind damage and says so', () =>
    withRoaming(async ({ search, directory, logs, trust }) => {
      const path = join(directory, logs[0], '00000001.seg');
      const bytes = await readFile(path);
      bytes.write('X', bytes.indexOf('DROP TABLE crm'));
      await writeFile(path, bytes);
      const { code, err, out } = await search('drop', '--trust', trust);
      expect(code).toBe(1);
      expect(err).toContain('WARNING: audit verify says TAMPERED');
      expect(err).toContain('what follows is not searched');
      expect(out).toContain('0 hits');
    }));

  test('searches a log that stands in two directories once', () =>
    withRoaming(async ({ directory, index, logs, trust }) => {
      const copy = join(trust, '..', 'older');
      const { err, out } = await run(['search', 'class:*', directory, copy, '--index', index]);
      expect(err).toContain(`note: log ${logs[0]} stands in more than one directory`);
      expect(out).toContain('5 hits · 26 of 26 records in 2 logs indexed');
      expect(out).toContain(ROAMING_SESSION);
    }));
});
