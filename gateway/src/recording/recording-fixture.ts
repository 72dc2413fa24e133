import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry, EntryBody, EntryKind, EntryValue, Trust } from '@piste/verifier';
import { bindingHash } from '../policy/binding.js';
import { hashStatement, issuePermit, type Permit } from '../policy/permit.js';
import type { Log } from '../telemetry/log.js';
import type { RecordingClock } from './leaf-clock.js';
import { openRecording, type Recording, type RecordingDeps } from './recording.js';

// Equipment for the tests of this room and of the commands that read its logs.

export const SILENT_LOG: Log = Object.freeze({ info: () => undefined, warn: () => undefined, error: () => undefined });

/** A clock that stands still until it is moved; 2026-11-23 06:00 UTC at first. */
export interface FakeClock extends RecordingClock {
  advance(milliseconds: number): void;
  jump(milliseconds: number): void;
}

export function createFakeClock(): FakeClock {
  let wallMs = Date.UTC(2026, 10, 23, 6);
  let monotonicMs = 5_000;
  return {
    nowMs: () => wallMs,
    monotonicNs: () => BigInt(monotonicMs) * 1_000_000n,
    advance(milliseconds) {
      wallMs += milliseconds;
      monotonicMs += milliseconds;
    },
    jump(milliseconds) {
      wallMs += milliseconds;
    },
  };
}

/** Random bytes that are the same in every run. */
export function createFakeRandom(): (byteCount: number) => Uint8Array {
  let round = 0;
  return (byteCount) => {
    round += 1;
    return createHash('sha256').update(`round ${round}`).digest().subarray(0, byteCount);
  };
}

/** Runs `use` with a fresh directory and removes it afterwards. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-recording-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A recording for a whole suite, in a directory of its own; `close` ends it and removes the directory. */
export async function openSuiteRecording(): Promise<{
  readonly recording: Recording;
  readonly close: () => Promise<void>;
}> {
  const opened = Promise.withResolvers<Recording>();
  const finished = Promise.withResolvers<void>();
  const closed = withDirectory(async (directory) => {
    const recording = await openTestRecording(directory);
    opened.resolve(recording);
    await finished.promise;
    await recording.close();
  });
  closed.catch(opened.reject);
  const close = (): Promise<void> => {
    finished.resolve();
    return closed;
  };
  return { recording: await opened.promise, close };
}

export function openTestRecording(directory: string, deps: Partial<RecordingDeps> = {}): Promise<Recording> {
  return openRecording({
    directory,
    deployment: 'test',
    clock: createFakeClock(),
    random: createFakeRandom(),
    log: SILENT_LOG,
    ...deps,
  });
}

export async function trustIn(recording: Recording): Promise<Trust> {
  const { origin, size, root, vkey, note } = await recording.checkpoint();
  return { writers: [vkey], checkpoints: [{ origin, size, root, note }] };
}

export function keyOnly(trust: Trust): Trust {
  return { writers: trust.writers, checkpoints: [] };
}

export function entry(
  kind: EntryKind,
  fields: Readonly<Record<string, EntryValue>> = {},
  bodies: Readonly<Record<string, string>> = {},
): Entry {
  return {
    kind,
    sessionId: 'session-1',
    fields,
    bodies: Object.entries(bodies).map(([name, text]) => body(name, text)),
  };
}

function body(name: string, text: string): EntryBody {
  return { name, bytes: Buffer.from(text, 'utf8') };
}

export function permitOf(sql: string, verdict: Permit['verdict'] = 'allow', binds?: string, isStrict = false): Permit {
  return issuePermit({ statementHash: hashStatement(sql, binds), connection: 'analytics', verdict, isStrict });
}

const ROWTYPE = [{ name: 'ID' }, { name: 'EMAIL' }];
const DELETED = JSON.stringify({ rowtype: [{ name: 'number of rows deleted' }] });
const HEAD = JSON.stringify({ rowtype: ROWTYPE });

