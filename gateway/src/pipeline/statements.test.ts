import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Approvals, createApprovals } from '../approval/index.js';
import type { Limits } from '../config/index.js';
import { deny, GatewayError } from '../errors.js';
import { isSamePrincipal, type Principal } from '../identity/index.js';
import type { ConnectionPolicy } from '../policy/index.js';
import { createEarlierResults } from '../policy/index.js';
import type { JsonObject, StatementRequest, UpstreamAnswer } from '../protocol/index.js';
import { type Answer, type Entry, type Recording, RecordingUnavailable } from '../recording/index.js';
import { openSuiteRecording, SILENT_LOG } from '../recording/recording-fixture.js';
import type { Connection } from '../resources/index.js';
import { createSessions, type Session, type Sessions } from '../session/index.js';
import { createMemoryStore, createSealer, type Store, StoreUnavailable } from '../store/index.js';
import type { OutgoingStatement, Snowflake } from '../upstream/index.js';
import { leaseKey } from './keys.js';
import { createSessionGates } from './session-gates.js';
import { createStatements, type Statements } from './statements.js';

type Forwarded = Exclude<UpstreamAnswer, { kind: 'in-progress' }>;

const RESULT: Forwarded = {
  kind: 'result',
  result: {
    queryId: 'upstream',
    rowtype: [
      { name: 'number of rows inserted', type: 'fixed', raw: { name: 'number of rows inserted', type: 'fixed' } },
    ],
    inline: { format: 'json', bytes: Buffer.from('["1"]') },
    chunks: [],
    chunkHeaders: {},
    parameters: [],
    context: { database: 'CRM', schema: 'PUBLIC', warehouse: 'WH', role: 'ANALYST' },
    copied: {},
  },
};
const SELECTED: Forwarded = {
  ...RESULT,
  result: { ...RESULT.result, rowtype: [{ name: 'V', type: 'fixed', raw: { name: 'V', type: 'fixed' } }] },
};

const AGENT: Principal = {
  issuer: 'https://issuer',
  subject: 'agent',
  name: 'agent',
  groups: ['agents'],
  agent: undefined,
  instance: undefined,
  delegator: undefined,
  task: undefined,
  tokenDigest: '0',
};
const OWNER: Principal = { ...AGENT, subject: 'owner', name: 'owner', groups: ['owners'] };
const LIMITS: Limits = {
  maxBodyBytes: 1_000_000,
  maxPartsBytes: 0,
  maxChunkBytes: 1_000_000,
  maxStatementsPerSession: 3,
  holdSeconds: 1,
  abandonedAfterSeconds: 60,
  sessionTokenSeconds: 3600,
  masterTokenSeconds: 3600,
  resultSeconds: 3600,
  catalogSeconds: 60,
};

const ruleOf = (statementType: 'Insert' | 'Delete', name: string, groups: readonly string[]) => ({
  name,
  action: 'Hold' as const,
  match: { statementTypes: [statementType], objectTypes: undefined, objects: undefined },
  approval: { groups, users: [], minApprovals: 1, timeoutSeconds: 600 },
  message: undefined,
  alternative: undefined,
});

let recording: Recording;
let entries: Entry[];
/** What the record let go. */
let released: Entry[];
/** What waited for its record, whatever the mode. */
let strict: Entry[];
let closeRecording: () => Promise<void>;
let store: Store;
let sessions: Sessions;
let session: Session;
let approvals: Approvals;
let policy: ConnectionPolicy;
/** What forwarding does, by text. */
let forwarding: (statement: OutgoingStatement, signal: AbortSignal) => Promise<Forwarded>;
let forwarded: string[];
/** Set to make the record or the store fail. */
let breakRecord: (entry: Entry) => boolean;
let breakStore: (key: string) => boolean;
let breakCatalogue: (() => Error) | undefined;
/** The connection is among the resources. */
let isConnected: boolean;

beforeAll(async () => {
  ({ recording, close: closeRecording } = await openSuiteRecording());
});
afterAll(() => closeRecording());

