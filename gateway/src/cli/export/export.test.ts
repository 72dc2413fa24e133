import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type EntryValue, encodeCanonical, hashLeaf, parseLeaf } from '@piste/verifier';
import { withDirectory } from '../../recording/recording-fixture.js';
import { HOSTILE, OTHER_SESSION, ROAMING_SESSION, type Roaming, recordRoaming } from '../roaming-fixture.js';
import { golden, type Run, run } from '../run-fixture.js';
import { faultsOfEvent } from './ocsf-rules-fixture.js';
import { activityOf } from './ocsf-schema.js';

type Json = Readonly<Record<string, unknown>>;

interface Place extends Roaming {
  readonly exportAs: (format: string, ...more: readonly string[]) => Promise<Run>;
}

const withRoaming = (use: (place: Place) => Promise<void>): Promise<void> =>
  withDirectory(async (parent) => {
    const roaming = await recordRoaming(parent);
    const exportAs = (format: string, ...more: readonly string[]): Promise<Run> =>
      run(['sessions', 'export', roaming.directory, ...more, '--format', format]);
    await use({ ...roaming, exportAs });
  });

const linesOf = ({ out }: Run): readonly Json[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json);

describe('piste sessions export --format jsonl', () => {
  test('writes every record, in order of time, with its place and hash', () =>
    withRoaming(async ({ exportAs, logs }) => {
      const exported = await exportAs('jsonl');
      expect(exported).toMatchObject({ code: 0, err: '26 of 26 records exported\n' });
      const records = linesOf(exported) as unknown as readonly { log: string; index: number; time: string }[];
      expect(records.map(({ time }) => time)).toEqual(records.map(({ time }) => time).toSorted());
      for (const log of logs) {
        const indexes = records.filter((record) => record.log === log).map(({ index }) => index);
        expect(indexes).toEqual(indexes.map((_, place) => place));
      }
    }));

  test('loses nothing of a leaf: its hash can be computed again from the line', () =>
    withRoaming(async ({ exportAs }) => {
      for (const line of linesOf(await exportAs('jsonl'))) {
        const bytes = Buffer.from(encodeCanonical(line['leaf'] as EntryValue), 'utf8');
        expect(hashLeaf(bytes).toString('hex')).toBe(line['leafHash']);
        expect(parseLeaf(bytes)).toMatchObject({ kind: line['kind'], timeMs: Date.parse(String(line['time'])) });
      }
    }));

  test('has bodies as text or as base64 when asked, and none otherwise', () =>
    withRoaming(async ({ exportAs }) => {
      const bodyOf = async (...more: readonly string[]): Promise<unknown> => {
        const record = linesOf(await exportAs('jsonl', ...more)).find(
          ({ leaf }) => ((leaf as Json)['f'] as Json | undefined)?.['qid'] === 's3',
        );
        return (record as unknown as { bodies?: { submitted: unknown } }).bodies?.submitted;
      };
      const text = `DROP TABLE crm.public.customers /* ${HOSTILE} */`;
      expect(await bodyOf()).toBeUndefined();
      expect(await bodyOf('--bodies', 'text')).toEqual({ text });
      expect(await bodyOf('--bodies', 'base64')).toEqual({ base64: Buffer.from(text).toString('base64') });
    }));

  test('is limited to a session, by its beginning too, and to a time', () =>
    withRoaming(async ({ exportAs }) => {
      expect((await exportAs('jsonl', 'roam')).err).toBe('18 of 18 records exported\n');
      expect(linesOf(await exportAs('jsonl', OTHER_SESSION))).toHaveLength(3);
      const late = await exportAs('jsonl', ROAMING_SESSION, '--since', '2026-11-23T06:03');
      expect(late.err).toBe('11 of 18 records exported\nleft out: 7 × outside the time asked for\n');
      expect((await exportAs('jsonl', '--until', '2026-11-22')).err).toContain('0 of 26 records exported');
      expect((await exportAs('jsonl', 'nobody')).err).toContain('no session nobody');
    }));
});

