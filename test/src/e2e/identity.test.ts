import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectNodeDriver } from '../harness/node-driver.js';
import { wirePost } from '../harness/wire-client.js';
import { type Issuer, startIssuer } from '../issuer/issuer.js';
import { AGENT_CLAIMS, AUDIENCE, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, failureOf } from './callers.js';
import { bytesIn, recordsIn } from './records.js';

let playground: Playground;
let stranger: Issuer;

beforeAll(async () => {
  [playground, stranger] = await Promise.all([startPlayground(), startIssuer({ audiences: [AUDIENCE] })]);
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await stranger?.close();
});
beforeEach(async () => await playground.standIn.reset());

type Fields = Readonly<Record<string, unknown>>;
const connect = async (options: Fields) =>
  await connectNodeDriver({ accessUrl: playground.driverUrl, account: 'ACME', ...options });
const oauth = async (token: string, options: Fields = {}) =>
  await connect({ authenticator: 'OAUTH', token, ...options });

describe('a token of the organisation opens a session', () => {
  test.each([
    ['as OAUTH', (token: string) => ({ authenticator: 'OAUTH', token })],
    ['as programmatic access token', (token: string) => ({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token })],
    ['as a password', (token: string) => ({ username: 'whoever', password: token })],
  ])('%s', async (_how, optionsOf) => {
    const driver = await connect(optionsOf(await playground.mint('agent-1', AGENT_CLAIMS)));
    const { rows } = await driver.execute(
      'SELECT CURRENT_USER() AS u, CURRENT_ROLE() AS r, CURRENT_WAREHOUSE() AS w, CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s',
    );
    expect(rows).toEqual([{ U: 'PISTE_SVC', R: 'ANALYST', W: 'AGENT_WH', D: 'CRM', S: 'PUBLIC' }]);
    await driver.close();
  });

  test('and the account may be written as the name of the connection', async () => {
    const driver = await oauth(await playground.mint('agent-1', AGENT_CLAIMS), { account: 'crm' });
    expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
    await driver.close();
  });

  test('and an offered role may be chosen', async () => {
    const driver = await oauth(await playground.mint('agent-1', AGENT_CLAIMS), { role: 'support' });
    expect((await driver.execute('SELECT CURRENT_ROLE() AS r')).rows).toEqual([{ R: 'SUPPORT' }]);
    await driver.close();
  });
});

/** Name, what makes the token or the options, the code the driver shows, its text, the reason in the record. */
type Refusal = readonly [string, () => Promise<Fields>, string, RegExp, string];

const withToken = (token: Promise<string>, more: Fields = {}): Promise<Fields> =>
  token.then((text) => ({ authenticator: 'OAUTH', token: text, ...more }));
const agent = (overrides: Fields = {}, claims: Fields = AGENT_CLAIMS): Promise<string> =>
  playground.mint('agent-1', claims, overrides);