beforeEach(async () => {
  entries = [];
  released = [];
  strict = [];
  forwarded = [];
  breakRecord = () => false;
  breakStore = () => false;
  breakCatalogue = undefined;
  isConnected = true;
  forwarding = async ({ binding }) => (binding.canonicalText.startsWith('SELECT') ? SELECTED : RESULT);
  const memory = createMemoryStore({ clock: Date.now });
  store = {
    ...memory,
    replace: async (key, ...rest) => {
      if (breakStore(key)) throw new StoreUnavailable('test');
      return memory.replace(key, ...rest);
    },
  };
  const sealer = createSealer(new Uint8Array(32));
  sessions = createSessions({
    store,
    sealer,
    clock: { nowMs: Date.now },
    sessionTokenSeconds: 3600,
    masterTokenSeconds: 3600,
  });
  session = await openSession(AGENT);
  approvals = createApprovals({
    store,
    clock: Date.now,
    random: randomBytes,
    log: SILENT_LOG,
    record: (entry) => recording.append(entry),
    sealer,
  });
  policy = {
    connection: 'crm',
    revision: 'r1',
    allowedRoles: ['ANALYST'],
    unmatchedObjects: 'Allow',
    rules: [ruleOf('Delete', 'deletes', ['owners'])],
    maskingPolicies: [],
    rejected: [],
  };
});

async function openSession(principal: Principal): Promise<Session> {
  const opened = await sessions.open({
    principal,
    connection: 'crm',
    account: 'ACME',
    clientApp: 'JavaScript',
    clientVersion: '3',
    context: { database: 'CRM', schema: 'PUBLIC', warehouse: 'WH', role: 'ANALYST' },
    parameters: '{}',
    claimedPurpose: undefined,
    upstream: { token: 't', masterToken: 'm', sessionId: '1', service: undefined },
    idleTimeoutSeconds: 3600,
    maxLifetimeSeconds: 36_000,
  });
  return opened.session;
}

const nothing = (): void => undefined;

