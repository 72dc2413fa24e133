import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { run as runCommand } from './run-fixture.js';

const run = (...argv: readonly string[]) => runCommand(argv);

let directory: string;
let server: Server;
let gateway: string;
let asked: { authorization: string | undefined; body: string }[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'piste-reconcile-'));
  await writeFile(join(directory, 'token'), 'the-token\n');
  await writeFile(join(directory, 'history.json'), '[]');
  await writeFile(join(directory, 'broken.json'), '[{"QUERY_ID":');
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      asked.push({ authorization: request.headers.authorization, body: Buffer.concat(parts).toString() });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const report = (outcome: string) => ({
  report: {
    outcome,
    rows: { matched: 3, unrecorded: outcome === 'alarm' ? 1 : 0 },
    statements: { 'in-history': 3 },
    findings:
      outcome === 'alarm'
        ? [
            {
              weight: 'alarm',
              kind: 'unrecorded',
              message: 'no \u001b[31mrecord',
              queryId: 'q-1',
              user: 'SVC',
              session: '7',
              recordedIn: 's-1',
            },
          ]
        : [],
    counts: { alarm: outcome === 'alarm' ? 1 : 0, unproven: 0, note: 0 },
    nowMs: Date.UTC(2026, 10, 23, 6),
    viewLagMs: 60_000,
  },
  serviceUser: { name: 'SVC', verdict: 'guarded', reasons: [] },
});

const toPath = (arg: string): string =>
  arg === 'DIR' ? directory : arg === 'FILE' ? join(directory, 'history.json') : arg;

describe('piste audit reconcile', () => {
  test.each<readonly [string, readonly string[], RegExp]>([
    ['neither history nor gateway', ['DIR'], /--history or a gateway/],
    ['both', ['DIR', '--history', 'x.json', '--gateway', 'http://x'], /--history or a gateway/],
    ['no directory', ['--history', 'x.json'], /which directory/],
    ['a gateway without a connection', ['--gateway', 'http://x', '--token-file', 'x'], /which connection/],
    ['a gateway without a token', ['--gateway', 'http://x', '--connection', 'crm'], /--token-file/],
    ['a gateway and a directory', ['DIR', '--gateway', 'http://x', '--connection', 'crm'], /no directory/],
    [
      'a token for everybody on the way',
      ['--gateway', 'http://piste.example', '--connection', 'crm', '--token-file', 'FILE'],
      /https only/,
    ],
    ['what is no URL', ['--gateway', 'x', '--connection', 'crm', '--token-file', 'x'], /URL of its console/],
    ['a lag that is none', ['DIR', '--history', 'FILE', '--lag', 'long'], /--lag/],
    ['a file of another kind', ['DIR', '--history', 'DIR'], /\.json, \.jsonl or \.csv/],
  ])('asks for sense with %s', async (_, args, message) => {
    const { code, err } = await run('audit', 'reconcile', ...args.map((arg) => toPath(arg)));
    expect(err).toMatch(message);
    expect(code).toBe(3);
  });

  test('says where a history file is broken', async () => {
    const { code, err } = await run('audit', 'reconcile', directory, '--history', join(directory, 'broken.json'));
    expect([code, err]).toEqual([3, expect.stringMatching(/not complete/)]);
  });

  test.each<readonly [string, readonly string[]]>([
    ['a history that is not there', ['DIR', '--history', 'gone.json']],
    ['a gateway out of reach', ['--gateway', 'http://127.0.0.1:1', '--connection', 'crm', '--token-file', 'FILE']],
  ])('concludes nothing from %s', async (_, args) => {
    const { code, out, err } = await run('audit', 'reconcile', ...args.map((arg) => toPath(arg)));
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(/nothing was compared/)]);
  });

  test('concludes nothing from nothing', async () => {
    const { code, out } = await run('audit', 'reconcile', directory, '--history', join(directory, 'history.json'));
    expect([code, out]).toEqual([2, expect.stringMatching(/CANNOT CONCLUDE[\s\S]*there is no log here/)]);
  });

  test.each<readonly [string, number]>([
    ['complete', 0],
    ['alarm', 1],
    ['cannot-conclude', 2],
  ])('a gateway that says %s ends with %i', async (outcome, code) => {
    asked = [];
    answer = { status: 200, body: report(outcome) };
    const args = ['--gateway', gateway, '--connection', 'crm', '--token-file', join(directory, 'token')];
    const ended = await run('audit', 'reconcile', ...args, '--since', '2026-11-23');
    expect(ended.code).toBe(code);
    expect(ended.out).toMatch(/matched +3/);
    expect(ended.out).toContain('history as of 2026-11-23 06:00:00.000Z, of which the last 1 minute may be missing');
    if (outcome === 'alarm')
      expect(ended.out).toMatch(/query q-1: no .*record \[unrecorded; user SVC; session 7; recorded in s-1\]/);
    expect(ended.out).not.toContain('\u001b[31m');
    expect(asked).toEqual([
      { authorization: 'Bearer the-token', body: '{"connection":"crm","since":"2026-11-23T00:00:00.000Z"}' },
    ]);
  });

  test.each<readonly [string, number, unknown, RegExp]>([
    ['refuses', 403, { detail: 'not an auditor' }, /403.*not an auditor/],
    ['says something else', 200, { ok: true }, /200/],
    ['invents an outcome', 200, { report: { outcome: 'fine' }, serviceUser: {} }, /200/],
  ])('a gateway that %s proves nothing', async (_, status, body, message) => {
    answer = { status, body };
    const args = ['--gateway', gateway, '--connection', 'crm', '--token-file', join(directory, 'token')];
    const { code, err } = await run('audit', 'reconcile', ...args);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(err).not.toContain('the-token');
  });
});