const REFUSALS: readonly Refusal[] = [
  [
    'an expired token',
    () => withToken(agent({ expiresInSeconds: -600 })),
    '861002',
    /Your token expired 1\d min ago/,
    'expired',
  ],
  [
    'another audience',
    () => withToken(agent({ audience: 'https://other.example' })),
    '861003',
    /audience is "https:\/\/other\.example"; this gateway needs "https:\/\/piste\.example"/,
    'audience',
  ],
  [
    'an audience of Snowflake',
    () => withToken(agent({ audience: 'https://acme.snowflakecomputing.com' })),
    '861003',
    /audience is/,
    'audience',
  ],
  [
    'an audience of Snowflake beside the own one',
    () => withToken(agent({ audience: [AUDIENCE, 'https://acme.snowflakecomputing.com'] })),
    '861003',
    /and nothing else/,
    'audience',
  ],
  [
    'a foreign issuer',
    () => withToken(stranger.mintToken({ subject: 'agent-1', audience: AUDIENCE, claims: AGENT_CLAIMS })),
    '861004',
    /is not trusted for connection "crm"/,
    'untrusted-issuer',
  ],
  ['no signature', () => withToken(agent({ signedWith: 'none' })), '861001', /cannot be used/, 'algorithm'],
  [
    "somebody else's key under the issuer's name",
    () => withToken(agent({ signedWith: 'foreign' })),
    '861001',
    /cannot be used/,
    'signature',
  ],
  [
    'a key nobody published',
    () => withToken(agent({ signedWith: 'unknown-key' })),
    '861001',
    /cannot be used/,
    'unknown-key',
  ],
  [
    'the public key used as a secret',
    () => withToken(agent({ signedWith: 'public-key-as-secret' })),
    '861001',
    /cannot be used/,
    'algorithm',
  ],
  [
    'groups that are not admitted',
    () => withToken(agent({}, { ...AGENT_CLAIMS, groups: ['interns'] })),
    '861005',
    /\(groups: interns\) may not use connection "crm"/,
    'not-admitted',
  ],
  [
    'no groups',
    () => withToken(agent({}, { ...AGENT_CLAIMS, groups: [] })),
    '861005',
    /\(groups: none\) may not use/,
    'not-admitted',
  ],
  [
    'a claim of groups that is no list',
    () => withToken(agent({}, { ...AGENT_CLAIMS, groups: { agents: true } })),
    '861001',
    /"groups" is not a list of texts/,
    'claims',
  ],
  [
    'a real password',
    async () => ({ username: 'DIRECT', password: 'direct-password' }),
    '861001',
    /does not accept Snowflake passwords|cannot be used/,
    'not-a-token',
  ],
  [
    'no credential at all',
    async () => ({ authenticator: 'OAUTH', token: ' ' }),
    '861001',
    /usable OIDC token|cannot be used/,
    'not-a-token',
  ],
  [
    'a role that is not offered',
    () => withToken(agent(), { role: 'SYSADMIN' }),
    '861203',
    /Role SYSADMIN is not offered through this connection; offered: ANALYST, SUPPORT/,
    'role',
  ],
  [
    'a quoted role in other letters',
    () => withToken(agent(), { role: '"analyst"' }),
    '861203',
    /Role analyst is not offered/,
    'role',
  ],
  [
    'an unknown account',
    () => withToken(agent(), { account: 'ELSEWHERE' }),
    '861101',
    /No connection for account "ELSEWHERE"\. Available: crm/,
    'unknown-connection',
  ],
];

describe('everything else is refused in the words of the catalogue', () => {
  let before = 0;
  beforeEach(async () => {
    before = (await recordsIn(playground.recordingDirectory)).length;
  });
  afterEach(async () => {
    expect(await playground.standIn.counters()).toMatchObject({ logins: 0, failedLogins: 0, statements: 0 });
  });

  test.each(REFUSALS)('%s', async (_name, optionsOf, code, text, reason) => {
    const failure = await failureOf(connect(await optionsOf()));
    expect(failure).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(failure.message).toMatch(/^\[PISTE-\d{4}\] .*(Nothing was executed|Session unchanged)\..* Retry: /);
    const written = (await recordsIn(playground.recordingDirectory)).slice(before);
    const refused = written.filter(({ leaf }) => leaf.kind === 'session.refused').map(({ leaf }) => leaf.fields);
    expect(refused).toEqual([expect.objectContaining({ code: `PISTE-${code.slice(2)}`, reason })]);
  });
});