/** A gateway as far as statements go; several of them share the store. */
function gateway(limits: Partial<Limits> = {}): Statements {
  const snowflake: Snowflake = {
    login: async () => ({ ok: false, code: 'none' }),
    heartbeat: async () => true,
    logout: async () => undefined,
    forward: async (_receipt, _endpoint, _box, statement, signal) => {
      forwarded.push(statement.binding.canonicalText);
      return forwarding(statement, signal);
    },
  };
  const recorder: Recording = {
    ...recording,
    failed: false,
    async append(entry) {
      if (breakRecord(entry)) throw new RecordingUnavailable('test');
      entries.push(entry);
      return recording.append(entry);
    },
    async recordRequest(permit, entry) {
      if (breakRecord(entry)) throw new RecordingUnavailable('test');
      released.push(entry);
      if (permit.isStrict === true) strict.push(entry);
      return recording.recordRequest(permit, entry);
    },
    async recordAnswer(entry, ...rest) {
      if (breakRecord(entry)) throw new RecordingUnavailable('test');
      entries.push(entry);
      if (rest[1]?.isStrict === true) strict.push(entry);
      return recording.recordAnswer(entry, ...rest);
    },
    async note(entry, connection, isStrict) {
      if (breakRecord(entry)) throw new RecordingUnavailable('test');
      entries.push(entry);
      if (isStrict === true) strict.push(entry);
      return recording.note(entry, connection, isStrict);
    },
  };
  return createStatements({
    stageTimer: { nowMs: Date.now, stageTook: nothing },
    clock: { nowMs: Date.now },
    log: SILENT_LOG,
    limits: { ...LIMITS, ...limits },
    metrics: {
      statement: nothing,
      blocked: nothing,
      masked: nothing,
      maskedAtSource: nothing,
      wouldHave: nothing,
      maskFailed: nothing,
      detected: nothing,
      delivered: nothing,
      overhead: nothing,
    },
    store,
    resources: {
      current: () => ({
        revision: 'r1',
        sequence: 1,
        connections: new Map(isConnected ? [['crm', { name: 'crm', policy } as Connection]] : []),
        complaints: [],
      }),
    },
    sessions,
    catalogs: {
      of: () => ({
        find: () =>
          breakCatalogue === undefined ? { kind: 'table', columns: [{ name: 'ID', type: 'fixed' }] } : 'not-loaded',
        load: async () => {
          if (breakCatalogue !== undefined) throw breakCatalogue();
        },
        forgetEarlier: () => false,
        problem: () => undefined,
        versionOf: () => 'c1',
        version: () => 'c1',
      }),
      forget: nothing,
    },
    earlierResults: createEarlierResults(),
    approvals,
    recording: recorder,
    snowflake,
    endpointOf: () => ({ connection: 'crm', account: 'ACME', origin: 'https://acme' }),
    maskingKeys: () => new Map(),
    gates: createSessionGates(),
    parts: { register: async () => ({ told: [], recorded: [] }), serve: async () => undefined },
    sealer: createSealer(new Uint8Array(32)),
    timers: {
      after: (milliseconds, run) => {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
      every: (milliseconds, run) => {
        // A gateway that died in a test keeps renewing its leases.
        const timer = setInterval(run, milliseconds).unref();
        return () => clearInterval(timer);
      },
    },
    holder: randomUUID(),
    onSession: nothing,
  });
}

const requestOf = (sqlText: string, more: Partial<StatementRequest> = {}): StatementRequest => ({
  requestId: randomUUID(),
  sqlText,
  asyncExec: false,
  describeOnly: false,
  bindings: undefined,
  parameters: {},
  queryContext: undefined,
  ...more,
});

interface Told {
  readonly success: boolean;
  readonly code: string | null;
  readonly message: string | null;
  readonly data: JsonObject & { readonly queryId?: string };
}
const read = ({ bytes }: Answer): Told => JSON.parse(bytes.toString('utf8')) as Told;
const submit = async (at: Statements, request: StatementRequest, as = session) =>
  read(await at.submit(as, request, 'http://gateway'));
const poll = async (at: Statements, queryId: unknown, as = session) => read(await at.poll(as, String(queryId)));

/** A promise and the way to settle it. */
const gate = <T>() => Promise.withResolvers<T>();

async function pendingApproval(queryId: string) {
  for (;;) {
    const found = await approvals.findByQuery(queryId);
    if (found?.state === 'pending') return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function approve(queryId: string): Promise<void> {
  const found = await pendingApproval(queryId);
  const { bindingHash } = found.subject;
  expect(
    await approvals.vote(found.id, OWNER, { choice: 'approve', reason: undefined, bindingHash, channel: 'api' }),
  ).toMatchObject({ ok: true });
}

describe('one request id', () => {
  test('runs once, however often and wherever it is sent at the same time', async () => {
    const [one, other] = [gateway(), gateway()];
    const answer = gate<Forwarded>();
    forwarding = () => answer.promise;
    const request = requestOf('INSERT INTO notes (id) VALUES (1)');
    policy = { ...policy, rules: [{ ...ruleOf('Insert', 'inserts', []), action: 'Allow', approval: undefined }] };
    const all = [one, other, one, one, other].map((at) => submit(at, request));
    setTimeout(() => answer.resolve(RESULT), 50);
    const told = await Promise.all(all);
    expect(told.map(({ success }) => success)).toEqual([true, true, true, true, true]);
    expect(new Set(told.map(({ data }) => data.queryId)).size).toBe(1);
    expect(forwarded).toHaveLength(1);
    expect(released).toHaveLength(1);
    expect(await submit(other, request)).toEqual(told[0]);
    expect(forwarded).toHaveLength(1);
  });

  test('stands for one text, one set of values and parameters and one kind of question', async () => {
    const at = gateway();
    const request = requestOf('SELECT 1 AS v');
    expect((await submit(at, request)).success).toBe(true);
    for (const change of [
      { sqlText: 'SELECT 2 AS v' },
      { bindings: { 1: { type: 'TEXT', value: 'x' } } },
      { describeOnly: true },
      { parameters: { TIMEZONE: 'UTC' } },
    ]) {
      expect(await submit(at, { ...request, ...change })).toMatchObject({ success: false, code: '861103' });
    }
    expect(forwarded).toHaveLength(1);
  });

  test('of a statement that is forgotten is not run anew', async () => {
    const at = gateway();
    const request = requestOf('SELECT 1 AS v');
    const { data } = await submit(at, request);
    await store.delete(`statement:${String(data.queryId)}`);
    expect(await submit(at, request)).toMatchObject({
      success: false,
      code: '861105',
      message: expect.stringContaining('was not run again'),
    });
    expect(forwarded).toHaveLength(1);
  });

  test('asked for again in the words of the Node driver gives the first answer and runs nothing', async () => {
    const at = gateway();
    const request = requestOf('SELECT 1 AS v');
    const first = await submit(at, request);
    const again = await submit(at, {
      ...request,
      sqlText: `SELECT 'Error retrieving query results for request id: ${request.requestId}, please use RESULT_SCAN instead' AS ErrorMessage;`,
    });
    expect(again).toEqual(first);
    expect(forwarded).toHaveLength(1);
  });
});

describe('many polls at once', () => {
  test('find one walk, also when nobody walks yet', async () => {
    const at = gateway();
    const submitted = await submit(at, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(submitted.data.queryId);
    await pendingApproval(id);
    const polls = Array.from({ length: 8 }, () => poll(at, id));
    await approve(id);
    expect(new Set((await Promise.all(polls)).map((told) => JSON.stringify(told))).size).toBe(1);
    expect(forwarded).toHaveLength(1);
    expect(entries.filter(({ kind, fields }) => kind === 'request' && fields['qid'] === id)).toHaveLength(1);
  });

  test('of another principal find nothing, of another session of the same one the statement', async () => {
    const at = gateway();
    const { data } = await submit(at, requestOf('SELECT 1 AS v'));
    const stranger = await openSession({ ...AGENT, subject: 'stranger' });
    const sibling = await openSession(AGENT);
    expect(isSamePrincipal(sibling.principal, session.principal)).toBe(true);
    expect(await poll(at, data.queryId, stranger)).toMatchObject({ success: false, code: '861105' });
    expect((await poll(at, data.queryId, sibling)).success).toBe(true);
  });
});

describe('a gateway that is gone', () => {
  /** The lease of a dead gateway runs out. */
  const dies = async (queryId: string): Promise<void> => void (await store.delete(leaseKey(queryId)));

  test('leaves its held statement to whoever is asked for it next', async () => {
    const [dead, alive] = [gateway(), gateway()];
    const { data } = await submit(dead, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(data.queryId);
    await pendingApproval(id);
    await dead.drain(10);
    await dies(id);
    expect((await poll(alive, id)).code).toBe('333334');
    await approve(id);
    expect((await poll(alive, id)).success).toBe(true);
    expect(forwarded).toHaveLength(1);
  });

  test('leaves it also to whoever asks how it is doing', async () => {
    const [dead, alive] = [gateway(), gateway()];
    const { data } = await submit(dead, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(data.queryId);
    await pendingApproval(id);
    await dead.drain(10);
    await approve(id);
    for (let status = ''; status !== 'SUCCESS'; ) {
      const queries = read(await alive.monitor(session, id)).data['queries'] as readonly { status: string }[];
      status = queries[0]?.status ?? 'NONE';
      expect(['RUNNING', 'SUCCESS']).toContain(status);
    }
    expect(forwarded).toHaveLength(1);
  });

  test('took the yes with it when it had used it', async () => {
    const [dead, alive] = [gateway(), gateway()];
    forwarding = () => new Promise(() => undefined);
    const { data } = await submit(dead, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(data.queryId);
    await approve(id);
    while (forwarded.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await dies(id);
    expect(await poll(alive, id)).toMatchObject({
      success: false,
      code: '861306',
      message: expect.stringContaining('it was not run again'),
    });
    expect(forwarded).toHaveLength(1);
  });

  test('is not waited for longer than its own statements need', async () => {
    const at = gateway();
    const held = await submit(at, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    await pendingApproval(String(held.data.queryId));
    const answer = gate<Forwarded>();
    forwarding = () => answer.promise;
    const running = submit(at, requestOf('SELECT 1 AS v'));
    while (forwarded.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const drained = at.drain(5000);
    expect((await poll(at, held.data.queryId)).code).toBe('333334');
    answer.resolve(SELECTED);
    expect((await running).success).toBe(true);
    await drained;
    expect(at.running()).toBe(0);
  });
});

describe('after the yes', () => {
  test.each<readonly [string, () => Partial<ConnectionPolicy>, string]>([
    [
      'a rule that blocks',
      () => ({ rules: [...policy.rules, { ...ruleOf('Delete', 'frozen', []), action: 'Block', approval: undefined }] }),
      '861201',
    ],
    [
      'a rule that asks other people',
      () => ({ rules: [...policy.rules, ruleOf('Delete', 'security', ['security'])] }),
      '861305',
    ],
    [
      'a rule that asks more people',
      () => ({
        rules: policy.rules.map((rule) => ({
          ...rule,
          approval: { groups: ['owners'], users: [], minApprovals: 2, timeoutSeconds: 600 },
        })),
      }),
      '861305',
    ],
    ['a role that is not offered any more', () => ({ allowedRoles: ['SUPPORT'] }), '861203'],
  ])('%s wins', async (_what, change, code) => {
    const at = gateway();
    const { data } = await submit(at, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    await pendingApproval(String(data.queryId));
    policy = { ...policy, ...change() };
    await approve(String(data.queryId));
    expect((await poll(at, data.queryId)).code).toBe(code);
    expect(forwarded).toEqual([]);
  });
});

describe('what is lost after Snowflake ran a statement', () => {
  test('the record: nobody says that nothing was executed', async () => {
    breakRecord = ({ kind }) => kind === 'response';
    const told = await submit(gateway(), requestOf('SELECT 1 AS v'));
    expect(told).toMatchObject({ success: false, code: '861701', message: expect.stringContaining('may have run') });
    expect(forwarded).toHaveLength(1);
  });

  test('the record before it ran: nothing was executed, and that is said', async () => {
    breakRecord = ({ kind }) => kind === 'request';
    const told = await submit(gateway(), requestOf('SELECT 1 AS v'));
    expect(told).toMatchObject({
      success: false,
      code: '861701',
      message: expect.stringContaining('Nothing was executed'),
    });
    expect(forwarded).toEqual([]);
  });

  test('the store that keeps the answer: it is delivered all the same, for it was recorded', async () => {
    breakStore = (key) => key.startsWith('statement:');
    expect((await submit(gateway(), requestOf('SELECT 1 AS v'))).success).toBe(true);
  });

  test('the store that keeps the session: the result is not delivered, and nobody says that nothing was executed', async () => {
    forwarding = async () => {
      breakStore = (key) => key.startsWith('session:');
      return { ...RESULT, result: { ...RESULT.result, context: { ...RESULT.result.context, schema: 'HR' } } };
    };
    const told = await submit(gateway(), requestOf('USE SCHEMA hr'));
    expect(told).toMatchObject({
      success: false,
      code: '861703',
      message: expect.stringContaining('check its effect first'),
    });
    expect(told.message).not.toContain('Nothing was executed');
  });
});

describe('a refusal', () => {
  const lastEntry = (): Pick<Entry, 'kind' | 'fields'> & { readonly texts: Readonly<Record<string, string>> } => {
    const { kind, fields, bodies } = entries.at(-1) ?? { kind: 'gap', fields: {}, bodies: [] };
    return {
      kind,
      fields,
      texts: Object.fromEntries(bodies.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('utf8')])),
    };
  };
  const unreachable = () => new GatewayError('no catalogue', deny.upstreamUnavailable(false));
  const bindings = { 1: { type: 'FIXED', value: '1' } };

  test('before the request was recorded is no answer to it, and holds what was asked', async () => {
    breakCatalogue = unreachable;
    const told = await submit(gateway(), requestOf('SELECT id FROM notes WHERE id = ?', { bindings }));
    expect(told).toMatchObject({ success: false, code: '861702' });
    expect(entries.map(({ kind }) => kind)).toEqual(['request.refused']);
    const { fields, texts } = lastEntry();
    expect(fields).toMatchObject({ op: 'query', qid: told.data.queryId, code: '861702', outcome: 'failed' });
    expect(texts).toEqual({
      submitted: 'SELECT id FROM notes WHERE id = ?',
      binds: JSON.stringify(bindings),
      head: JSON.stringify(told),
    });
  });

  test('of a session that ended before is none either', async () => {
    const ended = session;
    await sessions.close(session.id);
    expect((await submit(gateway(), requestOf('SELECT 1 AS v'), ended)).success).toBe(false);
    expect(entries.map(({ kind }) => kind)).toEqual(['request.refused']);
  });

  test('when the log does not take the request is none either, unless it takes nothing', async () => {
    breakRecord = ({ kind }) => kind === 'request';
    expect((await submit(gateway(), requestOf('SELECT 1 AS v'))).code).toBe('861701');
    expect(lastEntry()).toMatchObject({ kind: 'request.refused', texts: { submitted: 'SELECT 1 AS v' } });
  });

  test('by policy answers the request that was recorded with it', async () => {
    policy = { ...policy, rules: [{ ...ruleOf('Delete', 'frozen', []), action: 'Block', approval: undefined }] };
    await submit(gateway(), requestOf('DELETE FROM notes WHERE id = 1'));
    expect(entries.map(({ kind }) => kind)).toEqual(['request', 'response']);
  });

  test('of what was held answers that request, at whatever gateway', async () => {
    const [dead, alive] = [gateway(), gateway()];
    const { data } = await submit(dead, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(data.queryId);
    await pendingApproval(id);
    await dead.drain(10);
    await store.delete(leaseKey(id));
    isConnected = false;
    expect((await poll(alive, id)).success).toBe(false);
    expect(lastEntry()).toMatchObject({ kind: 'response', fields: { qid: id, outcome: 'refused' } });
  });
});

describe('a cancelled statement', () => {
  test('ends with the code of Snowflake, by request id and by query id, and its walk is aborted', async () => {
    const at = gateway();
    forwarding = (_statement, signal) =>
      new Promise((_, reject) => {
        // On a busy machine the walk may get here after it was cancelled.
        if (signal.aborted) reject(new Error('aborted'));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    for (const how of ['request', 'query'] as const) {
      const request = requestOf('SELECT 1 AS v', { asyncExec: true });
      const { data } = await submit(at, request);
      const id = String(data.queryId);
      const told = read(
        how === 'request' ? await at.abortRequest(session, request.requestId) : await at.abortQuery(session, id),
      );
      expect(told).toMatchObject({ success: true, code: null });
      expect(await poll(at, id)).toMatchObject({ success: false, code: '000604', data: { sqlState: '57014' } });
    }
  });

  test('that is over or unknown is not executing', async () => {
    const at = gateway();
    expect(read(await at.abortRequest(session, randomUUID()))).toMatchObject({ success: false, code: '000605' });
    expect(read(await at.abortQuery(session, randomUUID()))).toMatchObject({ success: false, code: '000605' });
  });

  test('at one gateway stops at the other that walks it', async () => {
    const [walking, asked] = [gateway(), gateway()];
    const { data } = await submit(walking, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    const id = String(data.queryId);
    await pendingApproval(id);
    expect(read(await asked.abortQuery(session, id)).success).toBe(true);
    expect((await poll(asked, id)).code).toBe('000604');
    expect((await approvals.findByQuery(id))?.state).toBe('withdrawn');
  });
});

test('only so many statements of one session are under way', async () => {
  const at = gateway();
  const answer = gate<Forwarded>();
  forwarding = () => answer.promise;
  const running = Array.from({ length: 3 }, () => submit(at, requestOf('SELECT 1 AS v')));
  while (forwarded.length < 3) await new Promise((resolve) => setImmediate(resolve));
  const refused = requestOf('SELECT 1 AS v');
  expect(await submit(at, refused)).toMatchObject({ success: false, code: '861502' });
  answer.resolve(SELECTED);
  await Promise.all(running);
  // The refused request may come again under its own id.
  expect((await submit(at, refused)).success).toBe(true);
});

describe('parameters', () => {
  const bodyOf = (entry: Entry | undefined, name: string): string | undefined => {
    const bytes = entry?.bodies.find((body) => body.name === name)?.bytes;
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  };

  test("under which a statement runs stand in its record: the session's, followed through ALTER SESSION, and its own", async () => {
    const at = gateway();
    const parametersOf = async (sqlText: string, parameters: StatementRequest['parameters'] = {}) => {
      expect(await submit(at, requestOf(sqlText, { parameters }))).toMatchObject({ success: true });
      return bodyOf(released.at(-1), 'parameters');
    };
    expect(await parametersOf('SELECT 1 AS v')).toBeUndefined();
    expect(await parametersOf("ALTER SESSION SET TIMEZONE = 'UTC', WEEK_START = 1")).toBeUndefined();
    expect(await parametersOf('SELECT 1 AS v', { date_input_format: 'DD/MM/YYYY', CLIENT_PREFETCH_THREADS: 2 })).toBe(
      '{"session":{"TIMEZONE":"UTC","WEEK_START":"1"},"statement":{"DATE_INPUT_FORMAT":"DD/MM/YYYY"}}',
    );
    await parametersOf('ALTER SESSION UNSET TIMEZONE');
    expect(await parametersOf('SELECT 1 AS v')).toBe('{"session":{"WEEK_START":"1"},"statement":{}}');
  });

  test('that nobody may set are refused, and the record says what was asked', async () => {
    const parameters = { QUOTED_IDENTIFIERS_IGNORE_CASE: true };
    expect(await submit(gateway(), requestOf('SELECT 1 AS v', { parameters }))).toMatchObject({ success: false });
    expect(forwarded).toEqual([]);
    const refused = entries.find(({ kind }) => kind === 'request');
    expect(bodyOf(refused, 'parameters')).toBe(JSON.stringify({ session: {}, statement: parameters }));
  });

  test('that change while people decide take the yes with them', async () => {
    const at = gateway();
    const held = await submit(at, requestOf("DELETE FROM notes WHERE day < '01/02/2026'", { asyncExec: true }));
    await pendingApproval(String(held.data.queryId));
    expect(await submit(at, requestOf("ALTER SESSION SET DATE_INPUT_FORMAT = 'DD/MM/YYYY'"))).toMatchObject({
      success: true,
    });
    await approve(String(held.data.queryId));
    expect(await poll(at, held.data.queryId)).toMatchObject({ success: false, code: '861305' });
    expect(forwarded).toEqual([expect.stringMatching(/^ALTER/)]);
  });
});

describe('a statement that a rule wants recorded strictly', () => {
  const said = (): readonly string[] =>
    strict.map(({ kind, fields }) =>
      [kind, fields['op'], fields['outcome']].filter((word) => typeof word === 'string').join(' '),
    );
  const demanding = (statementType: 'Insert' | 'Delete', action: 'Allow' | 'Hold' | 'Block'): void => {
    const rule = { ...ruleOf(statementType, 'careful', ['owners']), recording: 'Strict' as const, action };
    policy = { ...policy, rules: [action === 'Hold' ? rule : { ...rule, approval: undefined }] };
  };

  test('is, with every answer about it from then on, at every gateway', async () => {
    const [one, other] = [gateway({ holdSeconds: 0.05 }), gateway({ holdSeconds: 0.05 })];
    demanding('Insert', 'Allow');
    const answer = gate<Forwarded>();
    forwarding = () => answer.promise;
    const request = requestOf('INSERT INTO notes (id) VALUES (1)');
    const { data } = await submit(one, request);
    await poll(other, data.queryId);
    await other.monitor(session, String(data.queryId));
    answer.resolve(RESULT);
    await poll(one, data.queryId);
    await poll(other, data.queryId);
    await submit(one, request);
    expect(released.map(({ fields }) => fields['dec'])).toEqual([
      expect.objectContaining({ strict: ['ApprovalRule careful'] }),
    ]);
    expect(said().toSorted()).toEqual(
      [
        'request query',
        'control poll in-progress',
        'control poll in-progress',
        'control monitoring open',
        'response',
        'control redeliver success',
        'control redeliver success',
      ].toSorted(),
    );
  });

  test('is recorded so when it is refused', async () => {
    demanding('Insert', 'Block');
    await submit(gateway(), requestOf('INSERT INTO notes (id) VALUES (1)'));
    expect(said()).toEqual(['request query', 'response blocked']);
  });

  test('stays so when its policy asks for less after it was held', async () => {
    demanding('Delete', 'Hold');
    const at = gateway();
    const { data } = await submit(at, requestOf('DELETE FROM notes WHERE id = 1', { asyncExec: true }));
    await pendingApproval(String(data.queryId));
    policy = { ...policy, rules: [ruleOf('Delete', 'careful', ['owners'])] };
    await approve(String(data.queryId));
    expect(await poll(at, data.queryId)).toMatchObject({ success: true });
    expect(said().at(-1)).toBe('response');
    expect(said()).toContain('request query');
  });

  test('does not run when the store cannot keep that', async () => {
    demanding('Insert', 'Allow');
    breakStore = (key) => key.startsWith('statement:');
    const told = await submit(gateway(), requestOf('INSERT INTO notes (id) VALUES (1)'));
    expect(told.success).toBe(false);
    expect(forwarded).toEqual([]);
  });

  test('and others are recorded as the mode says', async () => {
    demanding('Delete', 'Hold');
    await submit(gateway(), requestOf('SELECT 1 AS v'));
    expect(said()).toEqual([]);
  });
});
