import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from './json.js';
import { parseAbort, parseLogin, parseStatement } from './requests.js';

const query = new URLSearchParams('requestId=11111111-2222-3333-4444-555555555555');
const none = new URLSearchParams();

describe('a login request', () => {
  const login = (data: JsonObject) =>
    parseLogin({ data: { ACCOUNT_NAME: 'ACME', CLIENT_APP_ID: 'Go', ...data } }, none);

  test.each<[string, JsonObject, { authenticator: string; credential: string | undefined }]>([
    ['OAUTH', { AUTHENTICATOR: 'OAUTH', TOKEN: 'jwt' }, { authenticator: 'OAUTH', credential: 'jwt' }],
    ['oauth in lower case', { AUTHENTICATOR: 'oauth', TOKEN: 'jwt' }, { authenticator: 'OAUTH', credential: 'jwt' }],
    ['a token without authenticator', { TOKEN: 'jwt' }, { authenticator: 'OAUTH', credential: 'jwt' }],
    [
      'a programmatic access token',
      { AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN', TOKEN: 'jwt' },
      { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', credential: 'jwt' },
    ],
    ['a password', { PASSWORD: 'jwt', LOGIN_NAME: 'X' }, { authenticator: 'PASSWORD', credential: 'jwt' }],
    [
      'a password with its name',
      { AUTHENTICATOR: 'SNOWFLAKE', PASSWORD: 'jwt' },
      { authenticator: 'PASSWORD', credential: 'jwt' },
    ],
    ['nothing', {}, { authenticator: 'PASSWORD', credential: undefined }],
    [
      'a key-pair token',
      { AUTHENTICATOR: 'SNOWFLAKE_JWT', TOKEN: 'jwt' },
      { authenticator: 'other', credential: undefined },
    ],
    [
      'a browser login',
      { AUTHENTICATOR: 'EXTERNALBROWSER', TOKEN: 'x' },
      { authenticator: 'other', credential: undefined },
    ],
    [
      'a token of the wrong type',
      { AUTHENTICATOR: 'OAUTH', TOKEN: 7 },
      { authenticator: 'OAUTH', credential: undefined },
    ],
  ])('with %s', (_name, data, expected) => {
    expect(login(data)).toMatchObject({ ok: true, value: expected });
  });

  test('takes the context from the query string', () => {
    const context = new URLSearchParams(
      'databaseName=CRM&schemaName=PUBLIC&warehouse=WH&roleName=ANALYST&request_id=x',
    );
    expect(parseLogin({ data: { ACCOUNT_NAME: 'ACME' } }, context)).toMatchObject({
      ok: true,
      value: { database: 'CRM', schema: 'PUBLIC', warehouse: 'WH', role: 'ANALYST' },
    });
  });

  test('is refused without an account and with over-long names', () => {
    expect(parseLogin({}, none).ok).toBe(false);
    expect(parseLogin({ data: {} }, none).ok).toBe(false);
    expect(parseLogin({ data: { ACCOUNT_NAME: 'A' } }, new URLSearchParams({ roleName: 'x'.repeat(256) })).ok).toBe(
      false,
    );
  });

  test('makes the client name harmless', () => {
    expect(login({ CLIENT_APP_ID: 'Evil\u001b[31m\nApp' })).toMatchObject({
      ok: true,
      value: { clientApp: 'Evil?[31m?App' },
    });
  });
});

describe('a statement request', () => {
  test('keeps text, binds and flags', () => {
    const body = {
      sqlText: 'select ?',
      asyncExec: true,
      bindings: { '1': { type: 'FIXED', value: '42' } },
      parameters: { QUERY_TAG: 'x' },
    };
    expect(parseStatement(body, query)).toEqual({
      ok: true,
      value: {
        requestId: '11111111-2222-3333-4444-555555555555',
        sqlText: 'select ?',
        asyncExec: true,
        describeOnly: false,
        bindings: body.bindings,
        parameters: { QUERY_TAG: 'x' },
        queryContext: undefined,
      },
    });
  });

  test('without a request id is refused: it could run twice', () => {
    expect(parseStatement({ sqlText: 'select 1' }, none).ok).toBe(false);
    expect(parseStatement({ sqlText: 'select 1' }, new URLSearchParams('requestId=a"b')).ok).toBe(false);
  });

  test.each<[string, JsonObject]>([
    ['a Snowpark plan instead of text', { dataframeAst: 'abc' }],
    ['staged binds', { sqlText: 'insert', bindStage: '@SYSTEM$BIND/x' }],
    ['binds that are no object', { sqlText: 'x', bindings: ['1'] }],
    ['a bind that is a number', { sqlText: 'x', bindings: { '1': { type: 'FIXED', value: 42 } } }],
    ['a bind without type', { sqlText: 'x', bindings: { '1': { value: '42' } } }],
    ['too long a text', { sqlText: 'x'.repeat(1_048_577) }],
  ])('with %s is refused', (_name, body) => {
    expect(parseStatement(body, query).ok).toBe(false);
  });

  test('takes batches of binds', () => {
    expect(parseStatement({ sqlText: 'x', bindings: { '1': { type: 'TEXT', value: ['a', null] } } }, query).ok).toBe(
      true,
    );
  });
});

test('an abort names the request', () => {
  expect(parseAbort({ requestId: '11111111-2222-3333-4444-555555555555' }).ok).toBe(true);
  expect(parseAbort({ requestId: 1 }).ok).toBe(false);
  expect(parseAbort({}).ok).toBe(false);
});