describe('piste sessions export --format ocsf', () => {
  test.each(['1.8.0', '1.9.0-dev'])('writes events that the schema %s knows', (version) =>
    withRoaming(async ({ exportAs }) => {
      const exported = await exportAs('ocsf', '--ocsf-version', version);
      expect(exported.code).toBe(0);
      const events = linesOf(exported);
      expect(events.length).toBeGreaterThan(8);
      for (const event of events) expect([event['message'], faultsOfEvent(event)]).toEqual([event['message'], []]);
      expect(events.every(({ metadata }) => (metadata as Json)['version'] === version)).toBe(true);
      expect(exported.out.includes('"ai_agent":{"uid":"devin","instance_uid":"run-42","name":"Devin"}')).toBe(true);
    }),
  );

  test('would find what the schema does not know', () => {
    expect(faultsOfEvent({ class_uid: 1 })).not.toEqual([]);
    const event = { class_uid: 6005, category_uid: 6, activity_id: 4, type_uid: 600503, ai_agent: {}, colour: 'red' };
    expect(faultsOfEvent(event)).toEqual(
      expect.arrayContaining([
        'event.actor is missing',
        'event.colour does not exist',
        'event has none of database, databucket, table',
        'wrong type_uid',
        'without profile ai_operation',
        'event.ai_agent has none of name, uid',
      ]),
    );
  });

  test('says what was done, decided and delivered', () =>
    withRoaming(async ({ exportAs }) => {
      const events = linesOf(await exportAs('ocsf', ROAMING_SESSION)) as readonly Record<string, unknown>[];
      const shown = events.map((event) => [
        event['type_name'],
        event['status'],
        event['severity'],
        [event['action'], event['disposition']].map((word) => (typeof word === 'string' ? word : '-')).join('/'),
        event['status_code'] ?? null,
      ]);
      expect(shown).toEqual([
        ['Authentication: Logon', 'Success', 'Informational', 'Allowed/Allowed', null],
        ['Datastore Activity: Query', 'Success', 'Informational', 'Modified/Corrected', null],
        ['Datastore Activity: Read', 'Success', 'Informational', 'Allowed/Allowed', null],
        ['Datastore Activity: Delete', 'Failure', 'Medium', 'Denied/Blocked', '861201'],
        ['Datastore Activity: Delete', 'Success', 'Low', 'Allowed/Approved', null],
        ['Datastore Activity: Query', 'Failure', 'Medium', 'Denied/Rejected', 'PISTE-1105'],
        ['Datastore Activity: Read', 'Failure', 'Medium', 'Denied/Blocked', '861402'],
        ['Authentication: Logoff', 'Success', 'Informational', '-/-', null],
        ['Datastore Activity: Query', 'Unknown', 'Informational', 'Allowed/Allowed', null],
      ]);
      const text = `${events.map((event) => JSON.stringify(event, undefined, 1)).join('\n')}\n`;
      expect(text).toBe(await golden('export-ocsf.txt', text));
    }));

  test('says what it left out and why', () =>
    withRoaming(async ({ exportAs }) => {
      const { err } = await exportAs('ocsf');
      expect(err).toBe(await golden('export-ocsf-left-out.txt', err));
    }));

  test.each([
    ['SELECT', 'Query'],
    ['SHOW', 'List'],
    ['INSERT_OVERWRITE', 'Write'],
    ['UPDATE', 'Update'],
    ['ALTER_TABLE', 'Update'],
    ['GRANT', 'Update'],
    ['CREATE_OR_REPLACE_TABLE', 'Create'],
    ['CTAS', 'Create'],
    ['UNDROP_TABLE', 'Create'],
    ['DROP_DATABASE', 'Delete'],
    ['TRUNCATE', 'Delete'],
    ['UNLOAD', 'Read'],
    ['CALL', 'CALL'],
    ['USE_ROLE', 'USE_ROLE'],
    ['ALTER_SESSION', 'ALTER_SESSION'],
    ['TRANSACTION', 'TRANSACTION'],
    ['constructor', 'constructor'],
  ])('%s is %s', (statementClass, activity) => {
    expect(activityOf(statementClass)[1]).toBe(activity);
    expect(activityOf(statementClass)[0] === 99).toBe(statementClass === activity);
  });
});

const COUNT = expect.any(Number);