/** A session as the pipeline records one: an allowed, a held and approved, and a blocked statement. */
export async function recordStory(recording: Recording, clock: FakeClock, email = '***'): Promise<void> {
  const select = 'select id, email\nfrom customers';
  const remove = 'delete from customers where id = 7';
  const vote = {
    apr: 'apr-1',
    iss: 'https://idp.test',
    sub: 'ann',
    name: 'Ann',
    grp: ['owners'],
    choice: 'approve',
    reason: 'ticket 42',
    channel: 'page',
  };
  await recording.append(entry('session.open', OPENING));
  clock.advance(120);
  await recording.recordRequest(
    permitOf(select),
    entry('request', request('q1', 'allow', select), { sql: select, submitted: `${select};` }),
  );
  clock.advance(310);
  const answer = {
    qid: 'q1',
    code: null,
    rows: 2,
    cols: 2,
    masked: [{ i: 1, m: 'Redact', p: 'pii', r: 'emails' }],
    upq: '01up',
  };
  const rows = JSON.stringify([
    ['1', email],
    ['2', null],
  ]);
  await recording.append(entry('response', answer, { head: HEAD, rows }));
  clock.advance(1000);
  await recording.append(entry('request', request('q2', 'hold', remove), { sql: remove, submitted: remove }));
  await recording.append(
    entry('approval.request', {
      qid: 'q2',
      apr: 'apr-1',
      hash: hashOf(remove),
      rules: ['hold-deletes'],
      quorums: [{ rule: 'hold-deletes', n: 1, grp: ['owners'], usr: [] }],
      expires: clock.nowMs() + 900_000,
    }),
  );
  clock.advance(8000);
  await recording.append(entry('approval.vote', vote));
  const counted = [{ iss: vote.iss, sub: vote.sub, choice: 'approve' }];
  await recording.append(
    entry('decision', { qid: 'q2', apr: 'apr-1', v: 'approved', hash: hashOf(remove), votes: counted }),
  );
  const released = {
    ...request('q2', 'allow', remove),
    dec: { v: 'allow', rules: ['hold-deletes'], reasons: ['held-by-rule'], pol: 'rev-1', apr: 'apr-1' },
  };
  await recording.recordRequest(
    permitOf(remove, 'approved'),
    entry('request', released, { sql: remove, submitted: remove }),
  );
  clock.advance(200);
  await recording.append(
    entry(
      'response',
      { qid: 'q2', code: null, rows: 1, cols: 1, masked: [], upq: '02up' },
      { head: DELETED, rows: '[["1"]]' },
    ),
  );
  clock.advance(500);
  await recording.append(
    entry('request', request('q3', 'block', 'drop table customers'), {
      sql: 'drop table customers',
      submitted: 'drop table customers',
    }),
  );
  const denial =
    '[PISTE-1201] Blocked by rule "no-drops": DROP is not allowed for agents. Nothing was executed. Retry: no.';
  await recording.append(
    entry(
      'response',
      { qid: 'q3', code: '861201', rows: 0, cols: 0, masked: [] },
      { head: JSON.stringify({ message: denial, success: false }) },
    ),
  );
  clock.advance(50);
  await recording.append(entry('session.close', { why: 'logout' }));
}

const OPENING: Readonly<Record<string, EntryValue>> = {
  who: { iss: 'https://idp.test', sub: 'devin@ci', name: 'Devin', grp: ['agents'], tok: 'ab'.repeat(32) },
  connection: 'analytics',
  account: 'xy12345',
  client: { app: 'PythonConnector', version: '3.12.0' },
  ctx: { role: 'ANALYST', wh: 'WH', db: 'DB', sch: 'PUBLIC' },
  up: { sess: '123' },
};

function hashOf(sql: string): string {
  const place = {
    connection: 'analytics',
    account: 'xy12345',
    role: 'ANALYST',
    warehouse: 'WH',
    database: 'DB',
    schema: 'PUBLIC',
  };
  return bindingHash({ ...place, canonicalText: sql, binds: undefined, parameters: undefined });
}

function request(qid: string, verdict: 'allow' | 'hold' | 'block', sql: string): Readonly<Record<string, EntryValue>> {
  const rules = { allow: [], hold: ['hold-deletes'], block: ['no-drops'] }[verdict];
  const reason = { kind: `${verdict}-by-rule`, rule: rules[0] ?? null, message: `The ${verdict} reason.` };
  return {
    op: 'query',
    qid,
    rid: `rid-${qid}`,
    cls: 'SELECT',
    dec: { v: verdict, rules, reasons: [reason], pol: 'rev-1' },
    ctx: { role: 'ANALYST', wh: 'WH', db: 'DB', sch: 'PUBLIC' },
    hash: verdict === 'block' ? null : hashOf(sql),
    objects: ['DB.PUBLIC.CUSTOMERS'],
  };
}