describe('a login by hand', () => {
  const login = async (data: Fields, query = '') =>
    (
      await wirePost(playground.driverUrl, `/session/v1/login-request?requestId=${crypto.randomUUID()}${query}`, {
        data: { ACCOUNT_NAME: 'ACME', ...data },
      })
    ).answer;

  test('with a token alone is read like OAUTH, as the Go driver sends it', async () => {
    expect(await login({ TOKEN: await agent() })).toMatchObject({ success: true });
  });

  test.each([
    'SNOWFLAKE_JWT',
    'EXTERNALBROWSER',
    'USERNAME_PASSWORD_MFA',
    'ID_TOKEN',
    'WORKLOAD_IDENTITY',
    'https://acme.okta.com',
    'OAUTH_AUTHORIZATION_CODE',
  ])('with authenticator %s is refused, whatever the token', async (authenticator) => {
    const token = await agent();
    const answer = await login({ AUTHENTICATOR: authenticator, TOKEN: token, PASSWORD: token });
    expect(answer).toMatchObject({ success: false, code: '861001', data: { sqlState: '28000' } });
    expect(await playground.standIn.counters()).toMatchObject({ logins: 0, failedLogins: 0 });
  });

  test.each([
    ['a parameter that changes how statements are read', { QUOTED_IDENTIFIERS_IGNORE_CASE: true }],
    ['a parameter nobody knows', { SOMETHING_NEW: 1 }],
    ['a parameter with a nested value', { QUERY_TAG: { nested: true } }],
  ])('with %s is refused', async (_what, parameters) => {
    const answer = await login({ AUTHENTICATOR: 'OAUTH', TOKEN: await agent(), SESSION_PARAMETERS: parameters });
    expect(answer).toMatchObject({ success: false, code: '861206' });
    expect((await playground.standIn.counters()).logins).toBe(0);
  });

  test('answers with tokens of the gateway and with nothing of Snowflake', async () => {
    const answer = await login({
      AUTHENTICATOR: 'OAUTH',
      TOKEN: await agent(),
      SESSION_PARAMETERS: { QUERY_TAG: 'from login', MULTI_STATEMENT_COUNT: 0 },
    });
    expect(answer.data).toMatchObject({
      token: expect.stringMatching(/^ps_[0-9a-f]{32}_[0-9a-f]{64}$/),
      masterToken: expect.stringMatching(/^pm_[0-9a-f]{32}_[0-9a-f]{64}$/),
      sessionId: expect.any(Number),
      idToken: null,
      mfaToken: null,
      remMeToken: null,
      displayUserName: 'report-agent',
    });
    const parameters = Object.fromEntries(
      (answer.data['parameters'] as { name: string; value: unknown }[]).map(({ name, value }) => [name, value]),
    );
    expect(parameters).toMatchObject({
      PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'ARROW',
      CLIENT_TELEMETRY_ENABLED: false,
      JDBC_ENABLE_PUT_GET: false,
      CLIENT_STAGE_ARRAY_BINDING_THRESHOLD: 0,
      AUTOCOMMIT: true,
    });
    expect(JSON.stringify(answer)).not.toContain('ver:3-hint');
  });

  test('records who came, and not the token', async () => {
    const token = await agent();
    await login({ AUTHENTICATOR: 'OAUTH', TOKEN: token });
    const opened = (await recordsIn(playground.recordingDirectory)).findLast(
      ({ leaf }) => leaf.kind === 'session.open',
    );
    expect(opened?.leaf.fields['who']).toMatchObject({
      iss: playground.issuerUrl,
      sub: 'agent-1',
      name: 'report-agent',
      agent: 'report-agent',
      del: 'sam.analyst',
      task: 'monthly report',
      grp: ['agents'],
    });
    const bytes = await bytesIn(playground.recordingDirectory);
    expect(bytes).not.toContain(token);
    expect(bytes).not.toContain(token.split('.')[2]);
    expect(playground.gatewayOutput()).not.toContain(token.split('.')[2]);
  });

  test('with the same token twice gives two sessions that know nothing of each other', async () => {
    const token = await agent();
    const [one, other] = await Promise.all([
      login({ AUTHENTICATOR: 'OAUTH', TOKEN: token }),
      login({ AUTHENTICATOR: 'OAUTH', TOKEN: token }),
    ]);
    expect(one.data['token']).not.toBe(other.data['token']);
    expect(one.data['sessionId']).not.toBe(other.data['sessionId']);
  });
});

test('people of an admitted group come in like agents', async () => {
  const driver = await connectAgent(playground, {
    subject: 'sam.analyst',
    claims: { name: 'Sam', groups: ['analysts'] },
  });
  expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  await driver.close();
});