/** What HAR 1.2 requires of an entry. */
const HAR_ENTRY = {
  startedDateTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  time: COUNT,
  request: {
    method: expect.stringMatching(/^(GET|POST)$/),
    url: expect.stringMatching(/^https:\/\/gateway\.invalid\//),
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: [],
    queryString: expect.any(Array),
    headersSize: -1,
    bodySize: COUNT,
  },
  response: {
    status: COUNT,
    statusText: expect.any(String),
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: [],
    content: { size: COUNT, mimeType: expect.any(String) },
    redirectURL: '',
    headersSize: -1,
    bodySize: COUNT,
  },
  cache: {},
  timings: { send: 0, wait: COUNT, receive: 0 },
};

interface Har {
  readonly log: {
    readonly version: string;
    readonly creator: unknown;
    readonly entries: readonly {
      readonly time: number;
      readonly timings: { readonly wait: number };
      readonly request: { readonly url: string; readonly postData?: { readonly text: string } };
      readonly response: {
        readonly status: number;
        readonly content: { readonly size: number; readonly text?: string; readonly comment?: string };
      };
    }[];
  };
}

describe('piste sessions export --format har', () => {
  test('is an HTTP archive 1.2', () =>
    withRoaming(async ({ exportAs }) => {
      const exported = await exportAs('har');
      expect(exported.code).toBe(0);
      const { log } = JSON.parse(exported.out) as Har;
      expect(log).toMatchObject({ version: '1.2', creator: { name: 'Piste', version: '1.2.3' }, pages: [] });
      expect(log.entries.length).toBeGreaterThan(10);
      for (const entry of log.entries) {
        expect(entry).toMatchObject(HAR_ENTRY);
        expect(entry.time).toBe(entry.timings.wait);
        expect(() => new URL(entry.request.url)).not.toThrow();
      }
      expect(exported.err).toBe(await golden('export-har-left-out.txt', exported.err));
    }));

  test('holds what the driver sent and the very bytes it got', () =>
    withRoaming(async ({ exportAs }) => {
      const { log } = JSON.parse((await exportAs('har', ROAMING_SESSION)).out) as Har;
      const [statement] = log.entries.filter(({ request }) => request.url.endsWith('requestId=rid-s1'));
      expect(JSON.parse(statement?.request.postData?.text ?? '')).toEqual({
        sqlText: 'select id, email from crm.public.customers -- for TICKET-7',
        bindings: { 1: { type: 'FIXED', value: '7' } },
        parameters: { TIMEZONE: 'UTC' },
      });
      expect(statement).toMatchObject({ time: 2000, response: { status: 200 } });
      expect(JSON.parse(statement?.response.content.text ?? '')).toMatchObject({
        success: true,
        data: { rowtype: [{ name: 'ID' }, { name: 'EMAIL' }], rowset: [['1', '9f86d081']] },
      });
      const held = log.entries.find(({ request }) => request.url.endsWith('requestId=rid-s2'));
      expect(held).toMatchObject({ time: 30_300 });
      const delivered = held?.response.content.text ?? '';
      expect([Buffer.byteLength(delivered), held?.response.content.comment]).toEqual([
        held?.response.content.size,
        undefined,
      ]);
      expect(statement?.response.content.comment).toMatch(/^not byte for byte what left/);
      const open = log.entries.find(({ request }) => request.url.endsWith('requestId=rid-s4'));
      expect(open).toMatchObject({ response: { status: 0 } });
    }));

  test('holds no secret', () =>
    withRoaming(async ({ exportAs }) => {
      const { out } = await exportAs('har');
      for (const word of ['authorization', 'Snowflake Token', 'masterToken']) expect(out).not.toContain(word);
      expect(out).toContain('/results/not-recorded/0');
      expect(out).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
    }));
});

describe('an export', () => {
  test.each(['jsonl', 'ocsf', 'har'])('as %s over a damaged log is loud and fails', (format) =>
    withRoaming(async ({ exportAs, directory, logs }) => {
      await appendFile(join(directory, logs[1], '00000001.seg'), 'garbage');
      const { code, err } = await exportAs(format);
      expect(code).toBe(1);
      expect(err).toContain(`WARNING: log ${logs[1]} is damaged after 10 records`);
      expect(err).toContain('WARNING: this export is not whole');
    }),
  );

  test('stops before a changed record and says where', () =>
    withRoaming(async ({ exportAs, directory, logs }) => {
      const path = join(directory, logs[0], '00000001.seg');
      const bytes = await readFile(path);
      bytes.write('X', bytes.indexOf('DROP TABLE crm'));
      await writeFile(path, bytes);
      const { code, err, out } = await exportAs('jsonl', '--bodies', 'text');
      expect(code).toBe(1);
      expect(err).toContain('21 of 21 records exported');
      expect(out).not.toContain('XROP TABLE');
    }));

  test('goes to a file only its owner may read, which is there whole or not at all', () =>
    withRoaming(async ({ exportAs, directory, trust }) => {
      const folder = join(trust, '..');
      const file = join(folder, 'out.jsonl');
      const written = await exportAs('jsonl', '-o', file);
      expect(written).toMatchObject({ code: 0, out: '' });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await readFile(file, 'utf8')).toBe((await exportAs('jsonl')).out);
      expect(
        (await run(['sessions', 'export', join(directory, 'nothing'), '--format', 'jsonl', '-o', join(folder, 'none')]))
          .code,
      ).toBe(1);
      expect((await readdir(folder)).filter((name) => name.includes('none') || name.includes('partial'))).toEqual([]);
    }));

  test.each([
    [[], 'which directory?'],
    [['d', '--format', 'csv'], '--format is one of jsonl, ocsf, har'],
    [['d'], '--format is one of'],
    [['d', '--format', 'toString'], '--format is one of'],
    [['d', '--format', 'har', '--bodies', 'text'], '--bodies goes with --format jsonl'],
    [['d', '--format', 'jsonl', '--bodies', 'all'], '--bodies is one of none, text, base64'],
    [['d', '--format', 'ocsf', '--ocsf-version', '1.0.0'], '--ocsf-version is one of 1.8.0, 1.9.0-dev'],
    [['d', '--format', 'jsonl', '--since', 'noon'], '--since is no time'],
    [['d', '--format', 'jsonl', '--since', '2026', '--until', '2025'], '--since is not before --until'],
    [['a', 'b', 'c', '--format', 'jsonl'], 'one directory and at most one session'],
  ])('refuses %j', async (argv, message) => {
    expect(await run(['sessions', 'export', ...argv])).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining(message),
    });
  });
});
