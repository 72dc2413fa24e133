import { createHash } from 'node:crypto';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bindingHash } from '../policy/binding.js';
import { type Entry, type EntryValue, type Recording, updateTrustFile } from '../recording/index.js';
import {
  createFakeClock,
  createFakeRandom,
  type FakeClock,
  openTestRecording,
  permitOf,
} from '../recording/recording-fixture.js';

// A recording of two gateways that ran side by side, for tests of commands that read sessions across logs.

export const ROAMING_SESSION = 'roam-7f3a';
export const OTHER_SESSION = 'other-11';
export const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u202Egnp';

interface Writer {
  readonly recording: Recording;
  readonly clock: FakeClock;
}

export interface Roaming {
  /** The merged recording directory. */
  readonly directory: string;
  /** Keys and checkpoints of both logs. */
  readonly trust: string;
  /** ULIDs: the older and the younger gateway. */
  readonly logs: readonly [string, string];
}

/**
 * Records, below `parent`: an agent's session that is opened at the younger gateway, goes on at the older one, and ends at the
 * younger; and a person's session at the older one. A statement masked at the source with a result in chunks, one that fails in
 * Snowflake, one held at one gateway and released at the other, one without an answer, polls, a refused request and log-in.
 */
export async function recordRoaming(parent: string): Promise<Roaming> {
  const [older, younger] = [await openWriter(parent, 'older', 0), await openWriter(parent, 'younger', 60_000)];
  const advance = (milliseconds: number): void => {
    older.clock.advance(milliseconds);
    younger.clock.advance(milliseconds);
  };
  older.clock.advance(60_000);
  await recordPerson(older);
  advance(1000);
  await younger.recording.append(sessionEntry('session.open', ROAMING_SESSION, AGENT));
  advance(500);
  await recordMaskedSelect(older, advance);
  advance(90_000);
  await recordHeldDelete(older, younger, advance);
  await recordEnding(older, younger, advance);
  const trust = join(parent, 'trust.json');
  const directory = join(parent, 'recording');
  await mkdir(directory);
  for (const [name, { recording }] of [
    ['older', older],
    ['younger', younger],
  ] as const) {
    await recording.close();
    await updateTrustFile(trust, await recording.checkpoint());
    await cp(join(parent, name), directory, { recursive: true });
  }
  return { directory, trust, logs: [ulidOf(older), ulidOf(younger)] };
}

async function openWriter(parent: string, name: string, startMs: number): Promise<Writer> {
  const clock = createFakeClock();
  clock.advance(startMs);
  const random = createFakeRandom();
  // Two writers never have the same key or name.
  for (const _ of name) random(1);
  return { clock, recording: await openTestRecording(join(parent, name), { clock, random }) };
}

function ulidOf({ recording }: Writer): string {
  return recording.writer.split('/').at(-1) ?? '';
}

type Fields = Readonly<Record<string, EntryValue>>;

function sessionEntry(
  kind: Entry['kind'],
  sessionId: string | undefined,
  fields: Fields,
  bodies: Readonly<Record<string, string>> = {},
): Entry {
  const list = Object.entries(bodies).map(([name, text]) => ({ name, bytes: Buffer.from(text, 'utf8') }));
  return { kind, sessionId, fields, bodies: list };
}

const AGENT: Fields = {
  who: {
    iss: 'https://idp.test',
    sub: 'devin_id:42',
    name: 'Devin',
    grp: ['agents', 'analysts'],
    agent: 'devin',
    inst: 'run-42',
    del: 'kim@corp.test',
    task: 'TICKET-7',
    tok: 'cd'.repeat(32),
  },
  connection: 'analytics',
  account: 'xy12345',
  client: { app: 'PythonConnector', version: '3.12.0' },
  ctx: { role: 'ANALYST', wh: 'WH', db: 'CRM', sch: 'PUBLIC' },
  up: { sess: '123' },
};

const PERSON: Fields = {
  ...AGENT,
  who: {
    iss: 'https://idp.test',
    sub: 'kim@corp.test',
    name: 'Kim',
    grp: ['people'],
    agent: null,
    inst: null,
    del: null,
    task: null,
    tok: 'ef'.repeat(32),
  },
  client: { app: 'Go', version: '1.12.0' },
};

const CONTEXT = { role: 'ANALYST', wh: 'WH', db: 'CRM', sch: 'PUBLIC' };

interface Aim {
  readonly objects: readonly string[];
  /** Binds the text to where it runs; null where it may not. */
  readonly hash: string | null;
}

