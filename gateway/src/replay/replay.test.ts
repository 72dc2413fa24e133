import { describe, expect, test } from '@jest/globals';
import { type JsonObject, parseJson, parseLogin, parseStatement, textAt } from '../protocol/index.js';
import { type RecordedEntry, readRecordedSession } from './recorded-session.js';
import { createReplaySessions, type ReplaySession, type ReplaySessions } from './replay-sessions.js';
import { type KeyedStatement, statementKey } from './statement-key.js';

const ORIGIN = 'http://127.0.0.1:4711';

describe('two statements are the same', () => {
  const plain: KeyedStatement = { describeOnly: false, sqlText: 'SELECT a, b FROM t WHERE a = ?', bindings: undefined };
  const text = (type: string, value: string): JsonObject => ({ type, value });
  const bound: KeyedStatement = { ...plain, bindings: { 1: text('TEXT', 'x'), 2: text('FIXED', '1') } };

  test.each<[string, KeyedStatement, KeyedStatement]>([
    ['white space', plain, { ...plain, sqlText: '  SELECT a,\n\tb FROM t WHERE a = ?;\n' }],
    ['comments', plain, { ...plain, sqlText: '/* why */ SELECT a, b -- what\nFROM t WHERE a = ?' }],
    ['the order of binds', bound, { ...bound, bindings: { 2: { value: '1', type: 'FIXED' }, 1: text('TEXT', 'x') } }],
    [
      'white space around what cannot be read',
      { ...plain, sqlText: 'SELEC 1 ~~' },
      { ...plain, sqlText: ' SELEC 1 ~~\n' },
    ],
  ])('but for %s', (_what, one, other) => {
    expect(statementKey(one)).toBe(statementKey(other));
  });

  test.each<[string, KeyedStatement, KeyedStatement]>([
    ['a literal', plain, { ...plain, sqlText: "SELECT a, b FROM t WHERE a = '?'" }],
    ['a name in quotes', plain, { ...plain, sqlText: 'SELECT "a", b FROM t WHERE a = ?' }],
    ['white space in a literal', { ...plain, sqlText: "SELECT ' x'" }, { ...plain, sqlText: "SELECT '  x'" }],
    ['a bind value', bound, { ...bound, bindings: { 1: text('TEXT', 'y'), 2: text('FIXED', '1') } }],
    ['the type of a bind', bound, { ...bound, bindings: { 1: text('TEXT', 'x'), 2: text('TEXT', '1') } }],
    ['binds at all', plain, bound],
    ['whether it is only described', plain, { ...plain, describeOnly: true }],
    ['a comment in what cannot be read', { ...plain, sqlText: 'a; b' }, { ...plain, sqlText: 'a; b -- c' }],
  ])('unless they differ in %s', (_what, one, other) => {
    expect(statementKey(one)).not.toBe(statementKey(other));
  });
});

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

function record(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  bodies: Readonly<Record<string, string | undefined>> = {},
): RecordedEntry {
  const there = Object.entries(bodies).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, Buffer.from(text)] as const],
  );
  const parts = Object.keys(bodies).map((name) => ({ name }));
  return { leaf: { kind, timeMs: 1_700_000_000_000, fields, parts }, bodies: new Map(there) };
}

const asked = (n: number, submitted: string | undefined, binds?: string): RecordedEntry =>
  record('request', { op: 'query', qid: id(n) }, { submitted, ...(binds === undefined ? {} : { binds }) });
const answered = (n: number, rows: string, head = `{"queryId":"${id(n)}","total":1}`): RecordedEntry =>
  record('response', { qid: id(n), code: null, fmt: 'json' }, { head, rows });

interface Replay {
  readonly sessions: ReplaySessions;
  readonly session: ReplaySession;
  readonly ask: (sqlText: string, more?: JsonObject, requestId?: string) => JsonObject;
  readonly told: string[];
}

function replay(records: readonly RecordedEntry[]): Replay {
  let randoms = 0;
  const told: string[] = [];
  const sessions = createReplaySessions({
    recorded: readRecordedSession(records),
    random(count) {
      randoms += 1;
      return Buffer.alloc(count, randoms);
    },
    clock: { nowMs: () => 1_800_000_000_000 },
    onStatement: (sqlText, why) => told.push(`${sqlText}: ${why ?? 'answered'}`),
  });
  const login = parseLogin({ data: { ACCOUNT_NAME: 'any' } }, new URLSearchParams());
  if (!login.ok) throw new Error(login.why);
  const { data } = parsed(sessions.logIn(login.value));
  const session = sessions.authenticate(textAt(data as JsonObject, 'token'));
  if (session === undefined) throw new Error('no session');
  let requests = 0;
  return {
    sessions,
    session,
    told,
    ask(sqlText, more = {}, requestId) {
      requests += 1;
      const request = parseStatement(
        { sqlText, ...more },
        new URLSearchParams({ requestId: requestId ?? id(900_000 + requests) }),
      );
      if (!request.ok) throw new Error(request.why);
      return parsed(sessions.submit(session, request.value, ORIGIN));
    },
  };
}

