import { describe, expect, test } from '@jest/globals';
import { FIRST_ULID, SECOND_ULID } from '../fixture/corpus.js';
import { type BuiltRecord, createLogBuilder, type LogBuilder, START_MS, trustIn } from '../fixture/log-builder.js';
import { verifyFiles } from '../fixture/verdicts.js';
import { hashStatement } from './statement-hashes.js';

const SESSION = 'session-1';
const LATER_MS = START_MS + 3_600_000;

const opened: BuiltRecord = { kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } };
const result: BuiltRecord = { kind: 'response', session: SESSION, fields: { qid: 'q', rows: 1, upq: 'u' } };
const strict: BuiltRecord = { ...result, fields: { ...result.fields, strict: true } };
const part: BuiltRecord = { kind: 'chunk', session: SESSION, fields: { qid: 'q', n: 0, rows: 1 } };
const refusal: BuiltRecord = { kind: 'response', session: SESSION, fields: { qid: 'q', rows: 0, code: '1' } };
const heartbeat: BuiltRecord = { kind: 'control', session: SESSION, fields: { op: 'heartbeat' } };
const demand = (mode: string, connection = 'c'): BuiltRecord => ({ kind: 'mode.change', fields: { connection, mode } });
const gap = (requests: number | undefined, from?: number): BuiltRecord => ({
  kind: 'gap',
  fields: { count: 1, ...(requests === undefined ? {} : { requests }), ...(from === undefined ? {} : { from }) },
});
const asked = (verdict: string, more: Partial<BuiltRecord> = {}): BuiltRecord => ({
  kind: 'request',
  session: SESSION,
  fields: { qid: 'q', dec: { v: verdict }, hash: 'h' },
  bodies: { sql: 'drop' },
  ...more,
});
const approved: readonly BuiltRecord[] = [
  {
    kind: 'approval.request',
    session: SESSION,
    fields: { qid: 'q', apr: 'a', hash: 'h', quorums: [{ rule: 'r', n: 1, grp: [], usr: ['ann'] }] },
  },
  { kind: 'approval.vote', fields: { apr: 'a', iss: 'i', sub: 'ann', choice: 'approve' } },
  { kind: 'decision', session: SESSION, fields: { qid: 'q', apr: 'a', v: 'approved', hash: 'h' } },
];

function built(ulid: string, mode: string | undefined, records: readonly BuiltRecord[]): LogBuilder {
  const log = createLogBuilder(ulid, { open: mode === undefined ? {} : { mode } });
  for (const record of records) log.add(record);
  log.close();
  return log;
}

/** `severity code` of each finding about statements. */
async function foundIn(...logs: readonly LogBuilder[]): Promise<readonly string[]> {
  const files = new Map(logs.flatMap((log) => [...log.files()]));
  const { findings } = await verifyFiles(files, trustIn(logs));
  return findings
    .filter(({ code }) => code === 'orphan-response' || code === 'ran-without-leave')
    .map(({ severity, code }) => `${severity} ${code}`);
}

describe('an answer whose request is not recorded', () => {
  test.each<readonly [string, string | undefined, readonly BuiltRecord[], string]>([
    ['in a log that lacks nothing', 'strict', [opened, result], 'tampered'],
    ['in one that never names its mode', undefined, [opened, result], 'tampered'],
    ['in one whose answers run ahead', 'request-strict', [opened, result], 'tampered'],
    ['of a refusal in a log that lacks nothing', 'strict', [opened, refusal], 'tampered'],
    ['where a request was lost', 'strict', [opened, gap(1, START_MS), result], 'cannot-conclude'],
    ['where that was written only afterwards', 'strict', [opened, result, gap(1, START_MS)], 'cannot-conclude'],
    ['where it is not said what was lost', 'strict', [opened, gap(undefined), result], 'cannot-conclude'],
    ['where only answers were lost', 'strict', [opened, gap(0, START_MS), result], 'tampered'],
    ['where a request was lost only later', 'strict', [opened, result, gap(1, LATER_MS)], 'tampered'],
    ['of a refusal where a request was lost', 'strict', [opened, gap(1, START_MS), refusal], 'note'],
    ['of a part where a request was lost', 'strict', [opened, gap(1, START_MS), part], 'cannot-conclude'],
    ['where nobody waited for records', 'observe', [opened, result], 'cannot-conclude'],
    ['of a refusal where nobody waited', 'observe', [opened, refusal], 'note'],
    ['of a statement that was waited for', 'observe', [opened, gap(1, START_MS), strict], 'tampered'],
    [
      'of one that only says it was not',
      'observe',
      [opened, { ...result, fields: { ...result.fields, strict: false } }],
      'cannot-conclude',
    ],
    ['where the connection was waited for', 'observe', [demand('strict'), opened, result], 'tampered'],
    ['where another one was waited for', 'observe', [demand('strict', 'd'), opened, result], 'cannot-conclude'],
    ['where its own was waited for later', 'observe', [opened, heartbeat, demand('strict'), result], 'cannot-conclude'],
    [
      'where it was not waited for later',
      'observe',
      [demand('strict'), opened, demand('observe'), result],
      'cannot-conclude',
    ],
    [
      'where it was not waited for after the answer',
      'observe',
      [demand('strict'), opened, result, demand('observe')],
      'tampered',
    ],
  ])('%s', async (_, mode, records, severity) => {
    expect(await foundIn(built(FIRST_ULID, mode, records))).toEqual([`${severity} orphan-response`]);
  });

  test.each<readonly [string, string, readonly BuiltRecord[], string]>([
    ['lost a request', 'strict', [opened, gap(1, LATER_MS)], 'cannot-conclude'],
    ['was not waited for', 'observe', [opened], 'cannot-conclude'],
    ['lost nothing', 'strict', [opened], 'tampered'],
    [
      'was not waited for, when the session was elsewhere',
      'observe',
      [demand('strict'), opened, heartbeat, demand('observe')],
      'tampered',
    ],
  ])('in a session that was also in a log that %s', async (_, mode, records, severity) => {
    const logs = [built(FIRST_ULID, mode, records), built(SECOND_ULID, 'strict', [heartbeat, result])];
    expect(await foundIn(...logs)).toEqual([`${severity} orphan-response`]);
  });

  test('beside a log that lost a request and never saw the session', async () => {
    const logs = [built(FIRST_ULID, 'observe', [gap(1, START_MS)]), built(SECOND_ULID, 'strict', [opened, result])];
    expect(await foundIn(...logs)).toEqual(['tampered orphan-response']);
  });
});

describe('a statement that ran, of which the record that let it run is missing', () => {
  const lost = gap(1, START_MS);
  test.each<readonly [string, readonly BuiltRecord[], string]>([
    ['though it was approved', [asked('hold'), ...approved, result], 'tampered'],
    ['in a log that lost one, though it was approved', [lost, asked('hold'), ...approved, result], 'cannot-conclude'],
    ['in a log that lost one, and was never approved', [lost, asked('hold'), result], 'tampered'],
    ['in a log that lost one, and was refused', [lost, asked('block'), result], 'tampered'],
    ['in a log that lost one, and was allowed without a permit', [lost, asked('allow'), result], 'tampered'],
  ])('%s', async (_, records, severity) => {
    expect(await foundIn(built(FIRST_ULID, 'strict', [opened, ...records]))).toEqual([`${severity} ran-without-leave`]);
  });

  test('is nothing to wonder about where it stands', async () => {
    const request = asked('allow', { statementHash: hashStatement(Buffer.from('drop'), undefined) });
    expect(await foundIn(built(FIRST_ULID, 'strict', [opened, request, lost, result]))).toEqual([]);
  });
});