function requestFields(qid: string, cls: string, dec: Fields, { objects, hash }: Aim): Fields {
  const whole = { pol: 'rev-9', rules: [], reasons: [], apr: null, cat: null, src: [], dry: null, ...dec };
  return { op: 'query', qid, rid: `rid-${qid}`, cls, dec: whole, ctx: CONTEXT, hash, objects };
}

const FREE: Fields = { v: 'allow', reasons: ['allowed-by-default'] };
const CUSTOMERS = ['CRM.PUBLIC.CUSTOMERS'];
const ORDERS = ['CRM.PUBLIC.ORDERS'];
const BINDS = '{"1":{"type":"FIXED","value":"7"}}';
const PARAMETERS = '{"session":{"WEEK_START":"1"},"statement":{"TIMEZONE":"UTC"}}';

function hashOf(sql: string, binds?: string, parameters?: string): string {
  const place = {
    connection: 'analytics',
    account: 'xy12345',
    role: 'ANALYST',
    warehouse: 'WH',
    database: 'CRM',
    schema: 'PUBLIC',
  };
  return bindingHash({ ...place, canonicalText: sql, binds, parameters });
}

async function recordPerson({ recording }: Writer): Promise<void> {
  await recording.append(
    sessionEntry('session.refused', undefined, {
      reason: 'bad-token',
      code: 'PISTE-1002',
      connection: 'analytics',
      issuer: 'https://idp.test',
      client: { app: 'Go', version: '1.12.0' },
    }),
  );
  await recording.append(sessionEntry('session.open', OTHER_SESSION, PERSON));
  const text = 'SHOW TABLES';
  const fields = requestFields('p1', 'SHOW', FREE, { objects: [], hash: hashOf(text) });
  await recording.recordRequest(
    permitOf(text),
    sessionEntry('request', OTHER_SESSION, fields, { submitted: text, sql: text }),
  );
  await recording.append(
    sessionEntry(
      'response',
      OTHER_SESSION,
      { qid: 'p1', code: '002003', outcome: 'failed', why: '002003', rows: 0, cols: 0 },
      {
        head: JSON.stringify({
          data: null,
          code: '002003',
          message: `SQL compilation error: ${HOSTILE}`,
          success: false,
        }),
      },
    ),
  );
}

async function recordMaskedSelect({ recording }: Writer, advance: (ms: number) => void): Promise<void> {
  const submitted = 'select id, email from crm.public.customers -- for TICKET-7';
  const sql = 'SELECT id, email FROM (SELECT id, SHA2(email) AS email FROM crm.public.customers)';
  const src = [{ o: 'CRM.PUBLIC.CUSTOMERS', c: 'EMAIL', m: 'Hash', p: 'pii', r: 'emails' }];
  const fields = requestFields(
    's1',
    'SELECT',
    { v: 'allow', reasons: ['masked'], src },
    { objects: CUSTOMERS, hash: hashOf(sql, BINDS, PARAMETERS) },
  );
  await recording.recordRequest(
    permitOf(sql, 'allow', BINDS),
    sessionEntry('request', ROAMING_SESSION, fields, { submitted, sql, binds: BINDS, parameters: PARAMETERS }),
  );
  advance(1200);
  await recording.append(sessionEntry('control', ROAMING_SESSION, { op: 'poll', outcome: 'in-progress', qid: 's1' }));
  advance(800);
  const head = {
    rowtype: [{ name: 'ID' }, { name: 'EMAIL' }],
    chunks: [{ url: `https://gateway.test/results/${createHash('sha256').update('opens it').digest('base64url')}/0` }],
    queryId: 's1',
  };
  const answer = {
    qid: 's1',
    code: null,
    rows: 1,
    fmt: 'json',
    cols: 2,
    parts: 1,
    masked: [{ i: 1, m: 'Hash', p: 'pii', r: 'emails' }],
    found: [],
    upq: '01b2-upstream',
  };
  const rows = '[["1","9f86d081"]]';
  await recording.recordAnswer(
    sessionEntry('response', ROAMING_SESSION, answer, { head: JSON.stringify(head), rows }),
    deliveredBytes({ ...head, chunks: [{ url: 'https://gateway.test/results/the-path-that-opens-it/0' }] }, rows),
  );
  advance(100);
  await recording.append(
    sessionEntry(
      'chunk',
      ROAMING_SESSION,
      { qid: 's1', n: 0, rows: 2, fmt: 'json', found: [{ i: 1, c: 'EmailAddress', n: 1, of: 2 }] },
      { rows: '["2","60303ae2"],["3",null]' },
    ),
  );
}

/** What a driver gets for a successful statement. */
function deliveredBytes(head: unknown, rows: string): Buffer {
  return Buffer.from(
    `{"data":${JSON.stringify(head).slice(0, -1)},"rowset":${rows}},"code":null,"message":null,"success":true}`,
  );
}