const parsed = (body: Buffer): JsonObject => parseJson(body.toString()) as JsonObject;
const rowsOf = (answer: JsonObject): unknown => (answer['data'] as JsonObject)['rowset'];

describe('a replay', () => {
  test('gives the recorded bytes and nothing else', () => {
    const head = '{"big":12345678901234567890,"queryId":"q","text":"\\u00e9 é"}';
    const { sessions, session } = replay([asked(1, 'select 1'), answered(1, '[["1"]]', head)]);
    const request = parseStatement({ sqlText: 'select 1' }, new URLSearchParams({ requestId: id(5) }));
    expect(request.ok && sessions.submit(session, request.value, ORIGIN).toString()).toBe(
      `{"data":${head.slice(0, -1)},"rowset":[["1"]]},"code":null,"message":null,"success":true}`,
    );
  });

  test('gives the recorded rows of Arrow in base64', () => {
    const response = record(
      'response',
      { qid: id(1), code: null, fmt: 'arrow' },
      { head: '{"queryId":"q"}', rows: 'bytes' },
    );
    const { ask } = replay([asked(1, 'select 1'), response]);
    expect(ask('select 1')).toMatchObject({
      data: { queryId: 'q', rowsetBase64: Buffer.from('bytes').toString('base64') },
    });
  });

  test('answers one statement after the other where they are the same', () => {
    const { ask, told } = replay([
      asked(1, 'select 1'),
      answered(1, '[["a"]]'),
      asked(2, 'SELECT 1'),
      asked(3, 'select 1'),
      answered(3, '[["b"]]'),
    ]);
    expect([rowsOf(ask('select  1')), rowsOf(ask('select 1'))]).toEqual([[['a']], [['b']]]);
    expect(ask('select 1')).toMatchObject({ success: false, code: '861901', data: { sqlState: '02000' } });
    expect(told).toEqual([
      'select  1: answered',
      'select 1: answered',
      'select 1: this statement stands in it 2 times',
    ]);
  });

  test('gives a repeated request the same answer, also by the text with which Node asks for it', () => {
    const { ask } = replay([
      asked(1, 'select 1'),
      answered(1, '[["a"]]'),
      asked(2, 'select 1'),
      answered(2, '[["b"]]'),
    ]);
    const resend = "SELECT 'Error retrieving query results for request id: x'";
    const answers = [ask('select 1', {}, id(7)), ask('select 1', {}, id(7)), ask(resend, {}, id(7))];
    expect(answers.map(rowsOf)).toEqual([[['a']], [['a']], [['a']]]);
    expect(ask('select 2', {}, id(7))).toMatchObject({ code: '861901', message: expect.stringMatching(/requestId/) });
  });

  test('lets a driver poll, look after and scan an asynchronous statement', () => {
    const { ask, sessions, session } = replay([asked(1, 'select 1'), answered(1, '[["a"]]')]);
    const unknown = parsed(sessions.poll(session, id(1), ORIGIN));
    expect(unknown).toMatchObject({ success: false, code: '861105' });
    expect(ask('select 1', { asyncExec: true })).toMatchObject({ code: '333334', data: { queryId: id(1) } });
    expect(parsed(sessions.monitor(session, id(1)))).toMatchObject({
      data: { queries: [{ status: 'SUCCESS', errorCode: '' }] },
    });
    expect(rowsOf(parsed(sessions.poll(session, id(1), ORIGIN)))).toEqual([['a']]);
    expect(rowsOf(ask(`select * from table(result_scan('${id(1)}'))`))).toEqual([['a']]);
    expect(parsed(sessions.abortQuery(session, id(1)))['success']).toBe(true);
    expect(parsed(sessions.abortQuery(session, id(2)))).toMatchObject({ code: '000605' });
  });

  test('leads to parts of its own and gives those that were fetched', () => {
    const url = (n: number): string => `https://gateway.test/results/${'d'.repeat(43)}/${n}`;
    const head = `{"note":"https://gateway.test/results/${'d'.repeat(43)}/0","chunks":[{"url":"${url(0)}"},{"url":"${url(1)}"}]}`;
    const chunk = record('chunk', { qid: id(1), n: 0 }, { rows: '["c"]' });
    const { ask, sessions } = replay([asked(1, 'select 1'), answered(1, '[]', head), chunk]);
    const data = ask('select 1')['data'] as JsonObject;
    const [first, second] = (data['chunks'] as readonly { url: string }[]).map((part) => new URL(part.url));
    expect([first?.origin, second?.origin, data['note']]).toEqual([ORIGIN, ORIGIN, url(0)]);
    const [, , capability = '', number] = first?.pathname.split('/') ?? [];
    expect(number).toBe('0');
    expect(sessions.part(capability, 0)?.toString()).toBe('["c"]');
    expect(sessions.part(capability, 1)).toBeUndefined();
    expect(sessions.part('d'.repeat(43), 0)).toBeUndefined();
  });

  test('gives refusals and withheld results as they were given', () => {
    const body = '{"data":{"sqlState":"42501"},"code":"861201","message":"[PISTE-1201] no","success":false}';
    const refused = record('response', { qid: id(1), code: '861201', outcome: 'blocked' }, { head: body });
    const withheld = record('response.withheld', { qid: id(2), code: '861403' }, { head: body });
    const { ask, sessions, session } = replay([asked(1, 'drop table t'), refused, asked(2, 'select 1'), withheld]);
    expect([ask('drop table t'), ask('select 1')]).toEqual([JSON.parse(body), JSON.parse(body)]);
    expect(parsed(sessions.monitor(session, id(1)))).toMatchObject({
      data: { queries: [{ status: 'FAILED_WITH_ERROR', errorCode: '861201', errorMessage: '[PISTE-1201] no' }] },
    });
  });

  test.each<[string, readonly RecordedEntry[], RegExp]>([
    ['has no answer', [asked(1, 'select 1')], /its answer/],
    [
      'has an answer whose rows are gone',
      [
        asked(1, 'select 1'),
        record('response', { qid: id(1), code: null, fmt: 'json' }, { head: '{}', rows: undefined }),
      ],
      /its answer/,
    ],
    ['has a text that is gone', [asked(1, undefined), answered(1, '[]')], /not in it/],
    [
      'has binds that are gone',
      [record('request', { op: 'query', qid: id(1) }, { submitted: 'select 1', binds: undefined }), answered(1, '[]')],
      /not in it/,
    ],
    [
      "is the gateway's own",
      [record('request', { op: 'query', qid: id(1), internal: true }, { submitted: 'select 1' }), answered(1, '[]')],
      /not in it/,
    ],
  ])('refuses a statement that %s', (_what, records, why) => {
    expect(replay(records).ask('select 1')).toMatchObject({
      success: false,
      code: '861901',
      message: expect.stringMatching(why),
    });
  });

  test('counts a statement that was held and released once', () => {
    const { statements, withoutText } = readRecordedSession([
      asked(1, 'drop table t'),
      asked(1, 'drop table t'),
      answered(1, '[]'),
      asked(2, undefined),
    ]);
    expect([statements.length, withoutText]).toEqual([1, 1]);
  });

  test('logs in with what the driver was told, tokens of its own and settings for its kind', () => {
    const parameters = [
      { name: 'TIMEZONE', value: 'Europe/Berlin' },
      { name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', value: 0 },
    ];
    const head = JSON.stringify({
      displayUserName: 'Devin',
      sessionId: 7,
      parameters,
      sessionInfo: { roleName: 'ANALYST' },
    });
    const opening = record('session.open', { who: { name: 'Devin' }, up: { sess: '7' } }, { head });
    const { sessions } = replay([opening]);
    const login = parseLogin({ data: { ACCOUNT_NAME: 'any', CLIENT_APP_ID: 'JavaScript' } }, new URLSearchParams());
    const { data } = login.ok ? parsed(sessions.logIn(login.value)) : { data: {} };
    expect(data).toMatchObject({ displayUserName: 'Devin', sessionId: 7, sessionInfo: { roleName: 'ANALYST' } });
    const told = (data as JsonObject)['parameters'];
    expect(told).toContainEqual({ name: 'TIMEZONE', value: 'Europe/Berlin' });
    expect(told).toContainEqual({ name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', value: 2_147_483_647 });
    expect(parsed(sessions.renew(textAt(data as JsonObject, 'masterToken')))).toMatchObject({
      success: true,
      data: { sessionId: 7 },
    });
    expect(parsed(sessions.renew('other'))).toMatchObject({ code: '390114' });
  });
});