async function recordHeldDelete(older: Writer, younger: Writer, advance: (ms: number) => void): Promise<void> {
  const sql = 'DELETE FROM crm.public.orders WHERE id = 7';
  const hold = { v: 'hold', rules: ['hold-deletes'], reasons: ['held-by-rule'] };
  await older.recording.append(
    sessionEntry(
      'request',
      ROAMING_SESSION,
      requestFields('s2', 'DELETE', hold, { objects: ORDERS, hash: hashOf(sql) }),
      {
        submitted: sql,
        sql,
      },
    ),
  );
  await older.recording.append(
    sessionEntry('approval.request', ROAMING_SESSION, {
      qid: 's2',
      apr: 'apr-9',
      hash: hashOf(sql),
      rules: ['hold-deletes'],
      quorums: [{ rule: 'hold-deletes', n: 1, grp: ['owners'], usr: [] }],
      expires: older.clock.nowMs() + 900_000,
      cls: 'DELETE',
    }),
  );
  advance(30_000);
  const vote = {
    apr: 'apr-9',
    qid: 's2',
    iss: 'https://idp.test',
    sub: 'ann@corp.test',
    name: 'Ann',
    grp: ['owners'],
    choice: 'approve',
    reason: 'TICKET-7',
    channel: 'page',
  };
  await younger.recording.append(sessionEntry('approval.vote', ROAMING_SESSION, vote));
  await younger.recording.append(
    sessionEntry('decision', ROAMING_SESSION, {
      qid: 's2',
      apr: 'apr-9',
      v: 'approved',
      hash: hashOf(sql),
      votes: [{ iss: vote.iss, sub: vote.sub, choice: 'approve' }],
    }),
  );
  const released = { v: 'allow', rules: ['hold-deletes'], reasons: ['held-by-rule'], apr: 'apr-9' };
  await younger.recording.recordRequest(
    permitOf(sql, 'approved'),
    sessionEntry(
      'request',
      ROAMING_SESSION,
      requestFields('s2', 'DELETE', released, { objects: ORDERS, hash: hashOf(sql) }),
      {
        submitted: sql,
        sql,
      },
    ),
  );
  advance(300);
  const answer = {
    qid: 's2',
    code: null,
    rows: 1,
    fmt: 'json',
    cols: 1,
    parts: 0,
    masked: [],
    found: [],
    upq: '01b3-upstream',
  };
  const head = { rowtype: [{ name: 'number of rows deleted' }] };
  await younger.recording.recordAnswer(
    sessionEntry('response', ROAMING_SESSION, answer, { head: JSON.stringify(head), rows: '[["1"]]' }),
    deliveredBytes(head, '[["1"]]'),
  );
}

async function recordEnding(older: Writer, younger: Writer, advance: (ms: number) => void): Promise<void> {
  const drop = `DROP TABLE crm.public.customers /* ${HOSTILE} */`;
  const block = { v: 'block', rules: ['no-drops'], reasons: ['blocked-by-rule'] };
  await older.recording.append(
    sessionEntry(
      'request',
      ROAMING_SESSION,
      requestFields('s3', 'DROP_TABLE', block, { objects: CUSTOMERS, hash: null }),
      {
        submitted: drop,
      },
    ),
  );
  const message = '[PISTE-1201] Blocked by rule "no-drops". Nothing was executed. Retry: no.';
  await older.recording.append(
    sessionEntry(
      'response',
      ROAMING_SESSION,
      { qid: 's3', code: '861201', outcome: 'blocked', why: 'no-drops', rows: 0, cols: 0 },
      { head: JSON.stringify({ data: null, code: '861201', message, success: false }) },
    ),
  );
  advance(200);
  await older.recording.append(sessionEntry('request.refused', ROAMING_SESSION, { op: 'query', code: 'PISTE-1105' }));
  await older.recording.append(
    sessionEntry('response.withheld', ROAMING_SESSION, {
      qid: 's1',
      n: 1,
      code: '861402',
      outcome: 'withheld',
      why: 'part',
      rows: 0,
      cols: 0,
    }),
  );
  const late = 'SELECT count(*) FROM crm.public.orders';
  await younger.recording.recordRequest(
    permitOf(late),
    sessionEntry(
      'request',
      ROAMING_SESSION,
      requestFields('s4', 'SELECT', FREE, { objects: ORDERS, hash: hashOf(late) }),
      { submitted: late, sql: late },
    ),
  );
  advance(400);
  await younger.recording.append(sessionEntry('control', ROAMING_SESSION, { op: 'heartbeat', outcome: 'ok' }));
  await younger.recording.append(sessionEntry('session.close', ROAMING_SESSION, { why: 'logout' }));
}
